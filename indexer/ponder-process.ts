import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export type PonderOptions = {
  databaseUrl: string;
  rpcUrl: string;
  chainId: number;
  paymentAddress: string;
  startBlock: number;
  pollingIntervalMs: number;
  disableCache: boolean;
  /** The RPC does not trace: rows come of transactions instead, and what moves within them is not seen. */
  withoutTraces?: boolean | undefined;
  /** Schema of this build. */
  schema: string;
  /** Schema of the views that readers use, whatever the build. */
  viewsSchema: string;
  port: number;
  /** Everything Ponder says is appended here, one JSON object a line. */
  logFile?: string | undefined;
};

export type PonderProcess = {
  pid: number | undefined;
  /** Resolves once the process is gone: its exit code, or null after a signal. */
  exited: Promise<number | null>;
  /** The port it serves, once it does: if the wished one is taken, Ponder quietly takes another. */
  port: () => number | undefined;
  /** The last error Ponder reported, or an empty string. */
  lastError: () => string;
  /** Whether Ponder declined what it was given, so that it would decline it again. */
  refused: () => boolean;
  /** Whether Ponder met a reorg that goes deeper than it looks back. */
  isLost: () => boolean;
  /** The hash of a block that Ponder has asked for in vain for some seconds, the last of them; undefined for none. */
  missedBlock: () => string | undefined;
  /** Ends it at once. Ponder holds nothing that PostgreSQL does not, so there is nothing to save. */
  kill: () => Promise<void>;
};

/** Stages of Ponder's build that only read what they are given; the others also ask the database and the chain. */
const REFUSING_STAGES = ['namespace', 'config', 'schema', 'pre-compile'];

/** What Ponder asks of a block by its hash, which is the first parameter. */
const BY_BLOCK_HASH = ['debug_traceBlockByHash', 'eth_getBlockByHash', 'eth_getBlockReceipts'];
/** Ponder doubles its waits from an eighth of a second: four of them are two seconds, ten are two minutes. */
const RETRIES_IN_VAIN = 5;

/** Starts Ponder as a child that cannot outlive this process. */
export function startPonder(options: PonderOptions): PonderProcess {
  const child = spawn(process.execPath, ponderArguments(options), {
    cwd: path('.'),
    env: ponderEnvironment(options),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C is for the supervisor, and a kill reaches Ponder's own children too.
    detached: true,
  });
  const logFile = options.logFile ? createWriteStream(options.logFile, { flags: 'a' }) : undefined;
  // A full disk must not end the indexer.
  logFile?.on('error', () => undefined);
  let lastError = '';
  let port: number | undefined;
  let refused = false;
  let lost = false;
  let missedBlock: string | undefined;
  const onLine = (line: string) => {
    logFile?.write(`${line}\n`);
    const said = parse(line);
    if (said.msg === 'Created HTTP server') port = said.port;
    if (said.msg === 'Build failed' && REFUSING_STAGES.includes(said.stage ?? '')) refused = true;
    if (said.msg === 'Encountered unrecoverable reorg') lost = true;
    missedBlock = blockAskedInVain(said) ?? missedBlock;
    if (isError(said))
      lastError = [said.msg, said.error?.message].filter(Boolean).join(': ').split('\n')[0] ?? '';
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', onLine);
  }
  const exited = exitOf(child).finally(() => logFile?.end());
  return {
    pid: child.pid,
    exited,
    port: () => port,
    lastError: () => lastError,
    refused: () => refused,
    isLost: () => lost,
    missedBlock: () => missedBlock,
    async kill() {
      if (child.exitCode === null && child.signalCode === null) killGroup(child);
      await exited;
    },
  };
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise(resolve => {
    // What Ponder started, like its bundler, goes with it and lets go of its output.
    child.once('exit', () => killGroup(child));
    // 'close' and not 'exit': by then its last words have been read.
    child.once('close', resolve);
    child.once('error', () => resolve(null));
  });
}

function ponderArguments(options: PonderOptions): string[] {
  return [
    '--import',
    new URL('./exit-with-supervisor.ts', import.meta.url).href,
    '--import',
    new URL('./quick-modules.ts', import.meta.url).href,
    path('../node_modules/ponder/dist/esm/bin/ponder.js'),
    'start',
    ...['--root', path('.')],
    ...['--schema', options.schema],
    ...['--views-schema', options.viewsSchema],
    ...['-H', '127.0.0.1', '-p', String(options.port)],
    ...['--log-format', 'json'],
  ];
}

/** Where programs, the home and temporary files are, and what Node has compiled before. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE'];

/** Only what Ponder needs: the surrounding environment holds secrets, and names that Ponder would obey. */
function ponderEnvironment(options: PonderOptions): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => INHERITED.includes(name));
  return {
    ...Object.fromEntries(inherited),
    NODE_ENV: 'production',
    PONDER_TELEMETRY_DISABLED: '1',
    DATABASE_URL: options.databaseUrl,
    BASE_RPC_URL: options.rpcUrl,
    CHAIN_ID: String(options.chainId),
    PAYMENT_ADDRESS: options.paymentAddress,
    INDEXER_START_BLOCK: String(options.startBlock),
    INDEXER_POLLING_INTERVAL_MS: String(options.pollingIntervalMs),
    ...(options.disableCache ? { INDEXER_DISABLE_CACHE: '1' } : {}),
    ...(options.withoutTraces ? { INDEXER_WITHOUT_TRACES: '1' } : {}),
  };
}

/** A line of Ponder's log, the part of it that matters here. */
type LogLine = {
  level?: string | number;
  msg?: string;
  port?: number;
  stage?: string;
  method?: string;
  /** A JSON-RPC request as text. */
  request?: string;
  retry_count?: number;
  error?: { message?: string };
};

function parse(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    // Not Ponder's: Node's own words about a crash.
    return { level: 'error', msg: line.trim() };
  }
}

function isError({ level }: LogLine): boolean {
  return level === 'error' || level === 50;
}

/** The hash of the block that the line says Ponder asked for once more in vain; undefined in any other line. */
function blockAskedInVain({ msg, method, request, retry_count: retries }: LogLine): string | undefined {
  if (msg !== 'Received JSON-RPC error' || !BY_BLOCK_HASH.includes(method ?? '')) return undefined;
  if (retries === undefined || retries < RETRIES_IN_VAIN) return undefined;
  return /0x[0-9a-f]{64}/.exec(request ?? '')?.[0];
}
