/** Arbitrary histories through PostgreSQL: what the store loads and writes is what the core would have remembered. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool } from '../../../ledger/store/postgres.ts';
import { type Books, openBooks } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { type Dated, requestOf, resolve, runHistory, SEED, wishes } from '../../support/histories.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';

let database: TestDatabase;
let books: Books;
let owner: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  books = await openBooks(database.url);
  owner = openPool({ databaseUrl: database.url, max: 1 });
});
afterAll(async () => {
  await Promise.all([books.close(), owner.end()]);
  await database.drop();
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

test(`seed ${SEED}: the same entries, hashes, lots and holds as in memory`, async () => {
  let accountId = 0n;
  await fc.assert(
    fc.asyncProperty(wishes, async wanted => {
      accountId += 1n;
      const history = withoutBeginning(resolve(wanted));
      const expected = runHistory(history);
      for (const batch of batchesOf(history)) {
        books.now = batch[0]?.instant ?? 0n;
        // A spend of this very batch has no number yet that anybody could know: one after the other.
        const isTogether = batch.every(({ command }) => command.type !== 'reversal');
        const submit = ({ command }: Dated) => books.poster.submit(accountId, requestOf(command));
        if (isTogether) await Promise.all(batch.map(submit));
        else for (const dated of batch) await submit(dated);
      }
      if (history.length === 0) return;
      const stored = (await readBooks(owner)).find(book => book.accountId === accountId);
      expect(stored?.entries.map(({ entry }) => entry)).toEqual(expected.entries);
      expect(stored?.book.debtMicrocredits).toBe(expected.book.debtMicrocredits);
      expect(stored?.book.lots.filter(({ open }) => open)).toEqual(
        expected.book.lots.filter(({ open }) => open),
      );
      expect(stored?.book.holds).toEqual(expected.book.holds.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
      await expectFaces(accountId, expected.book.lots);
    }),
    { seed: SEED, numRuns: 60 },
  );
  assertVerified(await readBooks(owner));
});

/** The newest face recorded of each lot is the one it has. */
async function expectFaces(
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
