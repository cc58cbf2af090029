/** A PostgreSQL of its own with an empty ledger in it, fsync on, in the temporary folder; removed at the end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { freePort } from '../dev/free-port.ts';
import { ensureDatabase, startPostgres } from '../dev/postgres.ts';
import { ensureInstallation, migrate, openKysely, openPool } from '../ledger/index.ts';

export interface Ground {
  readonly databaseUrl: string;
  /** The owner's connection. */
  readonly owner: pg.Pool;
  readonly version: string;
  /** A further, empty database on the same server. */
  another(name: string): Promise<string>;
  /** A copy of the ledger's database as it is; nobody may be connected to it meanwhile. Replaces one of this name. */
  copy(name: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startGround(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'credits-bench-'));
  const postgres = await startPostgres({ folder, port: await freePort() });
  await ensureDatabase(postgres, 'credits');
  const databaseUrl = postgres.url('credits');
  await migrate(databaseUrl);
  const owner = openPool({ databaseUrl, max: 1, queryTimeoutMs: 30 * 60_000 });
  await ensureInstallation(openKysely(owner), {
    mode: 'dev',
    chainId: 8453,
    genesisHash: `0x${'00'.repeat(32)}`,
    paymentAddress: '0xa7f3ad0e69f61864092fabba6cee00af6e584689',
  });
  const { rows } = await owner.query<{ server_version: string }>('show server_version');
  return {
    databaseUrl,
    owner,
    version: rows[0]?.server_version ?? 'unknown',
    async another(name) {
      await ensureDatabase(postgres, name);
      return postgres.url(name);
    },
    async copy(name) {
      const maintenance = openPool({
        databaseUrl: postgres.url('postgres'),
        max: 1,
        queryTimeoutMs: 30 * 60_000,
      });
      try {
        await maintenance.query(`drop database if exists ${name} with (force)`);
        await maintenance.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = 'credits'`,
        );
        await maintenance.query(`create database ${name} template credits strategy file_copy`);
      } finally {
        await maintenance.end();
      }
      return postgres.url(name);
    },
    async stop() {
      await owner.end();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
