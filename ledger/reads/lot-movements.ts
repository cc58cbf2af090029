import { sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { ReadOptions } from './read-options.ts';

/** A movement of one lot, with what the lot held after it. */
export interface LotMovement {
  readonly seq: bigint;
  readonly line: number;
  readonly kind: EntryKind;
  readonly bookedAt: Instant;
  readonly from: string;
  readonly to: string;
  /** In the smallest unit of the accounts' asset: microcredits or micro-dollars. */
  readonly amount: bigint;
  readonly availableAfterMicrocredits: bigint;
  readonly heldAfterMicrocredits: bigint;
  readonly unreleasedAfterMicrocredits: bigint;
}

/** Where a page of movements begins: behind this one. */
export interface MovementCursor {
  readonly seq: bigint;
  readonly line: number;
}

export interface MovementPage {
  /** The oldest first. */
  readonly movements: readonly LotMovement[];
  /** Where the next page begins; null when this is the last. */
  readonly next: MovementCursor | null;
}

/** Everything that was posted of a lot, the oldest first, a page at a time. Costs the page, whatever the history. */
export async function readLotMovements(
  options: ReadOptions,
  accountId: bigint,
  lotId: bigint,
  page: { readonly after?: MovementCursor | undefined; readonly limit: number },
): Promise<MovementPage> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  const { seq, line } = page.after ?? { seq: 0n, line: 0 };
  const { rows } = await sql<{
    seq: bigint;
    line: number;
    kind: EntryKind;
    booked_at: Instant;
    gone: string;
    came: string;
    amount: bigint;
    lot_available_after_microcredits: bigint;
    lot_held_after_microcredits: bigint;
    lot_unreleased_after_microcredits: bigint;
  }>`
    select p.seq, p.line, e.kind, e.booked_at, gone.name as gone, came.name as came, p.amount,
      p.lot_available_after_microcredits, p.lot_held_after_microcredits, p.lot_unreleased_after_microcredits
    from postings p
    join entries e on e.bucket = ${bucket} and e.account_id = p.account_id and e.seq = p.seq
    join ledger_accounts gone on gone.code = p.from_code
    join ledger_accounts came on came.code = p.to_code
    where p.bucket = ${bucket} and p.account_id = ${accountId} and p.lot_id = ${lotId}
      and (p.seq, p.line) > (${seq}, ${line})
    order by p.seq, p.line
    limit ${page.limit + 1}`.execute(options.db);
  const movements = rows.slice(0, page.limit).map(row => ({
    seq: row.seq,
    line: row.line,
    kind: row.kind,
    bookedAt: row.booked_at,
    from: row.gone,
    to: row.came,
    amount: row.amount,
    availableAfterMicrocredits: row.lot_available_after_microcredits,
    heldAfterMicrocredits: row.lot_held_after_microcredits,
    unreleasedAfterMicrocredits: row.lot_unreleased_after_microcredits,
  }));
  const last = movements.at(-1);
  return { movements, next: rows.length > page.limit && last ? { seq: last.seq, line: last.line } : null };
}
