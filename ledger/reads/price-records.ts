import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** The price of a payment, as it was recorded once and for ever. */
export interface RecordedPrice {
  readonly receiptId: string;
  readonly version: number;
  readonly source: 'chainlink' | 'operator';
  /** Dollars for an ETH with 8 decimals. */
  readonly answer: bigint;
  /** The feed and its round; null where an operator gave the price. */
  readonly feed: string | null;
  readonly roundId: bigint | null;
  readonly roundUpdatedAt: Instant | null;
  /** The price that was promised for a part of the payment. */
  readonly quoteAnswer: bigint | null;
  readonly quotedWei: bigint;
  readonly amountMicrousd: bigint;
  /** Who gave it and why; null where the feed did. */
  readonly operator: string | null;
  readonly reason: string | null;
  readonly decidedAt: Instant;
}

/** Where a page ended. */
export interface PriceCursor {
  readonly at: Instant;
  readonly bucket: number;
  readonly receiptId: string;
  readonly version: number;
}

export interface PricePage {
  readonly prices: readonly RecordedPrice[];
  /** Where the next page begins; null when this is the last. */
  readonly next: PriceCursor | null;
}

/**
 * A page of the prices that payments were given, the newest first.
 * @param page `before` is the `next` of the page before it; left out for the first. `limit` is at least 1.
 */
export async function readPriceRecords(
  db: Kysely<Tables>,
  { before, limit }: { readonly before?: PriceCursor | undefined; readonly limit: number },
): Promise<PricePage> {
  let query = db
    .selectFrom('price_records')
    .selectAll()
    .orderBy('decided_at', 'desc')
    .orderBy('bucket', 'desc')
    .orderBy('receipt_id', 'desc')
    .orderBy('version', 'desc')
    .limit(limit + 1);
  if (before)
    query = query.where(
      sql<boolean>`(decided_at, bucket, receipt_id, version) < (${instantText(before.at)}::timestamptz,
        ${before.bucket}::smallint, ${before.receiptId}::text, ${before.version}::integer)`,
    );
  const rows = await query.execute();
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    prices: rows.slice(0, limit).map(row => ({
      receiptId: row.receipt_id,
      version: row.version,
      source: row.source,
      answer: row.answer,
      feed: row.feed,
      roundId: row.round_id,
      roundUpdatedAt: row.round_updated_at,
      quoteAnswer: row.quote_answer,
      quotedWei: row.quoted_wei,
      amountMicrousd: row.amount_microusd,
      operator: row.operator,
      reason: row.reason,
      decidedAt: row.decided_at,
    })),
    next: last
      ? { at: last.decided_at, bucket: last.bucket, receiptId: last.receipt_id, version: last.version }
      : null,
  };
}
