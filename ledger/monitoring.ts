/** What those who run the ledger watch. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import type { PublicClient } from 'viem';
import type { Instant } from './core/instant.ts';
import { isPassing } from './posting/passing-errors.ts';
import type { Poster } from './posting/poster.ts';
import type { PostingObserver } from './posting/posting-observer.ts';
import { readOpenDebt } from './reads/open-debt.ts';
import { readSuspenseTotals, type SuspenseTotals } from './reads/suspense-totals.ts';
import { migrationNames } from './store/migrate.ts';
import type { Tables } from './store/tables.ts';
import { type AttemptOutcome, readAttemptCounts } from './webhooks/attempt-counts.ts';
import { readDeliveryLag } from './webhooks/delivery-lag.ts';
import { type EndpointTroubles, readEndpointTroubles } from './webhooks/endpoint-troubles.ts';

/** The RPC is asked this often at the most, and nobody waits longer for it than that. */
const RPC_LOOK_MS = 5_000;
const RPC_WAIT_MS_MAX = 500;

/** Whether the ledger can do its work. */
export interface Readiness {
  /** Whether the database answers. Without it nothing can be debited. */
  readonly database: boolean;
  /** The migrations that this program expects and the database lacks; empty while it is away. */
  readonly missingMigrations: readonly string[];
  /** Whether the chain's RPC answers. Without it there are no quotes in ETH; debits do not need it. */
  readonly rpc: boolean;
}

export class Monitoring {
  readonly #db: Kysely<Tables>;
  readonly #poster: Poster;
  readonly #chain: PublicClient;
  #looking: Promise<Readiness> | null = null;
  #rpc: { readonly askedAt: number; readonly answers: Promise<boolean> } | null = null;

  constructor(parts: { db: Kysely<Tables>; poster: Poster; chain: PublicClient }) {
    this.#db = parts.db;
    this.#poster = parts.poster;
    this.#chain = parts.chain;
  }

  /** Looks, once for all who ask meanwhile: anybody may. Never rejects. */
  readiness(): Promise<Readiness> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<Readiness> {
    const [missing, rpc] = await Promise.all([
      this.#missingMigrations(),
      Promise.race([this.#rpcAnswers(), sleep(RPC_WAIT_MS_MAX, false)]),
    ]);
    return { database: missing !== null, missingMigrations: missing ?? [], rpc };
  }

  /** What is in suspense. Adds up all of it. */
  suspenseTotals(): Promise<SuspenseTotals> {
    return readSuspenseTotals(this.#db);
  }

  /** What all customers owe together, in microcredits. Looks at the books that owe. */
  openDebtMicrocredits(): Promise<bigint> {
    return readOpenDebt(this.#db);
  }

  /** How many attempts to deliver a webhook had which outcome, ever. */
  webhookAttempts(): Promise<Record<AttemptOutcome, bigint>> {
    return readAttemptCounts(this.#db);
  }

  /** How many endpoints of webhooks cannot be reached. */
  webhookEndpointTroubles(): Promise<EndpointTroubles> {
    return readEndpointTroubles(this.#db);
  }

  /** How many microseconds the webhook that is due for longest at `now` waits for a worker; null: it cannot be told. */
  webhookLag(now: Instant): Promise<Instant | null> {
    return readDeliveryLag(this.#db, now);
  }

  /** How many commands wait in this process to be posted. */
  get postingQueueLength(): number {
    return this.#poster.queueLength;
  }

  /** Has `observer` told of every batch that this process posts. */
  observePosting(observer: PostingObserver): void {
    this.#poster.observe(observer);
  }

  /** Null while the database is away. */
  async #missingMigrations(): Promise<string[] | null> {
    const expected = await migrationNames();
    try {
      const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(this.#db);
      const done = new Set(rows.map(({ name }) => name));
      return expected.filter(name => !done.has(name));
    } catch (error) {
      return isPassing(error) ? null : expected;
    }
  }

  #rpcAnswers(): Promise<boolean> {
    const now = performance.now();
    if (this.#rpc === null || now - this.#rpc.askedAt >= RPC_LOOK_MS) {
      const answers = this.#chain.getBlockNumber({ cacheTime: 0 }).then(
        () => true,
        () => false,
      );
      this.#rpc = { askedAt: now, answers };
    }
    return this.#rpc.answers;
  }
}
