/** The parts as the programs they are. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type RunningChild, startChild } from '../../dev/child-process.ts';
import { COMPILE_CACHE } from '../../dev/compile-cache.ts';

const MAIN = fileURLToPath(new URL('../../api/main.ts', import.meta.url));
const CLI = fileURLToPath(new URL('../../cli/credits.ts', import.meta.url));

type Environment = Readonly<Record<string, string>>;

/** Nothing of the caller's environment: what a part is configured with is what the test names. */
function environment(env: Environment): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env;
  return { PATH, HOME, NODE_COMPILE_CACHE: COMPILE_CACHE, ...env };
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `node api/main.ts …` until it ends by itself. */
export async function runProgram(args: readonly string[], env: Environment = {}): Promise<Ended> {
  return await run([MAIN, ...args], env);
}

/** Runs `npx credits …` until it ends by itself. `env` is what the environment has besides. */
export async function runCredits(
  args: readonly string[],
  databaseUrl?: string,
  env: Environment = {},
): Promise<Ended> {
  return await startCredits(args, databaseUrl, env).ended;
}

/** Starts `npx credits …`, for whoever looks at it while it runs. */
export function startCredits(
  args: readonly string[],
  databaseUrl?: string,
  env: Environment = {},
): RunningProgram {
  // No state folder of the person who runs the tests.
  const nowhere = { STATE_FOLDER: '/nowhere' };
  return start([CLI, ...args], {
    ...nowhere,
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    ...env,
  });
}

export interface RunningProgram {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

async function run(args: readonly string[], env: Environment): Promise<Ended> {
  return await start(args, env).ended;
}

function start(args: readonly string[], env: Environment): RunningProgram {
  const child = spawn(process.execPath, args, {
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 150_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject).on('close', code => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

/** Starts `node api/main.ts api` and waits until it listens. */
export async function startApiProgram(env: Environment): Promise<RunningChild> {
  return await startChild({
    name: 'The API',
    command: process.execPath,
    args: [MAIN, 'api'],
    env: environment(env),
    ready: /api: listening/,
    stopGraceMs: 20_000,
  });
}

/** Starts `node api/main.ts worker` and waits until it takes in payments. */
export async function startWorkerProgram(env: Environment): Promise<RunningChild> {
  return await startChild({
    name: 'The worker',
    command: process.execPath,
    args: [MAIN, 'worker'],
    env: environment(env),
    ready: /worker: taking in/,
    stopGraceMs: 20_000,
  });
}
