/** `npm run bench [-- --only <figure>]`: this program beside fixed yardsticks, in one run on one machine. */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Figure } from './figure.ts';
import { type Ground, startGround } from './ground.ts';
import { measureHttp } from './http.ts';
import { measureMidnight } from './midnight.ts';
import { pgbenchVersion } from './pgbench.ts';
import { measurePosting } from './posting.ts';
import { measureReplay } from './replay.ts';

const RESULTS = fileURLToPath(new URL('results.json', import.meta.url));

/** What is measured together, by the figures that come of it. */
const MEASUREMENTS: readonly {
  readonly figures: readonly string[];
  readonly measure: (ground: Ground, say: (line: string) => void) => Promise<Figure[]>;
}[] = [
  { figures: ['posting', 'posting_hot', 'bytes_per_debit'], measure: measurePosting },
  { figures: ['http_single', 'http_batch', 'http_p99'], measure: measureHttp },
  { figures: ['midnight'], measure: measureMidnight },
  { figures: ['replay'], measure: measureReplay },
];
const NAMES = MEASUREMENTS.flatMap(({ figures }) => figures);

const USAGE = `usage: npm run bench [-- --only <figure>]

Measures this program beside fixed yardsticks and writes bench/results.json. Absolute times mean little: ratios count.
  --only <figure>   one of ${NAMES.join(', ')}; the others keep what they had
  --help            shows this`;

type Result = Figure & { readonly conditions: Readonly<Record<string, string | number>> };

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { only: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return console.log(USAGE);
  const { only } = values;
  if (only !== undefined && !NAMES.includes(only)) {
    console.error(`There is no figure "${only}".\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  const kept = JSON.parse(await readFile(RESULTS, 'utf8').catch(() => '[]')) as Result[];
  const results = new Map(kept.map(result => [result.figure, result]));
  for (const { figures, measure } of MEASUREMENTS) {
    if (only !== undefined && !figures.includes(only)) continue;
    console.log(`\n${figures.join(', ')}`);
    const ground = await startGround();
    try {
      const conditions = {
        measured_on: new Date().toISOString().slice(0, 10),
        cores: cpus().length,
        node: process.version,
        postgresql: ground.version,
        pgbench: await pgbenchVersion(),
        fsync: 'on',
      };
      for (const figure of await measure(ground, line => console.log(`  ${line}`)))
        if (only === undefined || figure.figure === only)
          results.set(figure.figure, { ...figure, conditions });
    } finally {
      await ground.stop();
    }
  }
  await writeFile(RESULTS, `${JSON.stringify([...results.values()], null, 2)}\n`);
  console.log();
  for (const { figure, value, unit, reach, holds, range, seen } of results.values())
    console.log(
      `${holds ? '✓' : '✗'} ${figure}: ${value} ${unit} (${range.join('–')}), wanted ${reach}; ${seen}`,
    );
}
