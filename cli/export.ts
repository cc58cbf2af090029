/** `npx credits export`: the journal for other programs. */
import { createWriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Command, Option } from 'commander';
import type pg from 'pg';
import {
  type ExportFile,
  type ExportOptions,
  exportArchive,
  exportCsv,
  exportJournal,
  type JournalFormat,
  openPool,
} from '../ledger/index.ts';
import { counted } from './counted.ts';
import { jsonText } from './json-text.ts';
import { startProgress } from './progress.ts';
import { readAccountOption, readInstantOption } from './read-options.ts';
import { withSurroundings } from './surroundings.ts';
import { UsageError } from './usage-error.ts';

/** A fetch waits for the database to sort the whole journal. */
const QUERY_TIMEOUT_MS = 30 * 60_000;

const FORMATS = ['hledger', 'beancount', 'csv', 'jsonl'] as const;

interface ExportArguments {
  readonly format: (typeof FORMATS)[number];
  readonly out?: string;
  readonly at?: string;
  readonly account?: string;
  readonly json?: true;
}

export function exportCommand(done: (code: number) => void): Command {
  return new Command('export')
    .description(
      'write the journal for hledger or beancount, the journal and its facts as CSV files, or an archive (jsonl) that import makes a ledger of',
    )
    .addOption(new Option('--format <format>', 'what to write').choices(FORMATS).makeOptionMandatory())
    .option('--out <path>', 'the file to write, or for csv the folder; left out: a journal is printed')
    .option('--at <instant>', 'only what was booked by then, such as 2026-03-01T15:00:00Z')
    .option('--account <account>', 'the book of this account only, such as acct_0123456789abcdef')
    .option('--json', 'print what was written as JSON; needs --out')
    .action(async (given: ExportArguments) => done(await exportTo(given)));
}

async function exportTo({ format, out, at, account, json }: ExportArguments): Promise<number> {
  const range = { at: readInstantOption('--at', at), accountId: readAccountOption(account) };
  if (out === undefined && (format === 'csv' || json))
    throw new UsageError(
      `--out is missing: where to write ${format === 'csv' ? 'the files' : 'the journal'}.`,
    );
  if (format === 'jsonl' && (at !== undefined || account !== undefined))
    throw new UsageError('An archive has all there is: leave out --at and --account.');
  return await withSurroundings(async surroundings => {
    const pool = openPool({
      databaseUrl: await surroundings.databaseUrl(),
      // An archive has hashes of keys in it, which an auditor does not read.
      ...(format === 'jsonl' ? {} : { role: 'credits_auditor' as const }),
      max: 1,
      applicationName: 'credits-export',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
    });
    const progress = startProgress(format === 'csv' ? 'files' : 'entries');
    try {
      const options = { ...range, onProgress: progress.show };
      const written = await write(pool, format, out, options);
      progress.clear();
      if (json) console.log(jsonText({ format, out, ...written }));
      else if (out !== undefined) console.log(written.text);
      return 0;
    } finally {
      progress.clear();
      await pool.end();
    }
  });
}

async function write(
  pool: pg.Pool,
  format: ExportArguments['format'],
  out: string | undefined,
  options: ExportOptions,
) {
  if (format === 'csv') return await toFolder(pool, out ?? '.', options);
  if (format === 'jsonl') return await toArchive(pool, out, options);
  return await toFile(pool, format, out, options);
}

async function toArchive(pool: pg.Pool, out: string | undefined, { onProgress }: ExportOptions) {
  // It is to be kept like the database.
  const stream = out === undefined ? process.stdout : await openFile(out, 0o600);
  let lines = 0;
  for await (const line of exportArchive(pool, { onProgress })) {
    await put(stream, `${line}\n`);
    lines += 1;
  }
  if (out !== undefined) await end(stream);
  return { lines, text: `${out}: an archive of ${counted(lines, 'line')}, for \`credits import\`` };
}

async function toFile(pool: pg.Pool, format: JournalFormat, out: string | undefined, options: ExportOptions) {
  const stream = out === undefined ? process.stdout : await openFile(out);
  const { entries, postings } = await exportJournal(pool, format, text => put(stream, text), options);
  if (out !== undefined) await end(stream);
  return {
    entries,
    postings,
    text: `${out}: ${counted(entries, 'entry', 'entries')} and ${counted(postings, 'posting')} for ${format}`,
  };
}

async function toFolder(pool: pg.Pool, out: string, options: ExportOptions) {
  await mkdir(out, { recursive: true });
  const openIn = (name: string): ExportFile => {
    const stream = createWriteStream(join(out, name));
    return { write: text => put(stream, text), close: () => end(stream) };
  };
  const { rows } = await exportCsv(pool, openIn, options);
  const lines = Object.entries(rows).map(([file, count]) => `${join(out, file)}: ${counted(count, 'row')}`);
  return { rows, text: lines.join('\n') };
}

/** A file to write; rejects when it cannot be, before anything is read for it. */
async function openFile(path: string, mode?: number): Promise<Writable> {
  return (await open(path, 'w', mode)).createWriteStream();
}

/** Resolves when the stream takes more; rejects when it cannot be written to. */
async function put(stream: Writable, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.once('error', reject);
    stream.write(text, error => {
      stream.off('error', reject);
      if (error) reject(error);
      else resolve();
    });
  });
}

async function end(stream: Writable): Promise<void> {
  stream.end();
  await finished(stream);
}
