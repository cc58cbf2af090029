/** A ledger that goes into an archive and comes out of it again, in another database. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COPIED_TABLES, INSTALLED_TABLES, REPLAYED_TABLES } from '../../../ledger/archive/tables.ts';
import {
  exportArchive,
  importArchive,
  openPool,
  replayJournal,
  verifyJournal,
} from '../../../ledger/index.ts';
import { writeHistory } from '../../support/audited-history.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../../support/database.ts';
import { rowsOf } from '../../support/rows-of.ts';

let source: TestDatabase;
let target: TestDatabase;
let from: pg.Pool;
let into: pg.Pool;
let lines: string[];

beforeAll(async () => {
  [source, target] = await Promise.all([createDatabase(), createEmptyDatabase()]);
  await writeHistory(source.url);
  from = openPool({ databaseUrl: source.url, max: 1 });
  into = openPool({ databaseUrl: target.url, max: 1 });
  lines = [];
  for await (const line of exportArchive(from)) lines.push(line);
});
afterAll(async () => {
  await Promise.all([from?.end(), into?.end()]);
  await Promise.all([source?.drop(), target?.drop()]);
});

test('knows every table there is', async () => {
  const { rows } = await from.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'`,
  );
  const known = [...COPIED_TABLES, ...REPLAYED_TABLES, ...INSTALLED_TABLES];
  expect(rows.map(({ name }) => name).sort()).toEqual([...known].sort());
});

test('is made again with the same rows in every table, and heads', async () => {
  const imported = await importArchive({ databaseUrl: target.url, lines: asyncLines(lines) });
  expect(imported).toMatchObject({ entries: 25 });
  for (const table of [...COPIED_TABLES, ...REPLAYED_TABLES, 'ledger_accounts'])
    expect(await rowsOf(into, table), table).toEqual(await rowsOf(from, table));
  expect((await verifyJournal(into)).problems).toEqual([]);
  expect((await replayJournal(into)).differences).toEqual([]);
});

test('goes into no database that has a ledger', async () => {
  await expect(importArchive({ databaseUrl: source.url, lines: asyncLines(lines) })).rejects.toThrow(
    'the database has a ledger already: import into one that is empty',
  );
});

describe('one that was changed is refused, and nothing of it stays', () => {
  let empty: TestDatabase;
  beforeAll(async () => {
    empty = await createEmptyDatabase();
  });
  afterAll(() => empty?.drop());

  const debit = (line: string) => line.includes('"kind":"debit"');
  test.each<[what: string, change: (lines: string[]) => string[], says: RegExp]>([
    ['cut off', all => all.slice(0, -1), /cut off/],
    ['without a line', all => all.filter(line => !debit(line)), /ends with entry .* but ended with/],
    [
      'with another amount',
      all => all.map(line => (debit(line) ? line.replace(/"amount":"\d/, '"amount":"9') : line)),
      /refused: insufficient|ends with entry/,
    ],
    [
      'with another price',
      all =>
        all.map(line =>
          line.startsWith('{"table":"price_records"') ? line.replace(/("amount_microusd":)\d/, '$19') : line,
        ),
      /ends with entry|had \d+ lines/,
    ],
    [
      'without a fact',
      all => all.filter(line => !line.startsWith('{"table":"assignments"')),
      /no fact leads to|no recorded payment leads to it/,
    ],
    ['not an archive', () => ['{"something":"else"}'], /must begin with aispace-credits\/archive\/1/],
    ['not even JSON', () => ['hello'], /Line 1: /],
    [
      'with a table of its own',
      all => [all[0] ?? '', '{"table":"pg_authid","row":{}}'],
      /"pg_authid" is no table/,
    ],
  ])('%s', async (_, change, says) => {
    const imported = importArchive({ databaseUrl: empty.url, lines: asyncLines(change([...lines])) });
    await expect(imported).rejects.toThrow(says);
    const pool = openPool({ databaseUrl: empty.url, max: 1 });
    expect((await pool.query('select from installation')).rowCount).toBe(0);
    expect((await pool.query('select from orders')).rowCount).toBe(0);
    await pool.end();
  });
});

async function* asyncLines(all: readonly string[]): AsyncGenerator<string> {
  yield* all;
}
