/** The indexer's tables as a test writes them, where the intake is to take looks without an indexer. */
import type pg from 'pg';
import type { IndexedTransfer } from '../../ledger/intake/indexed-transfers.ts';

/** Ten digits of time and sixteen of chain id stand before the block number, positions within the block after it. */
const checkpointOf = (blockNumber: bigint, timestamp = 0n) =>
  `${String(timestamp).padStart(10, '0')}${'0'.repeat(16)}${String(blockNumber).padStart(16, '0')}${'0'.repeat(33)}`;

/** Makes the tables that the indexer publishes, empty, of an indexer that is ready. */
export async function createIndexerTables(owner: pg.Pool): Promise<void> {
  await owner.query(`
    create table chain.transfer (
      id text primary key, direction text, block_number bigint, block_hash text, block_timestamp bigint,
      transaction_hash text, transaction_index integer, transaction_type text, trace_index integer, frame_type text,
      from_address text, to_address text, amount_wei numeric(78, 0), input text, input_length integer);
    create table chain._ponder_checkpoint (latest_checkpoint text);
    create table chain._ponder_meta (key text, value jsonb);
    insert into chain._ponder_checkpoint values ('${checkpointOf(0n)}');
    insert into chain._ponder_meta values ('app', '{"is_ready": 1}');
    grant select on all tables in schema chain to credits_app, credits_api, credits_worker`);
}

/** The indexer has reached `blockNumber`, and has these transfers and no others. */
export async function writeIndexerRows(
  owner: pg.Pool,
  blockNumber: bigint,
  transfers: readonly IndexedTransfer[],
): Promise<void> {
  await owner.query('delete from chain.transfer');
  await reachBlock(owner, blockNumber);
  for (const transfer of transfers) await showTransfer(owner, transfer);
}

/** The indexer shows this, in place of what it has shown of the same frame before. */
export async function showTransfer(owner: pg.Pool, transfer: IndexedTransfer): Promise<void> {
  await owner.query(
    `insert into chain.transfer values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     on conflict (id) do update set block_number = excluded.block_number, block_hash = excluded.block_hash,
       block_timestamp = excluded.block_timestamp, from_address = excluded.from_address,
       amount_wei = excluded.amount_wei, input = excluded.input, input_length = excluded.input_length`,
    [
      `${transfer.transactionHash}:${transfer.traceIndex}`,
      transfer.direction,
      transfer.blockNumber,
      transfer.blockHash,
      transfer.blockTimestamp,
      transfer.transactionHash,
      transfer.transactionIndex,
      transfer.transactionType,
      transfer.traceIndex,
      transfer.frameType,
      transfer.fromAddress,
      transfer.toAddress,
      transfer.amountWei,
      transfer.input,
      transfer.inputLength,
    ],
  );
}

/** Its row vanishes. */
export async function hideTransfer(
  owner: pg.Pool,
  { transactionHash, traceIndex }: Pick<IndexedTransfer, 'transactionHash' | 'traceIndex'>,
): Promise<void> {
  await owner.query('delete from chain.transfer where id = $1', [`${transactionHash}:${traceIndex}`]);
}

/** The indexer has taken in everything up to this block, of this time in seconds. */
export async function reachBlock(owner: pg.Pool, block: bigint, timestamp = 0n): Promise<void> {
  await owner.query('update chain._ponder_checkpoint set latest_checkpoint = $1', [
    checkpointOf(block, timestamp),
  ]);
}

/** Whether it says that it has caught up since its start. */
export async function setReady(owner: pg.Pool, isReady: boolean): Promise<void> {
  await owner.query('update chain._ponder_meta set value = $1', [{ is_ready: isReady ? 1 : 0 }]);
}

/** Somebody drops what the indexer has; `createIndexerTables` makes it anew, empty. */
export async function dropIndexerTables(owner: pg.Pool): Promise<void> {
  await owner.query('drop table chain.transfer, chain._ponder_checkpoint, chain._ponder_meta');
}
