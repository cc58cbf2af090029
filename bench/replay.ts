/** The ledger made again, beside reading the same rows. */
import type pg from 'pg';
import { replayJournal } from '../ledger/index.ts';
import {
  closeStoredBooks,
  nextAccountIn,
  nextOf,
  openStoredBooks,
  type StoredBooks,
} from '../ledger/replay/stored-books.ts';
import { inSnapshot } from '../ledger/store/snapshot.ts';
import { beginningOf, LOTS_EACH, loadHistory, tellProgress } from './bulk-load.ts';
import { type Figure, figureOf, median } from './figure.ts';
import type { Ground } from './ground.ts';
import { sizeOf } from './size.ts';

const ENTRIES = sizeOf('REPLAYED', 1_000_000);
const ENTRIES_EACH = 1000;
const ACCOUNTS = Math.ceil(ENTRIES / ENTRIES_EACH);
const ROUNDS = 5;

export async function measureReplay({ owner }: Ground, say: (line: string) => void): Promise<Figure[]> {
  say(`loading ${ENTRIES} entries`);
  const entries = await loadHistory(owner, {
    accounts: ACCOUNTS,
    debitsEach: ENTRIES_EACH - LOTS_EACH,
    begins: beginningOf(BigInt(Date.now()) * 1000n),
    onProgress: tellProgress(say),
  });
  const [reading, replaying]: [number[], number[]] = [[], []];
  await readAll(owner);
  for (let round = 0; round < ROUNDS; round += 1) {
    reading.push(await secondsOf(() => readAll(owner)));
    replaying.push(
      await secondsOf(async () => {
        const { differences } = await replayJournal(owner);
        if (differences.length > 0) throw new Error(`replay found differences: ${differences[0]?.what}`);
      }),
    );
    say(
      `round ${round + 1}: read in ${reading.at(-1)?.toFixed(1)} s, replayed in ${replaying.at(-1)?.toFixed(1)} s`,
    );
  }
  return [
    figureOf(
      {
        figure: 'replay',
        unit: '× reading',
        yardstick: 'reading the same rows out of PostgreSQL',
        atMost: 3,
      },
      replaying.map((each, index) => each / (reading[index] ?? 1)),
      `${entries} entries in ${median(replaying).toFixed(1)} s beside ${median(reading).toFixed(1)} s`,
    ),
  ];
}

/** Every row that a replay reads, through the same cursors. */
async function readAll(owner: pg.Pool): Promise<void> {
  await inSnapshot(owner, async ({ client }) => {
    const { rows } = await client.query<{ bucket: number }>(
      'select distinct bucket from books order by bucket',
    );
    for (const { bucket } of rows) {
      const books = await openStoredBooks(client, {
        bucket,
        accountId: null,
        through: null,
        fetchSize: 4000,
      });
      for (let id = await nextAccountIn(books); id !== null; id = await nextAccountIn(books))
        for (const cursor of Object.values(books)) while (await nextOf(cursor as StoredBooks['faces'], id));
      await closeStoredBooks(books);
    }
  });
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
