/** Sessions of browsers: what a Secure Key is exchanged for, so that a page need not keep it where a reload finds it. */
import { sql } from 'kysely';
import { HOUR, type Instant } from '../core/instant.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import { type AuthenticationOptions, findKey, type KeyHolder } from './authenticate.ts';
import { hashSecret, isWellFormed, newSecret } from './secret.ts';

export const SESSION_LIFE = 12n * HOUR;

/** Whose session it is, with the scope of the key that opened it: what that key may read, the session may read. */
export interface SessionHolder extends KeyHolder {
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
}

/** A session with its secret, which is told once. */
export interface NewSession {
  readonly secret: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
}

/**
 * Opens a session for `holder`, who showed `secureKey`. Null for a key in its grace, which only spends. Those of the same
 * bucket that are over are deleted.
 */
export async function openSession(
  options: AuthenticationOptions,
  { holder, secureKey }: { readonly holder: KeyHolder; readonly secureKey: string },
  now: Instant,
): Promise<NewSession | null> {
  if (holder.graceUntil !== null) return null;
  const secret = newSecret('browserSession', options.mode);
  const sessionHash = hashSecret(secret);
  const bucket = bucketOf(sessionHash, options.bucketCount);
  const expiresAt = now + SESSION_LIFE;
  await options.db
    .deleteFrom('browser_sessions')
    .where('bucket', '=', bucket)
    .where('expires_at', '<=', sql<Instant>`${instantText(now)}::timestamptz`)
    .execute();
  await options.db
    .insertInto('browser_sessions')
    .values({
      bucket,
      session_hash: sessionHash,
      account_id: holder.accountId,
      key_number: holder.keyNumber,
      key_hash: hashSecret(secureKey),
      created_at: instantText(now),
      expires_at: instantText(expiresAt),
      ended_at: null,
    })
    .execute();
  return { secret, createdAt: now, expiresAt };
}

/**
 * Whose session this is; null when it is malformed, of the other mode, unknown or over: by its time, because somebody
 * signed out, or because the key that opened it is revoked or has another secret by now.
 */
export async function authenticateSession(
  options: AuthenticationOptions,
  secret: string,
  clock: () => Promise<Instant>,
): Promise<SessionHolder | null> {
  if (!isWellFormed(secret, 'browserSession', options.mode)) return null;
  const sessionHash = hashSecret(secret);
  const session = await options.db
    .selectFrom('browser_sessions')
    .select(['key_hash', 'created_at', 'expires_at', 'ended_at'])
    .where('bucket', '=', bucketOf(sessionHash, options.bucketCount))
    .where('session_hash', '=', sessionHash)
    .executeTakeFirst();
  if (!session || session.ended_at !== null || (await clock()) >= session.expires_at) return null;
  // In a bucket of its own, and so perhaps on another node of a cluster: it cannot be joined.
  const key = await findKey(options, Buffer.from(session.key_hash));
  if (!key || key.revoked_at !== null || key.grace_until !== null) return null;
  return {
    accountId: key.account_id,
    keyNumber: key.key_number,
    scope: key.scope,
    lastFour: key.last_four,
    graceUntil: null,
    createdAt: session.created_at,
    expiresAt: session.expires_at,
  };
}

/** Ends a session. Nothing happens when it has ended before. */
export async function endSession(
  options: AuthenticationOptions,
  secret: string,
  now: Instant,
): Promise<void> {
  const sessionHash = hashSecret(secret);
  await options.db
    .updateTable('browser_sessions')
    .set({ ended_at: instantText(now) })
    .where('bucket', '=', bucketOf(sessionHash, options.bucketCount))
    .where('session_hash', '=', sessionHash)
    .where('ended_at', 'is', null)
    .execute();
}
