/** The endpoints of an account, as their owner makes and changes them. */
import type { Kysely, Selectable } from 'kysely';
import { HOUR, type Instant } from '../core/instant.ts';
import { lockAccountKeys } from '../keys/lock-account-keys.ts';
import { randomBase62 } from '../keys/secret.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables, WebhookEndpointTable } from '../store/tables.ts';
import type { WebhookOptions } from './context.ts';
import type { WebhookEvent } from './event.ts';
import { newSigningSecret, signingSecretText } from './sign.ts';

/** Of an account. Each costs a look at every entry of its book. */
export const ENDPOINTS_MAX = 10;

/** How long a secret that was replaced still signs beside the new one. */
const OLD_SECRET_LIFE = 24n * HOUR;

export interface Endpoint {
  readonly endpointId: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  /** Null: none was given, and low_balance is not among the events. */
  readonly lowBalanceMicrocredits: bigint | null;
  readonly expiryHours: number;
  readonly createdAt: Instant;
  /** Paused: by its failures, until its owner enables it again. */
  readonly status: 'active' | 'disabled' | 'paused';
  /** Since when every attempt has failed; null when the last one succeeded or there was none. */
  readonly failingSince: Instant | null;
  readonly pausedAt: Instant | null;
}

export interface EndpointWanted {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly lowBalanceMicrocredits: bigint | null;
  readonly expiryHours: number;
}

export interface EndpointChange extends Partial<EndpointWanted> {
  /** True ends a pause too: what waited is sent, and what happened meanwhile is told. */
  readonly isEnabled?: boolean;
}

export type NewEndpoint = { readonly endpoint: Endpoint; readonly secret: string };

/**
 * Makes an endpoint. It is told what happens from now on, and of lots that already are about to expire. The secret is
 * shown here once. Refuses an account's eleventh.
 */
