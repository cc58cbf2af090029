import { type Kysely, sql } from 'kysely';
import { WITHDRAWING_FRAMES } from '../core/frame.ts';
import type { Tables } from '../store/tables.ts';

/** A call frame with value to or from the payment address, as the indexer wrote it down. */
export interface IndexedTransfer {
  readonly transactionHash: string;
  readonly transactionIndex: number;
  readonly traceIndex: number;
  readonly direction: 'in' | 'out' | 'self';
  readonly frameType: string;
  readonly transactionType: string;
  readonly blockNumber: bigint;
  readonly blockHash: string;
  /** Seconds since the epoch. */
  readonly blockTimestamp: bigint;
  readonly fromAddress: string;
  /** Null where the trace names none. */
  readonly toAddress: string | null;
  readonly amountWei: bigint;
  /** The frame's own input, its first bytes. */
  readonly input: string;
  /** Length of the whole input in bytes. */
  readonly inputLength: number;
}

export interface IndexedChain {
  /** The newest block the indexer has taken in. */
  readonly latestBlock: bigint;
  /** False while it catches up after a restart: rows of blocks it had before may be missing. */
  readonly isReady: boolean;
  readonly transfers: readonly IndexedTransfer[];
}

/**
 * The indexer's rows of the blocks after `afterBlock`, with the block it has reached, both of one moment. Null while
 * it has none: it is starting for the first time, or its views are being replaced.
 */
