/** What is asked of a journal before it is read. */
import type pg from 'pg';

/** How many buckets the installation has. Throws one sentence when there is none. */
export async function readBucketCount(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ bucket_count: number }>('select bucket_count from installation');
  if (!rows[0]) throw new Error('The database is empty: run `npm run migrate` first.');
  return rows[0].bucket_count;
}

/** What the books say of their length, and whoever changed them may have made that anything. */
export async function estimateEntries(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ entries: bigint }>(
    'select coalesce(sum(seq), 0) as entries from books',
  );
  return Number(rows[0]?.entries ?? 0n);
}
