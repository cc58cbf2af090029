/** An installation as an earlier version of the program has left it, with what is in another database. */
import fs from 'node:fs/promises';
import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import type pg from 'pg';
import { LEDGER_SCHEMA, openKysely, openPool } from '../../ledger/store/postgres.ts';

const FOLDER = new URL('../../ledger/store/migrations/', import.meta.url);

/** Brings an empty database to where the program was once `newest` was its newest migration. */
export async function migrateThrough(databaseUrl: string, newest: string): Promise<void> {
  const names = (await fs.readdir(FOLDER)).map(name => name.replace(/\.sql$/, '')).sort();
  const known = names.slice(0, names.indexOf(newest) + 1);
  const migrations = known.map(async name => {
    const text = await fs.readFile(new URL(`${name}.sql`, FOLDER), 'utf8');
    const up = async (db: Parameters<ReturnType<typeof sql.raw>['execute']>[0]) =>
      void (await sql.raw(text).execute(db));
    return [name, { up }] as const;
  });
  const provider = { getMigrations: async () => Object.fromEntries(await Promise.all(migrations)) };
  const pool = openPool({ databaseUrl, max: 2 });
  try {
    await pool.query(`create schema if not exists ${LEDGER_SCHEMA}`);
    const migrator = new Migrator({ db: openKysely(pool), provider, migrationTableSchema: LEDGER_SCHEMA });
    const { error, results } = await migrator.migrateToLatest();
    if (error) throw error;
    if (results?.at(-1)?.migrationName !== newest) throw new Error(`there is no migration ${newest}`);
  } finally {
    await pool.end();
  }
}

/** The tables of the ledger. */
export async function tableNames(owner: pg.Pool): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = '${LEDGER_SCHEMA}' and table_type = 'BASE TABLE' and table_name not like 'kysely%'
     order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** Every row of a table in JSON, as PostgreSQL writes it. */
export async function rowsOf(owner: pg.Pool, table: string): Promise<string[]> {
  const { rows } = await owner.query<{ row: string }>(
    `select row_to_json(t)::text as row from ${table} t order by 1`,
  );
  return rows.map(({ row }) => row);
}

/**
 * A row of entries as versions before 0027_empty_where_nothing had it, written out where it is empty now; other rows are
 * left as they are.
 */
export function writtenOut(row: string): string {
  const [, bookedAt = 'null'] = /"booked_at": ?("[^"]*")/.exec(row) ?? [];
  return row
    .replace(/("effective_at": ?)null/, `$1${bookedAt}`)
    .replace(/("(?:held|debt)_after_microcredits": ?)null/g, '$10');
}

/** Writes what `from` has into `to`, as far as its schema has tables and columns for it. Both are owners' pools. */
export async function copyRows(from: pg.Pool, to: pg.Pool): Promise<void> {
  const client = await to.connect();
  try {
    // In any order of the tables; what is copied has been checked where it comes from.
    await client.query(`set session_replication_role = 'replica'`);
    for (const table of await tableNames(to)) {
      await client.query(`delete from ${table}`);
      const all = `[${(await rowsOf(from, table)).map(writtenOut).join(',')}]`;
      await client.query(
        `insert into ${table} select * from json_populate_recordset(null::${table}, $1::json)`,
        [all],
      );
    }
    await client.query('reset session_replication_role');
  } finally {
    client.release();
  }
}
