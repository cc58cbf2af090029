import type { Instant } from '../core/instant.ts';
import { bucketOf, bucketOfAccount } from '../store/bucket.ts';
import type { ReadOptions } from './read-options.ts';

/** A Secure Key as an operator may see it: nothing that opens anything. */
export interface KeyPaper {
  readonly keyNumber: number;
  readonly scope: 'manage' | 'spend';
  readonly lastFour: string;
  readonly createdAt: Instant;
  readonly firstUsedAt: Instant | null;
  readonly revokedAt: Instant | null;
}

export interface OrderPaper {
  readonly orderId: string;
  readonly method: 'eth' | 'card';
  readonly amountMicrousd: bigint;
  readonly createdAt: Instant;
  readonly deadline: Instant;
  readonly claimedAt: Instant | null;
}

/** An account's keys and its newest orders. */
export interface AccountPapers {
  readonly keys: readonly KeyPaper[];
  readonly orders: readonly OrderPaper[];
}

/** An account may have any number of orders: these are told, the newest. */
const ORDERS_MAX = 100;

/** What an operator is told of an account beside its credits; null when there is nothing of it, no book either. */
export async function readAccountPapers(
  { db, bucketCount }: ReadOptions,
  accountId: bigint,
): Promise<AccountPapers | null> {
  const bucket = bucketOfAccount(accountId, bucketCount);
  const orders = await db
    .selectFrom('orders')
    .select(['order_id', 'method', 'amount_microusd', 'created_at', 'deadline', 'claimed_at'])
    .where('account_id', '=', accountId)
    .orderBy('created_at', 'desc')
    .orderBy('order_id')
    .limit(ORDERS_MAX)
    .execute();
  const issued = await db
    .selectFrom('account_keys')
    .select('key_hash')
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    // The others are the numbers of grants.
    .where('key_hash', 'is not', null)
    .orderBy('key_number')
    .$narrowType<{ key_hash: Uint8Array }>()
    .execute();
  const keys: KeyPaper[] = [];
  for (const { key_hash } of issued) keys.push(await readKey({ db, bucketCount }, Buffer.from(key_hash)));
  const book = db.selectFrom('books').select('seq').where('bucket', '=', bucket);
  const hasBook = await book.where('account_id', '=', accountId).executeTakeFirst();
  if (orders.length === 0 && keys.length === 0 && !hasBook) return null;
  return {
    keys,
    orders: orders.map(row => ({
      orderId: row.order_id,
      method: row.method,
      amountMicrousd: row.amount_microusd,
      createdAt: row.created_at,
      deadline: row.deadline,
      claimedAt: row.claimed_at,
    })),
  };
}

/** A key is in the bucket of its own hash. */
async function readKey({ db, bucketCount }: ReadOptions, keyHash: Buffer): Promise<KeyPaper> {
  const row = await db
    .selectFrom('secure_keys')
    .select(['key_number', 'scope', 'last_four', 'created_at', 'first_used_at', 'revoked_at'])
    .where('bucket', '=', bucketOf(keyHash, bucketCount))
    .where('key_hash', '=', keyHash)
    .executeTakeFirstOrThrow();
  return {
    keyNumber: row.key_number,
    scope: row.scope,
    lastFour: row.last_four,
    createdAt: row.created_at,
    firstUsedAt: row.first_used_at,
    revokedAt: row.revoked_at,
  };
}
