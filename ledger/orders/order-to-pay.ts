import { type Kysely, sql } from 'kysely';
import { type Instant, SECOND } from '../core/instant.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { OrderOptions, OrderRow } from './find-order.ts';
import { readPaidWei } from './standing-payments.ts';

/**
 * The order that a payment in a block at `blockAt` is for when it is known to be of the account and names no order: the
 * only one that is open and whose quote was live then; or else, of an account that has no key yet, its only order, if
 * that is open, so that the key can be claimed. Null when there is none, or several. Open is an order of which less than
 * was quoted is paid.
 */
export async function findOrderToPay(
  { db, bucketCount }: Pick<OrderOptions, 'db' | 'bucketCount'>,
  accountId: bigint,
  blockAt: Instant,
): Promise<string | null> {
  const [order, another] = await onlyOpen(db, await readLiveOrders(db, accountId, blockAt));
  if (order !== undefined) return another === undefined ? order : null;
  if (await hasKey(db, { accountId, bucket: bucketOfAccount(accountId, bucketCount) })) return null;
  const orders = await readTwoOrders(db, accountId);
  return orders.length === 1 ? ((await onlyOpen(db, orders))[0] ?? null) : null;
}

/** Whether no other order of the account was open and had a live quote when a block at `blockAt` was made. */
export async function isOnlyOpenOrder(
  db: Kysely<Tables>,
  order: Pick<OrderRow, 'account_id' | 'order_id'>,
  blockAt: Instant,
): Promise<boolean> {
  const live = await readLiveOrders(db, order.account_id, blockAt);
  const others = live.filter(({ order_id }) => order_id !== order.order_id);
  return (await onlyOpen(db, others)).length === 0;
}

interface QuotedOrder {
  readonly order_id: string;
  readonly quoted_wei: bigint;
}

async function onlyOpen(db: Kysely<Tables>, orders: readonly QuotedOrder[]): Promise<string[]> {
  if (orders.length === 0) return [];
  const paidWei = await readPaidWei(
    db,
    orders.map(order => order.order_id),
  );
  return orders
    .filter(order => (paidWei.get(order.order_id) ?? 0n) < order.quoted_wei)
    .map(order => order.order_id);
}

/** Those that were there (see wasThereAt) and whose quote had not run out. */
async function readLiveOrders(
  db: Kysely<Tables>,
  accountId: bigint,
  blockAt: Instant,
): Promise<QuotedOrder[]> {
  const { rows } = await sql<QuotedOrder>`
    select order_id, quoted_wei from orders
    where account_id = ${accountId} and quoted_wei is not null
      and created_at < ${instantText(blockAt + SECOND)} and deadline >= ${instantText(blockAt)}`.execute(db);
  return rows;
}

async function hasKey(
  db: Kysely<Tables>,
  { accountId, bucket }: { readonly accountId: bigint; readonly bucket: number },
): Promise<boolean> {
  const keys = db.selectFrom('account_keys').select('key_number').where('bucket', '=', bucket);
  return (await keys.where('account_id', '=', accountId).limit(1).executeTakeFirst()) !== undefined;
}

/** Two orders at the most: more are as good as two. */
async function readTwoOrders(db: Kysely<Tables>, accountId: bigint): Promise<QuotedOrder[]> {
  const { rows } = await sql<QuotedOrder>`
    select order_id, quoted_wei from orders where account_id = ${accountId} and quoted_wei is not null
    limit 2`.execute(db);
  return rows;
}
