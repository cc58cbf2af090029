import { setTimeout as sleep } from 'node:timers/promises';
import { describeExit, type RunningChild, type SpawnedGroup, signalGroup } from './child-process.ts';
import { startWatchdog } from './watchdog-link.ts';

export interface SupervisorOptions {
  /** A part failed too often and is left alone; the others still run. The error is one line for a person. */
  readonly onFatal: (error: Error) => void;
  /** One line for a person per unexpected event. */
  readonly onNotice?: ((line: string) => void) | undefined;
  /** So many quick failures in a row are too often; 5 when left out. */
  readonly failuresMax?: number | undefined;
  /** A run shorter than this is a quick failure; 10 s when left out. */
  readonly quickMs?: number | undefined;
  /** The wait before the first restart, doubled at each further one up to 16 times; 200 ms when left out. */
  readonly backoffMs?: number | undefined;
}

/** One thing to keep running. `start` is called again for each restart: fix ports and folders before. */
export interface Part<Running extends RunningChild> {
  readonly name: string;
  /** Hand `onSpawn` on to `startChild`, so that the process is watched from its first moment. */
  start(watch: { readonly onSpawn: (group: SpawnedGroup) => void }): Promise<Running>;
}

export interface Supervisor {
  /** The process that stops every part should this one be killed. */
  readonly watchdogPid: number | undefined;
  /**
   * Starts a part and keeps it running until `stop()`.
   *
   * @returns the first run of it; what does not change over restarts (a port, a URL) may be kept
   * @throws what `start` throws the first time: a part that never ran is not tried again
   */
  run<Running extends RunningChild>(part: Part<Running>): Promise<Running>;
  /** Stops all parts, the latest first, one after the other, and the watchdog. Safe to call twice. */
  stop(): Promise<void>;
}

interface Entry {
  readonly part: Part<RunningChild>;
  /** Spawned and perhaps not ready yet. */
  readonly spawned: Map<number, SpawnedGroup>;
  running: RunningChild | undefined;
  /** Fulfilled when no further restart will come. */
  done: Promise<void>;
}

/** Keeps parts running and leaves no process behind, not even when this process is killed with -9. */
export function startSupervisor(options: SupervisorOptions): Supervisor {
  const { failuresMax = 5, quickMs = 10_000, backoffMs = 200 } = options;
  const watchdog = startWatchdog();
  const entries: Entry[] = [];
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;

  /** One start of a part, watched from its first moment to its last. */
  const start = async <Running extends RunningChild>(
    part: Part<Running>,
    spawned: Map<number, SpawnedGroup>,
  ): Promise<Running> => {
    const forget = () => {
      for (const pid of spawned.keys()) watchdog.forget(pid);
      spawned.clear();
    };
    const onSpawn = (group: SpawnedGroup) => {
      spawned.set(group.pid, group);
      watchdog.watch(group);
    };
    try {
      const running = await part.start({ onSpawn });
      void running.exited.then(forget);
      if (!stopping.signal.aborted) return running;
      await running.stop();
      throw new Error(`${part.name} was stopped while it started.`);
    } catch (error) {
      forget();
      throw error;
    }
  };

  /** Starts the part unless it runs, and waits for its end. */
  const oneRun = async (entry: Entry): Promise<{ readonly reason: string; readonly quick: boolean }> => {
    const since = performance.now();
    try {
      entry.running ??= await start(entry.part, entry.spawned);
    } catch (error) {
      return {
        reason: `did not start: ${error instanceof Error ? error.message : String(error)}`,
        quick: true,
      };
    }
    const status = await entry.running.exited;
    entry.running = undefined;
    return { reason: `ended with ${describeExit(status)}`, quick: performance.now() - since < quickMs };
  };

  const keep = async (entry: Entry): Promise<void> => {
    const { name } = entry.part;
    let failures = 0;
    while (true) {
      const { reason, quick } = await oneRun(entry);
      if (stopping.signal.aborted) return;
      failures = quick ? failures + 1 : 1;
      if (failures >= failuresMax) {
        options.onFatal(new Error(`${name} failed ${failures} times in a row and is given up: it ${reason}`));
        return;
      }
      options.onNotice?.(`${name} ${reason}; it is started again.`);
      await pause(backoffMs * 2 ** Math.min(failures - 1, 4), stopping.signal);
      if (stopping.signal.aborted) return;
    }
  };

  const stopAll = async (): Promise<void> => {
    stopping.abort();
    for (const entry of entries.reverse()) {
      if (entry.running !== undefined) await entry.running.stop();
      else for (const { pid, stopSignal } of entry.spawned.values()) signalGroup(pid, stopSignal);
      await entry.done;
    }
    await watchdog.close();
  };

  return {
    get watchdogPid() {
      return watchdog.pid;
    },
    async run(part) {
      if (stopping.signal.aborted) throw new Error(`${part.name} cannot start: everything is being stopped.`);
      const entry: Entry = { part, spawned: new Map(), running: undefined, done: Promise.resolve() };
      // Listed before it is ready, so that a stop in the meantime reaches it.
      entries.push(entry);
      const first = start(part, entry.spawned);
      entry.done = first.then(
        running => {
          entry.running = running;
          return keep(entry);
        },
        () => {},
      );
      return await first;
    },
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
