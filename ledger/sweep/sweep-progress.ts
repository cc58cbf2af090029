/** Through which instant each bucket is swept. */
import { type Kysely, sql } from 'kysely';
import { DAY, type Instant, MICROSECONDS_PER_SECOND, midnightAfter } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** The buckets that are not swept through `through` yet, those first that have waited longest. */
export async function bucketsBehind(
  db: Kysely<Tables>,
  bucketCount: number,
  through: Instant,
): Promise<number[]> {
  const rows = await db.selectFrom('sweep_progress').selectAll().execute();
  const sweptThrough = new Map(rows.map(row => [row.bucket, row.swept_through]));
  const reached = (bucket: number) => sweptThrough.get(bucket) ?? 0n;
  return Array.from({ length: bucketCount }, (_, bucket) => bucket)
    .filter(bucket => reached(bucket) < through)
    .sort((a, b) => Number(reached(a) - reached(b)));
}

/** Notes that `bucket` is swept through `through`. What a later sweep has noted stays. */
export async function recordSwept(db: Kysely<Tables>, bucket: number, through: Instant): Promise<void> {
  await db
    .insertInto('sweep_progress')
    .values({ bucket, swept_through: instantText(through) })
    .onConflict(conflict =>
      conflict.column('bucket').doUpdateSet({
        swept_through: sql<string>`greatest(sweep_progress.swept_through, excluded.swept_through)`,
      }),
    )
    .execute();
}

/**
 * How many seconds the bucket that is furthest behind is behind the newest midnight at `now`; 0 when all are swept
 * through it. A bucket that was never swept counts from when the installation was made.
 */
export async function sweepLag(db: Kysely<Tables>, now: Instant): Promise<number> {
  const { rows } = await sql<{ swept_through: Instant | null }>`
    select min(coalesce(p.swept_through, i.created_at)) as swept_through
    from installation i
    cross join generate_series(0, i.bucket_count - 1) as numbers (bucket)
    left join sweep_progress p on p.bucket = numbers.bucket`.execute(db);
  const sweptThrough = rows[0]?.swept_through;
  if (sweptThrough == null) throw new Error('the database has no buckets: nothing is installed in it');
  const newestMidnight = midnightAfter(now) - DAY;
  const behind = newestMidnight - sweptThrough;
  return behind > 0n ? Number(behind) / Number(MICROSECONDS_PER_SECOND) : 0;
}
