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

/** A new Secure Key of the account, with scope `manage`. Shown here once, never again. */
export async function issueKey(
  options: KeyOptions,
  accountId: bigint,
  now: Instant,
): Promise<{ secureKey: string; keyHash: Buffer }> {
  const { db, bucketCount } = options;
  const accountBucket = bucketOfAccount(accountId, bucketCount);
  // Two at once would take the same number.
  await lockAccountKeys(db, accountId);
  const { last } = await db
    .selectFrom('account_keys')
    .select(eb => eb.fn.max('key_number').as('last'))
    .where('bucket', '=', accountBucket)
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  const secureKey = newSecret('secureKey', options.mode);
  const keyHash = hashSecret(secureKey);
  const keyNumber = Number(last ?? 0) + 1;
  await db
    .insertInto('account_keys')
    .values({ bucket: accountBucket, account_id: accountId, key_number: keyNumber, key_hash: keyHash })
    .execute();
  await db
    .insertInto('secure_keys')
    .values({
      bucket: bucketOf(keyHash, bucketCount),
      key_hash: keyHash,
      account_id: accountId,
      key_number: keyNumber,
      scope: 'manage',
      last_four: secureKey.slice(-4),
      created_at: instantText(now),
      first_used_at: null,
      revoked_at: null,
    })
    .execute();
  return { secureKey, keyHash };
}

/** Ends every key that the account has. The transaction holds `lockAccountKeys`. */
export async function revokeAllKeys(
  options: Omit<KeyOptions, 'mode'>,
  accountId: bigint,
  now: Instant,
): Promise<void> {
  const { db, bucketCount } = options;
  const issued = await db
    .selectFrom('account_keys')
    .select('key_hash')
    .where('bucket', '=', bucketOfAccount(accountId, bucketCount))
    .where('account_id', '=', accountId)
    .execute();
  for (const { key_hash: keyHash } of issued)
    await db
      .updateTable('secure_keys')
      .set({ revoked_at: instantText(now) })
      .where('bucket', '=', bucketOf(keyHash, bucketCount))
      .where('key_hash', '=', Buffer.from(keyHash))
      .where('revoked_at', 'is', null)
      .execute();
}
