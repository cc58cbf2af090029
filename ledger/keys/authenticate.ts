import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { arrayParameter } from '../store/array-parameter.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { RunSql, Statement } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import { hashSecret, isWellFormed, type Mode } from './secret.ts';

/** Whose credits may be spent, and by the word of which key or grant. */
export interface Spender {
  readonly accountId: bigint;
  readonly keyNumber: number;
}

/** A customer who showed a Secure Key. */
export interface KeyHolder extends Spender {
  readonly scope: 'manage' | 'spend';
  /** Of the secret that was shown. */
  readonly lastFour: string;
  /** Until when it still spends, as another has taken its place; null: it is the key's secret. */
  readonly graceUntil: Instant | null;
}

export interface ServiceIdentity {
  readonly serviceId: number;
  readonly name: string;
}

export interface AuthenticationOptions {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
}

/**
 * Whose Secure Key this is; null when it is malformed, of the other mode, unknown, revoked, or was rotated and its grace
 * is over. During its grace it only spends. The look-up is by hash, so its time tells nothing of any other key. The first
 * use is noted, as it ends the claim of the order that issued the key: for that and for the grace the clock is read.
 */
export async function authenticateKey(
  options: AuthenticationOptions,
  key: string,
  clock: () => Promise<Instant>,
): Promise<KeyHolder | null> {
  if (!isWellFormed(key, 'secureKey', options.mode)) return null;
  const keyHash = hashSecret(key);
  const bucket = bucketOf(keyHash, options.bucketCount);
  const row = await findKey(options, keyHash);
  if (!row || row.revoked_at !== null) return null;
  const { grace_until: graceUntil } = row;
  if (graceUntil !== null && (await clock()) >= graceUntil) return null;
  if (row.first_used_at === null) {
    const { numUpdatedRows } = await options.db
      .updateTable('secure_keys')
      .set({ first_used_at: instantText(await clock()) })
      .where('bucket', '=', bucket)
      .where('key_hash', '=', keyHash)
      .where('first_used_at', 'is', null)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    // Either somebody else used it first just now, or a new claim revoked it in between: look once more.
    if (numUpdatedRows === 0n) return authenticateKey(options, key, clock);
  }
  return {
    accountId: row.account_id,
    keyNumber: row.key_number,
    scope: graceUntil === null ? row.scope : 'spend',
    lastFour: row.last_four,
    graceUntil,
  };
}

/** The secret of a key by its hash, whatever became of it. */
export async function findKey({ db, bucketCount }: AuthenticationOptions, keyHash: Buffer) {
  return await db
    .selectFrom('secure_keys')
    .select(['account_id', 'key_number', 'scope', 'revoked_at', 'first_used_at', 'last_four', 'grace_until'])
    .where('bucket', '=', bucketOf(keyHash, bucketCount))
    .where('key_hash', '=', keyHash)
    .executeTakeFirst();
}

/** A look-up of several at once, as a prepared statement: they are the most frequent of all. */
export interface LookUpOptions extends AuthenticationOptions {
  /** On connections that look up by index alone (store/postgres.ts). */
  readonly lookUp: RunSql;
}

const FIND_KEYS: Statement = {
  name: 'find_secure_keys',
  text: `select wanted.place, k.account_id, k.key_number, k.scope, k.last_four,
      k.first_used_at is not null and k.grace_until is null as is_plain
    from unnest($1::smallint[], $2::bytea[]) with ordinality as wanted (bucket, key_hash, place)
    join secure_keys k on k.bucket = wanted.bucket and k.key_hash = wanted.key_hash
    where k.revoked_at is null`,
};

/**
 * Whose Secure Keys these are, in their order, each as authenticateKey has it: one look-up for all of them. Only a key
 * that is used for the first time in its life, or is in its grace, is gone after by itself; the others' answers do not
 * wait for it.
 */
export async function authenticateKeys(
  options: LookUpOptions,
  keys: readonly string[],
  clock: () => Promise<Instant>,
): Promise<(KeyHolder | null | Promise<KeyHolder | null>)[]> {
  const found = await findByHash<{
    account_id: bigint;
    key_number: number;
    scope: KeyHolder['scope'];
    last_four: string;
    is_plain: boolean;
  }>(options, FIND_KEYS, { secrets: keys, kind: 'secureKey' });
  const holders = new Map<string, KeyHolder | Promise<KeyHolder | null>>();
  for (const [key, row] of found) {
    if (!row.is_plain) holders.set(key, authenticateKey(options, key, clock));
    else
      holders.set(key, {
        accountId: row.account_id,
        keyNumber: row.key_number,
        scope: row.scope,
        lastFour: row.last_four,
        graceUntil: null,
      });
  }
  return keys.map(key => holders.get(key) ?? null);
}

const FIND_SERVICES: Statement = {
  name: 'find_service_tokens',
  text: `select wanted.place, t.service_id, t.name
    from unnest($1::smallint[], $2::bytea[]) with ordinality as wanted (bucket, token_hash, place)
    join access_tokens t on t.bucket = wanted.bucket and t.token_hash = wanted.token_hash
    where t.role = 'service' and t.revoked_at is null`,
};

/** Which services show these tokens, in their order; null for one that is malformed, of the other mode, unknown or revoked. */
export async function authenticateServices(
  options: LookUpOptions,
  tokens: readonly string[],
): Promise<(ServiceIdentity | null)[]> {
  const found = await findByHash<{ service_id: number; name: string }>(options, FIND_SERVICES, {
    secrets: tokens,
    kind: 'serviceToken',
  });
  return tokens.map(token => {
    const row = found.get(token);
    return row ? { serviceId: row.service_id, name: row.name } : null;
  });
}

/** What `statement` finds for those of the secrets that are well-formed: it is given their buckets and hashes, and tells their `place`. */
async function findByHash<Row>(
  { lookUp, bucketCount, mode }: LookUpOptions,
  statement: Statement,
  { secrets, kind }: { readonly secrets: readonly string[]; readonly kind: 'secureKey' | 'serviceToken' },
): Promise<Map<string, Row>> {
  const wanted = [...new Set(secrets)].filter(secret => isWellFormed(secret, kind, mode));
  if (wanted.length === 0) return new Map();
  const hashes = wanted.map(hashSecret);
  const buckets = hashes.map(hash => bucketOf(hash, bucketCount));
  const rows = await lookUp<Row & { readonly place: bigint }>(statement, [
    arrayParameter('smallint', buckets),
    arrayParameter('bytea', hashes),
  ]);
  return new Map(rows.map(row => [secretAt(wanted, row.place), row]));
}

function secretAt(wanted: readonly string[], place: bigint): string {
  const secret = wanted[Number(place) - 1];
  if (secret === undefined) throw new Error('a credential was found that nobody has shown');
  return secret;
}

/** The name on an operator's token; null when it is malformed, of the other mode, unknown or revoked. */
export async function authenticateOperator(
  options: AuthenticationOptions,
  token: string,
): Promise<string | null> {
  if (!isWellFormed(token, 'operatorToken', options.mode)) return null;
  const tokenHash = hashSecret(token);
  const row = await options.db
    .selectFrom('access_tokens')
    .select('name')
    .where('bucket', '=', bucketOf(tokenHash, options.bucketCount))
    .where('token_hash', '=', tokenHash)
    .where('role', '=', 'operator')
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row?.name ?? null;
}
