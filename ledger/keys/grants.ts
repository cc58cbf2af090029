/** Grants: a customer's permission for one service to spend, without a key of theirs. */
import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { CredentialChange } from './account-keys.ts';
import type { ServiceIdentity, Spender } from './authenticate.ts';
import { parseGrantName } from './grant-name.ts';
import { takeNumber } from './issue-key.ts';
import { CREDENTIALS_MAX, hasAllCredentials } from './live-credentials.ts';
import { lockAccountKeys } from './lock-account-keys.ts';
import { countUse, type LimitStatus, type LimitTerms, putLimit, readLimits } from './spending-limits.ts';

export interface GrantOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
}

export interface GrantWanted {
  /** The name of the service. */
  readonly service: string;
  readonly label: string | null;
  readonly limit: LimitTerms | null;
  /** Later than now; null: until it is revoked. */
  readonly expiresAt: Instant | null;
}

export interface GrantStatus extends Spender {
  readonly service: string;
  readonly label: string | null;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  readonly revokedAt: Instant | null;
  readonly limit: LimitStatus | null;
}

export type GrantRefusal =
  /** The account has no such grant, or it is revoked. */
  | { readonly code: 'grant_unknown' }
  /** No service has this name. */
  | { readonly code: 'service_unknown' }
  | { readonly code: 'keys_full'; readonly limit: number };

/** Lets a service spend from the account. Whoever repeats it gives another grant. */
export async function createGrant(
  options: GrantOptions,
  accountId: bigint,
  wanted: GrantWanted,
  now: Instant,
): Promise<{ readonly keyNumber: number } | { readonly refusal: GrantRefusal }> {
  return await options.db.transaction().execute(async db => {
    const inTransaction = { ...options, db };
    const service = await db
      .selectFrom('services')
      .select('service_id')
      .where('name', '=', wanted.service)
      .executeTakeFirst();
    if (!service) return { refusal: { code: 'service_unknown' } };
    await lockAccountKeys(db, accountId);
    if (await hasAllCredentials(inTransaction, accountId, now))
      return { refusal: { code: 'keys_full', limit: CREDENTIALS_MAX } };
    const keyNumber = await takeNumber(inTransaction, accountId, null);
    await db
      .insertInto('grants')
      .values({
        bucket: bucketOfAccount(accountId, options.bucketCount),
        account_id: accountId,
        key_number: keyNumber,
        service_id: service.service_id,
        label: wanted.label,
        created_at: instantText(now),
        expires_at: wanted.expiresAt === null ? null : instantText(wanted.expiresAt),
        revoked_at: null,
      })
      .execute();
    if (wanted.limit) await putLimit(inTransaction, { accountId, keyNumber }, wanted.limit, null, now);
    return { keyNumber };
  });
}

/** Changes label or limit of a grant. Null when it was changed. */
export async function changeGrant(
  options: GrantOptions,
  grant: Spender,
  change: CredentialChange,
  now: Instant,
): Promise<GrantRefusal | null> {
  // Before anything is locked.
  const counted = change.limit ? await countUse(options, grant, change.limit.period, now) : null;
  return await options.db.transaction().execute(async db => {
    await lockAccountKeys(db, grant.accountId);
    const standing = db
      .selectFrom('grants')
      .select('label')
      .where('bucket', '=', bucketOfAccount(grant.accountId, options.bucketCount))
      .where('account_id', '=', grant.accountId)
      .where('key_number', '=', grant.keyNumber)
      .where('revoked_at', 'is', null);
    const known = await standing.forUpdate().executeTakeFirst();
    if (!known) return { code: 'grant_unknown' };
    if (change.label !== undefined)
      await db
        .updateTable('grants')
        .set({ label: change.label })
        .where('bucket', '=', bucketOfAccount(grant.accountId, options.bucketCount))
        .where('account_id', '=', grant.accountId)
        .where('key_number', '=', grant.keyNumber)
        .execute();
    if (change.limit !== undefined) await putLimit({ ...options, db }, grant, change.limit, counted, now);
    return null;
  });
}

/** Ends a grant at once; what it holds may still be captured. Null when it was revoked. */
export async function revokeGrant(
  options: GrantOptions,
  grant: Spender,
  now: Instant,
): Promise<GrantRefusal | null> {
  return await options.db.transaction().execute(async db => {
    await lockAccountKeys(db, grant.accountId);
    const { numUpdatedRows } = await db
      .updateTable('grants')
      .set({ revoked_at: instantText(now) })
      .where('bucket', '=', bucketOfAccount(grant.accountId, options.bucketCount))
      .where('account_id', '=', grant.accountId)
      .where('key_number', '=', grant.keyNumber)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) return { code: 'grant_unknown' };
    return null;
  });
}

/** A page of the account's grants, those that have ended included, the newest first. */
export async function readGrants(
  options: GrantOptions,
  accountId: bigint,
  now: Instant,
  page: { readonly before?: number | undefined; readonly limit: number },
): Promise<{ readonly grants: readonly GrantStatus[]; readonly next: number | null }> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  const all = options.db
    .selectFrom('grants as g')
    .innerJoin('services as s', 's.service_id', 'g.service_id')
    .selectAll('g')
    .select('s.name')
    .where('g.bucket', '=', bucket)
    .where('g.account_id', '=', accountId);
  const rows = await (page.before === undefined ? all : all.where('g.key_number', '<', page.before))
    .orderBy('g.key_number', 'desc')
    .limit(page.limit + 1)
    .execute();
  const limits = await readLimits(options, accountId, now);
  const grants = rows.slice(0, page.limit).map(row => ({
    accountId,
    keyNumber: row.key_number,
    service: row.name,
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    limit: limits.get(row.key_number) ?? null,
  }));
  return { grants, next: rows.length > page.limit ? (grants.at(-1)?.keyNumber ?? null) : null };
}

/**
 * Whose credits the service may spend by the grant of this name; null when there is none, it is another service's, or it
 * has ended. For its end the clock is read.
 */
export async function authenticateGrant(
  { db, bucketCount }: GrantOptions,
  service: ServiceIdentity,
  name: string,
  clock: () => Promise<Instant>,
): Promise<Spender | null> {
  const named = parseGrantName(name);
  if (!named) return null;
  const row = await db
    .selectFrom('grants')
    .select('expires_at')
    .where('bucket', '=', bucketOfAccount(named.accountId, bucketCount))
    .where('account_id', '=', named.accountId)
    .where('key_number', '=', named.keyNumber)
    .where('service_id', '=', service.serviceId)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  if (!row) return null;
  return row.expires_at === null || (await clock()) < row.expires_at ? named : null;
}

/** The services, by their number and in the order of their names. */
export async function readServices({ db }: Pick<GrantOptions, 'db'>): Promise<Map<number, string>> {
  const rows = await db.selectFrom('services').select(['service_id', 'name']).orderBy('name').execute();
  return new Map(rows.map(({ service_id: serviceId, name }) => [serviceId, name]));
}
