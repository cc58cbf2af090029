import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { bucketOf, bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import { lockAccountKeys } from './lock-account-keys.ts';
import { hashSecret, type Mode, newSecret } from './secret.ts';

export interface KeyOptions {
  /** A transaction. */
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
}

/** What a key is made as. */
export interface KeyTerms {
  readonly scope: 'manage' | 'spend';
  readonly label: string | null;
}

export interface IssuedKey {
  readonly secureKey: string;
  readonly keyHash: Buffer;
  readonly keyNumber: number;
}

/** A new Secure Key of the account, which manages it unless `terms` say else. Shown here once, never again. */
export async function issueKey(
  options: KeyOptions,
  accountId: bigint,
  now: Instant,
  terms: KeyTerms = { scope: 'manage', label: null },
): Promise<IssuedKey> {
  const secureKey = newSecret('secureKey', options.mode);
  const keyHash = hashSecret(secureKey);
  const keyNumber = await takeNumber(options, accountId, keyHash);
  await insertSecret(options, { accountId, keyNumber, secureKey, rotation: 0, ...terms }, now);
  return { secureKey, keyHash, keyNumber };
}

/**
 * The next number of the account's keys and grants, taken for good.
 * @param keyHash Of the key's first secret; null for a grant.
 */
export async function takeNumber(
  { db, bucketCount }: Omit<KeyOptions, 'mode'>,
  accountId: bigint,
  keyHash: Buffer | null,
): Promise<number> {
  const bucket = bucketOfAccount(accountId, bucketCount);
  // Two at once would take the same number.
  await lockAccountKeys(db, accountId);
  const { last } = await db
    .selectFrom('account_keys')
    .select(eb => eb.fn.max('key_number').as('last'))
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  const keyNumber = Number(last ?? 0) + 1;
  await db
    .insertInto('account_keys')
    .values({ bucket, account_id: accountId, key_number: keyNumber, key_hash: keyHash })
    .execute();
  return keyNumber;
}

export interface NewKeySecret extends KeyTerms {
  readonly accountId: bigint;
  readonly keyNumber: number;
  readonly secureKey: string;
  /** How many secrets the key has had before. */
  readonly rotation: number;
}

/** From now on `secureKey` opens what the key opens. */
export async function insertSecret(
  { db, bucketCount }: Omit<KeyOptions, 'mode'>,
  made: NewKeySecret,
  now: Instant,
): Promise<void> {
  const keyHash = hashSecret(made.secureKey);
  await db
    .insertInto('secure_keys')
    .values({
      bucket: bucketOf(keyHash, bucketCount),
      key_hash: keyHash,
      account_id: made.accountId,
      key_number: made.keyNumber,
      scope: made.scope,
      last_four: made.secureKey.slice(-4),
      created_at: instantText(now),
      first_used_at: null,
      revoked_at: null,
      label: made.label,
      rotation: made.rotation,
      grace_until: null,
    })
    .execute();
}

/** Ends every key and every grant that the account has. The transaction holds `lockAccountKeys`. */
export async function revokeKeysAndGrants(
  options: Omit<KeyOptions, 'mode'>,
  accountId: bigint,
  now: Instant,
): Promise<void> {
  await revokeSecrets(options, accountId, now);
  await options.db
    .updateTable('grants')
    .set({ revoked_at: instantText(now) })
    .where('bucket', '=', bucketOfAccount(accountId, options.bucketCount))
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null)
    .execute();
}

/**
 * Ends the secrets of a key, those in their grace included, or of all keys of the account. The transaction holds
 * `lockAccountKeys`.
 */
export async function revokeSecrets(
  { db }: Pick<KeyOptions, 'db'>,
  accountId: bigint,
  now: Instant,
  keyNumber?: number,
): Promise<void> {
  const secrets = db
    .selectFrom('secure_keys')
    .select(['bucket', 'key_hash'])
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null);
  const wanted = keyNumber === undefined ? secrets : secrets.where('key_number', '=', keyNumber);
  // Found in all buckets, and ended one by one, as each may be on another node of a cluster; in one order, so that no two
  // transactions wait for each other.
  for (const { bucket, key_hash: keyHash } of await wanted.orderBy('bucket').orderBy('key_hash').execute())
    await db
      .updateTable('secure_keys')
      .set({ revoked_at: instantText(now) })
      .where('bucket', '=', bucket)
      .where('key_hash', '=', Buffer.from(keyHash))
      .where('revoked_at', 'is', null)
      .execute();
}
