/** Arbitrary histories through PostgreSQL: what the store loads and writes is what the core would have remembered. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Book } from '../../../ledger/core/book.ts';
import type { Entry } from '../../../ledger/core/journal.ts';
import { bucketOfAccount } from '../../../ledger/store/bucket.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { type Books, openBooks } from '../../support/books.ts';
import type { TestDatabase } from '../../support/database.ts';
import { anyWishes, type Dated, requestOf, resolve, runHistory, SEED } from '../../support/histories.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { LEDGER_PLACES } from '../../support/ledger-places.ts';

/** A place with the ledger that is open in it. */
interface Opened {
  readonly name: string;
  readonly database: TestDatabase;
  readonly books: Books;
  readonly owner: pg.Pool;
}

let places: Opened[];
beforeAll(async () => {
  places = await Promise.all(
    LEDGER_PLACES.map(async ({ name, isDistributed, create }) => {
      const database = await create();
      const books = await openBooks(database.url, isDistributed);
      return { name, database, books, owner: openPool({ databaseUrl: database.url, max: 1 }) };
    }),
  );
});
afterAll(async () => {
  for (const { books, owner, database } of places) {
    await Promise.all([books.close(), owner.end()]);
    await database.drop();
  }
});

/** Commands of one instant go into one batch, as they would when they arrive together. */
function batchesOf(history: readonly Dated[]): Dated[][] {
  const batches: Dated[][] = [];
  for (const dated of history) {
    const last = batches.at(-1);
    if (last?.[0]?.instant === dated.instant) last.push(dated);
    else batches.push([dated]);
  }
  return batches;
}

/** An account without a book is refused before anything is decided, and advances to nothing. */
function withoutBeginning(history: readonly Dated[]): Dated[] {
  const first = history.findIndex(
    ({ command }) =>
      command.type === 'purchase' || (command.type === 'adjustment' && command.amountMicrocredits > 0n),
  );
  return first === -1 ? [] : history.slice(first);
}

/** Two accounts of different buckets that share a lane where lanes have several buckets: a batch is of both there. */
function* pairsOfAccounts(): Generator<readonly [bigint, bigint]> {
  const bucketOf = (accountId: bigint) => bucketOfAccount(accountId, DEFAULT_BUCKET_COUNT);
  for (let first = 1n; ; first += 1000n) {
    const bucket = bucketOf(first);
    let second = first + 1n;
    while (bucketOf(second) === bucket || bucketOf(second) % 2 !== bucket % 2) second += 1n;
    yield [first, second];
  }
}

async function post({ books }: Opened, history: readonly Dated[], accounts: readonly bigint[]) {
  for (const batch of batchesOf(history)) {
    books.now = batch[0]?.instant ?? 0n;
    const submit = ({ command }: Dated) =>
      accounts.map(accountId => books.poster.submit(accountId, requestOf(command)));
    // A spend of this very batch has no number yet that anybody could know: one after the other.
    const isTogether = batch.every(({ command }) => command.type !== 'reversal');
    if (isTogether) await Promise.all(batch.flatMap(submit));
    else for (const dated of batch) await Promise.all(submit(dated));
  }
}

test(`seed ${SEED}: the same entries, hashes, lots and holds as in memory, in every place`, async () => {
  const pairs = pairsOfAccounts();
  await fc.assert(
    fc.asyncProperty(anyWishes, async wanted => {
      const accounts = pairs.next().value ?? [];
      const history = withoutBeginning(resolve(wanted));
      const expected = runHistory(history);
      await Promise.all(places.map(place => post(place, history, accounts)));
      if (history.length === 0) return;
      const found = await Promise.all(places.map(place => expectHistory(place, accounts, expected)));
      // The same hashes, as they are of the same accounts.
      for (const heads of found) expect(heads).toEqual(found[0]);
    }),
    { seed: SEED, numRuns: 60 },
  );
  for (const { owner } of places) assertVerified(await readBooks(owner));
});
/** Fails unless the accounts have what is expected, each of them; returns their heads. */
async function expectHistory(
  { name, owner }: Opened,
  accounts: readonly bigint[],
  expected: { readonly book: Book; readonly entries: readonly Entry[] },
): Promise<string[]> {
  const stored = await readBooks(owner, accounts);
  expect(stored, name).toHaveLength(accounts.length);
  for (const { accountId, book, entries } of stored) {
    expect(
      entries.map(({ entry }) => entry),
      name,
    ).toEqual(expected.entries);
    expect(book.debtMicrocredits).toBe(expected.book.debtMicrocredits);
    expect(book.lots.filter(({ open }) => open)).toEqual(expected.book.lots.filter(({ open }) => open));
    expect(book.holds).toEqual(expected.book.holds.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    await expectFaces(owner, accountId, expected.book.lots);
  }
  return stored.map(({ head }) => head);
}

/** The newest face recorded of each lot is the one it has. */
async function expectFaces(
  owner: pg.Pool,
  accountId: bigint,
  lots: readonly { readonly id: bigint; readonly faceMicrocredits: bigint }[],
): Promise<void> {
  const { rows } = await owner.query<{ lot_id: bigint; face_microcredits: bigint }>(
    `select distinct on (lot_id) lot_id, face_microcredits from lot_faces where account_id = $1
     order by lot_id, seq desc`,
    [accountId],
  );
  const faces = lots.map(({ id, faceMicrocredits }) => [id, faceMicrocredits]);
  expect(rows.map(row => [row.lot_id, row.face_microcredits])).toEqual(
    faces.toSorted((a, b) => ((a[0] ?? 0n) < (b[0] ?? 0n) ? -1 : 1)),
  );
}
