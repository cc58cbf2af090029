import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

export interface HintContext {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
}

/** What is read of an event: the rest is asked for. Its type may be one that the SDK does not know. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly object: unknown };
}

/**
 * Keeps an event as it came, with a hint to look at its payment, in one transaction. One that is known already changes
 * nothing, and neither does a type that is of no interest: it is kept all the same.
 * @param payload The bytes whose signature was checked.
 */
export async function storeEvent(
  { db, bucketCount }: HintContext,
  event: ReceivedEvent,
  payload: string,
  now: Instant,
): Promise<void> {
  await db.transaction().execute(async trx => {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('stripe_events')
      .values({
        bucket: bucketOf(event.id, bucketCount),
        event_id: event.id,
        type: event.type,
        payload,
        received_at: instantText(now),
      })
      .onConflict(conflict => conflict.columns(['bucket', 'event_id']).doNothing())
      .executeTakeFirstOrThrow();
    const paymentIntentId = paymentIntentOf(event.data.object);
    if (numInsertedOrUpdatedRows === 0n || paymentIntentId === null) return;
    await leaveHint({ db: trx, bucketCount }, paymentIntentId, event.id, now);
  });
}

/** Notes that a payment must be looked at. @param source Where that was heard: an event or a list. */
export async function leaveHint(
  { db, bucketCount }: HintContext,
  paymentIntentId: string,
  source: string,
  now: Instant,
): Promise<void> {
  await db
    .insertInto('stripe_hints')
    .values({
      bucket: bucketOf(paymentIntentId, bucketCount),
      payment_intent_id: paymentIntentId,
      source,
      heard_at: instantText(now),
    })
    .onConflict(conflict => conflict.columns(['bucket', 'payment_intent_id', 'source']).doNothing())
    .execute();
}

/** The payment that one of Stripe's objects is about, or null. */
export function paymentIntentOf(object: unknown): string | null {
  if (typeof object !== 'object' || object === null) return null;
  if ('object' in object && object.object === 'payment_intent' && 'id' in object) return textOf(object.id);
  if (!('payment_intent' in object)) return null;
  const named = object.payment_intent;
  return typeof named === 'object' && named !== null && 'id' in named ? textOf(named.id) : textOf(named);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
