/** `npx credits export` as the program it is. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CSV_TABLES } from '../../ledger/exports/csv-tables.ts';
import { writeHistory } from '../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { runCredits } from '../support/program.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createDatabase();
  folder = await mkdtemp(join(tmpdir(), 'credits-export-'));
  await writeHistory(database.url);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await database.drop();
});

describe('npx credits export', () => {
  test('prints a journal, or writes it', async () => {
    const printed = await runCredits(['export', '--format', 'hledger'], database.url);
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    expect(printed.stdout.match(/^\d{4}-\d\d-\d\d \* \(/gm)).toHaveLength(25);
    const out = join(folder, 'credits.journal');
    const args = ['export', '--format', 'hledger', '--out', out, '--json'];
    const written = await runCredits(args, database.url);
    expect(JSON.parse(written.stdout)).toMatchObject({ out, entries: 25, postings: 43 });
    expect(await readFile(out, 'utf8')).toBe(printed.stdout);
  });

  test('writes a folder of CSV files', async () => {
    const out = join(folder, 'csv');
    const { code } = await runCredits(['export', '--format', 'csv', '--out', out], database.url);
    expect(code).toBe(0);
    const files = [...CSV_TABLES.map(({ file }) => file), 'columns.csv'];
    expect((await readdir(out)).sort()).toEqual(files.sort());
  });

  test.each([
    { args: [], code: 2, says: /required option '--format/ },
    { args: ['--format', 'gnucash'], code: 2, says: /Allowed choices are hledger, beancount, csv/ },
    { args: ['--format', 'csv'], code: 2, says: /--out is missing: where to write the files/ },
    { args: ['--format', 'hledger', '--at', 'noon'], code: 2, says: /^--at takes an instant in UTC/ },
    { args: ['--format', 'hledger', '--account', 'me'], code: 2, says: /^--account takes the name/ },
    { args: ['--format', 'hledger', '--out', '/nowhere/at/all'], code: 1, says: /ENOENT/ },
  ])('$args ends with $code', async ({ args, code, says }) => {
    const ended = await runCredits(['export', ...args], database.url);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(says);
  });
});
