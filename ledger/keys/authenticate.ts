import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
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
  const row = await options.db
    .selectFrom('secure_keys')
    .select(['account_id', 'key_number', 'scope', 'revoked_at', 'first_used_at', 'last_four', 'grace_until'])
    .where('bucket', '=', bucket)
    .where('key_hash', '=', keyHash)
    .executeTakeFirst();
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

/** Which service shows this token; null when it is malformed, of the other mode, unknown or revoked. */
export async function authenticateService(
  options: AuthenticationOptions,
  token: string,
): Promise<ServiceIdentity | null> {
  if (!isWellFormed(token, 'serviceToken', options.mode)) return null;
  const row = await findToken(options, token, 'service');
  return row?.service_id ? { serviceId: row.service_id, name: row.name } : null;
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
