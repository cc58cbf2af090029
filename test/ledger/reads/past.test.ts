/** Balances as of any instant: the ledger that lived on tells of the past what one that stopped there would tell. */
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { advance } from '../../../ledger/core/advance.ts';
import { availableOf, type Book, heldOf } from '../../../ledger/core/book.ts';
import type { Hold } from '../../../ledger/core/hold.ts';
import { DAY, type Instant, MINUTE, midnightAfter } from '../../../ledger/core/instant.ts';
import type { Entry } from '../../../ledger/core/journal.ts';
import { isLive } from '../../../ledger/core/lot.ts';
import { commandIdentity } from '../../../ledger/posting/identity.ts';
import { readCredits, readCreditsAt } from '../../../ledger/reads/credits.ts';
import { readExpirySchedule } from '../../../ledger/reads/expiry-schedule.ts';
import { type MovementCursor, readLotMovements } from '../../../ledger/reads/lot-movements.ts';
import { readStatement, type StatementLine } from '../../../ledger/reads/statement.ts';
import { readTrialBalance } from '../../../ledger/reads/trial-balance.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import type { Tables } from '../../../ledger/store/tables.ts';
import { type Books, debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { anyWishes, type Dated, requestOf, resolve, runHistory, SEED } from '../../support/histories.ts';
import { readInstant } from '../../support/scenario.ts';

let database: TestDatabase;
let books: Books;
let pool: pg.Pool;
let db: Kysely<Tables>;
beforeAll(async () => {
  database = await createDatabase();
  books = await openBooks(database.url);
  pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 2 });
  db = openKysely(pool);
});
afterAll(async () => {
  await Promise.all([books.close(), pool.end()]);
  await database.drop();
});
const options = () => ({ db, bucketCount: DEFAULT_BUCKET_COUNT });

/** What a book tells at an instant, to be compared. */
function toldOf(book: Book, at: Instant) {
  const { book: then } = advance(book, at);
  return {
    at,
    availableMicrocredits: availableOf(then),
    heldMicrocredits: heldOf(then),
    debtMicrocredits: then.debtMicrocredits,
    lots: then.lots
      .filter(lot => isLive(lot, at))
      .map(({ id, faceMicrocredits, availableMicrocredits, heldMicrocredits, unreleasedMicrocredits }) => ({
        ...{ id, faceMicrocredits, availableMicrocredits, heldMicrocredits, unreleasedMicrocredits },
      })),
  };
}

/** The history as far as it had come by `at`, that instant included. */
function until(history: readonly Dated[], at: Instant): Book {
  return runHistory(history.filter(({ instant }) => instant <= at)).book;
}

/** Telling moments: each command's and each entry's instant with the microseconds around it, and the time after. */
function momentsOf(history: readonly Dated[], entries: readonly Entry[]): Instant[] {
  const instants = [...history.map(({ instant }) => instant), ...entries.map(({ bookedAt }) => bookedAt)];
  const around = instants.flatMap(instant => [instant - 1n, instant, instant + 1n, midnightAfter(instant)]);
  return [...new Set([...around, (instants.at(-1) ?? 0n) + 40n * DAY])];
}

let accountId = 0n;
async function live(history: readonly Dated[]): Promise<void> {
  accountId += 1n;
  for (const { command, instant } of history) {
    books.now = instant;
    await books.poster.submit(accountId, requestOf(command));
  }
}

test(`seed ${SEED}: as of any instant, the past is what it was`, async () => {
  await fc.assert(
    fc.asyncProperty(anyWishes, async wanted => {
      const history = resolve(wanted);
      await live(history);
      for (const at of momentsOf(history, runHistory(history).entries)) {
        const told = await readCreditsAt(options(), accountId, at);
        expect(told).toMatchObject(toldOf(until(history, at), at));
        expect(told.lots).toHaveLength(toldOf(until(history, at), at).lots.length);
      }
      const now = (history.at(-1)?.instant ?? 0n) + 1n;
      expect(await readCredits(options(), accountId, now)).toMatchObject(toldOf(until(history, now), now));
    }),
    { seed: SEED, numRuns: 25 },
  );
});

