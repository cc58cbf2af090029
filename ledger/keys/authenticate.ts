import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { arrayParameter } from '../store/array-parameter.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
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

/**
 * Whose Secure Keys these are, in their order, each as authenticateKey has it: one look-up for all of them. Only a key
 * that is used for the first time in its life, or is in its grace, is gone after by itself; the others' answers do not
 * wait for it.
 */
export async function authenticateKeys(
  options: AuthenticationOptions,
  keys: readonly string[],
  clock: () => Promise<Instant>,
): Promise<(KeyHolder | null | Promise<KeyHolder | null>)[]> {
  const wanted = [...new Set(keys)].filter(key => isWellFormed(key, 'secureKey', options.mode));
  if (wanted.length === 0) return keys.map(() => null);
  const hashes = wanted.map(hashSecret);
  const buckets = hashes.map(keyHash => bucketOf(keyHash, options.bucketCount));
  const { rows } = await sql<{
    place: bigint;
    account_id: bigint;
    key_number: number;
    scope: KeyHolder['scope'];
    last_four: string;
    is_plain: boolean;
  }>`
    select wanted.place, k.account_id, k.key_number, k.scope, k.last_four,
      k.first_used_at is not null and k.grace_until is null as is_plain
    from unnest(${arrayParameter('smallint', buckets)}::smallint[], ${arrayParameter('bytea', hashes)}::bytea[])
      with ordinality as wanted (bucket, key_hash, place)
    join secure_keys k on k.bucket = wanted.bucket and k.key_hash = wanted.key_hash
    where k.revoked_at is null`.execute(options.db);
  const holders = new Map<string, KeyHolder | Promise<KeyHolder | null>>();
  for (const row of rows) {
    const key = wanted[Number(row.place) - 1];
    if (key === undefined) throw new Error('a key was found that nobody has shown');
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

/** Which service shows this token; null when it is malformed, of the other mode, unknown or revoked. */
export async function authenticateService(
  options: AuthenticationOptions,
  token: string,
): Promise<ServiceIdentity | null> {
  if (!isWellFormed(token, 'serviceToken', options.mode)) return null;
  const row = await findToken(options, token, 'service');
  return row?.service_id ? { serviceId: row.service_id, name: row.name } : null;
}

/** As authenticateService for each of them: a look-up for each that is another. */
export async function authenticateServices(
  options: AuthenticationOptions,
  tokens: readonly string[],
): Promise<(ServiceIdentity | null)[]> {
  const distinct = [...new Set(tokens)];
  const found = await Promise.all(distinct.map(token => authenticateService(options, token)));
  const services = new Map(distinct.map((token, index) => [token, found[index] ?? null]));
  return tokens.map(token => services.get(token) ?? null);
}

/** The name on an operator's token; null when it is malformed, of the other mode, unknown or revoked. */
export async function authenticateOperator(
  options: AuthenticationOptions,
  token: string,
): Promise<string | null> {
  if (!isWellFormed(token, 'operatorToken', options.mode)) return null;
  return (await findToken(options, token, 'operator'))?.name ?? null;
}

async function findToken(options: AuthenticationOptions, token: string, role: 'service' | 'operator') {
  const tokenHash = hashSecret(token);
  return await options.db
    .selectFrom('access_tokens')
    .select(['service_id', 'name'])
    .where('bucket', '=', bucketOf(tokenHash, options.bucketCount))
    .where('token_hash', '=', tokenHash)
    .where('role', '=', role)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
}
