import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import { DAY, type Instant } from '../core/instant.ts';
import { hashSecret, type Mode, newSecret } from '../keys/secret.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import { type NewOrder, newAccountId, newOrderId } from './create-order.ts';

/** An order whose page nobody opens again is forgotten after a day; paying it later still counts. */
const CARD_ORDER_LIFE = DAY;

export interface CardOrderWanted {
  /** In whole cents, more than 0. */
  readonly amountMicrousd: bigint;
  readonly now: Instant;
  /** The account that it tops up, whose key the caller has seen; left out, the order is for a new account. */
  readonly accountId?: bigint;
}

/** Records an order to be paid by card: in dollars, so it needs no quote. */
export async function createCardOrder(
  options: { readonly db: Kysely<Tables>; readonly bucketCount: number; readonly mode: Mode },
  { amountMicrousd, now, accountId }: CardOrderWanted,
): Promise<NewOrder> {
  const orderId = newOrderId();
  const secret = newSecret('orderSecret', options.mode);
  const stored = await options.db
    .insertInto('orders')
    .values({
      bucket: bucketOf(orderId, options.bucketCount),
      order_id: orderId,
      account_id: accountId ?? newAccountId(),
      method: 'card',
      amount_microusd: amountMicrousd,
      secret_hash: hashSecret(secret),
      // No payment can carry it, as there is nothing in order_references.
      reference: randomBytes(16).toString('hex'),
      quote_round_id: null,
      quote_answer: null,
      quote_updated_at: null,
      quoted_wei: null,
      guaranteed_wei: null,
      deadline: instantText(now + CARD_ORDER_LIFE),
      created_at: instantText(now),
      claimed_at: null,
      claimed_key_hash: null,
      acknowledged_at: null,
      is_top_up: accountId !== undefined,
      amount_reserved_until: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { order: stored, secret };
}