export async function readIndexedChain(db: Kysely<Tables>, afterBlock: bigint): Promise<IndexedChain | null> {
  try {
    return await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async trx => {
        // In the order in which Ponder locks them when it replaces its views, so that neither waits in a circle.
        const transfers = await readTransfers(trx, afterBlock);
        const head = await readCheckpoint(trx);
        const isReady = await readReady(trx);
        return head === null ? null : { latestBlock: head.block, isReady, transfers };
      });
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The newest block the indexer has taken in. */
export interface IndexedHead {
  readonly block: bigint;
  /** Seconds since the epoch. */
  readonly timestamp: bigint;
}

/** The newest block the indexer has taken in, or null while it has none. Cheap enough to ask often. */
export async function readIndexedHead(db: Kysely<Tables>): Promise<IndexedHead | null> {
  try {
    return await readCheckpoint(db);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The number of that block. */
export async function readIndexedBlock(db: Kysely<Tables>): Promise<bigint | null> {
  return (await readIndexedHead(db))?.block ?? null;
}

/** Whether the indexer has seen a payment of one transaction; `unread`: it may yet. */
export type IndexedArrival = 'arrived' | 'nothing' | 'unread';

/** What the indexer has of the transaction with this hash (lower case), which is in block `blockNumber`. */
export async function readIndexedArrival(
  db: Kysely<Tables>,
  { transactionHash, blockNumber }: Pick<IndexedTransfer, 'transactionHash' | 'blockNumber'>,
): Promise<IndexedArrival> {
  try {
    // The head first: what it has passed, the later look at the rows cannot miss.
    const head = await readCheckpoint(db);
    if (head === null || head.block < blockNumber) return 'unread';
    const isReady = await readReady(db);
    const { rows } = await sql`
      select from chain.transfer t
      where t.block_number = ${blockNumber} and t.transaction_hash = ${transactionHash} and t.direction = 'in'
        and ${COULD_BE_PAYMENT} limit 1`.execute(db);
    if (rows.length > 0) return 'arrived';
    return isReady ? 'nothing' : 'unread';
  } catch (error) {
    if (isMissing(error)) return 'unread';
    throw error;
  }
}

/** Ponder's checkpoint: 10 digits of timestamp, 16 of chain id, 16 of block number, and positions within it. */
const TIMESTAMP_LENGTH = 10;
const BLOCK_NUMBER_START = 27;
const BLOCK_NUMBER_LENGTH = 16;

async function readCheckpoint(db: Kysely<Tables>): Promise<IndexedHead | null> {
  const { rows } = await sql<IndexedHead>`
    select substr(latest_checkpoint, 1, ${TIMESTAMP_LENGTH})::bigint as timestamp,
      substr(latest_checkpoint, ${BLOCK_NUMBER_START}, ${BLOCK_NUMBER_LENGTH})::bigint as block
    from chain._ponder_checkpoint`.execute(db);
  return rows[0] ?? null;
}

/** Of an incoming frame: others repeat the value of their parent. */
const COULD_BE_PAYMENT = sql`upper(t.frame_type) in ('CALL', 'SELFDESTRUCT')`;

/**
 * The first block up to `throughBlock` that has an incoming frame which could be a payment and is no receipt; null when
 * there is none. Goes through everything the indexer has.
 */
export async function readFirstUnrecordedBlock(
  db: Kysely<Tables>,
  chainId: number,
  throughBlock: bigint,
): Promise<bigint | null> {
  try {
    const { rows } = await sql<{ block: bigint | null }>`
      select min(t.block_number) as block
      from chain.transfer t
      where t.block_number <= ${throughBlock} and t.direction = 'in'
        and ${COULD_BE_PAYMENT}
        and not exists (select from receipts r where r.receipt_id = ${`eth:${chainId}:`}::text || t.id)`.execute(
      db,
    );
    return rows[0]?.block ?? null;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

async function readReady(db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await sql<{ ready: boolean }>`
    select (value ->> 'is_ready') = '1' as ready from chain._ponder_meta where key = 'app'`.execute(db);
  return rows[0]?.ready === true;
}

/**
 * The outgoing frames up to `throughBlock` by which ETH left the payment address and which are not recorded as
 * withdrawals, in the order of the chain. None while the indexer has no tables.
 */
export async function readUnrecordedWithdrawals(
  db: Kysely<Tables>,
  paymentAddress: string,
  throughBlock: bigint,
): Promise<IndexedTransfer[]> {
  try {
    const { rows } = await sql<TransferRow>`
      select ${TRANSFER_COLUMNS}
      from chain.transfer t
      where t.direction = 'out' and t.block_number <= ${throughBlock}
        and t.from_address = ${paymentAddress} and upper(t.frame_type) = any(${[...WITHDRAWING_FRAMES]})
        and not exists (select from withdrawals w
          where w.transaction_hash = t.transaction_hash and w.trace_index = t.trace_index)
      order by t.block_number, t.transaction_index, t.trace_index`.execute(db);
    return rows.map(transferOf);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

interface TransferRow {
  readonly transaction_hash: string;
  readonly transaction_index: number;
  readonly trace_index: number;
  readonly direction: 'in' | 'out' | 'self';
  readonly frame_type: string;
  readonly transaction_type: string;
  readonly block_number: bigint;
  readonly block_hash: string;
  readonly block_timestamp: bigint;
  readonly from_address: string;
  readonly to_address: string | null;
  readonly amount_wei: bigint;
  readonly input: string;
  readonly input_length: number;
}

const TRANSFER_COLUMNS = sql`t.transaction_hash, t.transaction_index, t.trace_index, t.direction, t.frame_type,
  t.transaction_type, t.block_number, t.block_hash, t.block_timestamp, t.from_address, t.to_address, t.amount_wei,
  t.input, t.input_length`;

async function readTransfers(db: Kysely<Tables>, afterBlock: bigint): Promise<IndexedTransfer[]> {
  const { rows } = await sql<TransferRow>`
    select ${TRANSFER_COLUMNS}
    from chain.transfer t
    where t.block_number > ${afterBlock}
    order by t.block_number, t.transaction_index, t.trace_index`.execute(db);
  return rows.map(transferOf);
}

function transferOf(row: TransferRow): IndexedTransfer {
  return {
    transactionHash: row.transaction_hash,
    transactionIndex: row.transaction_index,
    traceIndex: row.trace_index,
    direction: row.direction,
    frameType: row.frame_type,
    transactionType: row.transaction_type,
    blockNumber: row.block_number,
    blockHash: row.block_hash,
    blockTimestamp: row.block_timestamp,
    fromAddress: row.from_address,
    toAddress: row.to_address,
    amountWei: row.amount_wei,
    input: row.input,
    inputLength: row.input_length,
  };
}

/**
 * undefined_table, invalid_schema_name, insufficient_privilege: the indexer has not made its views yet, is replacing
 * them, or has not let others read them yet.
 */
export function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === '42P01' || code === '3F000' || code === '42501';
}
