import { type Kysely, sql } from 'kysely';
import { advance } from '../core/advance.ts';
import { availableOf, type Book, EMPTY_BOOK, heldOf, renewsAt } from '../core/book.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import { compareBurnOrder, isLive, type Lot, midnightsLeft } from '../core/lot.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { HOLDS_AS_JSON, type HoldJson, holdOfJson } from '../store/hold-row.ts';
import { LOT_COLUMNS, type LotRow, lotOf } from '../store/lot-row.ts';
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
      .filter(lot => isLive(lot, at))
      .map(lot => ({ ...lot, renewalsLeft: lot.policy === 'none' ? 0 : midnightsLeft(lot, at) })),
  };
}

interface BookColumns {
  seq: bigint;
  booked_at: Instant;
  debt_microcredits: bigint;
  holds: readonly HoldJson[] | null;
}

/** The book with its open lots and holds in one statement, so that all are of one moment. */
async function loadBook(
  options: { readonly db: Kysely<Tables>; readonly bucketCount: number },
  accountId: bigint,
): Promise<Book> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  const { rows } = await sql<BookColumns & (LotRow | { lot_id: null })>`
    select b.seq, b.booked_at, b.debt_microcredits, ${sql.raw(LOT_COLUMNS)},
      (select ${sql.raw(HOLDS_AS_JSON)} from holds h
        where h.bucket = b.bucket and h.account_id = b.account_id and h.closed_by is null) as holds
    from books b
    left join lots l on l.bucket = b.bucket and l.account_id = b.account_id and l.open
    where b.bucket = ${bucket} and b.account_id = ${accountId}`.execute(options.db);
  const [first] = rows;
  if (!first) return EMPTY_BOOK;
  return {
    seq: first.seq,
    bookedAt: first.booked_at,
    debtMicrocredits: first.debt_microcredits,
    lots: rows.flatMap(row => (row.lot_id === null ? [] : [lotOf(row)])).sort(compareBurnOrder),
    holds: (first.holds ?? []).map(holdOfJson),
  };
}
