/** Whether, when, how often and by how many it is swept makes no difference to what is in the books. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { accountName } from '../../../ledger/core/account-id.ts';
import type { Command } from '../../../ledger/core/commands.ts';
import { DAY, HOUR, type Instant } from '../../../ledger/core/instant.ts';
import { OutcomeUnknownError, OverloadedError } from '../../../ledger/posting/lane.ts';
import { bucketOfAccount } from '../../../ledger/store/bucket.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import type { SweepContext } from '../../../ledger/sweep/context.ts';
import { sweep } from '../../../ledger/sweep/sweep.ts';
import { sweepLag } from '../../../ledger/sweep/sweep-progress.ts';
import { type Books, debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { anyWishes, requestOf, resolve, SEED } from '../../support/histories.ts';
import { assertVerified, readBooks, type StoredBook } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';
import { sweepContext, sweepNow } from '../../support/sweep.ts';
import { openGate } from '../../support/tcp-gate.ts';

const BOUGHT = readInstant('2026-03-01 15:00');
const MIDNIGHT = readInstant('2026-03-02 00:00');
const NEVER = new AbortController().signal;

/** Two processes on a database, and its owner. */
interface Ground {
  readonly database: TestDatabase;
  readonly one: Books;
  readonly other: Books;
  readonly owner: pg.Pool;
}

/** A sweep goes through all buckets: more of them would show nothing else. */
const BUCKETS = 20;

async function openGround(): Promise<Ground> {
  const database = await createDatabase();
  const [one, other] = [
    await openBooks(database.url, false, BUCKETS),
    await openBooks(database.url, false, BUCKETS),
  ];
  return { database, one, other, owner: openPool({ databaseUrl: database.url, max: 4 }) };
}

async function closeGround({ database, one, other, owner }: Ground): Promise<void> {
  await Promise.all([one.close(), other.close(), owner.end()]);
  await database.drop();
}

async function verified(owner: pg.Pool): Promise<StoredBook[]> {
  const books = await readBooks(owner);
  assertVerified(books);
  return books;
}

describe(`the same arbitrary histories, seed ${SEED}`, () => {
  interface Asked {
    readonly accountId: bigint;
    readonly command: Command;
    readonly instant: Instant;
  }
  const asked: Asked[] = fc
    .sample(anyWishes, { seed: SEED, numRuns: 15 })
    .flatMap((wanted, index) => resolve(wanted).map(dated => ({ ...dated, accountId: BigInt(index + 1) })))
    .sort((a, b) => Number(a.instant - b.instant));
  const end = (asked.at(-1)?.instant ?? 0n) + 60n * DAY;

  /** Carries all of it out, with `between` before each command, and then has every book advanced to the end. */
  async function live(between: (ground: Ground, number: number) => Promise<unknown>): Promise<StoredBook[]> {
    const ground = await openGround();
    try {
      const { one, other, owner } = ground;
      for (const [number, { accountId, command, instant }] of asked.entries()) {
        one.now = other.now = instant;
        await Promise.all([between(ground, number), one.poster.submit(accountId, requestOf(command))]);
      }
      one.now = other.now = end;
      const accounts = new Set(asked.map(({ accountId }) => accountId));
      await Promise.all([...accounts].map(accountId => one.poster.submit(accountId, { type: 'advance' })));
      return await verified(owner);
    } finally {
      await closeGround(ground);
    }
  }

  let unswept: StoredBook[];
  beforeAll(async () => {
    unswept = await live(async () => {});
  });

  test('never swept, it is something', () => {
    const kinds = unswept.flatMap(({ entries }) => entries.map(({ entry }) => entry.kind));
    for (const kind of ['purchase', 'debit', 'hold_timeout', 'installment', 'renewal', 'expiry'])
      expect(kinds.filter(found => found === kind).length).toBeGreaterThan(2);
  });

  test('swept now and then, late and again, the entries and hashes are the same', async () => {
    let bookCount = 0;
    const swept = await live(async ({ one }, number) => {
      if (number % 9 === 0 || number % 9 === 1) bookCount += (await sweepNow(one)).bookCount;
    });
    expect(bookCount).toBeGreaterThan(20);
    expect(headsOf(swept)).toEqual(headsOf(unswept));
    expect(swept).toEqual(unswept);
  });

  test('swept by two workers at once, while debits come in, the entries and hashes are the same', async () => {
    const swept = await live(async ({ one, other }, number) => {
      if (number % 7 === 0) await Promise.all([sweepNow(one), sweepNow(other), sweepNow(one)]);
    });
    expect(headsOf(swept)).toEqual(headsOf(unswept));
    expect(swept).toEqual(unswept);
  });
});

function headsOf(books: readonly StoredBook[]): [string, string][] {
  return books.map(({ accountId, head }) => [accountName(accountId), head]);
}

