import type { Kysely } from 'kysely';
import { judgeFrame } from '../core/frame.ts';
import { findOrder } from '../orders/find-order.ts';
import { parseReference } from '../orders/reference.ts';
import { bucketOf } from '../store/bucket.ts';
import type { Tables } from '../store/tables.ts';
import type { RecordingContext } from './context.ts';
import type { Match, NoMatch } from './match-inclusion.ts';
import type { Included } from './receipt-facts.ts';

/** The order whose reference the value frame itself carries, and nothing else beside it; null without one. */
export async function matchByReference(
  context: RecordingContext,
  trx: Kysely<Tables>,
  standing: Included,
): Promise<Match | NoMatch | null> {
  if (judgeFrame({ ...standing, direction: 'in' }) !== 'payment' || standing.input === null) return null;
  const reference = parseReference(standing.input);
  if (reference === null) return null;
  const { bucketCount } = context.installation;
  const found = await trx
    .selectFrom('order_references')
    .select('order_id')
    .where('bucket', '=', bucketOf(reference, bucketCount))
    .where('reference', '=', reference)
    .executeTakeFirst();
  const order = found && (await findOrder({ db: trx, bucketCount }, found.order_id));
  return order
    ? { accountId: order.account_id, orderId: order.order_id, matchedBy: 'reference', reason: null }
    : { noMatch: 'reference_unknown' };
}
