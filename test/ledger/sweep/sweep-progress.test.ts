import type { Kysely } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DAY, HOUR, type Instant, midnightAfter } from '../../../ledger/core/instant.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import type { Tables } from '../../../ledger/store/tables.ts';
import { bucketsBehind, recordSwept, sweepLag } from '../../../ledger/sweep/sweep-progress.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const BUCKETS = Array.from({ length: DEFAULT_BUCKET_COUNT }, (_, bucket) => bucket);

let database: TestDatabase;
let owner: pg.Pool;
let pool: pg.Pool;
let db: Kysely<Tables>;
let installedAt: Instant;
let midnight: Instant;
beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ databaseUrl: database.url, max: 1 });
  pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 2 });
  db = openKysely(pool);
  const { created_at } = await db.selectFrom('installation').select('created_at').executeTakeFirstOrThrow();
  installedAt = created_at;
  midnight = midnightAfter(installedAt);
});
afterAll(async () => {
  await Promise.all([owner.end(), pool.end()]);
  await database.drop();
});
beforeEach(() => owner.query('delete from sweep_progress'));

const sweepAll = (through: Instant) => Promise.all(BUCKETS.map(bucket => recordSwept(db, bucket, through)));

test('a new installation lags from the first midnight on, and by what has passed since it was made', async () => {
  expect(await sweepLag(db, midnight - 1n)).toBe(0);
  expect(await sweepLag(db, midnight)).toBe(Number(midnight - installedAt) / 1e6);
});

test('the lag is that of the slowest bucket behind the newest midnight, and 0 once it is swept through that', async () => {
  await sweepAll(midnight - HOUR);
  expect(await sweepLag(db, midnight - 1n)).toBe(0);
  expect(await sweepLag(db, midnight)).toBe(3600);
  // Measured to the midnight, not to now.
  expect(await sweepLag(db, midnight + 5n * HOUR)).toBe(3600);
  expect(await sweepLag(db, midnight + DAY)).toBe(3600 + 86_400);
  for (const bucket of BUCKETS.slice(1)) await recordSwept(db, bucket, midnight);
  expect(await sweepLag(db, midnight)).toBe(3600);
  await recordSwept(db, 0, midnight - 1n);
  expect(await sweepLag(db, midnight)).toBe(1e-6);
  await recordSwept(db, 0, midnight);
  expect(await sweepLag(db, midnight)).toBe(0);
  expect(await sweepLag(db, midnight + DAY - 1n)).toBe(0);
});

test('progress never goes back', async () => {
  await sweepAll(midnight);
  await recordSwept(db, 3, midnight - DAY);
  expect(await bucketsBehind(db, DEFAULT_BUCKET_COUNT, midnight)).toEqual([]);
});

test('those are behind that are not swept through the instant, the longest waiting first', async () => {
  await sweepAll(midnight);
  await owner.query('delete from sweep_progress where bucket in (4, 2)');
  await owner.query(
    `update sweep_progress set swept_through = swept_through - interval '1 hour' where bucket = 1`,
  );
  expect(await bucketsBehind(db, DEFAULT_BUCKET_COUNT, midnight)).toEqual([2, 4, 1]);
  expect((await bucketsBehind(db, DEFAULT_BUCKET_COUNT, midnight + 1n)).slice(0, 4)).toEqual([2, 4, 1, 0]);
});
