/** Reading what is recorded of receipts. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { type Instant, instantOfSeconds } from '../core/instant.ts';
import type { PriceRecordTable, ReceiptInclusionTable, Tables } from '../store/tables.ts';
import type { IndexedTransfer } from './indexed-transfers.ts';

/** Input longer than a reference is not one; it is not kept. */
const INPUT_BYTES_MAX = 64;

export type InclusionRow = Selectable<ReceiptInclusionTable>;
export type PriceRow = Selectable<PriceRecordTable>;

/** An inclusion that is on the chain, with all its columns. */
export interface Included {
  readonly bucket: number;
  readonly receiptId: string;
  readonly version: number;
  readonly blockNumber: bigint;
  readonly blockHash: string;
  readonly blockAt: Instant;
  readonly transactionHash: string;
  readonly transactionIndex: number;
  readonly traceIndex: number;
  readonly frameType: string;
  readonly transactionType: string;
  readonly fromAddress: string;
  readonly amountWei: bigint;
  readonly input: string | null;
  /** When it was first seen there. */
  readonly noticedAt: Instant;
}

/** What the chain says of a payment, without which version of which receipt it is. */
export type ChainFacts = Omit<Included, 'bucket' | 'receiptId' | 'version' | 'noticedAt'>;

/** What is recorded of a transfer. */
export function factsOf(transfer: IndexedTransfer): ChainFacts {
  return {
    blockNumber: transfer.blockNumber,
    blockHash: transfer.blockHash,
    blockAt: instantOfSeconds(transfer.blockTimestamp),
    transactionHash: transfer.transactionHash,
    transactionIndex: transfer.transactionIndex,
    traceIndex: transfer.traceIndex,
    frameType: transfer.frameType,
    transactionType: transfer.transactionType,
    fromAddress: transfer.fromAddress,
    amountWei: transfer.amountWei,
    input: transfer.inputLength <= INPUT_BYTES_MAX ? transfer.input : null,
  };
}

/** Whether two accounts of one payment say the same. Programs spell frames and transactions in more than one way. */
export function isSameInclusion(one: ChainFacts, other: ChainFacts): boolean {
  return (
    one.blockHash === other.blockHash &&
    one.blockNumber === other.blockNumber &&
    one.blockAt === other.blockAt &&
    one.frameType.toUpperCase() === other.frameType.toUpperCase() &&
    (one.transactionType === 'deposit') === (other.transactionType === 'deposit') &&
    one.fromAddress.toLowerCase() === other.fromAddress.toLowerCase() &&
    one.amountWei === other.amountWei &&
    one.input === other.input
  );
}

/** Whether `row` is what was recorded of `transfer`, as it is now. */
export function isRecorded(row: InclusionRow | undefined | null, transfer: IndexedTransfer): boolean {
  return row?.outcome === 'included' && isSameInclusion(included(row), factsOf(transfer));
}

/** The identity of a payment on the chain, which no reorg changes. */
export function chainReceiptId(chainId: number, transactionHash: string, traceIndex: number): string {
  return `eth:${chainId}:${transactionHash}:${traceIndex}`;
}

/** Throws for an inclusion that is absent: the caller has looked at its outcome. */
export function included(row: InclusionRow): Included {
  const { block_number, block_hash, block_at, transaction_hash, from_address, amount_wei } = row;
  const { frame_type, transaction_type, transaction_index, trace_index } = row;
  if (
    row.outcome !== 'included' ||
    block_number === null ||
    block_hash === null ||
    block_at === null ||
    transaction_hash === null ||
    transaction_index === null ||
    trace_index === null ||
    frame_type === null ||
    transaction_type === null ||
    from_address === null ||
    amount_wei === null
  )
    throw new Error(`receipt ${row.receipt_id} has no inclusion at version ${row.version}`);
  return {
    bucket: row.bucket,
    receiptId: row.receipt_id,
    version: row.version,
    blockNumber: block_number,
    blockHash: block_hash,
    blockAt: block_at,
    transactionHash: transaction_hash,
    transactionIndex: transaction_index,
    traceIndex: trace_index,
    frameType: frame_type,
    transactionType: transaction_type,
    fromAddress: from_address,
    amountWei: amount_wei,
    input: row.input,
    noticedAt: row.noticed_at,
  };
}

