import type pg from 'pg';
import { SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { BatchOptions, Outcome, Request } from './batch.ts';
import { Lane } from './lane.ts';
import type { PostingObserver } from './posting-observer.ts';
import { RememberedBooks } from './remembered-books.ts';

/** Two keep a database of a few cores busy: one batch is decided while the other is written. */
const LANE_COUNT = 2;
/** Batches are smaller on a cluster, and several nodes are to be kept busy; one machine is slower with more than 16. */
const CLUSTER_CONNECTIONS = 8;

export interface PosterOptions extends BatchOptions {
  readonly bucketCount: number;
  /** Whether the ledger is spread over a cluster (see store/citus.ts). */
  readonly isDistributed: boolean;
}

/** How many connections a Poster makes use of. */
export function postingConnections({ isDistributed }: Pick<PosterOptions, 'isDistributed'>): number {
  return isDistributed ? CLUSTER_CONNECTIONS : LANE_COUNT;
}

/**
 * Takes commands to the books of accounts, each by the lane of its bucket. On a cluster each bucket has a lane to
 * itself, so that a transaction is of one bucket and goes to one node; what a node that is lost keeps waiting is its
 * own buckets.
 */
export class Poster {
  readonly #lanes: readonly Lane[];
  readonly #bucketCount: number;
  readonly #observers = new Set<PostingObserver>();

  /** `pool` must pipeline (see store/postgres.ts) and have the `postingConnections`. */
  constructor(pool: pg.Pool, options: PosterOptions) {
    const { bucketCount, isDistributed } = options;
    this.#bucketCount = bucketCount;
    const laneCount = isDistributed ? bucketCount : LANE_COUNT;
    const shared = { observers: this.#observers, remembered: new RememberedBooks() };
    this.#lanes = Array.from({ length: laneCount }, () => new Lane(pool, options, shared));
  }

  /**
   * Carries out `command` on the book of `accountId`, durably, or refuses it. Rejects with OutcomeUnknownError
   * when the database was lost for long, and with OverloadedError when too much is waiting.
   */
  submit(accountId: bigint, command: Request): Promise<Outcome> {
    if (accountId <= SYSTEM_ACCOUNT_ID) throw new Error('commands are for accounts, not for system books');
    const bucket = bucketOfAccount(accountId, this.#bucketCount);
    const lane = this.#lanes[bucket % this.#lanes.length];
    if (!lane) throw new Error('a bucket has no lane');
    return lane.submit({ bucket, accountId, command });
  }

  /** How many commands wait for their batch. */
  get queueLength(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.queueLength, 0);
  }

  /** Has `observer` told of every batch from here on. */
  observe(observer: PostingObserver): void {
    this.#observers.add(observer);
  }

  /** Resolves when every command taken so far is answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.map(lane => lane.idle()));
  }
}
