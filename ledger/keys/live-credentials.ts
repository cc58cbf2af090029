import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** How many keys and grants of an account may be in force at once. */
export const CREDENTIALS_MAX = 100;

/** Whether the account has as many keys and grants in force as it may. The transaction holds `lockAccountKeys`. */
export async function hasAllCredentials(
  { db, bucketCount }: { readonly db: Kysely<Tables>; readonly bucketCount: number },
  accountId: bigint,
  now: Instant,
): Promise<boolean> {
  const keys = await db
    .selectFrom('secure_keys')
    .select(eb => eb.fn.countAll<bigint>().as('count'))
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null)
    .where('grace_until', 'is', null)
    .executeTakeFirstOrThrow();
  const grants = await db
    .selectFrom('grants')
    .select(eb => eb.fn.countAll<bigint>().as('count'))
    .where('bucket', '=', bucketOfAccount(accountId, bucketCount))
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null)
    .where(eb =>
      eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', sql<Instant>`${instantText(now)}`)]),
    )
    .executeTakeFirstOrThrow();
  return BigInt(keys.count) + BigInt(grants.count) >= BigInt(CREDENTIALS_MAX);
}
