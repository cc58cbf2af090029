import type pg from 'pg';
import { type AddressedCommand, type BatchOptions, type Outcome, runBatch } from './batch.ts';
import { isPassing } from './passing-errors.ts';
import type { PostingObserver } from './posting-observer.ts';
import type { RememberedBooks } from './remembered-books.ts';

/** As many commands as one transaction takes at the most. */
const BATCH_MAX = 500;
/** A queue longer than this only makes everybody wait: further commands are turned away at once. */
const QUEUE_MAX = 20_000;
/** How long a batch is tried again through lost connections and deadlocks before its callers are told. */
const RETRY_MS_MAX = 15_000;
const RETRY_PAUSE_MS = 100;

/** It is not known whether the command was carried out. Asking again with the same key tells. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
  constructor(cause: unknown) {
    super('the database could not be reached; ask again with the same idempotency key', { cause });
  }
}

/** Too many commands are waiting; this one was not taken. */
export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';
  constructor() {
    super('too many commands are waiting; try again shortly');
  }
}

interface Waiting {
  /** By performance.now(). */
  readonly since: number;
  readonly addressed: AddressedCommand;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Posts the commands of its buckets one batch after the other. There is no timer: a batch is whatever arrived
 * while the previous one was in flight.
 */
export class Lane {
  readonly #pool: pg.Pool;
  readonly #options: BatchOptions;
  readonly #observers: ReadonlySet<PostingObserver>;
  readonly #remembered: RememberedBooks | null;
  readonly #queue: Waiting[] = [];
  #running: Promise<void> | null = null;

  /** @param shared What lanes have in common. */
  constructor(
    pool: pg.Pool,
    options: BatchOptions,
    shared: { readonly observers?: ReadonlySet<PostingObserver>; readonly remembered?: RememberedBooks } = {},
  ) {
    this.#pool = pool;
    this.#options = options;
    this.#observers = shared.observers ?? new Set();
    this.#remembered = shared.remembered ?? null;
  }

  /** How many commands wait for their batch. */
  get queueLength(): number {
    return this.#queue.length;
  }

  /** Resolves with the command's outcome once it is durable. Rejects with OutcomeUnknownError or OverloadedError. */
  submit(addressed: AddressedCommand): Promise<Outcome> {
    if (this.#queue.length >= QUEUE_MAX) return Promise.reject(new OverloadedError());
    return new Promise((resolve, reject) => {
      this.#queue.push({ since: performance.now(), addressed, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Resolves when nothing is waiting or in flight. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      // Let everything that arrives in this turn of the event loop join the batch.
      await new Promise(setImmediate);
      // Where lanes share connections it may take a while to get one: what arrives meanwhile joins the batch. An error
      // is left to the attempt that finds no connection here.
      const client = await this.#pool.connect().catch(() => null);
      await this.#post(this.#queue.splice(0, BATCH_MAX).filter(isInTime), client);
    }
    this.#running = null;
  }

  /** @param client Is given back. */
  async #post(batch: Waiting[], client: pg.PoolClient | null): Promise<void> {
    const [first] = batch;
    if (!first) {
      client?.release();
      return;
    }
    const beganAt = performance.now();
    try {
      const outcomes = await this.#tryUntilKnown(
        batch.map(waiting => waiting.addressed),
        client,
      );
      const seconds = (performance.now() - beganAt) / 1000;
      const waitedSeconds = (beganAt - first.since) / 1000;
      for (const observer of this.#observers)
        observer.batchPosted({ commandCount: batch.length, seconds, waitedSeconds });
      batch.forEach((waiting, index) => {
        const outcome = outcomes[index];
        if (outcome) waiting.resolve(outcome);
        else waiting.reject(new Error('a batch answered fewer commands than it took'));
      });
    } catch (error) {
      if (batch.length === 1 || error instanceof OutcomeUnknownError) {
        for (const waiting of batch) waiting.reject(error);
        return;
      }
      // Something in this batch breaks it: one by one, so that only the culprit fails.
      for (const waiting of batch) await this.#post([waiting], null);
    }
  }

  /** Accepted commands answer by their idempotency key, so a batch whose commit got lost is simply run again. */
  async #tryUntilKnown(
    commands: readonly AddressedCommand[],
    client: pg.PoolClient | null,
  ): Promise<Outcome[]> {
    let connected = client;
    const giveUpAt = performance.now() + RETRY_MS_MAX;
    let isDoubtful = false;
    for (;;) {
      try {
        connected ??= await this.#pool.connect();
        return await this.#try(commands, connected);
      } catch (error) {
        // A commit may have been lost before: then no later error says that nothing was carried out.
        if (isDoubtful && !isPassing(error)) throw new OutcomeUnknownError(error);
        if (!isPassing(error)) throw error;
        if (performance.now() > giveUpAt) throw new OutcomeUnknownError(error);
        isDoubtful = true;
        connected = null;
        await new Promise(resolve => setTimeout(resolve, RETRY_PAUSE_MS));
      }
    }
  }

  async #try(commands: readonly AddressedCommand[], client: pg.PoolClient): Promise<Outcome[]> {
    let broken = true;
    try {
      const outcomes = await runBatch(client, commands, this.#options, this.#remembered);
      broken = false;
      return outcomes;
    } finally {
      // After any error the connection is closed rather than trusted.
      client.release(broken);
    }
  }
}

/** Turns away what has waited as long as a caller can be expected to; it was never tried. */
function isInTime(waiting: Waiting): boolean {
  if (performance.now() - waiting.since <= RETRY_MS_MAX) return true;
  waiting.reject(new OverloadedError());
  return false;
}