test(`seed ${SEED}: a statement in pages is the journal, and what is due is in it before anybody posts it`, async () => {
  await fc.assert(
    fc.asyncProperty(anyWishes, fc.integer({ min: 1, max: 9 }), async (wanted, limit) => {
      const history = resolve(wanted);
      await live(history);
      const now = (history.at(-1)?.instant ?? 0n) + 3n * DAY;
      const { entries, book } = runHistory([...history, { command: { type: 'advance' }, instant: now }]);
      const lines: StatementLine[] = [];
      let before: bigint | undefined;
      for (;;) {
        const page = await readStatement(options(), accountId, now, { before, limit });
        expect(page.lines.length).toBeLessThanOrEqual(limit);
        lines.push(...page.lines);
        if (page.next === null) break;
        before = page.next;
      }
      expect(lines.toReversed()).toEqual(entries.map(entry => lineOf(entry, book.holds)));
    }),
    { seed: SEED, numRuns: 25 },
  );
});

function lineOf({ command, postings, ...rest }: Entry, holds: readonly Hold[]) {
  // A capture is told as what placed the hold.
  const { keyNumber = null } =
    holds.find(({ closedBy }) => rest.kind === 'capture' && closedBy === rest.seq) ?? command ?? {};
  const movements = postings.map(({ from, to, amount, lot }) => ({ lotId: lot?.id, from, to, amount }));
  return { ...rest, serviceId: command?.serviceId ?? null, keyNumber, movements };
}

describe('one account', () => {
  const BOUGHT = readInstant('2026-03-01 15:00');
  beforeAll(async () => {
    accountId += 1n;
    books.now = BOUGHT;
    await books.poster.submit(accountId, purchaseOf(1n, BOUGHT, 'first'));
    books.now = readInstant('2026-03-03 10:00');
    await books.poster.submit(accountId, debitOf(2500n, 'job'));
    await books.poster.submit(accountId, purchaseOf(2n, books.now, 'second'));
  });

  test('what lapses when, if nothing happens: a lot that renews is full again by then', async () => {
    const schedule = await readExpirySchedule(options(), accountId, readInstant('2026-03-03 12:00'));
    expect(schedule).toEqual([
      { at: readInstant('2026-03-31 15:00'), lotId: 1n, amountMicrocredits: 10_000_000_000n },
      { at: readInstant('2026-04-02 10:00'), lotId: 3n, amountMicrocredits: 20_000_000_000n },
    ]);
  });

  test('a lot with every movement, in pages', async () => {
    const seen: string[] = [];
    let after: MovementCursor | null = null;
    do {
      const page = await readLotMovements(options(), accountId, 1n, { after: after ?? undefined, limit: 2 });
      seen.push(...page.movements.map(({ from, to, amount }) => `${from} ${to} ${amount}`));
      after = page.next;
    } while (after !== null);
    expect(seen).toEqual([
      'CREDIT:issued CREDIT:available 10000000000',
      'USD:deferred_revenue USD:clearing 1000000',
      'CREDIT:available CREDIT:consumed 2500000000',
    ]);
  });

  test('nobody and nothing', async () => {
    expect(await readCreditsAt(options(), 999_999n, BOUGHT)).toMatchObject({
      availableMicrocredits: 0n,
      lots: [],
    });
    expect(await readCreditsAt(options(), accountId, BOUGHT - 1n)).toMatchObject({ lots: [] });
    expect(await readStatement(options(), 999_999n, BOUGHT, { limit: 5 })).toEqual({ lines: [], next: null });
    expect(await readExpirySchedule(options(), 999_999n, BOUGHT)).toEqual([]);
  });
});

