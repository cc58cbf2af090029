/**
 * One attempt for one message: claimed by one worker, sent, and its outcome kept. A claim runs out, so that a message
 * whose worker died is sent by another; it may then arrive twice, with the same id.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import { type Instant, SECOND } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables, WebhookDeliveryTable } from '../store/tables.ts';
import { type AttemptOutcome, countAttempt } from './attempt-counts.ts';
import { PAUSED_AFTER, RETRIES, retryDelay } from './backoff.ts';
import type { WebhookContext } from './context.ts';
import { type AttemptResult, send } from './send.ts';
import { signatureHeaders } from './sign.ts';

/** Well beyond the time limit of an attempt. */
const CLAIM_LIFE = 60n * SECOND;

const USER_AGENT = 'AiSpace-Credits-Webhooks/1';

/** The endpoint's own way to say that nobody is there any more (Standard Webhooks). */
const GONE = 410;

/** By what becomes of the message. */
const OUTCOMES = {
  delivered: 'delivered',
  pending: 'retried',
  failed: 'given_up',
} as const satisfies Record<WebhookDeliveryTable['status'], AttemptOutcome>;

type DeliveryRow = Selectable<WebhookDeliveryTable>;

/** A message that is due. */
export type DueDelivery = Pick<DeliveryRow, 'bucket' | 'account_id' | 'endpoint_id' | 'delivery_id'> & {
  /** Whether its endpoint has failed lately. */
  readonly is_failing: boolean;
};

/** The message of each endpoint that has been due for longest at `now`, without those that a worker has. */
export async function readDue(context: Pick<WebhookContext, 'db'>, now: Instant): Promise<DueDelivery[]> {
  const at = instantText(now);
  const { rows } = await sql<DueDelivery>`
    select * from (
      select distinct on (d.bucket, d.account_id, d.endpoint_id)
        d.bucket, d.account_id, d.endpoint_id, d.delivery_id, d.next_attempt_at, d.created_at, e.failing_since is not null as is_failing
      from webhook_deliveries d
      join webhook_endpoints e
        on e.bucket = d.bucket and e.account_id = d.account_id and e.endpoint_id = d.endpoint_id
      where d.status = 'pending' and d.next_attempt_at <= ${at} and (d.claimed_until is null or d.claimed_until <= ${at})
        and (d.by_hand or e.is_enabled and e.paused_at is null)
      order by d.bucket, d.account_id, d.endpoint_id, d.next_attempt_at, d.created_at
    ) due
    order by next_attempt_at, created_at`.execute(context.db);
  return rows;
}

export type ClaimedDelivery = Pick<
  DeliveryRow,
  | 'bucket'
  | 'account_id'
  | 'endpoint_id'
  | 'delivery_id'
  | 'body'
  | 'retries_left'
  | 'by_hand'
  | 'claimed_until'
>;

/** Takes a message for one attempt; undefined when another worker was faster, or it is not due any more. */
export async function claim(
  context: Pick<WebhookContext, 'db'>,
  due: DueDelivery,
  now: Instant,
): Promise<ClaimedDelivery | undefined> {
  return await context.db
    .updateTable('webhook_deliveries')
    .set(({ eb }) => ({
      claimed_until: instantText(now + CLAIM_LIFE),
      last_attempt_at: instantText(now),
      attempts: eb('attempts', '+', 1),
    }))
    .where('bucket', '=', due.bucket)
    .where('account_id', '=', due.account_id)
    .where('delivery_id', '=', due.delivery_id)
    .where('status', '=', 'pending')
    .where('next_attempt_at', '<=', timestamp(now))
    .where(({ eb, or }) => or([eb('claimed_until', 'is', null), eb('claimed_until', '<=', timestamp(now))]))
    .returning([
      'bucket',
      'account_id',
      'endpoint_id',
      'delivery_id',
      'body',
      'retries_left',
      'by_hand',
      'claimed_until',
    ])
    .executeTakeFirst();
}

/** Claims a message, sends it and keeps what became of it. Nothing happens where another worker has it. */
export async function attempt(context: WebhookContext, due: DueDelivery, now: Instant): Promise<void> {
  const claimed = await claim(context, due, now);
  if (!claimed) return;
  const target = await readTarget(context, claimed, now);
  // It was deleted a moment ago, with its messages.
  if (!target) return;
  const message = { id: claimed.delivery_id, timestampSeconds: now / SECOND, body: claimed.body };
  const result = await send(
    {
      url: target.url,
      body: claimed.body,
      headers: {
        'content-type': 'application/json',
        'user-agent': USER_AGENT,
        ...signatureHeaders(message, target.secrets),
      },
    },
    context,
  );
  await settle(context, claimed, result, await context.now());
}

