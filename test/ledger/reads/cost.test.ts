/** Reads look up what they need and no more, however long the history: rows are counted, not time. */
import type { Transaction } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DAY, type Instant } from '../../../ledger/core/instant.ts';
import { readCredits, readCreditsAt } from '../../../ledger/reads/credits.ts';
import { readLotMovements } from '../../../ledger/reads/lot-movements.ts';
import { readOpenDebt } from '../../../ledger/reads/open-debt.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import type { Tables } from '../../../ledger/store/tables.ts';
import { debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { rowsRead } from '../../support/rows-read.ts';
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
  // With so many lots that PostgreSQL looks them up, as it does anywhere but in a test.
  const others = Array.from({ length: 500 }, (_, index) => BigInt(index + 10));
  await Promise.all(
    others.map(account => books.poster.submit(account, purchaseOf(1n, BOUGHT + DAY, 'payment'))),
  );
  await books.close();
  const owner = openPool({ databaseUrl: database.url, max: 1 });
  await owner.query('analyze');
  await owner.end();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const bucketCount = DEFAULT_BUCKET_COUNT;

test('what is owed: the books that owe, however many there are', async () => {
  const owner = openPool({ databaseUrl: database.url, max: 1 });
  await owner.query(`insert into books (bucket, account_id, head, booked_at, debt_microcredits)
    select 7, n, decode(repeat('00', 32), 'hex'), '2026-03-01', case when n % 2000 = 1 then 5 else 0 end
    from generate_series(100001, 110001, 2) n`);
  await owner.query('analyze books');
  try {
    let debt = 0n;
    const rows = await rowsRead(pool, async db => {
      debt = await readOpenDebt(db);
    });
    expect(debt).toBe(5n * 6n);
    expect(rows).toBeLessThanOrEqual(6);
  } finally {
    await owner.query('delete from books where account_id > 100000');
    await owner.end();
  }
});

test.each<[string, (db: Transaction<Tables>, account: bigint) => Promise<unknown>]>([
  ['credits now', (db, account) => readCredits({ db, bucketCount }, account, BOUGHT + 2n * DAY)],
  ['credits as of the past', (db, account) => readCreditsAt({ db, bucketCount }, account, BOUGHT + DAY / 2n)],
  ['a page of a lot', (db, account) => readLotMovements({ db, bucketCount }, account, 1n, { limit: 10 })],
])('%s', async (_, read) => {
  const short = await rowsRead(pool, db => read(db, SHORT));
  const long = await rowsRead(pool, db => read(db, LONG));
  expect(short).toBeGreaterThan(1);
  // Halving takes seven looks more when there is a hundred times as much.
  expect(long).toBeLessThanOrEqual(short + 2 * 7);
  expect(long).toBeLessThan(60);
});
