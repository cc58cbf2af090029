/** When the job sweeps and what it says, on a real database, with the schedule and the clock in the test's hand. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { DAY, HOUR, type Instant, SECOND } from '../../../ledger/core/instant.ts';
import { openLedger } from '../../../ledger/index.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { type MidnightJob, startMidnightJob } from '../../../ledger/sweep/midnight-job.ts';
import { type Books, debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';
import { sweepContext } from '../../support/sweep.ts';

const BOUGHT = readInstant('2026-03-01 15:00');
const MIDNIGHT = readInstant('2026-03-02 00:00');

let database: TestDatabase;
let books: Books;
let owner: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  books = await openBooks(database.url);
  owner = openPool({ databaseUrl: database.url, max: 2 });
});
afterAll(async () => {
  await Promise.all([books.close(), owner.end()]);
  await database.drop();
});

/** Each test has an account of its own, which has used something on March 1st. */
let accountId = 0n;
beforeEach(async () => {
  accountId += 1n;
  await owner.query('delete from sweep_progress');
  books.now = BOUGHT;
  await books.poster.submit(accountId, purchaseOf(1n, BOUGHT, 'payment'));
  await books.poster.submit(accountId, debitOf(1n, 'job'));
});

let job: MidnightJob | null = null;
afterEach(async () => {
  await job?.stop();
  job = null;
});

/** Starts the job; `tick` is its schedule. */
function start(change: Parameters<typeof sweepContext>[1] = {}) {
  const context = sweepContext(books, change);
  const schedule = { tick: (_: Instant) => {}, isOn: true };
  job = startMidnightJob(context, tick => {
    schedule.tick = tick;
    return () => {
      schedule.isOn = false;
    };
  });
  return { lines: context.lines, schedule };
}

const said = (lines: readonly string[], count: number) =>
  vi.waitUntil(() => lines.length >= count, { timeout: 60_000, interval: 5 });

async function kinds(): Promise<string[]> {
  const all = await readBooks(owner);
  assertVerified(all);
  const found = all.find(book => book.accountId === accountId);
  return found?.entries.map(({ entry }) => entry.kind) ?? [];
}

test('it sweeps at its start and at each tick, and says through when, how many and how long', async () => {
  books.now = MIDNIGHT + SECOND;
  const { lines, schedule } = start();
  await said(lines, 1);
  expect(await kinds()).toEqual(['purchase', 'debit', 'renewal']);
  books.now = MIDNIGHT + HOUR + 900_000n;
  schedule.tick(MIDNIGHT + HOUR);
  await said(lines, 2);
  expect(lines.map(line => line.replace(/\d+\.\d s$/, 'N s'))).toEqual([
    'swept through 2026-03-02T00:00:01Z: 1 books, N s',
    'swept through 2026-03-02T01:00:00Z: 0 books, N s',
  ]);
});

test('a machine whose clock is ahead of the ledger waits for the midnight rather than miss it', async () => {
  books.now = MIDNIGHT - HOUR;
  const { lines, schedule } = start();
  await said(lines, 1);
  books.now = MIDNIGHT - 300_000n;
  schedule.tick(MIDNIGHT);
  await new Promise(resolve => setTimeout(resolve, 600));
  expect(lines).toHaveLength(1);
  expect(await kinds()).toEqual(['purchase', 'debit']);
  books.now = MIDNIGHT;
  await said(lines, 2);
  expect(lines[1]).toMatch(/^swept through 2026-03-02T00:00:00Z: /);
  expect(await kinds()).toEqual(['purchase', 'debit', 'renewal']);
});

test('for a clock that is hours behind nobody waits', async () => {
  books.now = MIDNIGHT - 2n * HOUR;
  const { lines, schedule } = start();
  await said(lines, 1);
  books.now += 1n;
  schedule.tick(MIDNIGHT);
  await said(lines, 2);
  expect(lines[1]).toMatch(/^swept through 2026-03-01T22:00:00Z: /);
});

