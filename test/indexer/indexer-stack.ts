import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Address, Hex } from 'viem';
import { startChain } from '../../dev/chain.ts';
import { freePort } from '../../dev/free-port.ts';
import { ensureDatabase, type Postgres, startPostgres } from '../../dev/postgres.ts';
import { type Indexer, type IndexerOptions, superviseIndexer } from '../../indexer/supervisor.ts';
import { type FaultyRpc, startFaultyRpc } from '../support/faulty-rpc.ts';

export const PAYMENT_ADDRESS: Address = '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689';

/** A row of chain.transfer as pg reads it: int8 and numeric as decimal strings. */
export type TransferRow = {
  id: string;
  direction: string;
  block_number: string;
  block_hash: Hex;
  block_timestamp: string;
  transaction_hash: Hex;
  transaction_index: number;
  trace_index: number;
  frame_type: string;
  from_address: Hex;
  to_address: Hex;
  amount_wei: string;
  input: Hex;
  input_length: number;
};

export type IndexerStack = {
  rpcUrl: string;
  /** The indexer's way to the chain. */
  way: FaultyRpc;
  indexer: Indexer;
  /** What the supervisor said. */
  log: string[];
  /** What another supervisor of the same release would be started with. */
  options: IndexerOptions;
  killPostgres: () => Promise<void>;
  startPostgres: () => Promise<void>;
  /** The rows and the checkpoint's block, read together by a role that may do nothing else. */
  read: () => Promise<{ rows: TransferRow[]; checkpointBlock: bigint }>;
  stop: () => Promise<void>;
};

/**
 * Roles as a careful operator sets them up: the indexer owns what it makes and nothing else, and whoever reads gets
 * the views, which Ponder drops and makes again whenever it starts.
 */
const ROLES = `
  CREATE ROLE indexer NOLOGIN;
  CREATE ROLE chain_reader NOLOGIN;
  REVOKE ALL ON DATABASE credits FROM PUBLIC;
  GRANT CREATE, TEMPORARY ON DATABASE credits TO indexer;
  CREATE SCHEMA chain;
  GRANT USAGE, CREATE ON SCHEMA chain TO indexer;
  GRANT USAGE ON SCHEMA chain TO chain_reader;
  ALTER DEFAULT PRIVILEGES FOR ROLE indexer IN SCHEMA chain GRANT SELECT ON TABLES TO chain_reader;
`;

/** Starts PostgreSQL, a chain and the indexer, each on a free port, in a folder that `stop` removes. */
export async function startIndexerStack(): Promise<IndexerStack> {
  const folder = await mkdtemp(join(tmpdir(), 'indexer-test-'));
  const [postgresPort, chainPort, indexerPort] = [await freePort(), await freePort(), await freePort()];
  const startDatabase = () => startPostgres({ folder: join(folder, 'postgres'), port: postgresPort });
  const [firstPostgres, chain] = await Promise.all([startDatabase(), startChain({ port: chainPort })]);
  const way = await startFaultyRpc(chain.rpcUrl);
  let postgres: Postgres = firstPostgres;
  await ensureDatabase(postgres, 'credits');
  const database = (role: string) => `${postgres.url('credits')}?options=-c%20role%3D${role}`;
  await query(postgres.url('credits'), ROLES);

  const readers = new pg.Pool({ connectionString: database('chain_reader'), max: 1 });
  // PostgreSQL is killed under the tests: the query that fails by it says so itself.
  readers.on('error', () => undefined);
  const log: string[] = [];
  const options: IndexerOptions = {
    databaseUrl: database('indexer'),
    rpcUrl: way.url,
    chainId: 8453,
    paymentAddress: PAYMENT_ADDRESS,
    startBlock: 0,
    pollingIntervalMs: 100,
    disableCache: true,
    viewsSchema: 'chain',
    reader: 'chain_reader',
    port: indexerPort,
    logFile: join(folder, 'ponder.log'),
    log: line => log.push(line),
    onFatal: error => log.push(`FATAL ${error.message}`),
  };
  const indexer = superviseIndexer(options);
  return {
    rpcUrl: chain.rpcUrl,
    way,
    indexer,
    log,
    options,
    killPostgres: () => postgres.kill(),
    async startPostgres() {
      postgres = await startDatabase();
    },
    read: () => readTogether(readers),
    async stop() {
      await Promise.all([indexer.stop(), readers.end()]);
      await Promise.all([postgres.kill(), way.stop(), chain.kill()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function readTogether(readers: pg.Pool): Promise<{ rows: TransferRow[]; checkpointBlock: bigint }> {
  const client = await readers.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // In the order in which Ponder locks them.
    const { rows } = await client.query<TransferRow>(
      'SELECT * FROM chain.transfer ORDER BY block_number, transaction_index, trace_index',
    );
    const checkpoint = await client.query<{ block: string }>(
      'SELECT substr(latest_checkpoint, 27, 16)::bigint AS block FROM chain._ponder_checkpoint',
    );
    await client.query('COMMIT');
    client.release();
    return { rows, checkpointBlock: BigInt(checkpoint.rows[0]?.block ?? -1) };
  } catch (error) {
    // Its session may be lost, or in the middle of a transaction.
    client.release(true);
    throw error;
  }
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end();
  }
}
