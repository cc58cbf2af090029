/** What was sent to an endpoint and is to be sent, as its owner sees it and asks for it. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { randomBase62 } from '../keys/secret.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables, WebhookDeliveryTable } from '../store/tables.ts';
import { RETRIES } from './backoff.ts';
import type { WebhookOptions } from './context.ts';
import { readEndpoint } from './endpoints.ts';
import { type Addressee, type Message, testMessage } from './event.ts';
import type { DeliveryProblem } from './send.ts';

export interface Delivery {
  readonly deliveryId: string;
  readonly type: Message['type'];
  readonly body: string;
  readonly createdAt: Instant;
  readonly status: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Null unless it is pending. */
  readonly nextAttemptAt: Instant | null;
  readonly lastAttemptAt: Instant | null;
  /** The HTTP status of the last answer; null when there was none. */
  readonly lastStatus: number | null;
  /** Null when the last attempt succeeded, or there was none. */
  readonly lastProblem: DeliveryProblem | null;
  readonly deliveredAt: Instant | null;
}

/** Where a page of deliveries ends: the next one begins behind it. */
export interface DeliveryCursor {
  readonly createdAt: Instant;
  readonly deliveryId: string;
}

export interface DeliveryPage {
  /** The newest first. */
  readonly deliveries: readonly Delivery[];
  /** Null when this is the last page. */
  readonly next: DeliveryCursor | null;
}

/**
 * Keeps messages that are to be sent from `now` on, in this order: each is dated a microsecond after the one before.
 * Those that are there already are left as they are.
 */
export async function addDeliveries(
  db: Kysely<Tables>,
  bucketCount: number,
  { accountId, endpointId }: Addressee,
  messages: readonly Message[],
  now: Instant,
  how: { readonly retriesLeft?: number; readonly byHand?: boolean } = {},
): Promise<void> {
  const bucket = bucketOfAccount(accountId, bucketCount);
  // One by one: there is hardly ever more than one.
  for (const [index, { id, type, body }] of messages.entries())
    await db
      .insertInto('webhook_deliveries')
      .values({
        bucket,
        account_id: accountId,
        endpoint_id: endpointId,
        delivery_id: id,
        type,
        body,
        created_at: instantText(now + BigInt(index)),
        status: 'pending',
        retries_left: how.retriesLeft ?? RETRIES,
        by_hand: how.byHand ?? false,
        next_attempt_at: instantText(now),
      })
      .onConflict(conflict => conflict.columns(['bucket', 'account_id', 'delivery_id']).doNothing())
      .execute();
}

/** Has a test message sent, once, also where the endpoint is paused. Null when the account has no such endpoint. */
export async function requestTest(
  options: WebhookOptions,
  to: Addressee,
  now: Instant,
): Promise<Delivery | null> {
  if (!(await readEndpoint(options, to.accountId, to.endpointId))) return null;
  const message = testMessage(to, randomBase62(16), now);
  await addDeliveries(options.db, options.bucketCount, to, [message], now, { retriesLeft: 0, byHand: true });
  return await readDelivery(options, to, message.id);
}

/**
 * Has a message sent at once, whatever became of it before and also where the endpoint is paused. One that had been
 * given up or delivered is tried this one time; one that is waiting goes on as before if this fails. Null when the
 * endpoint has no such delivery.
 */
export async function requestRetry(
  options: WebhookOptions,
  to: Addressee,
  deliveryId: string,
  now: Instant,
): Promise<Delivery | null> {
  const row = await options.db
    .updateTable('webhook_deliveries')
    .set({
      status: 'pending',
      retries_left: sql<number>`case when status = 'pending' then retries_left else 0 end`,
      by_hand: true,
      next_attempt_at: instantText(now),
      delivered_at: null,
    })
    .where('bucket', '=', bucketOfAccount(to.accountId, options.bucketCount))
    .where('account_id', '=', to.accountId)
    .where('endpoint_id', '=', to.endpointId)
    .where('delivery_id', '=', deliveryId)
    .returningAll()
    .executeTakeFirst();
  return row ? deliveryOf(row) : null;
}

/** A page of the deliveries of an endpoint. Null when the account has no such endpoint. */
export async function readDeliveries(
  options: WebhookOptions,
  to: Addressee,
  page: { readonly before?: DeliveryCursor | undefined; readonly limit: number },
): Promise<DeliveryPage | null> {
  if (!(await readEndpoint(options, to.accountId, to.endpointId))) return null;
  const { before, limit } = page;
  const rows = await options.db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('bucket', '=', bucketOfAccount(to.accountId, options.bucketCount))
    .where('account_id', '=', to.accountId)
    .where('endpoint_id', '=', to.endpointId)
    .$if(before !== undefined, query =>
      query.where(
        sql<boolean>`(created_at, delivery_id) < (${instantText(before?.createdAt ?? 0n)}, ${before?.deliveryId ?? ''})`,
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('delivery_id', 'desc')
    .limit(limit + 1)
    .execute();
  const deliveries = rows.slice(0, limit).map(deliveryOf);
  const last = deliveries.at(-1);
  return { deliveries, next: rows.length > limit && last ? last : null };
}

async function readDelivery(
  options: WebhookOptions,
  to: Addressee,
  deliveryId: string,
): Promise<Delivery | null> {
  const row = await options.db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('bucket', '=', bucketOfAccount(to.accountId, options.bucketCount))
    .where('account_id', '=', to.accountId)
    .where('endpoint_id', '=', to.endpointId)
    .where('delivery_id', '=', deliveryId)
    .executeTakeFirst();
  return row ? deliveryOf(row) : null;
}

function deliveryOf(row: Selectable<WebhookDeliveryTable>): Delivery {
  return {
    deliveryId: row.delivery_id,
    type: row.type,
    body: row.body,
    createdAt: row.created_at,
    status: row.status,
    attempts: row.attempts,
    nextAttemptAt: row.next_attempt_at,
    lastAttemptAt: row.last_attempt_at,
    lastStatus: row.last_status,
    lastProblem: row.last_problem as DeliveryProblem | null,
    deliveredAt: row.delivered_at,
  };
}
