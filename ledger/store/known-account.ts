import type { Kysely } from 'kysely';
import { SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { bucketOfAccount } from './bucket.ts';
import type { Tables } from './tables.ts';

/**
 * Whether there is anything of a customer's account: a book, a key, or an order whose buyer may still get the key. Once
 * there is, there always will be.
 */
export async function isKnownAccount(
  db: Kysely<Tables>,
  accountId: bigint,
  bucketCount: number,
): Promise<boolean> {
  if (accountId <= SYSTEM_ACCOUNT_ID) return false;
  const bucket = bucketOfAccount(accountId, bucketCount);
  // One by one, as a cluster has them on several nodes; an order is there before its key and its book.
  for (const table of ['books', 'account_keys'] as const) {
    const found = db.selectFrom(table).select('account_id').where('bucket', '=', bucket);
    if (await found.where('account_id', '=', accountId).limit(1).executeTakeFirst()) return true;
  }
  const order = db.selectFrom('orders').select('order_id').where('account_id', '=', accountId);
  return (await order.limit(1).executeTakeFirst()) !== undefined;
}
