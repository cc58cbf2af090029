import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { SuspenseReason } from '../core/suspense-reason.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** A payment that arrived and is nobody's yet. */
export interface SuspendedReceipt {
  readonly receiptId: string;
  readonly transactionHash: string;
  readonly blockNumber: bigint;
  readonly blockAt: Instant;
  readonly fromAddress: string;
  readonly amountWei: bigint;
  /** At the price of its block; null while it has none. */
  readonly amountMicrousd: bigint | null;
  readonly reason: SuspenseReason;
  /** Since when it is in suspense. */
  readonly since: Instant;
  /** The account and order that it was kept back from; null where nothing told whose it is. */
  readonly keptBackFrom: { readonly accountId: bigint; readonly orderId: string | null } | null;
}

/** Where a page ended. */
export interface SuspenseCursor {
  readonly since: Instant;
  readonly receiptId: string;
}

export interface SuspensePage {
  readonly receipts: readonly SuspendedReceipt[];
  /** Where the next page begins; null when this is the last. */
  readonly next: SuspenseCursor | null;
}

/**
 * A page of what is in suspense, the newest first.
 * @param page `before` is the `next` of the page before it; left out for the first. `limit` is at least 1.
 */
export async function readSuspense(
  db: Kysely<Tables>,
  { before, limit }: { readonly before?: SuspenseCursor | undefined; readonly limit: number },
): Promise<SuspensePage> {
  const onwards = before
    ? sql`and (s.decided_at, s.receipt_id) < (${instantText(before.since)}::timestamptz, ${before.receiptId}::text)`
    : sql``;
  const { rows } = await sql<{
    receipt_id: string;
    transaction_hash: string;
    block_number: bigint;
    block_at: Instant;
    from_address: string;
    amount_wei: bigint;
    amount_microusd: bigint | null;
    reason: SuspenseReason;
    decided_at: Instant;
    account_id: bigint | null;
    order_id: string | null;
  }>`
    select s.receipt_id, i.transaction_hash, i.block_number, i.block_at, i.from_address, i.amount_wei,
      p.amount_microusd, s.reason, s.decided_at, a.account_id, a.order_id
    from suspense_reasons s
    join receipt_inclusions i on i.bucket = s.bucket and i.receipt_id = s.receipt_id and i.version = s.version
    left join price_records p on p.bucket = s.bucket and p.receipt_id = s.receipt_id and p.version = s.version
    left join assignments a on a.bucket = s.bucket and a.receipt_id = s.receipt_id and a.version = s.version
      and a.number = s.assignment_number
    where not exists (select from receipt_inclusions later
        where later.bucket = s.bucket and later.receipt_id = s.receipt_id and later.version > s.version)
      and not exists (select from assignments later where later.bucket = s.bucket
        and later.receipt_id = s.receipt_id and later.version = s.version and later.number > s.assignment_number)
      ${onwards}
    order by s.decided_at desc, s.receipt_id desc
    limit ${limit + 1}`.execute(db);
  const receipts = rows.slice(0, limit).map(row => ({
    receiptId: row.receipt_id,
    transactionHash: row.transaction_hash,
    blockNumber: row.block_number,
    blockAt: row.block_at,
    fromAddress: row.from_address,
    amountWei: row.amount_wei,
    amountMicrousd: row.amount_microusd,
    reason: row.reason,
    since: row.decided_at,
    keptBackFrom: row.account_id === null ? null : { accountId: row.account_id, orderId: row.order_id },
  }));
  const last = receipts.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { receipts, next: hasMore ? { since: last.since, receiptId: last.receiptId } : null };
}
