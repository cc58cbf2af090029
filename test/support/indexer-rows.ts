/** The indexer's tables as a test writes them, where the intake is to take looks without an indexer. */
import type pg from 'pg';
import type { IndexedTransfer } from '../../ledger/intake/indexed-transfers.ts';

/** Ten digits of time and sixteen of chain id stand before the block number, positions within the block after it. */
const checkpointOf = (blockNumber: bigint) =>
  `${'0'.repeat(26)}${String(blockNumber).padStart(16, '0')}${'0'.repeat(33)}`;

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
    grant select on all tables in schema chain to credits_app`);
}

/** The indexer has reached `blockNumber`, and has these transfers and no others. */
export async function writeIndexerRows(
  owner: pg.Pool,
  blockNumber: bigint,
  transfers: readonly IndexedTransfer[],
): Promise<void> {
  await owner.query('delete from chain.transfer');
  await owner.query('update chain._ponder_checkpoint set latest_checkpoint = $1', [
    checkpointOf(blockNumber),
  ]);
  for (const transfer of transfers)
    await owner.query(
      `insert into chain.transfer values
         ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
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
