import type { Kysely } from 'kysely';
import { judgeFrame } from '../core/frame.ts';
import { wasThereAt } from '../core/order-state.ts';
import { UNIQUE_STEP_WEI } from '../core/unique-amount.ts';
import { findOrder, type OrderRow } from '../orders/find-order.ts';
import { hasPaymentOf } from '../orders/standing-payments.ts';
import { bucketOf } from '../store/bucket.ts';
import type { Tables } from '../store/tables.ts';
import type { RecordingContext } from './context.ts';
import type { Match, NoMatch } from './match-inclusion.ts';
import type { Included } from './receipt-facts.ts';

/**
 * The order that alone was asked for this very amount at the time of the block. Of several payments of the amount the
 * first that is taken in is the order's; the others might be anybody's. One that the chain took back is none.
 */
export async function matchByUniqueAmount(
  context: RecordingContext,
  trx: Kysely<Tables>,
  standing: Included,
): Promise<Match | NoMatch | null> {
  const { amountWei, blockAt } = standing;
  if (judgeFrame({ ...standing, direction: 'in' }) !== 'payment' || amountWei % UNIQUE_STEP_WEI !== 0n)
    return null;
  const { bucketCount } = context.installation;
  const turns = await trx
    .selectFrom('unique_amounts')
    .select('order_id')
    .where('bucket', '=', bucketOf(amountWei.toString(), bucketCount))
    .where('amount_wei', '=', amountWei)
    .orderBy('turn', 'desc')
    .execute();
  for (const { order_id } of turns) {
    const found = await findOrder({ db: trx, bucketCount }, order_id);
    if (!found || !isReservedAt(found, blockAt)) continue;
    // Locked, so that of two payments of the amount which come at once the later one sees the other.
    const order = await findOrder({ db: trx, bucketCount }, order_id, true);
    if (!order || (await hasPaymentOf(trx, order_id, standing))) return { noMatch: 'unique_amount_taken' };
    return {
      accountId: order.account_id,
      orderId: order_id,
      matchedBy: 'unique_amount',
      reason: null,
    };
  }
  return turns.length > 0 ? { noMatch: 'unique_amount_not_in_force' } : null;
}

function isReservedAt(order: OrderRow, blockAt: bigint): boolean {
  const { created_at: createdAt, amount_reserved_until: until } = order;
  return until !== null && wasThereAt({ createdAt }, blockAt) && blockAt <= until;
}
