import type { Transaction } from 'kysely';
import { sql } from 'kysely';
import type pg from 'pg';
import { openKysely } from '../../ledger/store/postgres.ts';
import type { Tables } from '../../ledger/store/tables.ts';

/** How many rows of the ledger's tables PostgreSQL goes through for a read. */
export async function rowsRead(
  pool: pg.Pool,
  read: (db: Transaction<Tables>) => Promise<unknown>,
): Promise<number> {
  return await openKysely(pool)
    .transaction()
    .execute(async db => {
      const before = await rowsSoFar(db);
      await read(db);
      return (await rowsSoFar(db)) - before;
    });
}

async function rowsSoFar(db: Transaction<Tables>): Promise<number> {
  const { rows } = await sql<{ count: bigint }>`
    select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint as count from pg_stat_xact_user_tables
    where schemaname = 'credits' and relname <> 'ledger_accounts'`.execute(db);
  return Number(rows[0]?.count);
}