export async function createEndpoint(
  options: WebhookOptions,
  accountId: bigint,
  wanted: EndpointWanted,
  now: Instant,
): Promise<NewEndpoint | { readonly refusal: 'endpoints_full' }> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  return await options.db.transaction().execute(async trx => {
    await lockAccountKeys(trx, accountId);
    const { count } = await trx
      .selectFrom('webhook_endpoints')
      .select(({ fn }) => fn.countAll<bigint>().as('count'))
      .where('bucket', '=', bucket)
      .where('account_id', '=', accountId)
      .executeTakeFirstOrThrow();
    if (count >= BigInt(ENDPOINTS_MAX)) return { refusal: 'endpoints_full' };
    const book = await trx
      .selectFrom('books')
      .select('seq')
      .where('bucket', '=', bucket)
      .where('account_id', '=', accountId)
      .executeTakeFirst();
    const row = await trx
      .insertInto('webhook_endpoints')
      .values({
        bucket,
        account_id: accountId,
        endpoint_id: `whe_${randomBase62(24)}`,
        ...columnsOf(wanted),
        created_at: instantText(now),
        followed_seq: book?.seq ?? 0n,
        look_at: instantText(now),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return { endpoint: endpointOf(row), secret: await addSecret(trx, row, 1, now) };
  });
}

/** The oldest first. */
export async function readEndpoints(options: WebhookOptions, accountId: bigint): Promise<Endpoint[]> {
  const rows = await options.db
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('bucket', '=', bucketOfAccount(accountId, options.bucketCount))
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .orderBy('endpoint_id')
    .execute();
  return rows.map(endpointOf);
}

/** Null when the account has no such endpoint, whoever else has. */
export async function readEndpoint(
  options: WebhookOptions,
  accountId: bigint,
  endpointId: string,
): Promise<Endpoint | null> {
  const row = await options.db
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('bucket', '=', bucketOfAccount(accountId, options.bucketCount))
    .where('account_id', '=', accountId)
    .where('endpoint_id', '=', endpointId)
    .executeTakeFirst();
  return row ? endpointOf(row) : null;
}

/** Refuses an endpoint that would be told of a low balance without knowing which. */
export async function changeEndpoint(
  options: WebhookOptions,
  accountId: bigint,
  endpointId: string,
  change: EndpointChange,
  now: Instant,
): Promise<Endpoint | null | { readonly refusal: 'threshold_missing' }> {
  const { isEnabled, ...wanted } = change;
  return await options.db.transaction().execute(async trx => {
    const row = await lockEndpoint({ ...options, db: trx }, accountId, endpointId);
    if (!row) return null;
    const { bucket } = row;
    const columns = columnsOf({ ...endpointOf(row), ...wanted });
    if (columns.events.includes('low_balance') && columns.low_balance_microcredits === null)
      return { refusal: 'threshold_missing' };
    const changed = await trx
      .updateTable('webhook_endpoints')
      .set({
        ...columns,
        // Its hours may be others now.
        look_at: instantText(now),
        ...(isEnabled === undefined ? {} : { is_enabled: isEnabled }),
        ...(isEnabled ? { paused_at: null, failing_since: null } : {}),
      })
      .where('bucket', '=', bucket)
      .where('account_id', '=', accountId)
      .where('endpoint_id', '=', endpointId)
      .returningAll()
      .executeTakeFirstOrThrow();
    if (isEnabled && endpointOf(row).status !== 'active')
      await trx
        .updateTable('webhook_deliveries')
        .set({ next_attempt_at: instantText(now) })
        .where('bucket', '=', bucket)
        .where('account_id', '=', accountId)
        .where('endpoint_id', '=', endpointId)
        .where('status', '=', 'pending')
        .execute();
    return endpointOf(changed);
  });
}

/** Ends it with all that was sent and was to be sent. False when the account has no such endpoint. */
export async function deleteEndpoint(
  options: WebhookOptions,
  accountId: bigint,
  endpointId: string,
): Promise<boolean> {
  const { numDeletedRows } = await options.db
    .deleteFrom('webhook_endpoints')
    .where('bucket', '=', bucketOfAccount(accountId, options.bucketCount))
    .where('account_id', '=', accountId)
    .where('endpoint_id', '=', endpointId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/**
 * A new secret, shown here once. For a day messages are signed with the one before too, so that receivers can change
 * over without losing any. Null when the account has no such endpoint.
 */
export async function rotateSecret(
  options: WebhookOptions,
  accountId: bigint,
  endpointId: string,
  now: Instant,
): Promise<{ readonly secret: string; readonly oldValidUntil: Instant } | null> {
  return await options.db.transaction().execute(async trx => {
    const row = await lockEndpoint({ ...options, db: trx }, accountId, endpointId);
    if (!row) return null;
    const oldValidUntil = now + OLD_SECRET_LIFE;
    // Those before it end at once: whoever changes a secret twice wants the first one gone.
    await trx
      .deleteFrom('webhook_secrets')
      .where('bucket', '=', row.bucket)
      .where('account_id', '=', accountId)
      .where('endpoint_id', '=', endpointId)
      .where('valid_until', 'is not', null)
      .execute();
    const { number } = await trx
      .updateTable('webhook_secrets')
      .set({ valid_until: instantText(oldValidUntil) })
      .where('bucket', '=', row.bucket)
      .where('account_id', '=', accountId)
      .where('endpoint_id', '=', endpointId)
      .returning('number')
      .executeTakeFirstOrThrow();
    return { secret: await addSecret(trx, row, number + 1, now), oldValidUntil };
  });
}

async function lockEndpoint(options: WebhookOptions, accountId: bigint, endpointId: string) {
  return await options.db
    .selectFrom('webhook_endpoints')
    .selectAll()
    .where('bucket', '=', bucketOfAccount(accountId, options.bucketCount))
    .where('account_id', '=', accountId)
    .where('endpoint_id', '=', endpointId)
    .forUpdate()
    .executeTakeFirst();
}

async function addSecret(
  trx: Kysely<Tables>,
  { bucket, account_id, endpoint_id }: Selectable<WebhookEndpointTable>,
  number: number,
  now: Instant,
): Promise<string> {
  const secret = newSigningSecret();
  await trx
    .insertInto('webhook_secrets')
    .values({
      bucket,
      account_id,
      endpoint_id,
      number,
      secret,
      created_at: instantText(now),
      valid_until: null,
    })
    .execute();
  return signingSecretText(secret);
}

function columnsOf({ url, events, lowBalanceMicrocredits, expiryHours }: EndpointWanted) {
  return {
    url,
    events: [...events],
    low_balance_microcredits: lowBalanceMicrocredits,
    expiry_hours: expiryHours,
  };
}

function endpointOf(row: Selectable<WebhookEndpointTable>): Endpoint {
  return {
    endpointId: row.endpoint_id,
    url: row.url,
    events: row.events,
    lowBalanceMicrocredits: row.low_balance_microcredits,
    expiryHours: row.expiry_hours,
    createdAt: row.created_at,
    status: !row.is_enabled ? 'disabled' : row.paused_at !== null ? 'paused' : 'active',
    failingSince: row.failing_since,
    pausedAt: row.paused_at,
  };
}
