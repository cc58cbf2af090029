import { sql } from 'kysely';
import { type Book, EMPTY_BOOK } from '../core/book.ts';
import type { Instant } from '../core/instant.ts';
import { compareBurnOrder } from '../core/lot.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { HOLDS_AS_JSON, type HoldJson, holdOfJson } from '../store/hold-row.ts';
import { LOT_COLUMNS, type LotRow, lotOf } from '../store/lot-row.ts';
import type { ReadOptions } from './read-options.ts';

interface BookColumns {
  seq: bigint;
  booked_at: Instant;
  debt_microcredits: bigint;
  holds: readonly HoldJson[] | null;
}

/** The book with its open lots and holds, and without limits, in one statement, so that all are of one moment. */
export async function readLatestBook(options: ReadOptions, accountId: bigint): Promise<Book> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  const { rows } = await sql<BookColumns & (LotRow | { lot_id: null })>`
    select b.seq, b.booked_at, b.debt_microcredits, ${sql.raw(LOT_COLUMNS)},
      (select ${sql.raw(HOLDS_AS_JSON)} from holds h
        where h.bucket = ${bucket} and h.account_id = b.account_id and h.closed_by is null) as holds
    from books b
    left join lots l on l.bucket = ${bucket} and l.account_id = b.account_id and l.open
    where b.bucket = ${bucket} and b.account_id = ${accountId}`.execute(options.db);
  const [first] = rows;
  if (!first) return EMPTY_BOOK;
  return {
    seq: first.seq,
    bookedAt: first.booked_at,
    debtMicrocredits: first.debt_microcredits,
    lots: rows.flatMap(row => (row.lot_id === null ? [] : [lotOf(row)])).sort(compareBurnOrder),
    holds: (first.holds ?? []).map(holdOfJson),
    limits: [],
  };
}
