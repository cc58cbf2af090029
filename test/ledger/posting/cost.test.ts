/** A command costs the same in a book with a long history: rows are counted, not time. */
import type { Transaction } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bucketOfAccount } from '../../../ledger/store/bucket.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { findConsumedKeys } from '../../../ledger/store/posted-entries.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { runIn } from '../../../ledger/store/run-sql.ts';
import type { Tables } from '../../../ledger/store/tables.ts';
import { debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { rowsRead } from '../../support/rows-read.ts';
import { readInstant } from '../../support/scenario.ts';

const BOUGHT = readInstant('2026-03-01 15:00');
const LONG = 1n;
const ENTRIES = 3000;

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 1, pipeline: true });
  const owner = openPool({ databaseUrl: database.url, max: 1 });
  const books = await openBooks(database.url);
  books.now = BOUGHT;
  // What PostgreSQL knows of the tables is from when all books were short, as it is for a while with any book that grows.
  const accounts = Array.from({ length: 2000 }, (_, index) => BigInt(index + 1));
  for (const payment of ['first', 'second', 'third'])
    await Promise.all(accounts.map(account => books.poster.submit(account, purchaseOf(1n, BOUGHT, payment))));
  await owner.query('analyze');
  await owner.query('alter table entries set (autovacuum_enabled = false)');
  await owner.end();
  const jobs = Array.from({ length: ENTRIES }, (_, index) => debitOf(1n, `job-${index}`));
  await Promise.all(jobs.map(job => books.poster.submit(LONG, job)));
  await books.close();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('whether a key was used is looked up for that key, not in the history of its book', async () => {
  const bucket = bucketOfAccount(LONG, DEFAULT_BUCKET_COUNT);
  const digests = ['job-7', 'job-2500', 'never used'].map(name => debitOf(1n, name).identity.keyDigest);
  let found: unknown[] = [];
  const look = async (db: Transaction<Tables>) => {
    found = await findConsumedKeys(
      runIn(db),
      digests.map(keyDigest => ({ bucket, accountId: LONG, keyDigest })),
    );
  };
  const rows = await rowsRead(pool, look);
  expect(found).toHaveLength(2);
  expect(rows).toBeLessThanOrEqual(digests.length);
});
