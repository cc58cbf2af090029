/** Reads look up what they need and no more, however long the history: rows are counted, not time. */
import type { Transaction } from 'kysely';
import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DAY, type Instant } from '../../../ledger/core/instant.ts';
import { readCredits, readCreditsAt } from '../../../ledger/reads/credits.ts';
import { readLotMovements } from '../../../ledger/reads/lot-movements.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import type { Tables } from '../../../ledger/store/tables.ts';
import { debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { readInstant } from '../../support/scenario.ts';

const BOUGHT = readInstant('2026-03-01 15:00');
const SHORT = 1n;
const LONG = 2n;

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 1 });
  const books = await openBooks(database.url);
  const spend = async (account: bigint, count: number, at: Instant) => {
    books.now = at;
    await books.poster.submit(account, purchaseOf(1n, at, `payment-${at}`));
    const jobs = Array.from({ length: count }, (_, index) => debitOf(1n, `job-${at}-${index}`));
    await Promise.all(jobs.map(job => books.poster.submit(account, job)));
  };
  // The long one has a hundred times as many entries, before and after the instant that is asked for, and old lots.
  for (const [account, count] of [
    [SHORT, 20],
    [LONG, 2000],
  ] as const)
    for (const day of [-90n, 0n, 1n]) await spend(account, count, BOUGHT + day * DAY);
  await books.close();
  const owner = openPool({ databaseUrl: database.url, max: 1 });
  await owner.query('analyze');
  await owner.end();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** How many rows of the ledger's tables PostgreSQL goes through for a read. */
async function rowsRead(read: (db: Transaction<Tables>) => Promise<unknown>): Promise<number> {
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

const bucketCount = DEFAULT_BUCKET_COUNT;

test.each<[string, (db: Transaction<Tables>, account: bigint) => Promise<unknown>]>([
  ['credits now', (db, account) => readCredits({ db, bucketCount }, account, BOUGHT + 2n * DAY)],
  ['credits as of the past', (db, account) => readCreditsAt({ db, bucketCount }, account, BOUGHT + DAY / 2n)],
  ['a page of a lot', (db, account) => readLotMovements({ db, bucketCount }, account, 1n, { limit: 10 })],
])('%s', async (_, read) => {
  const short = await rowsRead(db => read(db, SHORT));
  const long = await rowsRead(db => read(db, LONG));
  expect(short).toBeGreaterThan(1);
  // Halving takes seven looks more when there is a hundred times as much.
  expect(long).toBeLessThanOrEqual(short + 2 * 7);
  expect(long).toBeLessThan(60);
});