test('ticks that come during a sweep are one more sweep after it', async () => {
  let asked = 0;
  let proceed = () => {};
  const held = new Promise<void>(resolve => {
    proceed = resolve;
  });
  books.now = MIDNIGHT;
  const { lines, schedule } = start({
    async now() {
      asked += 1;
      // The second question is the sweep's own.
      if (asked === 2) await held;
      return MIDNIGHT + BigInt(asked) * HOUR;
    },
  });
  await vi.waitUntil(() => asked === 2, { timeout: 60_000, interval: 5 });
  for (const hour of [1n, 2n, 3n]) schedule.tick(MIDNIGHT + hour * HOUR);
  proceed();
  await said(lines, 2);
  await job?.stop();
  expect(asked).toBe(4);
  expect(lines).toHaveLength(2);
});

test('a sweep that fails for good is said with its place, and the next tick sweeps', async () => {
  books.now = MIDNIGHT;
  await owner.query('revoke select on sweep_progress from credits_app, credits_api, credits_worker');
  const { lines, schedule } = start();
  await said(lines, 1);
  expect(lines[0]).toMatch(
    /^could not sweep, trying again within the hour: error: permission denied .*\n +at /s,
  );
  await owner.query('grant select on sweep_progress to credits_app, credits_api, credits_worker');
  schedule.tick(MIDNIGHT);
  await said(lines, 2);
  expect(lines[1]).toMatch(/^swept through /);
});

test('stopped, it ends the schedule, waits for what is in flight and sweeps no more', async () => {
  books.now = MIDNIGHT;
  let isPosted = false;
  const { lines, schedule } = start({
    poster: {
      async submit(account, command) {
        void job?.stop();
        const outcome = await books.poster.submit(account, command);
        isPosted = true;
        return outcome;
      },
    },
  });
  await vi.waitUntil(() => !schedule.isOn, { timeout: 60_000, interval: 5 });
  await job?.stop();
  expect(isPosted).toBe(true);
  expect(lines).toEqual(['stopped before everything was swept; the next sweep does the rest']);
  schedule.tick(MIDNIGHT + DAY);
  await job?.stop();
  expect(lines).toHaveLength(1);
});

test('stopped while the database is away, it does not wait for it', async () => {
  books.now = MIDNIGHT;
  const { lines } = start({ now: () => Promise.reject(new Error('Connection terminated')) });
  await job?.stop();
  expect(lines).toEqual(['stopped before everything was swept; the next sweep does the rest']);
});

test('the ledger starts it on its own clock and tells its lag', async () => {
  const ledger = await openLedger({
    databaseUrl: database.url,
    rpcUrl: 'http://127.0.0.1:1',
    installation: TEST_INSTALLATION,
  });
  try {
    const lines: string[] = [];
    const now = await ledger.now();
    accountId += 1n;
    books.now = now - 40n * DAY;
    await books.poster.submit(accountId, purchaseOf(1n, books.now, 'payment'));
    await books.poster.submit(accountId, debitOf(1n, 'job'));
    expect(await ledger.sweepLagSeconds(now + DAY)).toBeGreaterThan(0);
    job = ledger.startMidnightJob(line => lines.push(line));
    await said(lines, 1);
    await job.stop();
    expect(lines[0]).toMatch(/^swept through 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ: \d+ books, \d+\.\d s$/);
    expect(await ledger.sweepLagSeconds(await ledger.now())).toBe(0);
    expect(await kinds()).toEqual(['purchase', 'debit', 'renewal', 'expiry']);
  } finally {
    await ledger.close();
  }
});

test('what follows a sweep is done after each that came to its end, and may fail', async () => {
  books.now = MIDNIGHT + SECOND;
  let done = 0;
  const { lines, schedule } = start({
    async afterSweep() {
      done += 1;
      expect(await kinds()).toEqual(['purchase', 'debit', 'renewal']);
      if (done === 1) throw new Error('not this time');
      lines.push('done');
    },
  });
  await said(lines, 2);
  expect(lines[1]).toMatch(
    /^could not do what follows a sweep, trying again within the hour: Error: not this time/,
  );
  schedule.tick(MIDNIGHT + SECOND);
  await said(lines, 4);
  expect(lines.slice(2)).toEqual([expect.stringMatching(/^swept through /), 'done']);
});
