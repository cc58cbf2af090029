/** `npx credits import`: a ledger out of an archive, in an empty database. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Command } from 'commander';
import { importArchive } from '../ledger/index.ts';
import { jsonText } from './json-text.ts';
import { startProgress } from './progress.ts';

export function importCommand(): Command {
  return new Command('import')
    .description(
      'make the ledger of an archive (export --format jsonl) in an empty database; every book must end with the head it had',
    )
    .argument('<file>', 'the archive; - for the standard input')
    .requiredOption('--into <url>', "the empty database, as its owner's; never the one that is in use")
    .option('--json', 'print JSON')
    .action(async (file: string, { into, json }: { into: string; json?: true }) => {
      const progress = startProgress('lines');
      try {
        const input = file === '-' ? process.stdin : createReadStream(file, 'utf8');
        // A file that cannot be read says so when it is read, not out of nowhere.
        const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
        const failed = new Promise<never>((_, reject) => input.once('error', reject));
        const imported = await Promise.race([
          importArchive({ databaseUrl: into, lines, onProgress: done => progress.show(done, null) }),
          failed,
        ]);
        progress.clear();
        console.log(
          json
            ? jsonText(imported)
            : `${imported.books} books with ${imported.entries} entries were made again, and each ends as it did; ` +
                `${imported.rows} rows were copied.`,
        );
      } finally {
        progress.clear();
      }
    });
}
