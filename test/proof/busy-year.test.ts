/** A busy year, and everything that is to be proved of it. */
import { spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COPIED_TABLES, REPLAYED_TABLES } from '../../ledger/archive/tables.ts';
import { journalAccount } from '../../ledger/exports/account-names.ts';
import {
  decimalText,
  exportArchive,
  exportJournal,
  importArchive,
  isTied,
  type JournalExport,
  makeReport,
  openPool,
  type Reconciliation,
  reconcile,
  replayJournal,
  verifyJournal,
} from '../../ledger/index.ts';
import { type BusyYear, writeBusyYear } from '../support/busy-year.ts';
import { CARD_KEY } from '../support/card-shop.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { rowsOf } from '../support/rows-of.ts';

const SEED = Number(process.env.BUSY_YEAR_SEED ?? '20260101');
const HAS_HLEDGER = spawnSync('hledger', ['--version']).status === 0;
if (!HAS_HLEDGER) console.warn('hledger is not installed: what it says of the busy year is not tested');
const ACCOUNTS = Number(process.env.BUSY_YEAR_ACCOUNTS ?? '2000');

let database: TestDatabase;
let year: BusyYear;
let owner: pg.Pool;
let folder: string;
let reconciled: Reconciliation;

beforeAll(async () => {
  console.log(`a busy year of ${ACCOUNTS} accounts, seed ${SEED}; another: BUSY_YEAR_SEED=1`);
  database = await createDatabase();
  owner = openPool({ databaseUrl: database.url, max: 1 });
  folder = await mkdtemp(join(tmpdir(), 'credits-year-'));
  year = await writeBusyYear({
    databaseUrl: database.url,
    seed: SEED,
    accounts: ACCOUNTS,
    byCard: 25,
    afterwards: async shop => {
      const stripe = { secretKey: CARD_KEY, apiUrl: shop.simulator.url };
      reconciled = await reconcile(owner, { at: shop.steps.now, stripe });
    },
  });
}, 900_000);
afterAll(async () => {
  await owner?.end();
  await rm(folder, { recursive: true, force: true });
  await database?.drop();
});

test('has everything in it', async () => {
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
  const { rows } = await owner.query<{ kind: string }>('select distinct kind::text from entries');
  const kinds = rows.map(row => row.kind);
  for (const kind of ['renewal', 'expiry', 'installment', 'hold_timeout', 'clawback', 'restoration'])
    expect(kinds).toContain(kind);
});

test('is sound, and the same when it is made again', async () => {
  expect((await verifyJournal(owner)).problems).toEqual([]);
  const { differences, entries, commands, scratch } = await replayJournal(owner, {
    scratch: { databaseUrl: database.url, schema: 'made_again' },
  });
  console.log(
    `${entries} entries of ${commands} facts and commands, ${scratch?.rows} rows in a scratch schema`,
  );
  expect({ differences, rowsDiffering: scratch?.rowsDiffering }).toEqual({
    differences: [],
    rowsDiffering: 0,
  });
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

test('reconciles with itself and with Stripe', () => {
  expect(reconciled.stripe.status).toBe('compared');
  expect(reconciled.differences).toEqual([]);
});

test('reconciles with itself at the end of months of the past, and its report ties', {
  timeout: 600_000,
}, async () => {
  for (const month of [1n, 5n, 9n, 12n]) {
    const at = year.begins + ((year.ends - year.begins) * month) / 12n;
    expect([month, (await reconcile(owner, { at })).differences]).toEqual([month, []]);
  }
  const report = await makeReport(owner, { to: year.ends });
  expect(isTied(report)).toBe(true);
  expect(report.days.reduce((sum, { recognised }) => sum + recognised, 0n)).toBe(report.total.recognised);
});

describe.skipIf(!HAS_HLEDGER)('hledger', () => {
  test('balances the export, and its totals are ours', { timeout: 600_000 }, async () => {
    const path = join(folder, 'year.journal');
    const file = createWriteStream(path);
    const { totals }: JournalExport = await exportJournal(
      owner,
      'hledger',
      text =>
        new Promise((resolve, reject) => file.write(text, error => (error ? reject(error) : resolve()))),
    );
    await new Promise(resolve => file.end(resolve));
    const run = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync('hledger', ['-f', path, ...args], { encoding: 'utf8' });
      expect(`${status} ${stderr}`).toBe('0 ');
      return stdout;
    };
    run('check', '--strict');
    const found = Object.fromEntries(
      run('bal', '-N', '--flat', '-O', 'csv')
        .trim()
        .split('\n')
        .slice(1)
        .map(row => /^"(.*)","(.*)"\r?$/.exec(row)?.slice(1) ?? []),
    );
    const ours = totals
      .filter(({ balance }) => balance !== 0n)
      .map(({ account, balance }) => {
        const asset = account.slice(0, account.indexOf(':'));
        return [journalAccount(account), `${decimalText(balance, asset)} ${asset}`];
      });
    expect(found).toEqual(Object.fromEntries(ours));
  });
});
