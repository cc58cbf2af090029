import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import type { Tables } from './tables.ts';

/** One moment of the database, seen through one connection in two ways. */
export interface Snapshot {
  readonly client: pg.ClientBase;
  /** The same connection through the query builder; it opens no transactions, as it is in one. */
  readonly db: Kysely<Tables>;
}

/**
 * Does `work` with what the database has at this moment, read-only, so that everything it reads ties. One statement at a
 * time. A transaction that failed ends with its connection.
 */
export async function inSnapshot<Result>(
  pool: pg.Pool,
  work: (snapshot: Snapshot) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query('begin isolation level repeatable read read only');
    // Every cursor is read to its end: no plan is better for its first rows.
    await client.query('set local cursor_tuple_fraction = 1');
    const result = await work({ client, db: kyselyOn(client) });
    await client.query('commit');
    failed = false;
    return result;
  } finally {
    client.release(failed);
  }
}

function kyselyOn(client: pg.PoolClient): Kysely<Tables> {
  // Taking the connection and giving it back is the snapshot's, not the query builder's.
  const connection: Pick<PostgresPoolClient, 'query' | 'release'> = {
    query: client.query.bind(client) as PostgresPoolClient['query'],
    release: () => {},
  };
  const pool: Pick<PostgresPool, 'connect' | 'end'> = {
    connect: async () => connection as PostgresPoolClient,
    end: async () => {},
  };
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: pool as PostgresPool }) });
}