test.each([
  ['its own lot', '2026-03-01 15:00'],
  ['a lot that ended long ago', '2026-01-01 15:00'],
])('a hold that comes to its deadline settles what %s owes, before anybody posts it', async (_, bought) => {
  accountId += 1n;
  const first = readInstant(bought);
  const second = readInstant('2026-03-01 15:00');
  const identity = (key: string) =>
    commandIdentity({ serviceId: 1, keyNumber: null, idempotencyKey: key, payload: '' });
  const asked = { details: null, limits: { ofAccount: 1, ofService: 1 }, life: 15n * MINUTE };
  const history: Dated[] = [
    { command: purchaseOf(1n, first, 'first'), instant: first },
    { command: purchaseOf(1n, second, 'second'), instant: second },
    {
      command: { ...asked, type: 'hold', identity: identity('job'), amountMicrocredits: 4_000_000_000n },
      instant: second + 1n,
    },
    {
      command: {
        ...asked,
        type: 'clawback',
        identity: identity('refund'),
        lotId: 1n,
        amountMicrousd: 700_000n,
      },
      instant: second + 2n,
    },
  ];
  await live(history);
  const deadline = second + 1n + asked.life;
  expect((await readCreditsAt(options(), accountId, deadline - 1n)).debtMicrocredits).toBeGreaterThan(0n);
  for (const at of [second, second + 1n, second + 2n, deadline - 1n, deadline, deadline + DAY])
    expect(await readCreditsAt(options(), accountId, at)).toMatchObject(toldOf(until(history, at), at));
});

test('the trial balance as of an instant: booked by then, and due by then whoever has posted it', async () => {
  const other = await createDatabase();
  const ledger = await openBooks(other.url);
  const reader = openPool({ databaseUrl: other.url, role: 'credits_app', max: 1 });
  const balances = async (at: string) => {
    const rows = await readTrialBalance(
      { db: openKysely(reader), bucketCount: DEFAULT_BUCKET_COUNT },
      readInstant(at),
    );
    return Object.fromEntries(rows.map(({ account, balance }) => [account, balance]));
  };
  ledger.now = readInstant('2026-03-01 15:00');
  for (const account of [1n, 2n, 3n])
    await ledger.poster.submit(account, purchaseOf(1n, ledger.now, `payment-${account}`));
  ledger.now = readInstant('2026-03-01 16:00');
  await ledger.poster.submit(1n, debitOf(4000n, 'job'));
  expect(await balances('2026-03-01 14:59:59.999999')).toEqual({});
  expect(await balances('2026-03-01 15:59:59.999999')).toEqual({
    'CREDIT:available': 30_000_000_000n,
    'CREDIT:issued': -30_000_000_000n,
    'USD:clearing': 3_000_000n,
    'USD:deferred_revenue': -3_000_000n,
  });
  const midnight = {
    'CREDIT:available': 30_000_000_000n,
    'CREDIT:consumed': 4_000_000_000n,
    'CREDIT:issued': -30_000_000_000n,
    'CREDIT:renewed': -4_000_000_000n,
    'USD:clearing': 3_000_000n,
    'USD:deferred_revenue': -3_000_000n,
  };
  expect(await balances('2026-03-02 00:00')).toEqual(midnight);
  ledger.now = readInstant('2026-04-02 00:00');
  await ledger.poster.submit(1n, { type: 'advance' });
  // One of the three books was advanced, the others are in arrears: nobody can tell.
  expect(await balances('2026-03-02 00:00')).toEqual(midnight);
  expect(await balances('2026-04-02 00:00')).toEqual({
    ...midnight,
    'CREDIT:available': 0n,
    'CREDIT:breakage': 30_000_000_000n,
    'USD:deferred_revenue': 0n,
    'USD:revenue': -3_000_000n,
  });
  await Promise.all([ledger.close(), reader.end()]);
  await other.drop();
});
