import fs from 'node:fs/promises';
import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { LEDGER_SCHEMA, openKysely, openPool } from './postgres.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

/** The migrations that this program expects, in their order. */
export async function migrationNames(): Promise<string[]> {
  const files = (await fs.readdir(FOLDER)).filter(name => name.endsWith('.sql'));
  return files.map(name => name.slice(0, -'.sql'.length)).sort();
}

async function readMigrations(): Promise<Record<string, Migration>> {
  const migrations: Record<string, Migration> = {};
  for (const name of await migrationNames()) {
    const text = await fs.readFile(new URL(`${name}.sql`, FOLDER), 'utf8');
    migrations[name] = {
      // Without parameters pg sends the file as one simple query, so it may hold many statements.
      up: async db => void (await sql.raw(text).execute(db)),
    };
  }
  return migrations;
}

/**
 * Brings the ledger's schema up to date and returns the names of the migrations that this took. `databaseUrl`
 * must be the owner's: it creates the schema, the tables and the roles. Concurrent calls wait for each other.
 * Throws when a migration fails, after which nothing of it remains.
 */
export async function migrate(databaseUrl: string, schema: string = LEDGER_SCHEMA): Promise<string[]> {
  const pool = openPool({ databaseUrl, schema, max: 2, applicationName: 'credits-migrate' });
  try {
    // Two that come at once both find nothing: the later one takes what the other made.
    await pool.query(`do $$ begin create schema if not exists "${schema}";
      exception when unique_violation or duplicate_schema then null; end $$`);
    const migrator = new Migrator({
      db: openKysely(pool),
      provider: { getMigrations: readMigrations },
      migrationTableSchema: schema,
    });
    const { error, results } = await migrator.migrateToLatest();
    if (error) throw error;
    return (results ?? []).map(result => result.migrationName);
  } finally {
    await pool.end();
  }
}

/** The migrations that `migrate` would still run; empty when the schema is what this program expects. */
export async function pendingMigrations(
  databaseUrl: string,
  schema: string = LEDGER_SCHEMA,
): Promise<string[]> {
  const pool = openPool({ databaseUrl, schema, max: 1, applicationName: 'credits-migrate' });
  try {
    const expected = await migrationNames();
    const { rows: found } = await pool.query<{ table: string | null }>(
      `select to_regclass($1)::text as table`,
      [`"${schema}".kysely_migration`],
    );
    if (found[0]?.table === null) return expected;
    const { rows } = await pool.query<{ name: string }>(`select name from "${schema}".kysely_migration`);
    const done = new Set(rows.map(row => row.name));
    return expected.filter(name => !done.has(name));
  } finally {
    await pool.end();
  }
}
