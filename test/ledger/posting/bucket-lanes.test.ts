/** On a cluster each bucket has a lane to itself, and the lanes share their connections. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Poster } from '../../../ledger/posting/poster.ts';
import { AccountCodes } from '../../../ledger/store/account-codes.ts';
import { bucketOfAccount } from '../../../ledger/store/bucket.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { codeOf, debitOf, purchaseOf } from '../../support/books.ts';
import type { TestDatabase } from '../../support/database.ts';
import { LEDGER_PLACES } from '../../support/ledger-places.ts';
import { readInstant } from '../../support/scenario.ts';

const BOUGHT = readInstant('2026-03-01 15:00');
const bucketOf = (accountId: bigint) => bucketOfAccount(accountId, DEFAULT_BUCKET_COUNT);

describe.each(LEDGER_PLACES.filter(({ isDistributed }) => isDistributed))('$name', place => {
  let database: TestDatabase;
  let owner: pg.Pool;
  let codes: AccountCodes;
  beforeAll(async () => {
    database = await place.create();
    owner = openPool({ databaseUrl: database.url, max: 2 });
    codes = await AccountCodes.load(openKysely(owner));
  });
  afterAll(async () => {
    await owner.end();
    await database.drop();
  });

  /** Runs `work` with a poster that has so many connections. */
  async function posting(max: number, work: (poster: Poster, pool: pg.Pool) => Promise<void>): Promise<void> {
    const pool = openPool({ databaseUrl: database.url, role: 'credits_app', max, pipeline: true });
    const clock = () => BOUGHT;
    const poster = new Poster(pool, {
      codes,
      clock,
      bucketCount: DEFAULT_BUCKET_COUNT,
      isDistributed: true,
    });
    await work(poster, pool).finally(() => pool.end());
  }

  test('a book that somebody has locked keeps none of another bucket waiting', async () => {
    await posting(2, async poster => {
      const accounts = Array.from({ length: DEFAULT_BUCKET_COUNT }, (_, index) => BigInt(index + 1));
      const [locked = 0n] = accounts;
      const others = accounts.filter(account => bucketOf(account) !== bucketOf(locked));
      await Promise.all(accounts.map(account => poster.submit(account, purchaseOf(1n, BOUGHT, 'payment'))));
      const holder = await owner.connect();
      await holder.query('begin');
      await holder.query('select from books where bucket = $1 and account_id = $2 for update', [
        bucketOf(locked),
        locked,
      ]);
      const waiting = poster.submit(locked, debitOf(1n, 'waiting'));
      const answers = await Promise.all(others.map(account => poster.submit(account, debitOf(1n, 'job'))));
      expect(new Set(answers.map(codeOf))).toEqual(new Set(['accepted']));
      await holder.query('rollback');
      holder.release();
      expect(codeOf(await waiting)).toBe('accepted');
    });
  });

  test('what arrives while the connections are taken is posted in one transaction', async () => {
    await posting(1, async (poster, pool) => {
      const taken = await pool.connect();
      let transactions = 0;
      pool.on('acquire', () => {
        transactions += 1;
      });
      const purchases: ReturnType<Poster['submit']>[] = [];
      for (const key of ['one', 'two', 'three']) {
        purchases.push(poster.submit(1000n, purchaseOf(1n, BOUGHT, key)));
        await nextTurn();
        await nextTurn();
      }
      taken.release();
      expect((await Promise.all(purchases)).map(codeOf)).toEqual(['accepted', 'accepted', 'accepted']);
      expect(transactions).toBe(1);
    });
  });
});
