/** The due-condition in SQL against the core, on books as arbitrary histories leave them. */
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bookName } from '../../../ledger/core/account-id.ts';
import { advance, nextDueAt } from '../../../ledger/core/advance.ts';
import { type Book, EMPTY_BOOK } from '../../../ledger/core/book.ts';
import { decide } from '../../../ledger/core/commands.ts';
import { GENESIS_HASH } from '../../../ledger/core/encoding.ts';
import { DAY, type Instant, midnightAfter } from '../../../ledger/core/instant.ts';
import type { Entry } from '../../../ledger/core/journal.ts';
import type { Lot } from '../../../ledger/core/lot.ts';
import { sealEntries } from '../../../ledger/posting/seal.ts';
import { AccountCodes } from '../../../ledger/store/account-codes.ts';
import { createBooks } from '../../../ledger/store/books.ts';
import { findDueBooks } from '../../../ledger/store/due-books.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { runIn } from '../../../ledger/store/run-sql.ts';
import type { Tables } from '../../../ledger/store/tables.ts';
import { writeEntries } from '../../../ledger/store/write-entries.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { anyWishes, type Dated, resolve, SEED } from '../../support/histories.ts';
import { readInstant } from '../../support/scenario.ts';

let database: TestDatabase;
let pool: pg.Pool;
let db: Kysely<Tables>;
let codes: AccountCodes;
beforeAll(async () => {
  database = await createDatabase();
  pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 2 });
  db = openKysely(pool);
  codes = await AccountCodes.load(db);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Each book has a bucket of its own, so that what is found there is this book or nothing. */
let bucket = 0;
const ACCOUNT = 1n;

/** Writes a book as the posting path would have: with the lots that its entries changed. */
async function store(book: Book, entries: readonly Entry[]): Promise<void> {
  bucket += 1;
  const key = { bucket, accountId: ACCOUNT };
  const { head, sealed } = sealEntries(GENESIS_HASH, bookName(bucket, ACCOUNT), entries);
  const run = runIn(db);
  await createBooks(run, [key], GENESIS_HASH);
  await writeEntries(run, codes, [
    {
      ...key,
      book,
      head,
      entries: sealed,
      newLots: book.lots,
      changedLots: [],
      faces: [],
      holds: book.holds,
      reversals: [],
      limits: [],
    },
  ]);
}

/** The book and what is posted in it; what a command closes without an entry is not stored, and so not there. */
function runAsStored(history: readonly Dated[]): { book: Book; entries: Entry[] } {
  let book = EMPTY_BOOK;
  const entries: Entry[] = [];
  for (const { command, instant } of history) {
    const decision = decide(book, command, instant);
    if (!decision.accepted || decision.step.entries.length === 0) continue;
    book = decision.step.book;
    entries.push(...decision.step.entries);
  }
  return { book, entries };
}

async function isFound(through: Instant): Promise<boolean> {
  const page = { bucket, after: 0n, through, limit: 10 };
  const { accountIds, last } = await findDueBooks(runIn(db), page);
  expect(last).toBeNull();
  expect(accountIds.every(accountId => accountId === ACCOUNT)).toBe(true);
  return accountIds.length === 1;
}

/** The moments at which something may begin to be due, with the microseconds around each. */
function tellingMoments(book: Book): Instant[] {
  const moments = new Set<Instant>([book.bookedAt, midnightAfter(book.bookedAt), book.bookedAt + 90n * DAY]);
  for (let due = nextDueAt(book, book.bookedAt), steps = 0; due !== null && steps < 3; steps += 1) {
    moments.add(due);
    due = nextDueAt(book, due);
  }
  for (const hold of book.holds) moments.add(hold.deadline);
  for (const lot of book.lots) moments.add(lot.expiresAt).add(midnightAfter(lot.addedAt));
  return [...moments].flatMap(moment => [moment - 1n, moment, moment + 1n]).filter(at => at >= book.bookedAt);
}

test(`a book is found exactly when the core would post something, and never before it has something due (seed ${SEED})`, async () => {
  const told = { due: 0, nothing: 0 };
  await fc.assert(
    fc.asyncProperty(anyWishes, async wanted => {
      const { book, entries } = runAsStored(resolve(wanted));
      if (entries.length === 0) return;
      await store(book, entries);
      for (const through of tellingMoments(book)) {
        const posted = advance(book, through).entries.length > 0;
        // Installments of less than a millionth come all at the end: until then there is nothing to post at a midnight.
        const isVague = book.lots.some(
          ({ policy, faceMicrocredits }) => policy === 'installments' && faceMicrocredits < 30n,
        );
        if (posted || !isVague) expect(await isFound(through), `${through}`).toBe(posted);
        // Whatever is posted was due; something may be due that needs no entry.
        const due = nextDueAt(book, book.bookedAt);
        if (posted) expect(due !== null && due <= through).toBe(true);
        told[posted ? 'due' : 'nothing'] += 1;
      }
    }),
    { seed: SEED, numRuns: 120 },
  );
  // It was about something.
  expect(Math.min(told.due, told.nothing)).toBeGreaterThan(60);
});

