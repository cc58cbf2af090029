import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from '../posting/passing-errors.ts';
import { lookOnce, reopenUnrecorded } from './chain-intake.ts';
import { ChainWatch } from './chain-watch.ts';
import type { IntakeContext } from './context.ts';
import { readIndexedBlock } from './indexed-transfers.ts';
import { Leadership } from './leadership.ts';
import { type LookMemory, newLookMemory } from './look-memory.ts';
import { watchTraces } from './trace-support.ts';

/** How often the worker does what, in milliseconds. */
export interface IntakePace {
  /** The indexer is asked whether there is a new block. */
  readonly pollMs: number;
  /** It looks again while a price or the chain's verdict is missing, and at the least. */
  readonly pendingMs: number;
  readonly idleLookMs: number;
  /** All that was ever indexed is gone through for a payment that was never recorded, and the RPC tried. */
  readonly reopenMs: number;
  /** The RPCs are asked how far they and the chain are. */
  readonly watchMs: number;
  /** It rests after an error, and while another worker leads. */
  readonly pauseMs: number;
}

const INTAKE_PACE: IntakePace = {
  pollMs: 100,
  pendingMs: 1000,
  idleLookMs: 5000,
  reopenMs: 3_600_000,
  watchMs: 5000,
  pauseMs: 500,
};

export interface IntakeWorker {
  /** Finishes the look that is under way, then ends. */
  stop(): Promise<void>;
}

/** Takes in receipts until stopped, through lost databases and RPCs. Errors are logged, once each. */
export function startIntakeWorker(
  context: IntakeContext,
  databaseUrl: string,
  pace: IntakePace = INTAKE_PACE,
): IntakeWorker {
  const leadership = new Leadership(databaseUrl);
  const stopping = new AbortController();
  const done = run({ context, leadership, pace }, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
      await leadership.release();
    },
  };
}

async function run(
  { context, leadership, pace }: { context: IntakeContext; leadership: Leadership; pace: IntakePace },
  stopping: AbortSignal,
): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping }).catch(() => {});
  const lookout = new Lookout(context, pace);
  let lastError = '';
  while (!stopping.aborted) {
    try {
      if (!(await leadership.hold())) {
        await pause(pace.pauseMs);
        continue;
      }
      await lookout.lookWhenDue();
      if (lastError !== '') context.log('receipts are taken in again');
      lastError = '';
      await pause(pace.pollMs);
    } catch (error) {
      const message = error instanceof Error ? describe(error) : String(error);
      if (message !== lastError) context.log(`receipts could not be taken in, trying again: ${message}`);
      lastError = message;
      lookout.lookAtOnce();
      await pause(pace.pauseMs);
    }
  }
  await lookout.finished();
}

/** Knows when the next look is due: at every new block, and after a while without one. */
class Lookout {
  readonly #context: IntakeContext;
  readonly #pace: IntakePace;
  readonly #memory: LookMemory;
  readonly #watch: ChainWatch;
  #watching: Promise<void> | null = null;
  #seenBlock: bigint | null = null;
  // By performance.now().
  #nextLookAt = 0;
  #nextReopenAt = 0;
  #nextWatchAt = 0;

  constructor(context: IntakeContext, pace: IntakePace) {
    this.#context = context;
    this.#pace = pace;
    this.#memory = newLookMemory(context);
    this.#watch = new ChainWatch(context, this.#memory);
  }

  lookAtOnce(): void {
    this.#nextLookAt = 0;
  }

  /** Resolves when nothing goes on in the background. */
  async finished(): Promise<void> {
    await this.#watching;
  }

  async lookWhenDue(): Promise<void> {
    this.#watchWhenDue();
    const block = await readIndexedBlock(this.#context.db);
    if (block === this.#seenBlock && performance.now() < this.#nextLookAt) return;
    if (performance.now() >= this.#nextReopenAt) {
      await reopenUnrecorded(this.#context);
      await watchTraces(this.#context);
      this.#nextReopenAt = performance.now() + this.#pace.reopenMs;
    }
    const look = await lookOnce(this.#context, this.#memory);
    this.#seenBlock = look.latestBlock;
    this.#nextLookAt = performance.now() + (look.pending ? this.#pace.pendingMs : this.#pace.idleLookMs);
  }

  /** Beside the looks: an RPC that takes its time must not hold up those who have paid. */
  #watchWhenDue(): void {
    if (this.#watching !== null || performance.now() < this.#nextWatchAt) return;
    this.#nextWatchAt = performance.now() + this.#pace.watchMs;
    this.#watching = this.#watch
      .look()
      .catch((error: unknown) => {
        // A database that is away is said by the looks.
        if (!isPassing(error))
          this.#context.log(`the chain could not be watched: ${describe(error as Error)}`);
      })
      .finally(() => {
        this.#watching = null;
      });
  }
}

/** A lost connection is one line; anything else is a fault whose place must be known. */
function describe(error: Error): string {
  if (isPassing(error)) return error.message || 'the database is away';
  if ('shortMessage' in error && typeof error.shortMessage === 'string') return error.shortMessage;
  return error.stack ?? error.message;
}
