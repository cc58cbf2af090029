/** The Secure Keys of an account, for whoever manages it. */
import type { Kysely } from 'kysely';
import { earlierOf, type Instant, SECOND } from '../core/instant.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import { insertSecret, issueKey, type KeyTerms, revokeSecrets } from './issue-key.ts';
import { CREDENTIALS_MAX, hasAllCredentials } from './live-credentials.ts';
import { lockAccountKeys } from './lock-account-keys.ts';
import { type Mode, newSecret } from './secret.ts';
import {
  type Credential,
  countUse,
  type LimitStatus,
  type LimitTerms,
  putLimit,
  readLimits,
} from './spending-limits.ts';

export interface AccountKeysOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
}

/** A key as whoever manages the account sees it. */
export interface KeyStatus {
  readonly keyNumber: number;
  readonly scope: 'manage' | 'spend';
  readonly label: string | null;
  /** Of the secret that it has now. */
  readonly lastFour: string;
  readonly createdAt: Instant;
  /** When it got the secret that it has now; null: it has its first one. */
  readonly rotatedAt: Instant | null;
  readonly revokedAt: Instant | null;
  /** Until when its earlier secrets still spend; null: they do not. */
  readonly graceUntil: Instant | null;
  readonly limit: LimitStatus | null;
}

/** A key with its secret, which is told once. */
export interface NewKey {
  readonly keyNumber: number;
  readonly secureKey: string;
}

export type KeyRefusal =
  /** The account has no such key, or it is revoked. */
  | { readonly code: 'key_unknown' }
  /** Its secret is another one by now. */
  | { readonly code: 'key_rotated' }
  /** Nobody could manage the account any more. */
  | { readonly code: 'last_managing_key' }
  | { readonly code: 'keys_full'; readonly limit: number };

export interface KeyWanted extends KeyTerms {
  readonly limit: LimitTerms | null;
}

/** What is changed of a key or a grant; what is left out stays. */
export interface CredentialChange {
  readonly label?: string | null | undefined;
  /** Null: none any more. */
  readonly limit?: LimitTerms | null | undefined;
}

/** The longest that a key may go on spending after it was rotated. */
export const GRACE_SECONDS_MAX = 7 * 24 * 60 * 60;

/** A new key of the account. */
export async function createKey(
  options: AccountKeysOptions,
  accountId: bigint,
  wanted: KeyWanted,
  now: Instant,
): Promise<NewKey | { readonly refusal: KeyRefusal }> {
  return await options.db.transaction().execute(async db => {
    const inTransaction = { ...options, db };
    await lockAccountKeys(db, accountId);
    if (await hasAllCredentials(inTransaction, accountId, now))
      return { refusal: { code: 'keys_full', limit: CREDENTIALS_MAX } };
    const { keyNumber, secureKey } = await issueKey(inTransaction, accountId, now, wanted);
    if (wanted.limit) await putLimit(inTransaction, { accountId, keyNumber }, wanted.limit, null, now);
    return { keyNumber, secureKey };
  });
}

/** Changes label or limit of a key; its secrets, those in their grace included, share both. Null when it was changed. */
export async function changeKey(
  options: AccountKeysOptions,
  credential: Credential,
  change: CredentialChange,
  now: Instant,
): Promise<KeyRefusal | null> {
  const { accountId } = credential;
  // Before anything is locked.
  const counted = change.limit ? await countUse(options, credential, change.limit.period, now) : null;
  return await options.db.transaction().execute(async db => {
    await lockAccountKeys(db, accountId);
    const current = await findCurrent(db, credential);
    if (!current) return { code: 'key_unknown' };
    if (change.label !== undefined)
      await db
        .updateTable('secure_keys')
        .set({ label: change.label })
        .where('bucket', '=', current.bucket)
        .where('key_hash', '=', Buffer.from(current.key_hash))
        .execute();
    if (change.limit !== undefined)
      await putLimit({ ...options, db }, credential, change.limit, counted, now);
    return null;
  });
}

/**
 * Gives a key another secret. Only who knows the last four characters of the one it has gets it, so that of two who do so
 * at once one is told that it was rotated. The earlier secrets may go on spending for `graceSeconds`, and no longer, if
 * they were still in the grace of an earlier rotation: with 0 they open nothing any more.
 */
export async function rotateKey(
  options: AccountKeysOptions,
  credential: Credential,
  wanted: { readonly lastFour: string; readonly graceSeconds: number },
  now: Instant,
): Promise<NewKey | { readonly refusal: KeyRefusal }> {
  const { accountId, keyNumber } = credential;
  return await options.db.transaction().execute(async db => {
    await lockAccountKeys(db, accountId);
    const current = await findCurrent(db, credential);
    if (!current) return { refusal: { code: 'key_unknown' } };
    if (current.last_four !== wanted.lastFour) return { refusal: { code: 'key_rotated' } };
    const graceUntil = now + BigInt(wanted.graceSeconds) * SECOND;
    for (const earlier of await findSecrets(db, credential))
      await db
        .updateTable('secure_keys')
        .set({ grace_until: instantText(earlierOf(earlier.grace_until ?? graceUntil, graceUntil)) })
        .where('bucket', '=', earlier.bucket)
        .where('key_hash', '=', Buffer.from(earlier.key_hash))
        .execute();
    const secureKey = newSecretUnlike(current.last_four, options.mode);
    const { scope, label } = current;
    const rotation = current.rotation + 1;
    await insertSecret({ ...options, db }, { accountId, keyNumber, secureKey, rotation, scope, label }, now);
    return { keyNumber, secureKey };
  });
}

