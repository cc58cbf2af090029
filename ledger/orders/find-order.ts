import type { Kysely, Selectable } from 'kysely';
import { hashSecret, isWellFormed, type Mode, sameHash } from '../keys/secret.ts';
import { bucketOf } from '../store/bucket.ts';
import type { OrderTable, Tables } from '../store/tables.ts';

/** Anything else is no order, and some of it PostgreSQL would not even take as text. */
const ORDER_ID = /^ord_[0-9A-Za-z]{24}$/;

export type OrderRow = Selectable<OrderTable>;

export interface OrderOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
}

/**
 * The order, if `secret` is its secret; null otherwise, whether or not there is such an order.
 * @param lock Keeps others from changing it until the transaction of `options.db` ends.
 */
export async function findOrderBySecret(
  options: OrderOptions,
  orderId: string,
  secret: string,
  lock = false,
): Promise<OrderRow | null> {
  if (!isWellFormed(secret, 'orderSecret', options.mode)) return null;
  const found = await findOrder(options, orderId, lock);
  return found && sameHash(hashSecret(secret), found.secret_hash) ? found : null;
}

export async function findOrder(
  options: Pick<OrderOptions, 'db' | 'bucketCount'>,
  orderId: string,
  lock = false,
): Promise<OrderRow | null> {
  if (!ORDER_ID.test(orderId)) return null;
  const query = options.db
    .selectFrom('orders')
    .selectAll()
    .where('bucket', '=', bucketOf(orderId, options.bucketCount))
    .where('order_id', '=', orderId);
  return (await (lock ? query.forUpdate() : query).executeTakeFirst()) ?? null;
}
