/** From payments to the lots that they led to, and what is left of those. */
import { sql } from 'kysely';
import { advance } from '../core/advance.ts';
import { EMPTY_BOOK } from '../core/book.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import { isLive, type Lot, midnightsLeft } from '../core/lot.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { LOT_COLUMNS, type LotRow, lotOf } from '../store/lot-row.ts';
import { ACCOUNT_OF_KEY } from '../store/posted-entries.ts';
import { readLatestBook } from './latest-book.ts';
import type { ReadOptions } from './read-options.ts';

/** A lot of a payment at some instant, whether or not there is anything left of it. */
export interface PaymentLot extends Lot {
  /** The key digest of the purchase that it comes from. */
  readonly purchase: string;
  /** False once it has expired, or all of it was taken back. */
  readonly isLive: boolean;
  /** How many renewals it still has ahead of it. */
  readonly renewalsLeft: number;
}

/**
 * The lots of some purchases of an account at `now`, the oldest first: the one that was bought, and those that gave it
 * back after it had been taken back. Nothing is written. A purchase that is not posted has none.
 * @param purchases The key digests of the entries.
 */
export async function readPaymentLots(
  options: ReadOptions,
  accountId: bigint,
  purchases: readonly string[],
  now: Instant,
): Promise<PaymentLot[]> {
  if (purchases.length === 0) return [];
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  const { rows } = await sql<LotRow & { purchase: string }>`
    select replace(e.key_digest::text, '-', '') as purchase, ${sql.raw(LOT_COLUMNS)}
    from entries e
    join lots l on l.bucket = ${bucket} and l.account_id = e.account_id
      and (l.lot_id = e.seq or l.restores_lot_id = e.seq)
    where e.bucket = ${bucket} and ${sql.raw(ACCOUNT_OF_KEY)} = ${accountId} and e.key_digest = any(${[...purchases]}::uuid[])
    order by l.lot_id`.execute(options.db);
  // Read afterwards, so that every lot that is open there was in the table already, or is a newer one.
  const latest = rows.length === 0 ? EMPTY_BOOK : await readLatestBook(options, accountId);
  const at = laterOf(now, latest.bookedAt);
  const { book } = advance(latest, at);
  const open = new Map(book.lots.map(lot => [lot.id, lot]));
  return rows.map(row => {
    // One that is not open any more stays as it was closed.
    const lot = open.get(row.lot_id) ?? lotOf(row);
    const live = isLive(lot, at);
    return {
      ...lot,
      purchase: row.purchase,
      isLive: live,
      renewalsLeft: live && lot.policy === 'refill' ? midnightsLeft(lot, at) : 0,
    };
  });
}
