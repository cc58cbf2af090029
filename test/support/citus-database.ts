/** A database of its own in a real Citus cluster, for those who have one. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { distribute } from '../../ledger/cluster/distribute.ts';
import { ensureInstallation } from '../../ledger/store/installation.ts';
import { migrate } from '../../ledger/store/migrate.ts';
import { openKysely, openPool } from '../../ledger/store/postgres.ts';
import type { TestDatabase } from './database.ts';
import { TEST_INSTALLATION } from './installation.ts';

/** A superuser's URL of a database on the coordinator in which the worker nodes are registered. */
export const CITUS_URL = process.env.CITUS_URL;

interface Node {
  readonly host: string;
  readonly port: number;
}

/**
 * Makes a database of one name on all nodes and joins them. Workers are reached under the names that the coordinator
 * knows them by, with the user and password of `coordinatorUrl`.
 */
async function createCitusDatabase(coordinatorUrl: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const coordinator = new URL(coordinatorUrl);
  const workers = await readWorkers(coordinatorUrl);
  const nodes = [{ host: coordinator.hostname, port: Number(coordinator.port || 5432) }, ...workers];
  const urlOn = (node: Node, database: string): string => {
    const url = new URL(coordinatorUrl);
    url.hostname = node.host;
    url.port = String(node.port);
    url.pathname = `/${database}`;
    return url.href;
  };
  for (const node of nodes) {
    await run(urlOn(node, coordinator.pathname.slice(1)), [
      'set citus.enable_create_database_propagation to off',
      `create database ${name}`,
    ]);
    await run(urlOn(node, name), ['create extension citus']);
  }
  const url = new URL(coordinatorUrl);
  url.pathname = `/${name}`;
  await run(
    url.href,
    workers.map(({ host, port }) => `select citus_add_node('${host}', ${port})`),
  );
  return {
    url: url.href,
    async drop() {
      for (const node of nodes)
        await run(urlOn(node, coordinator.pathname.slice(1)), [
          `drop database if exists ${name} with (force)`,
        ]);
    },
  };
}

/** A migrated, installed database in the cluster at CITUS_URL, its ledger spread over the nodes. */
export async function createDistributedDatabase(): Promise<TestDatabase> {
  const database = await createCitusDatabase(CITUS_URL ?? '');
  await migrate(database.url);
  // Citus hands this on to the workers, to which it logs in as this role.
  await run(database.url, [
    'alter role credits_app login',
    'alter role credits_api login',
    'alter role credits_worker login',
  ]);
  const pool = openPool({ databaseUrl: database.url, max: 1 });
  await ensureInstallation(openKysely(pool), TEST_INSTALLATION).finally(() => pool.end());
  const outcome = await distribute({ databaseUrl: database.url });
  if (outcome.status !== 'distributed')
    throw new Error(`the ledger was not distributed: ${JSON.stringify(outcome)}`);
  return database;
}

async function readWorkers(coordinatorUrl: string): Promise<Node[]> {
  const client = new pg.Client({ connectionString: coordinatorUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Node>(
      'select nodename as host, nodeport as port from pg_dist_node where groupid <> 0 and isactive',
    );
    return rows;
  } finally {
    await client.end();
  }
}

async function run(databaseUrl: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
