import { type Kysely, sql } from 'kysely';
import { type Instant, SECOND } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { OrderRow } from './find-order.ts';

/**
 * The order of the account that a payment in a block at `blockAt` is for when it names none: the only one that was made
 * by then and has no payment. Where there are several, those whose quote still held go before the others. Null where
 * that leaves none or more than one.
 */
export async function findOpenOrder(
  db: Kysely<Tables>,
  accountId: bigint,
  blockAt: Instant,
): Promise<OrderRow | null> {
  // Blocks tell whole seconds only.
  const madeBefore = instantText(blockAt + SECOND);
  const { rows: orders } = await sql<OrderRow>`
    select o.* from orders o
    where o.account_id = ${accountId} and o.method = 'eth' and o.created_at < ${madeBefore}`.execute(db);
  const unpaid = await withoutPaid(db, orders);
  const quoted = unpaid.filter(({ deadline }) => blockAt <= deadline);
  const [only, ...others] = quoted.length > 0 ? quoted : unpaid;
  return only && others.length === 0 ? only : null;
}

/** Those of the orders that have no payment which stands. Payments are in other buckets than their orders. */
async function withoutPaid(db: Kysely<Tables>, orders: readonly OrderRow[]): Promise<OrderRow[]> {
  if (orders.length === 0) return [];
  const { rows } = await sql<{ order_id: string }>`
    select a.order_id from assignments a
    where a.order_id = any(${orders.map(order => order.order_id)})
      and not exists (select from receipt_inclusions later where later.bucket = a.bucket
        and later.receipt_id = a.receipt_id and later.version > a.version)`.execute(db);
  const paid = new Set(rows.map(row => row.order_id));
  return orders.filter(order => !paid.has(order.order_id));
}
