/** `npx credits replay`: the ledger made again out of what is on record, and compared. */
import { Command } from 'commander';
import {
  exportArchive,
  importArchive,
  openPool,
  type Problem,
  type Replayed,
  replayJournal,
} from '../ledger/index.ts';
import { jsonText } from './json-text.ts';
import { startProgress } from './progress.ts';
import { readAccountOption, readInstantOption } from './read-options.ts';
import { withSurroundings } from './surroundings.ts';
import { UsageError } from './usage-error.ts';

/** A fetch waits for the database to sort a whole bucket. */
const QUERY_TIMEOUT_MS = 30 * 60_000;

interface ReplayArguments {
  readonly at?: string;
  readonly account?: string;
  readonly into?: string;
  readonly json?: true;
}

export function replayCommand(done: (code: number) => void): Command {
  return new Command('replay')
    .description(
      'make every book again out of recorded facts and commands, and compare each entry, lot, hold, balance and head; ' +
        'end with 1 when there is any difference',
    )
    .option('--at <instant>', 'only what was booked by then, such as 2026-03-01T15:00:00Z')
    .option('--account <account>', 'the book of this account only, such as acct_0123456789abcdef')
    .option('--into <url>', 'restore the service from its facts in this empty database, instead of comparing')
    .option('--json', 'print JSON')
    .action(async (given: ReplayArguments) => done(await replay(given)));
}

async function replay({ at, account, into, json }: ReplayArguments): Promise<number> {
  const range = { at: readInstantOption('--at', at), accountId: readAccountOption(account) };
  if (into !== undefined && (at !== undefined || account !== undefined))
    throw new UsageError('--into restores all there is: leave out --at and --account.');
  return await withSurroundings(async surroundings => {
    const pool = openPool({
      databaseUrl: await surroundings.databaseUrl(),
      // The archive has keys in it, which an auditor does not read.
      ...(into === undefined ? { role: 'credits_auditor' as const } : {}),
      max: 1,
      applicationName: 'credits-replay',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
    });
    const progress = startProgress(into === undefined ? 'entries' : 'lines');
    try {
      if (into !== undefined) {
        const lines = exportArchive(pool, { onProgress: progress.show });
        const imported = await importArchive({ databaseUrl: into, lines });
        progress.clear();
        const text = `${imported.books} books with ${imported.entries} entries were restored, and each ends as it did.`;
        console.log(json ? jsonText(imported) : text);
        return 0;
      }
      const replayed = await replayJournal(pool, { ...range, onProgress: progress.show });
      progress.clear();
      console.log(json ? jsonText(replayed) : textOf(replayed));
      return replayed.differences.length > 0 ? 1 : 0;
    } finally {
      progress.clear();
      await pool.end();
    }
  });
}

function textOf({ books, entries, commands, differences }: Replayed): string {
  const outcome =
    differences.length === 0
      ? 'all the same'
      : `${differences.length} ${differences.length === 1 ? 'difference' : 'differences'}`;
  const made = `${books} books made again from ${commands} facts and commands, ${entries} entries compared: ${outcome}`;
  return [...differences.map(lineOf), made].join('\n');
}

function lineOf({ book, entry, what, expected, found }: Problem): string {
  const where = `${book ?? 'ledger'}${entry === null ? '' : ` entry ${entry}`}`;
  return `${where}: ${what}: expected ${expected}, found ${found}`;
}
