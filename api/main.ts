/**
 * The composition root: `node api/main.ts <part>` starts one part of the system by the environment.
 *   api      the HTTP API and the pages
 *   worker   takes in receipts and posts them
 *   indexer  runs Ponder
 *   migrate  brings the database up to date, as its owner, and exits
 */
import { BaseError, HttpRequestError, TimeoutError } from 'viem';
import { isPassing } from '../ledger/index.ts';
import { type Config, ConfigError, type PartName, readConfig } from './config.ts';
import type { RunningPart } from './parts/part.ts';

/** Each part is loaded when it is asked for: the indexer needs no Express, the worker no routes. */
const PARTS: Readonly<Record<PartName, () => Promise<(config: Config) => Promise<RunningPart>>>> = {
  api: async () => (await import('./parts/api-part.ts')).startApiPart,
  worker: async () => (await import('./parts/worker-part.ts')).startWorkerPart,
  indexer: async () => (await import('./parts/indexer-part.ts')).startIndexerPart,
  migrate: async () => (await import('./parts/migrate-part.ts')).migratePart,
};

const USAGE = `usage: node api/main.ts <${Object.keys(PARTS).join('|')}>

Starts one part of AiSpace Credits by the environment; .env.example names every variable.`;

/** How long a part may take to finish what is in flight. */
const STOP_MS_MAX = 10_000;

/** How many characters are shown of what an RPC says: it may answer with a whole page. */
const RPC_WORDS_MAX = 300;

const name = process.argv[2] ?? '';
if (name === '--help' || name === '-h') {
  console.log(USAGE);
} else if (!Object.hasOwn(PARTS, name)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await main(name as PartName);
}

async function main(part: PartName): Promise<void> {
  try {
    const config = readConfig(process.env, part);
    const start = await PARTS[part]();
    const running = await start(config);
    let stopping = false;
    const stop = () => {
      if (stopping) return;
      stopping = true;
      setTimeout(() => {
        console.error(`${part}: did not stop in ${STOP_MS_MAX / 1000} s, leaving as it is.`);
        process.exit(1);
      }, STOP_MS_MAX).unref();
      running.stop().then(
        () => process.exit(0),
        (error: unknown) => fail(part, error),
      );
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
  if (error instanceof BaseError) return describeRpcError(error);
  const said = withoutUrls(error.message) || ('code' in error ? String(error.code) : error.name);
  return isPassing(error)
    ? `DATABASE_URL cannot be reached (${said}): check it, and whether PostgreSQL is up.`
    : said;
}

/** In viem's whole message are the RPC's URL, which may hold a key, and the request. */
function describeRpcError(error: BaseError): string {
  const isAway = error instanceof HttpRequestError || error instanceof TimeoutError;
  const said = withoutUrls([error.shortMessage, error.details].filter(Boolean).join(' '))
    .replace(/\s+/g, ' ')
    .slice(0, RPC_WORDS_MAX);
  return `BASE_RPC_URL ${isAway ? 'does not answer' : 'answers with an error'} (${said}): check it, and whether the RPC is up.`;
}

function withoutUrls(text: string): string {
  return text.replace(/\b[a-z][a-z\d+.-]*:\/\/\S+/gi, '<URL>');
}
