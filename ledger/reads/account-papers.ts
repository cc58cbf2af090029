import type { Selectable } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { SecureKeyTable } from '../store/tables.ts';
import type { ReadOptions } from './read-options.ts';

/** A Secure Key as it is now, as an operator may see it: nothing that opens anything. */
export interface KeyPaper {
  readonly keyNumber: number;
  /** What its owner calls it. */
  readonly label: string | null;
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
  const secrets = await db
    .selectFrom('secure_keys')
    .select(['key_number', 'label', 'scope', 'last_four', 'created_at', 'first_used_at', 'revoked_at'])
    .where('account_id', '=', accountId)
    .orderBy('key_number')
    .orderBy('rotation')
    .execute();
  // The last one of a number is what the key is now.
  const keys = [...new Map(secrets.map(row => [row.key_number, paperOf(row)])).values()];
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

function paperOf(
  row: Pick<
    Selectable<SecureKeyTable>,
    'key_number' | 'label' | 'scope' | 'last_four' | 'created_at' | 'first_used_at' | 'revoked_at'
  >,
): KeyPaper {
  return {
    keyNumber: row.key_number,
    label: row.label,
    scope: row.scope,
    lastFour: row.last_four,
    createdAt: row.created_at,
    firstUsedAt: row.first_used_at,
    revokedAt: row.revoked_at,
  };
}
