import { setTimeout as sleep } from 'node:timers/promises';
import { chainHead, chainIdOf, hasBlock } from './chain-head.ts';
import type { Comparison } from './kept-blocks.ts';
import { lossDetector } from './loss-detector.ts';
import { type PonderOptions, type PonderProcess, startPonder } from './ponder-process.ts';
import { type ReleaseLock, takeReleaseLock } from './release-lock.ts';
import { releaseSchema } from './release-schema.ts';
import { stallDetector } from './stall-detector.ts';

const RETRY_MS = 500;
const BACKOFF_MS_FIRST = 250;
const BACKOFF_MS_MAX = 4_000;
const READY_INTERVAL_MS = 100;
const WATCH_INTERVAL_MS = 1_000;
/** How often what Ponder keeps is compared with the chain. */
const COMPARE_INTERVAL_MS = 5_000;
/** A block that was replaced must be found so again after this: an RPC may err. */
const CONFIRM_MS = 500;
/** An RPC that lags for longer than this does not lag: the chain has gone back. */
const LAG_MS_MAX = 60_000;

export type IndexerOptions = Omit<PonderOptions, 'schema'> & {
  /** The role that reads the views and takes note of deep reorgs. */
  reader?: string | undefined;
  /** Further roles that read the views, for when their schema has to be made anew. */
  viewReaders?: readonly string[] | undefined;
  log: (line: string) => void;
  /** Called once when starting again cannot help. By then the supervisor has stopped. */
  onFatal: (error: Error) => void;
};

export type Indexer = {
  /** Resolves when Ponder's /ready first answers 200; rejects if the indexer stops before that. */
  ready: Promise<void>;
  /** The schema that this build writes. */
  schema: string;
  /** Ponder's process id, undefined between two lives. */
  pid: () => number | undefined;
  /** Ends Ponder and the supervisor. */
  stop: () => Promise<void>;
  /** Kills Ponder with SIGKILL, as a crash would; the supervisor starts it again. For tests. */
  kill: () => Promise<void>;
};

/**
 * Runs Ponder as a child and keeps it running.
 *
 * A life of Ponder: take this release's lock in PostgreSQL, see that the chain answers, delete what Ponder keeps of
 * blocks that the chain has replaced, clear what the last life left, start, watch. It ends when Ponder exits, when the
 * PostgreSQL session breaks, when somebody drops Ponder's tables, when the chain replaces what Ponder keeps or is just
 * fetching, or when Ponder stands still while the chain moves. Then Ponder is killed, whatever it was doing, and the next life begins.
 */