/** Where a message goes and what it is signed with, the newest secret first. */
async function readTarget(
  { db }: WebhookContext,
  { bucket, account_id: accountId, endpoint_id: endpointId }: ClaimedDelivery,
  now: Instant,
): Promise<{ url: string; secrets: Uint8Array[] } | null> {
  const rows = await db
    .selectFrom('webhook_endpoints as e')
    .innerJoin('webhook_secrets as s', join =>
      join
        .on('s.bucket', '=', bucket)
        .onRef('s.account_id', '=', 'e.account_id')
        .onRef('s.endpoint_id', '=', 'e.endpoint_id'),
    )
    .select(['e.url', 's.secret', 's.valid_until'])
    .where('e.bucket', '=', bucket)
    .where('e.account_id', '=', accountId)
    .where('e.endpoint_id', '=', endpointId)
    .orderBy('s.number', 'desc')
    .execute();
  const [first] = rows;
  if (!first) return null;
  const signing = rows.filter(({ valid_until }) => valid_until === null || valid_until > now);
  return { url: first.url, secrets: signing.map(({ secret }) => secret) };
}

/** Keeps the outcome of an attempt, unless its claim has run out and another has taken over. */
async function settle(
  context: WebhookContext,
  claimed: ClaimedDelivery,
  result: AttemptResult,
  now: Instant,
): Promise<void> {
  const { bucket, account_id: accountId } = claimed;
  const change = afterwards(claimed, result, now, context.random());
  await context.db.transaction().execute(async trx => {
    const { numUpdatedRows } = await trx
      .updateTable('webhook_deliveries')
      .set({
        ...change,
        by_hand: false,
        claimed_until: null,
        last_status: result.status,
        last_problem: result.problem,
      })
      .where('bucket', '=', bucket)
      .where('account_id', '=', accountId)
      .where('delivery_id', '=', claimed.delivery_id)
      .where('claimed_until', '=', timestamp(claimed.claimed_until ?? 0n))
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return;
    await noteOnEndpoint(trx, claimed, result, now);
    // Last, as all of a bucket wait for it.
    await countAttempt(trx, bucket, OUTCOMES[change.status]);
  });
}

/** Whether the endpoint fails, and whether that has lasted long enough to pause it. */
async function noteOnEndpoint(
  trx: Kysely<Tables>,
  { bucket, account_id: accountId, endpoint_id: endpointId, by_hand, retries_left }: ClaimedDelivery,
  result: AttemptResult,
  now: Instant,
): Promise<void> {
  const isGone = result.status === GONE;
  const endpoint = trx
    .updateTable('webhook_endpoints')
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .where('endpoint_id', '=', endpointId);
  if (result.problem === null) {
    await endpoint.set({ failing_since: null }).where('failing_since', 'is not', null).execute();
    return;
  }
  // What somebody asked for is not followed by another attempt that could tell that it was nothing.
  if (by_hand && !isGone) return;
  const [at, lasting] = [instantText(now), instantText(now - PAUSED_AFTER)];
  await endpoint.set({ failing_since: sql<string>`coalesce(failing_since, ${at})` }).execute();
  // With the message that is given up, and not before: until then it is tried as the schedule says.
  if (isGone || retries_left === 0)
    await endpoint
      .set({ paused_at: at })
      .where('paused_at', 'is', null)
      .$if(!isGone, query => query.where('failing_since', '<=', sql<Instant>`${lasting}::timestamptz`))
      .execute();
}

/** What becomes of a message after an attempt. */
function afterwards(
  { retries_left: retriesLeft }: ClaimedDelivery,
  { status, problem }: AttemptResult,
  now: Instant,
  random: number,
) {
  if (problem === null)
    return { status: 'delivered', delivered_at: instantText(now), next_attempt_at: null } as const;
  if (retriesLeft === 0 || status === GONE)
    return { status: 'failed', delivered_at: null, next_attempt_at: null } as const;
  const failures = RETRIES - retriesLeft + 1;
  return {
    status: 'pending',
    delivered_at: null,
    next_attempt_at: instantText(now + retryDelay(failures, random)),
    retries_left: retriesLeft - 1,
  } as const;
}

/** An instant to compare with. */
function timestamp(instant: Instant) {
  return sql<Instant>`${instantText(instant)}::timestamptz`;
}
