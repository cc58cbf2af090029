/** Secure Keys for accounts that were loaded in bulk, and a service that may spend their credits. */
import type pg from 'pg';
import { createServiceToken, openKysely } from '../ledger/index.ts';
import { hashSecret, newSecret } from '../ledger/keys/secret.ts';
import { bucketOf, bucketOfAccount } from '../ledger/store/bucket.ts';
import { accountIdOf, BUCKETS } from './bulk-load.ts';

export interface Customers {
  /** One for each account, in their order. */
  readonly secureKeys: readonly string[];
  readonly serviceToken: string;
}

/** Gives each of the first `count` accounts a key that spends, used before as most are. */
export async function makeCustomers(owner: pg.Pool, count: number): Promise<Customers> {
  const secureKeys = Array.from({ length: count }, () => newSecret('secureKey', 'dev'));
  const hashes = secureKeys.map(hashSecret);
  const accountIds = secureKeys.map((_, index) => accountIdOf(index));
  await owner.query(
    `insert into secure_keys (bucket, key_hash, account_id, key_number, scope, last_four, created_at, first_used_at)
    select bucket, key_hash, account_id, 1, 'spend', last_four, now(), now()
    from unnest($1::smallint[], $2::bytea[], $3::bigint[], $4::text[]) as made (bucket, key_hash, account_id, last_four)`,
    [hashes.map(hash => bucketOf(hash, BUCKETS)), hashes, accountIds, secureKeys.map(key => key.slice(-4))],
  );
  await owner.query(
    `insert into account_keys (bucket, account_id, key_number, key_hash)
    select bucket, account_id, 1, key_hash from unnest($1::smallint[], $2::bigint[], $3::bytea[]) as made (bucket, account_id, key_hash)`,
    [accountIds.map(id => bucketOfAccount(id, BUCKETS)), accountIds, hashes],
  );
  const db = openKysely(owner);
  const serviceToken = await createServiceToken({ db, bucketCount: BUCKETS, mode: 'dev', name: 'bench' });
  return { secureKeys, serviceToken };
}