export function superviseIndexer(options: IndexerOptions): Indexer {
  const schema = releaseSchema(options);
  const stopping = new AbortController();
  const ready = deferred();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  const say = whenChanged(options.log);
  let ponder: PonderProcess | undefined;
  /** Ponder met a reorg that it could not follow, perhaps before the block that it keeps was written down. */
  let isNewestDoubtful = false;

  /** Lives one life after the other, until stopped. */
  async function run(): Promise<void> {
    let backoffMs = BACKOFF_MS_FIRST;
    while (!stopping.signal.aborted) {
      const lock = await lockedRelease();
      if (!lock) return;
      const life = await live(lock).finally(lock.release);
      if (life.refused) {
        throw new Error(
          `The indexer cannot start: Ponder ${sentence(life.end)} Correct the cause and start again.`,
        );
      }
      backoffMs = life.wasReady ? BACKOFF_MS_FIRST : Math.min(2 * backoffMs, BACKOFF_MS_MAX);
      if (!stopping.signal.aborted) say(`Ponder ${sentence(life.end)} Starting it again.`);
      await pause(backoffMs);
    }
  }

  /** Waits for PostgreSQL and for the right to run this release there; undefined when stopped meanwhile. */
  async function lockedRelease(): Promise<ReleaseLock | undefined> {
    while (!stopping.signal.aborted) {
      try {
        const lock = await takeReleaseLock({ ...options, schema });
        if (lock) return lock;
        say(`Another indexer runs ${schema} in this database: waiting until it ends.`);
      } catch (error) {
        say(`The indexer waits for PostgreSQL: ${sentence((error as Error).message || 'no connection')}`);
      }
      await pause(RETRY_MS);
    }
    return undefined;
  }

  async function live(lock: ReleaseLock): Promise<Life> {
    const ending = new AbortController();
    let wasReady = false;
    try {
      await lock.kept.prepare();
      await chainAnswers(lock);
      await agreeWithChain(lock);
      await lock.ensureViewsSchema();
      await lock.clearPonderLock();
      if (stopping.signal.aborted) return { end: 'was stopped', refused: false, wasReady };
      const started = startPonder({ ...options, schema });
      ponder = started;
      readiness(started, ending.signal).then(isReady => {
        wasReady = isReady;
        if (!isReady) return;
        say(`Ponder is ready and writes ${schema}.`);
        ready.resolve();
      });
      return await Promise.race([
        lock.lost.then(() => ({ end: 'lost PostgreSQL', refused: false, wasReady })),
        started.exited.then(code => ({
          end: `exited with ${code ?? 'a signal'}${started.lastError() && `: ${started.lastError()}`}`,
          refused: started.refused(),
          wasReady,
        })),
        watch(lock, started, ending.signal).then(reason => ({ end: reason, refused: false, wasReady })),
        aborted(stopping.signal).then(() => ({ end: 'was stopped', refused: false, wasReady })),
      ]);
    } catch (error) {
      return { end: `failed: ${(error as Error).message}`, refused: false, wasReady };
    } finally {
      ending.abort();
      await ponder?.kill();
      ponder = undefined;
    }
  }

  /** Ponder started without a chain sleeps between its retries for up to a minute, so it is not started. */
  async function chainAnswers(lock: ReleaseLock): Promise<void> {
    const gone = { is: false };
    lock.lost.then(() => {
      gone.is = true;
    });
    while (!stopping.signal.aborted && !gone.is) {
      const chainId = await chainIdOf(options.rpcUrl);
      if (chainId === options.chainId) return;
      if (chainId !== undefined) {
        throw new Error(`the RPC serves chain ${chainId}, not ${options.chainId}: correct the RPC's address`);
      }
      say('The indexer waits for the chain: its RPC does not answer.');
      await pause(RETRY_MS);
    }
  }

  /** Deletes what Ponder keeps and the chain has replaced, having waited for an RPC that can tell. */
  async function agreeWithChain(lock: ReleaseLock): Promise<void> {
    const waitsSince = performance.now();
    while (!stopping.signal.aborted) {
      const found = await lock.kept.compare(isNewestDoubtful);
      if (found.status === 'agrees') return;
      const hasGoneBack = found.status === 'behind' && performance.now() - waitsSince > LAG_MS_MAX;
      if (hasGoneBack || (found.status === 'replaced' && (await isConfirmed(lock, found)))) {
        say(
          `DEEP REORG: the chain has replaced blocks after ${found.after} that Ponder took for final. ` +
            'They are deleted and fetched again.',
        );
        await lock.kept.forget(options.chainId, found.after);
        isNewestDoubtful = false;
        return;
      }
      if (found.status === 'behind') say('The indexer waits: the RPC is behind the blocks that Ponder has.');
      await pause(RETRY_MS);
    }
  }

  async function isConfirmed(lock: ReleaseLock, found: Comparison): Promise<boolean> {
    await pause(CONFIRM_MS);
    const again = await lock.kept.compare(isNewestDoubtful);
    return again.status === 'replaced' && found.status === 'replaced' && again.after === found.after;
  }

  /** Whether this life of Ponder became ready before it ended. */
  async function readiness(started: PonderProcess, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const port = started.port();
      if (port && (await answersReady(port, signal))) return true;
      await sleep(READY_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
    return false;
  }

  /** Resolves with the reason why this life should end. */
  async function watch(lock: ReleaseLock, started: PonderProcess, signal: AbortSignal): Promise<string> {
    const dropped = lossDetector();
    const stalled = stallDetector();
    let compareAtMs = 0;
    let wasLost = false;
    while (!signal.aborted) {
      const [head, progress] = await Promise.all([chainHead(options.rpcUrl), lock.progress()]);
      const reason =
        dropped(progress) ??
        stalled({ nowMs: performance.now(), head, progress }) ??
        (await missesReplacedBlock(started));
      // What was written down agrees with the chain, or this would have ended before: the newest was written too late.
      if (reason && started.isLost()) isNewestDoubtful = true;
      if (reason) return reason;
      await lock.kept.remember(progress.keptBlock);
      // Ponder's own word that it is lost may be a lagging RPC's fault: only the chain tells.
      const isNewlyLost = started.isLost() && !wasLost;
      wasLost = started.isLost();
      if (isNewlyLost || performance.now() >= compareAtMs) {
        compareAtMs = performance.now() + COMPARE_INTERVAL_MS;
        const found = await lock.kept.compare();
        if (found.status === 'replaced' && (await isConfirmed(lock, found)))
          return `keeps blocks after ${found.after} that the chain has replaced`;
      }
      await sleep(WATCH_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
    return 'was stopped';
  }

  /**
   * Tells when Ponder fetches a block that was replaced before it had all of it. It would go on asking for two minutes,
   * and take nothing else in meanwhile.
   */
  async function missesReplacedBlock(started: PonderProcess): Promise<string | undefined> {
    const hash = started.missedBlock();
    if (hash === undefined) return undefined;
    for (const waitMs of [0, CONFIRM_MS]) {
      await pause(waitMs);
      if ((await hasBlock(options.rpcUrl, hash)) !== false) return undefined;
    }
    return 'asks for a block that the chain has replaced';
  }

  const running = run()
    .catch((error: Error) => {
      stopping.abort();
      ready.reject(error);
      options.onFatal(error);
    })
    .finally(() => ready.reject(new Error('The indexer was stopped before it was ready.')));

  return {
    ready: ready.promise,
    schema,
    pid: () => ponder?.pid,
    async stop() {
      stopping.abort();
      await running;
    },
    async kill() {
      await ponder?.kill();
    },
  };
}

async function answersReady(port: number, signal: AbortSignal): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/ready`, { signal }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status === 200;
}

/** How a life ended; refused when Ponder declined its configuration, so that the next life would end the same way. */
type Life = { end: string; refused: boolean; wasReady: boolean };

/** A promise and its two ends; nobody has to listen to its failure. */
function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Closes a sentence whose end may be somebody else's words, with or without their full stop. */
function sentence(words: string): string {
  return `${words.replace(/[.\s]+$/, '')}.`;
}

/** A log that does not repeat itself while nothing changes. */
function whenChanged(log: (line: string) => void): (line: string) => void {
  let last = '';
  return line => {
    if (line !== last) log(line);
    last = line;
  };
}
