import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import { lesserOf, MICROUSD_PER_USD, weiOfMicrousd } from '../core/amount.ts';
import { type Instant, instantOfSeconds } from '../core/instant.ts';
import { type FeedRound, QUOTE_LIFE } from '../core/price.ts';
import { hashSecret, type Mode, newSecret, randomBase62 } from '../keys/secret.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { OrderRow } from './find-order.ts';

/** A price is promised for at most this much of an order; the rest is taken at the block's price. */
const GUARANTEE_MICROUSD_MAX = 1_000n * MICROUSD_PER_USD;

export interface NewOrder {
  readonly order: OrderRow;
  /** Claims the Secure Key and shows the order's status. Not stored: shown here once. */
  readonly secret: string;
}

/**
 * Records an order for a new account, to be paid in ETH, at the price of `round`, which holds until the deadline.
 * @param amountMicrousd More than 0.
 */
export async function createOrder(
  options: { readonly db: Kysely<Tables>; readonly bucketCount: number; readonly mode: Mode },
  order: { readonly amountMicrousd: bigint; readonly round: FeedRound; readonly now: Instant },
): Promise<NewOrder> {
  const { amountMicrousd, round, now } = order;
  // Independent random values: none of them tells another.
  const orderId = `ord_${randomBase62(24)}`;
  const reference = randomBytes(16).toString('hex');
  const secret = newSecret('orderSecret', options.mode);
  const accountId = newAccountId();
  const quotedWei = weiOfMicrousd(amountMicrousd, round.answer);
  const guaranteedWei = weiOfMicrousd(lesserOf(amountMicrousd, GUARANTEE_MICROUSD_MAX), round.answer);
  const deadline = now + QUOTE_LIFE;
  const stored = await options.db.transaction().execute(async trx => {
    await trx
      .insertInto('order_references')
      .values({ bucket: bucketOf(reference, options.bucketCount), reference, order_id: orderId })
      .execute();
    return await trx
      .insertInto('orders')
      .values({
        bucket: bucketOf(orderId, options.bucketCount),
        order_id: orderId,
        account_id: accountId,
        method: 'eth',
        amount_microusd: amountMicrousd,
        secret_hash: hashSecret(secret),
        reference,
        quote_round_id: round.roundId,
        quote_answer: round.answer,
        quote_updated_at: instantText(instantOfSeconds(round.updatedAt)),
        quoted_wei: quotedWei,
        guaranteed_wei: guaranteedWei,
        deadline: instantText(deadline),
        created_at: instantText(now),
        claimed_at: null,
        claimed_key_hash: null,
        acknowledged_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
  });
  return { order: stored, secret };
}

/** 63 random bits, never 0: that number is the system book's. */
function newAccountId(): bigint {
  return (randomBytes(8).readBigUInt64BE() >> 1n) | 1n;
}