/**
 * The latest inclusion of every receipt that had one in a block after `afterBlock`, up to `throughBlock` if given, by
 * receipt id.
 */
export async function readRecentInclusions(
  db: Kysely<Tables>,
  afterBlock: bigint,
  throughBlock: bigint | null = null,
): Promise<Map<string, InclusionRow>> {
  const upTo = throughBlock === null ? sql`` : sql`and block_number <= ${throughBlock}`;
  const { rows } = await sql<InclusionRow>`
    select distinct on (i.bucket, i.receipt_id) i.*
    from receipt_inclusions i
    where (i.bucket, i.receipt_id) in
      (select bucket, receipt_id from receipt_inclusions where block_number > ${afterBlock} ${upTo})
    order by i.bucket, i.receipt_id, i.version desc`.execute(db);
  return new Map(rows.map(row => [row.receipt_id, row]));
}

/** Anything else is no receipt, and some of it PostgreSQL would not even take as text. */
const RECEIPT_ID = /^[\x21-\x7e]{1,200}$/;

/** The latest inclusion of a receipt, or null. */
export async function readLatestInclusion(
  db: Kysely<Tables>,
  bucket: number,
  receiptId: string,
): Promise<InclusionRow | null> {
  if (!RECEIPT_ID.test(receiptId)) return null;
  const row = await db
    .selectFrom('receipt_inclusions')
    .selectAll()
    .where('bucket', '=', bucket)
    .where('receipt_id', '=', receiptId)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** The inclusions that stand in a block. */
export async function readStandingIn(db: Kysely<Tables>, blockNumber: bigint): Promise<Included[]> {
  const { rows } = await sql<InclusionRow>`
    select i.* from receipt_inclusions i
    where i.block_number = ${blockNumber} and i.outcome = 'included'
      and not exists (select from receipt_inclusions later
        where later.bucket = i.bucket and later.receipt_id = i.receipt_id and later.version > i.version)
    order by i.transaction_index, i.trace_index`.execute(db);
  return rows.map(included);
}

/** When the first payment of all was noticed; null before. */
export async function readFirstNoticed(db: Kysely<Tables>): Promise<Instant | null> {
  const { rows } = await sql<{
    at: Instant | null;
  }>`select min(first_noticed_at) as at from receipts`.execute(db);
  return rows[0]?.at ?? null;
}

/** The price of an inclusion, or null while it has none. */
export async function readPrice(db: Kysely<Tables>, inclusion: Included): Promise<PriceRow | null> {
  const row = await db
    .selectFrom('price_records')
    .selectAll()
    .where('bucket', '=', inclusion.bucket)
    .where('receipt_id', '=', inclusion.receiptId)
    .where('version', '=', inclusion.version)
    .executeTakeFirst();
  return row ?? null;
}

/** Those of the inclusions that stand and have no price yet, in the order of the chain. */
export async function readUnpriced(db: Kysely<Tables>, afterBlock: bigint): Promise<Included[]> {
  const { rows } = await sql<InclusionRow>`
    select i.* from receipt_inclusions i
    where i.block_number > ${afterBlock} and i.outcome = 'included'
      and not exists (select from price_records p
        where p.bucket = i.bucket and p.receipt_id = i.receipt_id and p.version = i.version)
      and not exists (select from receipt_inclusions later
        where later.bucket = i.bucket and later.receipt_id = i.receipt_id and later.version > i.version)
    order by i.block_number, i.transaction_index, i.trace_index`.execute(db);
  return rows.map(included);
}
