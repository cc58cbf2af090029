import type { Kysely } from 'kysely';
import { bucketOfAccount } from '../store/bucket.ts';
import type { Tables } from '../store/tables.ts';

/** What a number of an account stands for. */
export interface CredentialName {
  readonly kind: 'key' | 'grant';
  readonly label: string | null;
}

export type CredentialNames = ReadonlyMap<number, CredentialName>;

/** The keys and grants of these numbers, revoked ones included. */
export async function readCredentialNames(
  { db, bucketCount }: { readonly db: Kysely<Tables>; readonly bucketCount: number },
  accountId: bigint,
  numbers: readonly number[],
): Promise<CredentialNames> {
  if (numbers.length === 0) return new Map();
  const keys = await db
    .selectFrom('secure_keys')
    .select(['key_number', 'label'])
    .where('account_id', '=', accountId)
    .where('key_number', 'in', numbers)
    // The newest secret of a key has its label.
    .orderBy('rotation')
    .execute();
  const grants = await db
    .selectFrom('grants')
    .select(['key_number', 'label'])
    .where('bucket', '=', bucketOfAccount(accountId, bucketCount))
    .where('account_id', '=', accountId)
    .where('key_number', 'in', numbers)
    .execute();
  return new Map<number, CredentialName>([
    ...keys.map(({ key_number, label }) => [key_number, { kind: 'key', label }] as const),
    ...grants.map(({ key_number, label }) => [key_number, { kind: 'grant', label }] as const),
  ]);
}
