/**
 * The composition root: `node api/main.ts <part>` starts one part of the system by the environment.
 *   api      the HTTP API and the pages
 *   worker   takes in receipts and posts them
 *   indexer  runs Ponder
 *   migrate  brings the database up to date, as its owner, and exits
 */
import { ConfigError, type PartName, readConfig } from './config.ts';
import { startApiPart } from './parts/api-part.ts';
import { startIndexerPart } from './parts/indexer-part.ts';
import { migratePart } from './parts/migrate-part.ts';
import type { RunningPart } from './parts/part.ts';
import { startWorkerPart } from './parts/worker-part.ts';

const PARTS: Readonly<Record<PartName, (config: ReturnType<typeof readConfig>) => Promise<RunningPart>>> = {
  api: startApiPart,
  worker: startWorkerPart,
  indexer: startIndexerPart,
  migrate: migratePart,
};

const USAGE = `usage: node api/main.ts <${Object.keys(PARTS).join('|')}>

Starts one part of AiSpace Credits by the environment; .env.example names every variable.`;

/** How long a part may take to finish what is in flight. */
const STOP_MS_MAX = 10_000;

const name = process.argv[2] ?? '';
if (name === '--help' || name === '-h') {
  console.log(USAGE);
} else if (!(name in PARTS)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await main(name as PartName);
}

async function main(part: PartName): Promise<void> {
  try {
    const running = await PARTS[part](readConfig(process.env, part));
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      setTimeout(() => {
        console.error(`${part}: did not stop in ${STOP_MS_MAX / 1000} s, leaving as it is.`);
        process.exit(1);
      }, STOP_MS_MAX).unref();
      void running.stop().then(() => process.exit(0));
    };
    process.once('SIGTERM', stop);
    process.once('SIGINT', stop);
    running.failed?.catch((error: unknown) => fail(part, error));
  } catch (error) {
    fail(part, error);
  }
}

/** One clear line for what a person can mend; a trace only for what is our own fault. */
function fail(part: PartName, error: unknown): never {
  const lines = describe(error).split('\n');
  for (const line of lines) console.error(`${part}: ${line}`);
  process.exit(1);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConfigError) return error.message;
  if ('shortMessage' in error && typeof error.shortMessage === 'string') return error.shortMessage;
  // A fault without a message still says what it is.
  return error.message || ('code' in error ? String(error.code) : error.name);
}
