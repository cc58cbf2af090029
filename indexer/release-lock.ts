import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { KeptBlocks } from './kept-blocks.ts';
import { exists, type Progress, readProgress } from './progress.ts';

const OTHERS_WAIT_MS = 3_000;
const FAREWELL_MS = 1_000;

/**
 * A PostgreSQL session that holds the right to run one release. It is also the supervisor's pulse on PostgreSQL: it
 * breaks when the server goes down, and then Ponder has to start over, because Ponder commits asynchronously and may
 * believe in rows that the crash took.
 */
export type ReleaseLock = {
  /** Resolves when the session is gone, for whatever reason. */
  lost: Promise<void>;
  /** How far Ponder is, and whether all that it made is there. */
  progress: () => Promise<Progress>;
  /** What Ponder keeps for good. */
  kept: KeptBlocks;
  /** Makes the schema of the views, which `reader` and `viewReaders` may read, if somebody has dropped it. */
  ensureViewsSchema: () => Promise<void>;
  /** Clears the lock that a killed Ponder leaves in its schema; otherwise the next one waits up to 25 s for it. */
  clearPonderLock: () => Promise<void>;
  release: () => Promise<void>;
};

export type Release = {
  databaseUrl: string;
  rpcUrl: string;
  /** Where this release writes. */
  schema: string;
  viewsSchema: string;
  /** The role that reads the views and takes note of deep reorgs; nobody but their owner when left out. */
  reader?: string | undefined;
  viewReaders?: readonly string[] | undefined;
};

/** Takes the lock, or resolves undefined while another supervisor has it. Throws when PostgreSQL is not there. */
export async function takeReleaseLock(release: Release): Promise<ReleaseLock | undefined> {
  const { databaseUrl, schema } = release;
  const socket = new Socket();
  const client = new pg.Client({
    stream: () => socket,
    connectionString: databaseUrl,
    application_name: `${schema}_supervisor`,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    query_timeout: 15_000,
  });
  let onLost: () => void = () => undefined;
  const lost = new Promise<void>(resolve => {
    onLost = resolve;
  });
  client.on('error', onLost);
  client.on('end', onLost);
  const leave = async () => {
    // A server that has vanished never answers the farewell; its side of the session ends with the socket.
    await Promise.race([client.end().catch(() => undefined), sleep(FAREWELL_MS, undefined, { ref: false })]);
    socket.destroy();
  };
  try {
    await client.connect();
    const { rows } = await client.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
      [`aispace indexer ${schema}`],
    );
    if (!rows[0]?.taken) {
      await leave();
      return undefined;
    }
  } catch (error) {
    await leave();
    throw error;
  }
  return {
    lost,
    progress: () => readProgress(client, release),
    kept: new KeptBlocks(client, release),
    ensureViewsSchema: () => ensureViewsSchema(client, release),
    clearPonderLock: () => clearPonderLock(client, schema),
    release: leave,
  };
}

async function clearPonderLock(client: pg.Client, schema: string): Promise<void> {
  if (!(await exists(client, `"${schema}"._ponder_meta`))) return;
  // Sessions of a dead Ponder end within moments. Where some stay, somebody runs this release without a supervisor:
  // then its lock stands, and Ponder itself waits for it.
  for (let waited = 0; await othersConnected(client, schema); waited += 100) {
    if (waited >= OTHERS_WAIT_MS) return;
    await sleep(100);
  }
  await client.query(`UPDATE "${schema}"._ponder_meta SET value = jsonb_set(value, '{is_locked}', '0')`);
}

async function othersConnected(client: pg.Client, schema: string): Promise<boolean> {
  const { rows } = await client.query(
    'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = ANY ($1)',
    [[`${schema}_internal`, `${schema}_user`]],
  );
  return rows.length > 0;
}

async function ensureViewsSchema(
  client: pg.Client,
  { viewsSchema, reader, viewReaders = [] }: Release,
): Promise<void> {
  const { rows } = await client.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [viewsSchema]);
  if (rows.length > 0) return;
  await client.query(`CREATE SCHEMA "${viewsSchema}"`);
  for (const role of [...(reader === undefined ? [] : [reader]), ...viewReaders])
    await client.query(`
      GRANT USAGE ON SCHEMA "${viewsSchema}" TO "${role}";
      ALTER DEFAULT PRIVILEGES IN SCHEMA "${viewsSchema}" GRANT SELECT ON TABLES TO "${role}"`);
}
