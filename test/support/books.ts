/** A ledger's posting path on a test database, with a clock in the test's hand. */
import type pg from 'pg';
import type { DebitCommand } from '../../ledger/core/debit.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import type { PurchaseCommand } from '../../ledger/core/purchase.ts';
import type { Outcome } from '../../ledger/posting/batch.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { Poster, postingConnections } from '../../ledger/posting/poster.ts';
import { AccountCodes } from '../../ledger/store/account-codes.ts';
import { DEFAULT_BUCKET_COUNT } from '../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../ledger/store/postgres.ts';

export interface Books {
  readonly poster: Poster;
  readonly pool: pg.Pool;
  readonly bucketCount: number;
  /** The instant at which commands are decided; null for the database's clock. */
  now: Instant | null;
  close(): Promise<void>;
}

/**
 * @param isDistributed Posts as on a cluster, a bucket a transaction.
 * @param bucketCount How many buckets the accounts are spread over, whatever the installation says: fewer for tests
 * that go through all of them again and again.
 */
export async function openBooks(
  databaseUrl: string,
  isDistributed = false,
  bucketCount = DEFAULT_BUCKET_COUNT,
): Promise<Books> {
  const shared = { databaseUrl, role: 'credits_app' } as const;
  const pool = openPool({ ...shared, max: 4 });
  const postingPool = openPool({ ...shared, max: postingConnections({ isDistributed }), pipeline: true });
  const codes = await AccountCodes.load(openKysely(pool));
  let clock: Instant | null = null;
  const options = {
    codes,
    bucketCount,
    isDistributed,
    get clock() {
      const instant = clock;
      return instant === null ? undefined : () => instant;
    },
  };
  return {
    poster: new Poster(postingPool, options),
    pool,
    bucketCount,
    get now() {
      return clock;
    },
    set now(instant: Instant | null) {
      clock = instant;
    },
    async close() {
      await Promise.all([pool.end(), postingPool.end()]);
    },
  };
}

/** A purchase of `usd` whole dollars, paid at `paidAt`. */
export function purchaseOf(usd: bigint, paidAt: Instant, key: string): PurchaseCommand {
  return {
    type: 'purchase',
    identity: identity(key, `purchase ${usd}`),
    amountMicrousd: usd * 1_000_000n,
    paidAt,
    policy: 'refill',
    details: JSON.stringify({ receipt: key }),
  };
}

/** A debit of `credits` whole credits. */
export function debitOf(credits: bigint, key: string): DebitCommand {
  return {
    type: 'debit',
    identity: identity(key, `debit ${credits}`),
    amountMicrocredits: credits * 1_000_000n,
    details: null,
  };
}

function identity(idempotencyKey: string, payload: string) {
  return commandIdentity({ serviceId: 1, keyNumber: 1, idempotencyKey, payload });
}

/** The code of a refusal, or what was done. */
export function codeOf(outcome: Outcome): string {
  return outcome.status === 'refused' ? outcome.refusal.code : outcome.status;
}