describe('one lot', () => {
  const ADDED = readInstant('2026-03-01 15:00');
  const lot: Lot = {
    id: 1n,
    addedAt: ADDED,
    expiresAt: ADDED + 30n * DAY,
    policy: 'refill',
    faceMicrocredits: 100n,
    availableMicrocredits: 100n,
    heldMicrocredits: 0n,
    unreleasedMicrocredits: 0n,
    settledMicrocredits: 0n,
    paidMicrousd: 10n,
    returnedMicrousd: 0n,
    deferredMicrousd: 10n,
    deferredAt: ADDED,
    debtMicrocredits: 0n,
    restoresLotId: null,
    open: true,
  };
  const FIRST_MIDNIGHT = readInstant('2026-03-02 00:00');

  const cases: [what: string, change: Partial<Lot>, bookedAt: Instant, through: Instant, found: boolean][] = [
    ['whole, before its end', {}, ADDED, lot.expiresAt - 1n, false],
    ['whole, at its end', {}, ADDED, lot.expiresAt, true],
    ['used, before midnight', { availableMicrocredits: 99n }, ADDED, FIRST_MIDNIGHT - 1n, false],
    ['used, at midnight', { availableMicrocredits: 99n }, ADDED, FIRST_MIDNIGHT, true],
    ['used and booked at midnight', { availableMicrocredits: 99n }, FIRST_MIDNIGHT, FIRST_MIDNIGHT, false],
    [
      'used, without a midnight left',
      { availableMicrocredits: 99n },
      lot.expiresAt - 1n,
      lot.expiresAt - 1n,
      false,
    ],
    [
      'added by a clock ahead of midnight, used before it',
      {
        availableMicrocredits: 99n,
        addedAt: FIRST_MIDNIGHT + 1n,
        expiresAt: FIRST_MIDNIGHT + 1n + 30n * DAY,
      },
      FIRST_MIDNIGHT - 1n,
      FIRST_MIDNIGHT + DAY - 1n,
      false,
    ],
    ['that does not renew', { availableMicrocredits: 9n, policy: 'none' }, ADDED, lot.expiresAt - 1n, false],
    [
      'empty and earned, at its end',
      { availableMicrocredits: 0n, deferredMicrousd: 0n, policy: 'none' },
      ADDED,
      lot.expiresAt,
      false,
    ],
    ['empty, not earned', { availableMicrocredits: 0n, policy: 'none' }, ADDED, lot.expiresAt, true],
    [
      'with unreleased credits only, at its end',
      {
        availableMicrocredits: 0n,
        unreleasedMicrocredits: 1n,
        deferredMicrousd: 0n,
        policy: 'installments',
      },
      ADDED,
      lot.expiresAt,
      true,
    ],
    [
      'expired, kept open for what is held',
      { availableMicrocredits: 0n, heldMicrocredits: 5n, deferredMicrousd: 0n },
      lot.expiresAt,
      lot.expiresAt + 40n * DAY,
      false,
    ],
    ['whole, ended before the last entry', {}, lot.expiresAt, lot.expiresAt + 40n * DAY, false],
    ['closed', { open: false }, ADDED, lot.expiresAt, false],
  ];
  test.each(cases)('%s', async (_what, change, bookedAt, through, found) => {
    const book: Book = { ...EMPTY_BOOK, bookedAt, lots: [{ ...lot, ...change }] };
    await store(book, []);
    expect(await isFound(through)).toBe(found);
    expect(advance(book, through).entries.length > 0).toBe(found);
  });

  test('pages go on behind the last account, name each once, and stay in their bucket', async () => {
    bucket += 2;
    const run = runIn(db);
    const used = { ...lot, availableMicrocredits: 0n };
    const change = (inBucket: number, accountId: bigint, bookedAt = ADDED) => ({
      bucket: inBucket,
      accountId,
      head: GENESIS_HASH,
      entries: [],
      book: { ...EMPTY_BOOK, bookedAt },
      newLots: [lot, { ...used, id: 2n }, { ...used, id: 3n }],
      changedLots: [],
      faces: [],
      holds: [],
      reversals: [],
      limits: [],
    });
    const changes = [
      ...[7n, 2n, 9n, 4n, 5n].map(accountId => change(bucket, accountId)),
      // Used since midnight.
      change(bucket, 6n, FIRST_MIDNIGHT),
      change(bucket - 1, 3n),
    ];
    await createBooks(run, changes, GENESIS_HASH);
    await writeEntries(run, codes, changes);
    const page = (after: bigint) => findDueBooks(run, { bucket, after, through: FIRST_MIDNIGHT, limit: 2 });
    expect(await page(0n)).toEqual({ accountIds: [2n, 4n], last: 4n });
    expect(await page(4n)).toEqual({ accountIds: [5n], last: 6n });
    expect(await page(6n)).toEqual({ accountIds: [7n, 9n], last: 9n });
    expect(await page(9n)).toEqual({ accountIds: [], last: null });
  });
});
