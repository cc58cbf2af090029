/** `npm run bench`: this program beside fixed yardsticks, in one run on one machine. See README.md in this folder. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { postingConnections } from '../ledger/posting/poster.ts';
import { measureBlockToCredit } from './block-to-credit.ts';
import { DEPTH_SETTINGS, measureDepth } from './depth.ts';
import type { Figure } from './figure.ts';
import { type Ground, startGround } from './ground.ts';
import { measureHttp } from './http.ts';
import { kept, stopKept } from './kept.ts';
import { measureMidnight } from './midnight.ts';
import { PGBENCH, pgbenchVersion } from './pgbench.ts';
import { measurePosting } from './posting.ts';
import { measureReplay } from './replay.ts';
import { type Conditions, type Result, readResults, tableOf, writeResults } from './results.ts';
import { changedSizes } from './size.ts';
import { measureSoak } from './soak.ts';

type Say = (line: string) => void;

/** What there is, in the order in which it is told. */
const FIGURES = {
  posting: 'durable debits over 10,000 accounts, beside pgbench',
  posting_hot: 'the same on one account',
  http_single: 'single debits over HTTP, beside an empty POST',
  http_batch: 'batch debits over HTTP, beside pgbench',
  http_p99: 'latency of debits at 1,000 a second, beside the empty POST',
  midnight: 'a midnight over 1,000,000 used lots, beside SQL that writes the same rows',
  replay: 'replay of 1,000,000 entries, beside reading them',
  depth: 'debits with 10,000,000 entries behind them, beside the same with none',
  bytes_per_debit: 'bytes in PostgreSQL for a debit',
  block_to_credit: 'from a block to credits that can be spent',
  soak_memory: 'memory of API and worker over a soak of ten minutes',
} as const;

type FigureName = keyof typeof FIGURES;

/** What is measured together, by the figures that come of it. */
const MEASUREMENTS: readonly {
  readonly figures: readonly FigureName[];
  readonly measure: (say: Say) => Promise<Figure[]>;
}[] = [
  { figures: ['posting', 'posting_hot', 'bytes_per_debit'], measure: onGround(measurePosting) },
  { figures: ['http_single', 'http_batch', 'http_p99'], measure: onGround(measureHttp) },
  { figures: ['midnight'], measure: onGround(measureMidnight) },
  { figures: ['replay'], measure: onGround(measureReplay) },
  { figures: ['depth'], measure: onGround(measureDepth, DEPTH_SETTINGS) },
  { figures: ['block_to_credit'], measure: measureBlockToCredit },
  { figures: ['soak_memory'], measure: measureSoak },
];

const USAGE = `usage: npm run bench [-- --only <figure> …]

Measures this program beside fixed yardsticks, shows a table and writes bench/results.json. Absolute times mean
little on a shared machine: ratios count. All of it takes more than an hour.
  --only <figure>   measures this one, and may be said of several; the others keep what they had
  --list            names the figures
  --help            shows this`;

await main();

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) return;
  const interruption = stopWhenInterrupted();
  const conditions = await readConditions();
  const run: Run = { conditions, measured: [], failed: [] };
  for (const measurement of MEASUREMENTS) {
    const wanted = measurement.figures.filter(
      figure => options.only.length === 0 || options.only.includes(figure),
    );
    // What an interruption breaks is no failure of its own: the process is about to end.
    if (wanted.length > 0 && !interruption.aborted) await measureOnce(run, measurement, wanted, interruption);
  }
  if (!interruption.aborted) report(run);
}

interface Run {
  readonly conditions: Conditions;
  readonly measured: Result[];
  readonly failed: FigureName[];
}

/** Measures, and keeps what is wanted of it before anything else is measured. */
async function measureOnce(
  run: Run,
  { figures, measure }: (typeof MEASUREMENTS)[number],
  wanted: readonly FigureName[],
  interruption: AbortSignal,
): Promise<void> {
  console.log(`\n${figures.join(', ')}`);
  try {
    const found = await measure(line => console.log(`  ${line}`));
    const results = found.map(figure => ({ ...figure, conditions: run.conditions }));
    run.measured.push(...results);
    if (changedSizes().length > 0) return;
    const kept = new Map((await readResults()).map(result => [result.figure, result]));
    for (const result of results)
      if (wanted.some(figure => figure === result.figure)) kept.set(result.figure, result);
    await writeResults(inOrder([...kept.values()]));
  } catch (error) {
    if (interruption.aborted) return;
    run.failed.push(...wanted);
    console.error(`  could not be measured: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

function report({ measured, failed }: Run): void {
  if (measured.length > 0) console.log(`\n${tableOf(inOrder(measured))}`);
  if (changedSizes().length > 0)
    console.log(`\nNot of the full size, and therefore not kept: ${changedSizes().join(', ')}`);
  if (failed.length === 0) return;
  console.error(`\nCould not be measured: ${failed.join(', ')}`);
  process.exitCode = 1;
}

/** Stops what runs and ends the process at Ctrl-C; aborts when that has begun. */
function stopWhenInterrupted(): AbortSignal {
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (interruption.signal.aborted) process.exit(130);
      interruption.abort();
      console.error('\nStopping; once more leaves at once.');
      void stopKept().finally(() => process.exit(130));
    });
  return interruption.signal;
}

/** Null when everything that was asked for has been said. */
function readOptions(): { readonly only: readonly FigureName[] } | null {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        list: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help || values.list) {
      console.log(values.help ? USAGE : listOfFigures());
      return null;
    }
    const { only = [] } = values;
    const stranger = only.find(name => !isFigure(name));
    if (stranger === undefined) return { only: only.filter(isFigure) };
    console.error(`There is no figure "${stranger}". There are:\n${listOfFigures()}`);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  process.exitCode = 2;
  return null;
}

function isFigure(name: string): name is FigureName {
  return Object.hasOwn(FIGURES, name);
}

function listOfFigures(): string {
  return Object.entries(FIGURES)
    .map(([name, what]) => `  ${name.padEnd(16)}  ${what}`)
    .join('\n');
}

function inOrder(results: readonly Result[]): Result[] {
  const names = Object.keys(FIGURES);
  return [...results].sort((a, b) => names.indexOf(a.figure) - names.indexOf(b.figure));
}

/** A measurement with a PostgreSQL of its own. */
function onGround(
  measure: (ground: Ground, say: Say) => Promise<Figure[]>,
  settings?: Parameters<typeof startGround>[0],
): (say: Say) => Promise<Figure[]> {
  return async say => {
    const ground = await kept(startGround(settings));
    try {
      return await measure(ground, say);
    } finally {
      await ground.stop();
    }
  };
}

async function readConditions(): Promise<Conditions> {
  const ground = await kept(startGround());
  try {
    const { rows } = await ground.owner.query<{ name: string; setting: string }>(
      `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name`,
    );
    return {
      measured_on: new Date().toISOString().slice(0, 10),
      cores: cpus().length,
      processor: cpus()[0]?.model ?? 'unknown',
      node: process.version,
      postgresql: ground.version,
      // What needs it says so itself.
      pgbench: await pgbenchVersion().catch(() => 'not installed'),
      connections: `posting ${postingConnections({ isDistributed: false })}, ${PGBENCH}`,
      ...Object.fromEntries(rows.map(({ name, setting }) => [name, setting])),
    };
  } finally {
    await ground.stop();
  }
}
