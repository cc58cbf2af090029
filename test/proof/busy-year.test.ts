/** A busy year, and everything that is to be proved of it. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COPIED_TABLES, REPLAYED_TABLES } from '../../ledger/archive/tables.ts';
import { exportArchive, importArchive, openPool, replayJournal, verifyJournal } from '../../ledger/index.ts';
import { type BusyYear, writeBusyYear } from '../support/busy-year.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { rowsOf } from '../support/rows-of.ts';

const SEED = Number(process.env.BUSY_YEAR_SEED ?? '20260101');
const ACCOUNTS = Number(process.env.BUSY_YEAR_ACCOUNTS ?? '2000');

let database: TestDatabase;
let year: BusyYear;
let owner: pg.Pool;

beforeAll(async () => {
  console.log(`a busy year of ${ACCOUNTS} accounts, seed ${SEED}; another: BUSY_YEAR_SEED=1`);
  database = await createDatabase();
  year = await writeBusyYear({ databaseUrl: database.url, seed: SEED, accounts: ACCOUNTS, byCard: 25 });
  owner = openPool({ databaseUrl: database.url, max: 1 });
}, 900_000);
afterAll(async () => {
  await owner?.end();
  await database?.drop();
});

test('has everything in it', () => {
  console.log(JSON.stringify(year.counts));
  for (const kind of [
    'eth',
    'card',
    'refund',
    'dispute',
    'reorg',
    'included_again',
    'suspense',
    'debit',
    'hold',
    'capture',
    'release',
    'reversal',
    'adjustment',
  ])
    expect(year.counts[kind], kind).toBeGreaterThan(0);
});

test('is sound, and the same when it is made again', async () => {
  expect((await verifyJournal(owner)).problems).toEqual([]);
  const { differences, entries, commands } = await replayJournal(owner);
  console.log(`${entries} entries of ${commands} facts and commands`);
  expect(differences).toEqual([]);
  expect(entries).toBeGreaterThan(commands);
});

test('goes through an archive into another database, row by row', async () => {
  const target = await createEmptyDatabase();
  const into = openPool({ databaseUrl: target.url, max: 1 });
  try {
    await importArchive({ databaseUrl: target.url, lines: exportArchive(owner) });
    for (const table of [...COPIED_TABLES, ...REPLAYED_TABLES])
      expect(await rowsOf(into, table), table).toEqual(await rowsOf(owner, table));
  } finally {
    await into.end();
    await target.drop();
  }
});
