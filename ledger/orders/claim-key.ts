import { HOUR, type Instant } from '../core/instant.ts';
import { issueKey } from '../keys/issue-key.ts';
import { hashSecret, sameHash } from '../keys/secret.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import { findOrderBySecret, type OrderOptions, type OrderRow } from './find-order.ts';
import { readOrderStatus } from './order-status.ts';

/** How long after the first claim an order's secret may claim again. */
const CLAIM_LIFE = 24n * HOUR;

export type Claim =
  | { readonly status: 'claimed'; readonly secureKey: string; readonly accountId: bigint }
  | { readonly status: 'order_unknown' | 'nothing_to_claim' | 'payment_pending' | 'claim_closed' };

/**
 * Issues the Secure Key of a paid order to whoever holds the order's secret. Until the key is acknowledged or used,
 * and for 24 hours, the secret may claim again, which revokes the key it got before: a lost answer costs nothing. A
 * top-up has nothing to claim: whoever pays for an account gets no key of it.
 */
export async function claimKey(
  options: OrderOptions,
  orderId: string,
  secret: string,
  now: Instant,
): Promise<Claim> {
  return await options.db.transaction().execute(async db => {
    const inTransaction = { ...options, db };
    const order = await findOrderBySecret(inTransaction, orderId, secret, true);
    if (!order) return { status: 'order_unknown' };
    if (order.is_top_up) return { status: 'nothing_to_claim' };
    if (order.acknowledged_at !== null || order.claim_closed_at !== null) return { status: 'claim_closed' };
    if (order.claimed_at !== null && now - order.claimed_at > CLAIM_LIFE) return { status: 'claim_closed' };
    // Once a key was issued it can be fetched again whatever became of the payment.
    if (order.claimed_at === null && !(await readOrderStatus(db, order, now)).credited)
      return { status: 'payment_pending' };
    if (order.claimed_key_hash && !(await revokeUnused(inTransaction, order.claimed_key_hash, now)))
      return { status: 'claim_closed' };
    const secureKey = await claimNewKey(inTransaction, order, now);
    return { status: 'claimed', secureKey, accountId: order.account_id };
  });
}

/**
 * Ends the claim: the buyer has saved `secureKey`. Only the key that was claimed last can be acknowledged: where an
 * answer came late, the buyer may hold one that a later claim has revoked. Repeating it changes nothing.
 */
export async function acknowledgeKey(
  options: OrderOptions,
  orderId: string,
  saved: { readonly secret: string; readonly secureKey: string },
  now: Instant,
): Promise<'acknowledged' | 'order_unknown' | 'nothing_to_claim' | 'not_claimed' | 'key_superseded'> {
  return await options.db.transaction().execute(async db => {
    const order = await findOrderBySecret({ ...options, db }, orderId, saved.secret, true);
    if (!order) return 'order_unknown';
    if (order.is_top_up) return 'nothing_to_claim';
    if (order.claimed_key_hash === null) return 'not_claimed';
    if (!sameHash(hashSecret(saved.secureKey), order.claimed_key_hash)) return 'key_superseded';
    // A recovery has revoked it.
    if (order.claim_closed_at !== null) return 'key_superseded';
    if (order.acknowledged_at !== null) return 'acknowledged';
    await db
      .updateTable('orders')
      .set({ acknowledged_at: instantText(now) })
      .where('bucket', '=', order.bucket)
      .where('order_id', '=', order.order_id)
      .execute();
    return 'acknowledged';
  });
}

/** Revokes the key claimed before, unless it has been used: then the claim is over. */
async function revokeUnused(options: OrderOptions, keyHash: Uint8Array, now: Instant): Promise<boolean> {
  const { numUpdatedRows } = await options.db
    .updateTable('secure_keys')
    .set({ revoked_at: instantText(now) })
    .where('bucket', '=', bucketOf(keyHash, options.bucketCount))
    .where('key_hash', '=', Buffer.from(keyHash))
    .where('first_used_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** A new key, which the order's secret has claimed with it. */
async function claimNewKey(options: OrderOptions, order: OrderRow, now: Instant): Promise<string> {
  const { secureKey, keyHash } = await issueKey(options, order.account_id, now);
  await options.db
    .updateTable('orders')
    .set({ claimed_at: instantText(order.claimed_at ?? now), claimed_key_hash: keyHash })
    .where('bucket', '=', order.bucket)
    .where('order_id', '=', order.order_id)
    .execute();
  return secureKey;
}
