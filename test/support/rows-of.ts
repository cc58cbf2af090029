import type pg from 'pg';

/** Every row of a table as text, in one order. When a row was written is no fact, and is left out. */
export async function rowsOf(pool: pg.Pool, table: string): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(
    `select (to_jsonb(t) - 'recorded_at')::text as row from ${table} t order by 1`,
  );
  return rows.map(({ row }) => row);
}
