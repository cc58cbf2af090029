/** The journal and the facts it rests on as CSV files, out of one snapshot. */
import type pg from 'pg';
import { Cursor } from '../audit/cursor.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { type CsvValue, csvLine } from '../store/csv-line.ts';
import { instantText } from '../store/instant-text.ts';
import { readBucketCount } from '../store/journal-size.ts';
import { inSnapshot } from '../store/snapshot.ts';
import { CSV_TABLES, type CsvTable, type Row } from './csv-tables.ts';
import type { ExportOptions } from './export-journal.ts';

/** A file that is being written. */
export interface ExportFile {
  write(text: string): Promise<void> | void;
  close(): Promise<void> | void;
}

export interface CsvExport {
  /** How many rows each file has, its head not counted. */
  readonly rows: Readonly<Record<string, number>>;
}

const FETCH_SIZE = 4000;
const CHUNK_ROWS = 500;

/**
 * Writes a file for each table of `csv-tables.ts`, of what was booked or recorded by `at`, and `columns.csv`, which says
 * what every column means. Of one account only, when that is given: then what is nobody's is left out. Memory is bounded
 * by some thousand rows.
 * @param open Opens a file of this name for writing.
 */
export async function exportCsv(
  pool: pg.Pool,
  open: (name: string) => Promise<ExportFile> | ExportFile,
  { at, accountId, onProgress }: ExportOptions = {},
): Promise<CsvExport> {
  return await inSnapshot(pool, async ({ client }) => {
    const values = valuesOf({ at, accountId }, await readBucketCount(client));
    const rows: Record<string, number> = {};
    for (const [index, table] of CSV_TABLES.entries()) {
      const file = await open(table.file);
      rows[table.file] = await writeTable(client, table, values, file);
      await file.close();
      onProgress?.(index + 1, CSV_TABLES.length);
    }
    const columns = await open('columns.csv');
    await columns.write(columnsText());
    await columns.close();
    return { rows };
  });
}

/** What is exported as CSV, each by the name of its file. */
export const CSV_FILES = [...CSV_TABLES.map(({ file }) => file), 'columns.csv'] as const;

/** Writes one of CSV_FILES alone, in a snapshot of its own, as exportCsv does. */
export async function exportCsvFile(
  pool: pg.Pool,
  name: string,
  write: ExportFile['write'],
  { at, accountId }: ExportOptions = {},
): Promise<void> {
  const table = CSV_TABLES.find(({ file }) => file === name);
  await inSnapshot(pool, async ({ client }) => {
    const values = valuesOf({ at, accountId }, await readBucketCount(client));
    if (table) await writeTable(client, table, values, { write, close() {} });
    else await write(columnsText());
  });
}

function valuesOf({ at, accountId }: ExportOptions, bucketCount: number): unknown[] {
  const bucket = accountId === undefined ? null : bucketOfAccount(accountId, bucketCount);
  return [at === undefined ? 'infinity' : instantText(at), bucket, accountId ?? null];
}

async function writeTable(
  client: pg.ClientBase,
  table: CsvTable,
  values: readonly unknown[],
  file: ExportFile,
): Promise<number> {
  await file.write(csvLine(table.columns.map(({ name }) => name)));
  const cursor = await Cursor.open<Row>(client, {
    name: 'export_table',
    text: table.query,
    values,
    fetchSize: FETCH_SIZE,
  });
  let [count, text] = [0, ''];
  for (let row = await cursor.peek(); row !== null; row = await cursor.peek()) {
    cursor.pass();
    count += 1;
    text += csvLine(cellsOf(table, row));
    if (count % CHUNK_ROWS !== 0) continue;
    await file.write(text);
    text = '';
  }
  await file.write(text);
  await cursor.close();
  return count;
}

function cellsOf(table: CsvTable, row: Row): CsvValue[] {
  return table.columns.map(({ of }) => (typeof of === 'string' ? (row[of] as CsvValue) : of(row)));
}

/** What every column of every file means. */
function columnsText(): string {
  const lines = CSV_TABLES.flatMap(({ file, says, columns }) => [
    csvLine([file, '', says]),
    ...columns.map(column => csvLine([file, column.name, column.says])),
  ]);
  return [csvLine(['file', 'column', 'meaning']), ...lines].join('');
}
