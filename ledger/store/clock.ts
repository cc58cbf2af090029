import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { type RunSql, runIn, type Statement } from './run-sql.ts';
import type { Tables } from './tables.ts';

const READ_CLOCK: Statement = { name: 'read_clock', text: 'select clock_timestamp() as now' };

/** The database's clock, which is the only one that decides. */
export async function readNow(db: Kysely<Tables>): Promise<Instant> {
  return await readClock(runIn(db));
}

/** The same within the caller's transaction, after the statements that were sent before. */
export async function readClock(run: RunSql): Promise<Instant> {
  const [row] = await run<{ now: Instant }>(READ_CLOCK, []);
  if (!row) throw new Error('the database did not tell its clock');
  return row.now;
}
