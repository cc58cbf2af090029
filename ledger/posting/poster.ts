import type pg from 'pg';
import { SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { BatchOptions, Outcome, Request } from './batch.ts';
import { Lane } from './lane.ts';

/** Two keep a database of a few cores busy: one batch is decided while the other is written. */
const LANE_COUNT = 2;

/** Takes commands to the books of accounts, each by the lane of its bucket. */
export class Poster {
  readonly #lanes: readonly Lane[];
  readonly #bucketCount: number;

  /** `pool` must pipeline (see store/postgres.ts) and have a connection for each lane. */
  constructor(pool: pg.Pool, bucketCount: number, options: BatchOptions) {
    this.#bucketCount = bucketCount;
    this.#lanes = Array.from({ length: LANE_COUNT }, () => new Lane(pool, options));
  }

  /**
   * Carries out `command` on the book of `accountId`, durably, or refuses it. Rejects with OutcomeUnknownError
   * when the database was lost for long, and with OverloadedError when too much is waiting.
   */
  submit(accountId: bigint, command: Request): Promise<Outcome> {
    if (accountId <= SYSTEM_ACCOUNT_ID) throw new Error('commands are for accounts, not for system books');
    const bucket = bucketOfAccount(accountId, this.#bucketCount);
    const lane = this.#lanes[bucket % LANE_COUNT];
    if (!lane) throw new Error('a bucket has no lane');
    return lane.submit({ bucket, accountId, command });
  }

  /** Resolves when every command taken so far is answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.map(lane => lane.idle()));
  }
}