describe('on one database', () => {
  let ground: Ground;
  let one: Books;
  let other: Books;
  let owner: pg.Pool;
  /** The accounts of a test: each has bought and used something on March 1st. */
  const ACCOUNTS = Array.from({ length: 200 }, (_, index) => BigInt(index + 1));
  const TABLES = [
    'books',
    'lots',
    'entries',
    'postings',
    'lot_faces',
    'holds',
    'reversals',
    'sweep_progress',
  ];

  beforeAll(async () => {
    ground = await openGround();
    ({ one, other, owner } = ground);
    one.now = BOUGHT;
    await Promise.all(ACCOUNTS.map(account => one.poster.submit(account, purchaseOf(1n, BOUGHT, 'payment'))));
    one.now = BOUGHT + HOUR;
    await Promise.all(ACCOUNTS.map(account => one.poster.submit(account, debitOf(1_000n, 'job'))));
    await owner.query(
      `create schema before; ${TABLES.map(table => `create table before.${table} as table ${table};`).join(' ')}`,
    );
  });
  afterAll(() => closeGround(ground));
  beforeEach(async () => {
    one.now = other.now = MIDNIGHT;
    await owner.query(`begin; set local session_replication_role = 'replica';
      ${TABLES.map(table => `delete from ${table}; insert into ${table} table before.${table};`).join(' ')}
      commit`);
  });

  async function countOf(kind: 'renewal' | 'expiry'): Promise<number> {
    const { rows } = await owner.query<{ found: bigint }>(
      'select count(*) as found from entries where kind = $1',
      [kind],
    );
    return Number(rows[0]?.found);
  }

  const sweepWith = (context: SweepContext, stopping: AbortSignal = NEVER) => sweep(context, stopping);

  test('everything is posted at its instant, once, and says how many books that was', async () => {
    expect(await sweepNow(one)).toEqual({ through: MIDNIGHT, bookCount: 200, failedCount: 0 });
    one.now = MIDNIGHT + HOUR;
    expect(await sweepNow(one)).toEqual({ through: MIDNIGHT + HOUR, bookCount: 0, failedCount: 0 });
    for (const { book, entries } of await verified(owner)) {
      expect(book.seq).toBe(3n);
      expect(entries.at(-1)?.entry).toMatchObject({ kind: 'renewal', bookedAt: MIDNIGHT });
    }
  });

  test('nothing is posted before it is due', async () => {
    one.now = MIDNIGHT - 1n;
    expect(await sweepNow(one)).toMatchObject({ bookCount: 0 });
    expect(await countOf('renewal')).toBe(0);
  });

  test('a sweep that is a month and a half late does all that was due since', async () => {
    one.now = BOUGHT + 45n * DAY;
    expect(await sweepNow(one)).toMatchObject({ bookCount: 200 });
    expect([await countOf('renewal'), await countOf('expiry')]).toEqual([200, 200]);
    await verified(owner);
  });

  test('two workers at once post each entry once and both come to the end', async () => {
    const [first, second] = await Promise.all([sweepNow(one), sweepNow(other)]);
    // Each renewal was posted by the one or the other.
    expect(first.bookCount + second.bookCount).toBe(200);
    expect(await countOf('renewal')).toBe(200);
    await verified(owner);
  });

  test('a sweep while every account is debited: nothing is lost, and each account renewed before', async () => {
    const [swept, ...debits] = await Promise.all([
      sweepNow(one),
      ...ACCOUNTS.map(account => other.poster.submit(account, debitOf(10_000n, 'all of it'))),
    ]);
    expect(swept.failedCount).toBe(0);
    expect(new Set(debits.map(({ status }) => status))).toEqual(new Set(['accepted']));
    for (const { entries } of await verified(owner))
      expect(entries.map(({ entry }) => entry.kind)).toEqual(['purchase', 'debit', 'renewal', 'debit']);
  });

  test('stopped in the middle it ends after what is in flight, and the next one does what is left', async () => {
    const stopping = new AbortController();
    let submitted = 0;
    const context = sweepContext(one, {
      poster: {
        submit(accountId, command) {
          submitted += 1;
          if (submitted === 50) stopping.abort();
          return one.poster.submit(accountId, command);
        },
      },
    });
    await expect(sweepWith(context, stopping.signal)).rejects.toHaveProperty('name', 'AbortError');
    // All that was given to the poster is in the books before it ends, and nothing else.
    expect(await countOf('renewal')).toBe(submitted);
    expect(submitted).toBeLessThan(100);
    const { rows } = await owner.query<{ bucket: number }>('select bucket from sweep_progress');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.length).toBeLessThan(BUCKETS);

    const done = new Set(rows.map(({ bucket }) => bucket));
    const again: bigint[] = [];
    const resumed = await sweepWith(
      sweepContext(other, {
        poster: {
          submit(accountId, command) {
            again.push(accountId);
            return other.poster.submit(accountId, command);
          },
        },
      }),
    );
    expect(resumed.bookCount).toBe(200 - submitted);
    expect(again.some(accountId => done.has(bucketOfAccount(accountId, BUCKETS)))).toBe(false);
    expect(await countOf('renewal')).toBe(200);
    await verified(owner);
  });

  test('what was never come to is first when the next sweep comes later', async () => {
    await sweepNow(one);
    await owner.query(`delete from sweep_progress where bucket in (7, 8, 9, 10)`);
    one.now = MIDNIGHT + DAY;
    await Promise.all(ACCOUNTS.map(account => one.poster.submit(account, debitOf(1n, 'next day'))));
    one.now = MIDNIGHT + 2n * DAY;
    const first: number[] = [];
    await sweepWith(
      sweepContext(one, {
        poster: {
          submit(accountId, command) {
            const bucket = bucketOfAccount(accountId, BUCKETS);
            if (!first.includes(bucket)) first.push(bucket);
            return one.poster.submit(accountId, command);
          },
        },
      }),
    );
    // Two buckets are swept at once: while one of these is still being looked at, the other walk may be past the rest.
    expect([7, 8, 9, 10]).toEqual(expect.arrayContaining(first.slice(0, 3)));
  });

  test('a book whose invariant is broken is named in the log and keeps back no other', async () => {
    const broken = 77n;
    await owner.query('alter table lots drop constraint lots_settled_microcredits_check');
    await owner.query('update lots set settled_microcredits = -1 where account_id = $1', [broken]);
    const context = sweepContext(one);
    expect(await sweepWith(context)).toEqual({ through: MIDNIGHT, bookCount: 199, failedCount: 1 });
    expect(context.lines).toEqual([
      `${accountName(broken)} could not be swept: Error: lot 1 would fall below zero`,
    ]);
    expect(await countOf('renewal')).toBe(199);
    expect(await sweepLag(openKysely(owner), MIDNIGHT)).toBe(0);
    // Mended, it is swept by the next one.
    await owner.query('update lots set settled_microcredits = 0 where account_id = $1', [broken]);
    await owner.query(
      'alter table lots add constraint lots_settled_microcredits_check check (settled_microcredits >= 0)',
    );
    one.now = MIDNIGHT + HOUR;
    expect(await sweepNow(one)).toMatchObject({ bookCount: 1, failedCount: 0 });
    await verified(owner);
  });

  test('what fails for the moment is tried again until it is done, and said once', async () => {
    let failures = 0;
    const failing = (error: Error) => {
      failures += 1;
      return Promise.reject(error);
    };
    const context = sweepContext(one, {
      now: async () => (failures === 0 ? failing(new Error('Connection terminated unexpectedly')) : MIDNIGHT),
      poster: {
        submit(accountId, command) {
          if (failures < 20) return failing(new OverloadedError());
          if (failures < 40) return failing(new OutcomeUnknownError(new Error('gone')));
          return one.poster.submit(accountId, command);
        },
      },
    });
    expect(await sweepWith(context)).toEqual({ through: MIDNIGHT, bookCount: 200, failedCount: 0 });
    expect(context.lines).toEqual([
      'the sweep is held up, trying again: Error: Connection terminated unexpectedly',
      `the sweep is held up, trying again: ${new OverloadedError()}`,
      `the sweep is held up, trying again: ${new OutcomeUnknownError(null)}`,
    ]);
    expect(failures).toBe(40);
  });

  test('the database is lost in the middle: the sweep goes on once it is back', async () => {
    const { gate, url } = await openGate(ground.database.url);
    const books = await openBooks(url, false, BUCKETS);
    books.now = MIDNIGHT;
    let submitted = 0;
    const context = sweepContext(books, {
      poster: {
        submit(accountId, command) {
          submitted += 1;
          if (submitted === 50) {
            gate.cut();
            void vi.waitUntil(() => gate.refused > 0, { timeout: 10_000, interval: 5 }).then(gate.mend);
          }
          return books.poster.submit(accountId, command);
        },
      },
    });
    try {
      expect(await sweepWith(context)).toMatchObject({ through: MIDNIGHT, failedCount: 0 });
      expect(gate.refused).toBeGreaterThan(0);
      expect(await sweepLag(openKysely(owner), MIDNIGHT)).toBe(0);
      expect(await countOf('renewal')).toBe(200);
      await verified(owner);
    } finally {
      await books.close();
      await gate.stop();
    }
  });

  test('a statement that fails for good ends the sweep, after what is in flight', async () => {
    await owner.query('revoke insert on sweep_progress from credits_app, credits_worker');
    try {
      await expect(sweepNow(one)).rejects.toMatchObject({ code: '42501' });
    } finally {
      await owner.query('grant insert on sweep_progress to credits_app, credits_worker');
    }
    expect(await sweepNow(one)).toMatchObject({ failedCount: 0 });
    expect(await countOf('renewal')).toBe(200);
  });
});
