import type pg from 'pg';
import type { Instant } from '../core/instant.ts';

/** Now, as the books see it: the database's clock, or the last entry of all where that is later. */
export async function readLatestInstant(client: pg.Pool | pg.ClientBase): Promise<Instant> {
  const { rows } = await client.query<{ now: Instant }>(
    'select greatest(clock_timestamp(), (select max(booked_at) from books)) as now',
  );
  const now = rows[0]?.now;
  if (now === undefined) throw new Error('the database does not tell its time');
  return now;
}
