/** The lots of an account, those that have ended included, each with where it is from. */
import { type Kysely, sql } from 'kysely';
import { advance } from '../core/advance.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import { isLive, type Lot, midnightsLeft } from '../core/lot.ts';
import { bucketOf, bucketOfAccount } from '../store/bucket.ts';
import { LOT_COLUMNS, type LotRow, lotOf } from '../store/lot-row.ts';
import type { Tables } from '../store/tables.ts';
import type { LotStatus } from './credits.ts';
import { readLatestBook } from './latest-book.ts';
import type { ReadOptions } from './read-options.ts';

/** What added a lot. */
export interface LotSource {
  readonly kind: Extract<EntryKind, 'purchase' | 'adjustment' | 'restoration'>;
  /** Of a payment: `eth:<chain>:<transaction>:<frame>` or `stripe:<payment>`. */
  readonly receiptId: string | null;
  readonly orderId: string | null;
  /** Dollars for an ETH with 8 decimals, as Chainlink's feed has them; null where nothing was exchanged. */
  readonly priceAnswer: bigint | null;
  /** Chainlink's round; null where the price is an operator's, or there is none. */
  readonly priceRoundId: bigint | null;
  /** Where Stripe shows its receipt. */
  readonly stripeReceiptUrl: string | null;
}

export interface LotWithSource extends LotStatus {
  readonly isLive: boolean;
  readonly source: LotSource;
}

export interface LotPage {
  /** The newest first. */
  readonly lots: readonly LotWithSource[];
  /** Where the next page begins; null when this is the last. */
  readonly next: bigint | null;
}

/**
 * A page of an account's lots at `now`, the newest first. What time has made due is told whether or not it is posted.
 * @param page `before` is the `next` of the page before it; left out for the first. `limit` is at least 1.
 */
export async function readLots(
  options: ReadOptions,
  accountId: bigint,
  now: Instant,
  page: { readonly before?: bigint | undefined; readonly limit: number },
): Promise<LotPage> {
  return await inSnapshot(options, async db => {
    const bucket = bucketOfAccount(accountId, options.bucketCount);
    const before = page.before === undefined ? sql`` : sql`and l.lot_id < ${page.before}`;
    const rows = await readRows(
      db,
      bucket,
      accountId,
      sql`${before} order by l.lot_id desc limit ${page.limit + 1}`,
    );
    const lots = await statusOf({ ...options, db }, accountId, now, rows.slice(0, page.limit));
    return { lots, next: rows.length > page.limit ? (lots.at(-1)?.id ?? null) : null };
  });
}

/** One lot of the account at `now`; null when it has none with this number. */
export async function readLot(
  options: ReadOptions,
  accountId: bigint,
  lotId: bigint,
  now: Instant,
): Promise<LotWithSource | null> {
  return await inSnapshot(options, async db => {
    const bucket = bucketOfAccount(accountId, options.bucketCount);
    const rows = await readRows(db, bucket, accountId, sql`and l.lot_id = ${lotId}`);
    return (await statusOf({ ...options, db }, accountId, now, rows))[0] ?? null;
  });
}

type Row = LotRow & { kind: LotSource['kind']; details: string | null };

function inSnapshot<Answer>(
  options: ReadOptions,
  read: (db: Kysely<Tables>) => Promise<Answer>,
): Promise<Answer> {
  return options.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(read);
}

async function readRows(
  db: Kysely<Tables>,
  bucket: number,
  accountId: bigint,
  which: ReturnType<typeof sql>,
): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select ${sql.raw(LOT_COLUMNS)}, e.kind, e.details
    from lots l
    join entries e on e.bucket = ${bucket} and e.account_id = l.account_id and e.seq = l.lot_id
    where l.bucket = ${bucket} and l.account_id = ${accountId} ${which}`.execute(db);
  return rows;
}

async function statusOf(
  options: ReadOptions,
  accountId: bigint,
  now: Instant,
  rows: readonly Row[],
): Promise<LotWithSource[]> {
  const book = await readLatestBook(options, accountId);
  const at = laterOf(now, book.bookedAt);
  const open = new Map(advance(book, at).book.lots.map(lot => [lot.id, lot]));
  const sources = rows.map(readSource);
  const urls = await readReceiptUrls(options, sources);
  return rows.map((row, index) => {
    const lot: Lot = open.get(row.lot_id) ?? lotOf(row);
    const { receiptId = null, ...source } = sources[index] ?? NO_SOURCE;
    return {
      ...lot,
      isLive: isLive(lot, at),
      renewalsLeft: lot.policy === 'refill' && isLive(lot, at) ? midnightsLeft(lot, at) : 0,
      source: {
        kind: row.kind,
        receiptId,
        ...source,
        stripeReceiptUrl: receiptId === null ? null : (urls.get(receiptId) ?? null),
      },
    };
  });
}

type Told = Pick<LotSource, 'receiptId' | 'orderId' | 'priceAnswer' | 'priceRoundId'>;

const NO_SOURCE: Told = { receiptId: null, orderId: null, priceAnswer: null, priceRoundId: null };

/** What the entry that added a lot says of it. Payments' details are ours, and JSON; others' may be anything. */
function readSource({ kind, details }: Row): Told {
  if (kind !== 'purchase' || details === null) return NO_SOURCE;
  const told = JSON.parse(details) as {
    receipt?: string;
    order?: string | null;
    answer?: string;
    round_id?: string | null;
  };
  return {
    receiptId: told.receipt ?? null,
    orderId: told.order ?? null,
    priceAnswer: told.answer === undefined ? null : BigInt(told.answer),
    priceRoundId: told.round_id ? BigInt(told.round_id) : null,
  };
}

/** Where Stripe shows the receipts of those that are card payments. */
async function readReceiptUrls(
  { db, bucketCount }: ReadOptions,
  sources: readonly Told[],
): Promise<Map<string, string>> {
  const urls = new Map<string, string>();
  for (const { receiptId } of sources) {
    if (!receiptId?.startsWith('stripe:') || urls.has(receiptId)) continue;
    const newest = await db
      .selectFrom('card_payments')
      .select('receipt_url')
      .where('bucket', '=', bucketOf(receiptId, bucketCount))
      .where('receipt_id', '=', receiptId)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (newest?.receipt_url) urls.set(receiptId, newest.receipt_url);
  }
  return urls;
}
