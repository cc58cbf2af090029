/** Vitest's global set-up: the pages built, and one PostgreSQL for the whole run, whose migrated template each file clones. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildPages } from '../../dev/build-pages.ts';
import { freePort } from '../../dev/free-port.ts';
import { ensureDatabase, startPostgres } from '../../dev/postgres.ts';
import { ensureInstallation, migrate, openKysely, openPool } from '../../ledger/index.ts';
import { TEMPLATE, TEST_INSTALLATION } from './installation.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A superuser's URL of the server; the path is replaced to name a database. */
    serverUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildPages();
  const folder = await mkdtemp(join(tmpdir(), 'credits-test-'));
  const postgres = await startPostgres({
    folder,
    port: await freePort(),
    // Tests that pull the plug start a server of their own; for all others durability only costs time.
    settings: { fsync: 'off', max_connections: 200 },
  });
  await ensureDatabase(postgres, TEMPLATE);
  const url = postgres.url(TEMPLATE);
  await migrate(url);
  const pool = openPool({ databaseUrl: url, max: 1 });
  await ensureInstallation(openKysely(pool), TEST_INSTALLATION);
  await pool.end();
  project.provide('serverUrl', postgres.url('postgres'));
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
}
