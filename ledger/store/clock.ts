import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { Tables } from './tables.ts';

/** The database's clock, which is the only one that decides. */
export async function readNow(db: Kysely<Tables>): Promise<Instant> {
  const { rows } = await sql<{ now: Instant }>`select clock_timestamp() as now`.execute(db);
  if (!rows[0]) throw new Error('the database did not tell its clock');
  return rows[0].now;
}
