/** A PostgreSQL of its own with an empty ledger in it, fsync on, in the temporary folder; removed at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { freePort } from '../dev/free-port.ts';
import { ensureDatabase, type PostgresOptions, startPostgres } from '../dev/postgres.ts';
import { ensureInstallation, migrate, openKysely, openPool } from '../ledger/index.ts';

export interface Ground {
  readonly databaseUrl: string;
  /** The owner's connections to it. */
  readonly owner: pg.Pool;
  readonly version: string;
  /** The server's own folder, where it can write files. */
  readonly dataFolder: string;
  /** A further, empty database on the same server. */
  another(name: string): Promise<string>;
  /** A copy of the ledger's database, or of another one, as it is. Replaces one of this name; whoever is connected to either is cut off. */
  copy(name: string, template?: string): Promise<Copy>;
  stop(): Promise<void>;
}

export interface Copy {
  readonly databaseUrl: string;
  /** The owner's connections, which `drop` or the end of the ground close. */
  readonly owner: pg.Pool;
  drop(): Promise<void>;
}

const DATABASE = 'credits';
/** What an owner does in a benchmark may take this long: it loads and copies millions of rows. */
const QUERY_MS_MAX = 30 * 60_000;

/** @param settings Of the server; PostgreSQL's own where left out. */
export async function startGround(settings: PostgresOptions['settings'] = {}): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'credits-bench-'));
  const postgres = await startPostgres({ folder, port: await freePort(), settings });
  const openOwner = (databaseUrl: string) => openPool({ databaseUrl, max: 3, queryTimeoutMs: QUERY_MS_MAX });
  const pools = new Set<pg.Pool>();
  const close = async (pool: pg.Pool) => {
    if (pools.delete(pool)) await pool.end();
  };
  const stop = async () => {
    await Promise.all([...pools].map(close));
    await postgres.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const inMaintenance = async (...statements: readonly string[]) => {
    const maintenance = openOwner(postgres.url('postgres'));
    try {
      for (const statement of statements) await maintenance.query(statement);
    } finally {
      await maintenance.end();
    }
  };
  try {
    await ensureDatabase(postgres, DATABASE);
    const databaseUrl = postgres.url(DATABASE);
    await migrate(databaseUrl);
    const owner = openOwner(databaseUrl);
    pools.add(owner);
    await ensureInstallation(openKysely(owner), {
      mode: 'dev',
      chainId: 8453,
      genesisHash: `0x${'00'.repeat(32)}`,
      paymentAddress: '0xa7f3ad0e69f61864092fabba6cee00af6e584689',
    });
    const { rows } = await owner.query<{ server_version: string; data_directory: string }>(
      `select current_setting('server_version') as server_version, current_setting('data_directory') as data_directory`,
    );
    return {
      databaseUrl,
      owner,
      version: rows[0]?.server_version ?? 'unknown',
      dataFolder: rows[0]?.data_directory ?? '',
      async another(name) {
        await ensureDatabase(postgres, name);
        return postgres.url(name);
      },
      async copy(name, template = DATABASE) {
        await inMaintenance(
          `drop database if exists ${name} with (force)`,
          `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${template}'`,
          `create database ${name} template ${template} strategy file_copy`,
        );
        const copied = openOwner(postgres.url(name));
        pools.add(copied);
        return {
          databaseUrl: postgres.url(name),
          owner: copied,
          async drop() {
            await close(copied);
            await inMaintenance(`drop database ${name} with (force)`);
          },
        };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
