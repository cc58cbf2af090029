/** The instant through which everything is booked: what is booked from now on comes after it. */
import type pg from 'pg';
import type { Instant } from '../core/instant.ts';
import { instantText } from './instant-text.ts';
import type { RunSql } from './run-sql.ts';

const READ_FENCE = { name: 'read_seal_fence', text: 'select through from seal_fence' };

/** Null as long as nothing was sealed. Read it with the book locked: a fence that is raised later waits for the lock. */
export async function readSealFence(run: RunSql): Promise<Instant | null> {
  const [row] = await run<{ through: Instant }>(READ_FENCE, []);
  return row?.through ?? null;
}

/** Raises the fence to `through`, in a transaction of its own. It never falls. */
export async function raiseSealFence(pool: pg.Pool, through: Instant): Promise<void> {
  await pool.query(
    `insert into seal_fence (through) values ($1)
     on conflict (only_row) do update set through = greatest(seal_fence.through, excluded.through)`,
    [instantText(through)],
  );
}
