import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

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
  /** Ponder's progress: its checkpoint's block, and whether it calls itself ready. */
  progress: () => Promise<Progress>;
  /** Clears the lock that a killed Ponder leaves in its schema; otherwise the next one waits up to 25 s for it. */
  clearPonderLock: () => Promise<void>;
  release: () => Promise<void>;
};

export type Progress = { ready: boolean; checkpoint: string; blockNumber: bigint };

const NO_PROGRESS: Progress = { ready: false, checkpoint: '', blockNumber: -1n };

/** Takes the lock, or resolves undefined while another supervisor has it. Throws when PostgreSQL is not there. */
export async function takeReleaseLock(databaseUrl: string, schema: string): Promise<ReleaseLock | undefined> {
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
  const release = async () => {
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
      await release();
      return undefined;
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {
    lost,
    progress: () => readProgress(client, schema),
    clearPonderLock: () => clearPonderLock(client, schema),
    release,
  };
}

async function exists(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
    table,
  ]);
  return rows[0]?.found ?? false;
}

async function readProgress(client: pg.Client, schema: string): Promise<Progress> {
  if (!(await exists(client, `"${schema}"._ponder_checkpoint`))) return NO_PROGRESS;
  const { rows } = await client.query<{ ready: boolean; checkpoint: string }>(
    `SELECT m.value->>'is_ready' = '1' AS ready, c.latest_checkpoint AS checkpoint
       FROM "${schema}"._ponder_checkpoint c, "${schema}"._ponder_meta m`,
  );
  const row = rows[0];
  // The checkpoint is digits at fixed places: timestamp 10, chain id 16, block number 16, and the event in the block.
  return row ? { ...row, blockNumber: BigInt(row.checkpoint.slice(26, 42)) } : NO_PROGRESS;
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
