import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildLog, fileLog, lastLines, memoryLog } from './child-log.ts';

/** How a process ended: exactly one of the two is set, as in Node's own `exit` event. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What somebody else needs to know in order to stop a child: its process group is its pid. */
export interface SpawnedGroup {
  readonly name: string;
  readonly pid: number;
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
}

export interface ChildOptions {
  /** What messages call it, as in "The local chain". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  /** The whole environment of the child; this process's own when left out. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Appended to. Without one the output stays in memory, and the child loses it when this process dies. */
  readonly logFile?: string | undefined;
  /** Ready when this answers true (polled; a rejection counts as false), or when its output matches. */
  readonly ready: ((child: { readonly pid: number }) => Promise<boolean>) | RegExp;
  /** How long it may take to become ready; 60 s when left out. */
  readonly readyTimeoutMs?: number | undefined;
  /** The polite signal; SIGTERM when left out. */
  readonly stopSignal?: NodeJS.Signals | undefined;
  /** How long `stop()` waits before it kills; 10 s when left out. */
  readonly stopGraceMs?: number | undefined;
  /** Called at once after the spawn, before the child is ready: the moment to tell the watchdog. */
  readonly onSpawn?: ((group: SpawnedGroup) => void) | undefined;
}

/** A child that was ready once. It runs in a process group of its own, out of reach of Ctrl-C. */
export interface RunningChild {
  readonly name: string;
  readonly pid: number;
  /** Fulfilled when the child is gone, whoever ended it; never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Sends the stop signal, waits for the grace, then kills the group. Safe to call twice. */
  stop(): Promise<void>;
  /** SIGKILL for the whole group; fulfilled when the child is gone. */
  kill(): Promise<void>;
  /** What it wrote since this start, at most the last 64 kB. */
  output(): string;
}

const POLL_MS = 20;
const LAST_WORDS_MS = 1000;

/**
 * Starts a child in a process group of its own and waits until it is ready.
 *
 * @throws when the command does not exist, when the child exits before it is ready (the message has its exit
 * code and the last lines of its output) or when it is not ready in time (it is killed then).
 */
export async function startChild(options: ChildOptions): Promise<RunningChild> {
  const stopSignal = options.stopSignal ?? 'SIGTERM';
  const stopGraceMs = options.stopGraceMs ?? 10_000;
  const log = options.logFile === undefined ? memoryLog() : fileLog(options.logFile);
  const spawned = spawn(options.command, options.args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', log.stdio, log.stdio],
  });
  const pid = await spawnedPid(spawned, options, log);
  options.onSpawn?.({ name: options.name, pid, stopSignal, stopGraceMs });
  log.attach([spawned.stdout, spawned.stderr]);

  let gone = false;
  const exited = new Promise<ExitStatus>(resolve => {
    const end = (code: number | null, signal: NodeJS.Signals | null) => {
      log.close();
      resolve({ code, signal });
    };
    spawned.once('exit', (code, signal) => {
      gone = true;
      // Whatever the child left behind in its group goes with it.
      signalGroup(pid, 'SIGKILL');
      // Its last words may still be in the pipe, which something outside of the group may hold open.
      const timer = setTimeout(end, LAST_WORDS_MS, code, signal);
      spawned.once('close', () => {
        clearTimeout(timer);
        end(code, signal);
      });
    });
  });
  // The pid of a child that is gone may be somebody else's.
  const send = (signal: NodeJS.Signals) => {
    if (!gone) signalGroup(pid, signal);
  };
  const child: RunningChild = {
    name: options.name,
    pid,
    exited,
    output: () => log.text(),
    async stop() {
      send(stopSignal);
      const timer = setTimeout(send, stopGraceMs, 'SIGKILL');
      await exited;
      clearTimeout(timer);
    },
    async kill() {
      send('SIGKILL');
      await exited;
    },
  };
  try {
    await untilReady(child, options);
  } catch (error) {
    await child.kill();
    throw error;
  }
  return child;
}

/** One sentence on how a process ended, for messages: "exit code 3" or "signal SIGKILL". */
export function describeExit(status: ExitStatus): string {
  return status.signal === null ? `exit code ${status.code}` : `signal ${status.signal}`;
}

/** Sends a signal to a process group; false when nobody is left in it. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

async function spawnedPid(spawned: ChildProcess, options: ChildOptions, log: ChildLog): Promise<number> {
  if (spawned.pid !== undefined) return spawned.pid;
  const [error] = (await once(spawned, 'error')) as [NodeJS.ErrnoException];
  log.close();
  throw new Error(
    error.code === 'ENOENT'
      ? `${options.name} cannot start: there is no program ${options.command} (or no folder ${options.cwd ?? '.'}).`
      : `${options.name} cannot start: ${error.message}.`,
    { cause: error },
  );
}

async function untilReady(child: RunningChild, options: ChildOptions): Promise<void> {
  const { ready } = options;
  const timeoutMs = options.readyTimeoutMs ?? 60_000;
  let ended: ExitStatus | undefined;
  void child.exited.then(status => {
    ended = status;
  });
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    const answer = ready instanceof RegExp ? matches(ready, child.output()) : await probe(ready, child.pid);
    // An exit wins: the probe may have been answered by a stranger on the same port.
    if (ended !== undefined) {
      const said = lastLines(child.output());
      throw new Error(
        `${child.name} ended with ${describeExit(ended)} before it was ready${said === '' ? '.' : `; it said:\n${said}`}`,
      );
    }
    if (answer) return;
    await sleep(POLL_MS);
  }
  const said = lastLines(child.output());
  throw new Error(
    `${child.name} was not ready after ${timeoutMs / 1000} s and was stopped${said === '' ? '.' : `; it said:\n${said}`}`,
  );
}

async function probe(ready: (child: { pid: number }) => Promise<boolean>, pid: number): Promise<boolean> {
  try {
    return await ready({ pid });
  } catch {
    return false;
  }
}

function matches(pattern: RegExp, text: string): boolean {
  // `search` ignores lastIndex, so that a global expression works as well.
  return text.search(pattern) !== -1;
}
