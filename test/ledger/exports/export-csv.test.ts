/** The CSV files of an export against the tables they are of. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CSV_TABLES } from '../../../ledger/exports/csv-tables.ts';
import { exportCsv } from '../../../ledger/exports/export-csv.ts';
import { accountName, openPool, parseInstant } from '../../../ledger/index.ts';
import { type AuditedHistory, writeHistory } from '../../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let history: AuditedHistory;
let owner: pg.Pool;
let auditor: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  history = await writeHistory(database.url);
  owner = openPool({ databaseUrl: database.url, max: 1 });
  auditor = openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 1 });
});
afterAll(async () => {
  await Promise.all([owner.end(), auditor.end()]);
  await database.drop();
});

/** The files by name, each as its rows by column. No cell of this history has a comma but details, which come last. */
async function exported(options: Parameters<typeof exportCsv>[2] = {}) {
  const files: Record<string, string> = {};
  const open = (name: string) => {
    files[name] = '';
    return {
      write: (text: string) => {
        files[name] += text;
      },
      close: () => {},
    };
  };
  const { rows } = await exportCsv(auditor, open, options);
  const parsed = Object.fromEntries(
    Object.entries(files).map(([name, text]) => {
      const [head = '', ...lines] = text.trimEnd().split('\r\n');
      const names = head.split(',');
      return [
        name,
        lines.map(line => Object.fromEntries(names.map((n, i) => [n, line.split(',')[i] ?? '']))),
      ];
    }),
  );
  return { rows, parsed };
}

describe('CSV', () => {
  test('has every row of every table, and says what each column means', async () => {
    const { rows, parsed } = await exported();
    const { rows: counts } = await owner.query<Record<string, bigint>>(
      `select (select count(*) from entries) as "entries.csv", (select count(*) from postings) as "postings.csv",
        (select count(*) from lots) as "lots.csv", (select count(*) from receipt_inclusions) as "receipts.csv",
        (select count(*) from price_records) as "price_records.csv",
        (select count(*) from assignments) as "assignments.csv"`,
    );
    for (const [file, count] of Object.entries(counts[0] ?? {})) {
      expect([file, BigInt(rows[file] ?? -1)]).toEqual([file, count]);
      expect(parsed[file]).toHaveLength(Number(count));
    }
    const said = parsed['columns.csv']?.filter(({ column }) => column !== '').length;
    expect(said).toBe(CSV_TABLES.flatMap(({ columns }) => columns).length);
  });

  test('its lots add up to the balances of the journal, now and as of the past', async () => {
    for (const at of [
      undefined,
      parseInstant('2026-03-02T09:30:00Z'),
      parseInstant('2026-03-02T10:00:00Z'),
    ]) {
      const { parsed } = await exported({ at });
      const sumOf = (column: string) =>
        (parsed['lots.csv'] ?? []).reduce((sum, row) => sum + BigInt(row[column] ?? 0), 0n);
      const balanceOf = (account: string) =>
        (parsed['postings.csv'] ?? []).reduce(
          (sum, { from_account, to_account, amount = '0' }) =>
            sum +
            (to_account === account ? BigInt(amount) : 0n) -
            (from_account === account ? BigInt(amount) : 0n),
          0n,
        );
      expect(sumOf('available_microcredits')).toBe(balanceOf('CREDIT:available'));
      expect(sumOf('held_microcredits')).toBe(balanceOf('CREDIT:held'));
      expect(sumOf('deferred_microusd')).toBe(-balanceOf('USD:deferred_revenue'));
      if (at !== undefined) expect(sumOf('available_microcredits')).toBeGreaterThan(0n);
    }
  });

  test('of one account has nothing of others', async () => {
    const { parsed } = await exported({ accountId: history.quiet });
    const name = accountName(history.quiet);
    expect(parsed['entries.csv']?.map(({ book }) => book)).toEqual([name, name]);
    expect(parsed['lots.csv']?.map(({ account }) => account)).toEqual([name]);
    expect(parsed['assignments.csv']?.map(({ account }) => account)).toEqual([name]);
    expect(parsed['receipts.csv']).toHaveLength(1);
    expect(parsed['price_records.csv']).toHaveLength(1);
  });
});
