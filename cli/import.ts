/** `npx credits import`: a ledger out of an archive, in an empty database. */
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { importArchive } from '../ledger/index.ts';
import { booksText, counted } from './counted.ts';
import { jsonText } from './json-text.ts';
import { startProgress } from './progress.ts';
import { checkTargetUrl } from './read-options.ts';

export function importCommand(): Command {
  return new Command('import')
    .description(
      'make the ledger of an archive (export --format jsonl) in an empty database; every book must end with the head it had',
    )
    .argument('<file>', 'the archive; - for the standard input')
    .requiredOption('--into <url>', "the empty database, as its owner's; never the one that is in use")
    .option('--json', 'print JSON')
    .action(async (file: string, { into, json }: { into: string; json?: true }) => {
      checkTargetUrl(into);
      const progress = startProgress('lines');
      try {
        const input = file === '-' ? process.stdin : (await open(file)).createReadStream();
        const imported = await importArchive({
          databaseUrl: into,
          lines: linesOf(input),
          onProgress: done => progress.show(done, null),
        });
        progress.clear();
        console.log(
          json
            ? jsonText(imported)
            : `${booksText(imported)} made again, and each ends as it did; ` +
                `${counted(imported.rows, 'row was', 'rows were')} copied.`,
        );
      } finally {
        progress.clear();
      }
    });
}

/**
 * The lines of a text. They are read from when the first is asked for: a readline interface that nobody listens to yet
 * would have ended before a database is reached, and its iterator would then wait for ever.
 */
async function* linesOf(input: Readable): AsyncGenerator<string> {
  yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}