/**
 * Ends a key at once, with all its secrets; what it holds may still be captured. The last one that manages the account only
 * if `evenLast`: nobody could make another then, but a linked wallet that recovers the account. Null when it was revoked.
 */
export async function revokeKey(
  options: AccountKeysOptions,
  credential: Credential,
  evenLast: boolean,
  now: Instant,
): Promise<KeyRefusal | null> {
  const { accountId, keyNumber } = credential;
  return await options.db.transaction().execute(async db => {
    await lockAccountKeys(db, accountId);
    const current = await findCurrent(db, credential);
    if (!current) return { code: 'key_unknown' };
    if (current.scope === 'manage' && !evenLast && !(await isAnotherManaging(db, credential)))
      return { code: 'last_managing_key' };
    await revokeSecrets({ db }, accountId, now, keyNumber);
    return null;
  });
}

/** A page of the account's keys, those that are revoked included, the newest first. */
export async function readKeys(
  options: AccountKeysOptions,
  accountId: bigint,
  now: Instant,
  page: { readonly before?: number | undefined; readonly limit: number },
): Promise<{ readonly keys: readonly KeyStatus[]; readonly next: number | null }> {
  const { db, bucketCount } = options;
  const all = db
    .selectFrom('account_keys')
    .select('key_number')
    .where('bucket', '=', bucketOfAccount(accountId, bucketCount))
    .where('account_id', '=', accountId)
    .where('key_hash', 'is not', null);
  const rows = await (page.before === undefined ? all : all.where('key_number', '<', page.before))
    .orderBy('key_number', 'desc')
    .limit(page.limit + 1)
    .execute();
  const numbers = rows.slice(0, page.limit).map(row => row.key_number);
  const keys = await readKeysOf(options, accountId, now, numbers);
  return { keys, next: rows.length > page.limit ? (numbers.at(-1) ?? null) : null };
}

/** One key of the account, whether or not it is revoked; null when there is none with this number. */
export async function readKey(
  options: AccountKeysOptions,
  { accountId, keyNumber }: Credential,
  now: Instant,
): Promise<KeyStatus | null> {
  return (await readKeysOf(options, accountId, now, [keyNumber]))[0] ?? null;
}

async function readKeysOf(
  options: AccountKeysOptions,
  accountId: bigint,
  now: Instant,
  numbers: readonly number[],
): Promise<KeyStatus[]> {
  if (numbers.length === 0) return [];
  const rows = await options.db
    .selectFrom('secure_keys')
    .select(['key_number', 'scope', 'label', 'last_four', 'created_at', 'revoked_at', 'grace_until'])
    .where('account_id', '=', accountId)
    .where('key_number', 'in', numbers)
    .orderBy('key_number', 'desc')
    .orderBy('rotation', 'desc')
    .execute();
  const limits = await readLimits(options, accountId, now);
  return [...Map.groupBy(rows, row => row.key_number)].flatMap(([keyNumber, [current, ...earlier]]) => {
    if (!current) return [];
    const first = earlier.at(-1);
    const graces = earlier.flatMap(row => (row.grace_until === null ? [] : [row.grace_until]));
    const graceUntil = current.revoked_at === null ? (graces.find(until => until > now) ?? null) : null;
    return {
      keyNumber,
      scope: current.scope,
      label: current.label,
      lastFour: current.last_four,
      createdAt: (first ?? current).created_at,
      rotatedAt: first ? current.created_at : null,
      revokedAt: current.revoked_at,
      graceUntil,
      limit: limits.get(keyNumber) ?? null,
    };
  });
}

/** The secrets of the key that are not revoked, the newest first. */
async function findSecrets(db: Kysely<Tables>, { accountId, keyNumber }: Credential) {
  return await db
    .selectFrom('secure_keys')
    .select(['bucket', 'key_hash', 'scope', 'label', 'last_four', 'rotation', 'grace_until'])
    .where('account_id', '=', accountId)
    .where('key_number', '=', keyNumber)
    .where('revoked_at', 'is', null)
    .orderBy('rotation', 'desc')
    .execute();
}

/** The secret that the key has now; undefined when there is no such key or it is revoked. */
async function findCurrent(db: Kysely<Tables>, credential: Credential) {
  const [current] = await findSecrets(db, credential);
  return current;
}

async function isAnotherManaging(db: Kysely<Tables>, { accountId, keyNumber }: Credential): Promise<boolean> {
  const other = await db
    .selectFrom('secure_keys')
    .select('key_number')
    .where('account_id', '=', accountId)
    .where('key_number', '!=', keyNumber)
    .where('scope', '=', 'manage')
    .where('revoked_at', 'is', null)
    .where('grace_until', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return other !== undefined;
}

/** The last four characters tell which of a key's secrets is meant: the next one has others. */
function newSecretUnlike(lastFour: string, mode: Mode): string {
  let secureKey = newSecret('secureKey', mode);
  while (secureKey.endsWith(lastFour)) secureKey = newSecret('secureKey', mode);
  return secureKey;
}
