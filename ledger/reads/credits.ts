import { type Kysely, sql } from 'kysely';
import { advance } from '../core/advance.ts';
import { availableOf, type Book, heldOf, renewsAt } from '../core/book.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import { compareBurnOrder, type Lot, midnightsLeft, type RenewalPolicy } from '../core/lot.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { Tables } from '../store/tables.ts';

export interface LotStatus extends Lot {
  /** How many renewals it still has ahead of it. */
  readonly renewalsLeft: number;
}

export interface Credits {
  readonly at: Instant;
  readonly availableMicrocredits: bigint;
  readonly heldMicrocredits: bigint;
  readonly debtMicrocredits: bigint;
  /** When credits renew next; null when no lot does. */
  readonly renewsAt: Instant | null;
  /** Live lots in burn order. */
  readonly lots: readonly LotStatus[];
}

/**
 * What an account has at `now`: its book advanced in memory, nothing is written. An account without a book has
 * nothing. Costs one look-up and the account's open lots, whatever its history.
 */
export async function readCredits(
  options: { readonly db: Kysely<Tables>; readonly bucketCount: number },
  accountId: bigint,
  now: Instant,
): Promise<Credits> {
  const loaded = await loadBook(options, accountId);
  const at = laterOf(now, loaded.bookedAt);
  const { book } = advance(loaded, at);
  return {
    at,
    availableMicrocredits: availableOf(book),
    heldMicrocredits: heldOf(book),
    debtMicrocredits: book.debtMicrocredits,
    renewsAt: renewsAt(book, at),
    lots: book.lots
      .filter(lot => lot.open)
      .map(lot => ({ ...lot, renewalsLeft: lot.policy === 'none' ? 0 : midnightsLeft(lot, at) })),
  };
}

interface Row {
  seq: bigint;
  booked_at: Instant;
  debt_microcredits: bigint;
  lot_id: bigint | null;
  added_at: Instant;
  expires_at: Instant;
  policy: RenewalPolicy;
  face_microcredits: bigint;
  available_microcredits: bigint;
  held_microcredits: bigint;
  unreleased_microcredits: bigint;
  settled_microcredits: bigint;
  paid_microusd: bigint;
  deferred_microusd: bigint;
}

/** The book and its lots in one statement, so that both are of one moment. */
async function loadBook(
  options: { readonly db: Kysely<Tables>; readonly bucketCount: number },
  accountId: bigint,
): Promise<Book> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  const { rows } = await sql<Row>`
    select b.seq, b.booked_at, b.debt_microcredits, l.lot_id, l.added_at, l.expires_at, l.policy,
      l.face_microcredits, l.available_microcredits, l.held_microcredits, l.unreleased_microcredits,
      l.settled_microcredits, l.paid_microusd, l.deferred_microusd
    from books b
    left join lots l on l.bucket = b.bucket and l.account_id = b.account_id and l.open
    where b.bucket = ${bucket} and b.account_id = ${accountId}`.execute(options.db);
  const [first] = rows;
  if (!first) return { seq: 0n, bookedAt: 0n, debtMicrocredits: 0n, lots: [] };
  const lots = rows.flatMap(row => (row.lot_id === null ? [] : [lotOf(row, row.lot_id)]));
  return {
    seq: first.seq,
    bookedAt: first.booked_at,
    debtMicrocredits: first.debt_microcredits,
    lots: lots.sort(compareBurnOrder),
  };
}

function lotOf(row: Row, id: bigint): Lot {
  return {
    id,
    addedAt: row.added_at,
    expiresAt: row.expires_at,
    policy: row.policy,
    faceMicrocredits: row.face_microcredits,
    availableMicrocredits: row.available_microcredits,
    heldMicrocredits: row.held_microcredits,
    unreleasedMicrocredits: row.unreleased_microcredits,
    settledMicrocredits: row.settled_microcredits,
    paidMicrousd: row.paid_microusd,
    deferredMicrousd: row.deferred_microusd,
    open: true,
  };
}
