import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import { hashSecret, type Mode, newSecret } from './secret.ts';

export interface TokenOptions {
  /** A connection of the owner: no part may make operators' tokens. */
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
  /** The service's or the operator's name, 1 to 64 characters. */
  readonly name: string;
}

/** A new token. `token` is shown here once, never again. */
export interface MadeToken {
  readonly id: string;
  readonly token: string;
}

/** How people name a token: by the beginning of its hash, which opens nothing. */
export function tokenId(tokenHash: Uint8Array): string {
  return `tok_${Buffer.from(tokenHash.subarray(0, 8)).toString('hex')}`;
}

/**
 * Makes a token for the AI service of this name, which is registered if it is new, and seals nothing: for stacks that are
 * set up by a program. Shown here once, never again.
 */
export async function createServiceToken(options: TokenOptions): Promise<string> {
  const { name } = options;
  return await options.db.transaction().execute(async trx => {
    const serviceId = (await insertService(trx, { name })) ?? (await findService(trx, name));
    if (serviceId === null) throw new Error(`the service ${name} is gone`);
    return (await insertServiceToken(trx, { ...options, serviceId })).token;
  });
}

/** Makes a token for operator routes, and seals nothing. Shown here once, never again. */
export async function createOperatorToken(options: TokenOptions): Promise<string> {
  return (await insertOperatorToken(options.db, options)).token;
}

/** Any number that nothing else locks: accounts are more than 0. */
const SERVICES_LOCK = -1n;

/** Registers a service in the transaction `trx` and returns its number; null when there is one of this name. */
export async function insertService(
  trx: Kysely<Tables>,
  { name, now }: { readonly name: string; readonly now?: Instant },
): Promise<number | null> {
  // One at a time, so that two new services never take the same number.
  await sql`select pg_advisory_xact_lock(${SERVICES_LOCK})`.execute(trx);
  if ((await findService(trx, name)) !== null) return null;
  const { last } = await trx
    .selectFrom('services')
    .select(eb => eb.fn.max('service_id').as('last'))
    .executeTakeFirstOrThrow();
  const serviceId = Number(last ?? 0) + 1;
  const since = now === undefined ? {} : { created_at: instantText(now) };
  await trx
    .insertInto('services')
    .values({ service_id: serviceId, name, ...since })
    .execute();
  return serviceId;
}

/** The number of the service of this name; null when there is none. */
export async function findService(db: Kysely<Tables>, name: string): Promise<number | null> {
  const found = db.selectFrom('services').select('service_id').where('name', '=', name);
  return (await found.executeTakeFirst())?.service_id ?? null;
}

type Insertion = Omit<TokenOptions, 'db'> & {
  /** When it is made; by the database's clock when left out. */
  readonly now?: Instant;
};

/** A token of the service with this number. */
export async function insertServiceToken(
  db: Kysely<Tables>,
  options: Insertion & { readonly serviceId: number },
): Promise<MadeToken> {
  const token = newSecret('serviceToken', options.mode);
  return await insertToken(db, options, { token, role: 'service', serviceId: options.serviceId });
}

export async function insertOperatorToken(db: Kysely<Tables>, options: Insertion): Promise<MadeToken> {
  const token = newSecret('operatorToken', options.mode);
  return await insertToken(db, options, { token, role: 'operator', serviceId: null });
}

async function insertToken(
  db: Kysely<Tables>,
  { bucketCount, name, now }: Insertion,
  { token, role, serviceId }: { token: string; role: 'service' | 'operator'; serviceId: number | null },
): Promise<MadeToken> {
  const tokenHash = hashSecret(token);
  await db
    .insertInto('access_tokens')
    .values({
      bucket: bucketOf(tokenHash, bucketCount),
      token_hash: tokenHash,
      role,
      service_id: serviceId,
      name,
      last_four: token.slice(-4),
      ...(now === undefined ? {} : { created_at: instantText(now) }),
      revoked_at: null,
    })
    .execute();
  return { id: tokenId(tokenHash), token };
}
