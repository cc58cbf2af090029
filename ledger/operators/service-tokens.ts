/** Registering AI services, making and revoking tokens on an operator's word: each sealed with who did it and why. */
import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import {
  findService,
  insertOperatorToken,
  insertService,
  insertServiceToken,
  type MadeToken,
  tokenId,
} from '../keys/access-tokens.ts';
import type { Mode } from '../keys/secret.ts';
import { AccountCodes } from '../store/account-codes.ts';
import { readNow } from '../store/clock.ts';
import { readInstallation } from '../store/installation.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import { recordAction } from './record-action.ts';

export interface OperatorContext {
  readonly db: Kysely<Tables>;
  readonly codes: AccountCodes;
  readonly bucketCount: number;
  readonly mode: Mode;
}

/** Who says so, why, and when. */
export interface OperatorWord {
  /** The name of the operator's token. */
  readonly operator: string;
  /** Never empty. */
  readonly reason: string;
  readonly now: Instant;
}

/** Registers an AI service and makes its first token, which is shown here once; `service_exists` when there is one. */
export async function registerService(
  context: OperatorContext,
  name: string,
  word: OperatorWord,
): Promise<(MadeToken & { readonly serviceId: number }) | 'service_exists'> {
  return await context.db.transaction().execute(async trx => {
    const serviceId = await insertService(trx, { name, now: word.now });
    if (serviceId === null) return 'service_exists';
    const made = await insertServiceToken(trx, { ...context, name, serviceId, now: word.now });
    const decided = { service_id: serviceId, token: made.id };
    await record(context, trx, { action: 'register_service', subject: name, decided }, word);
    return { ...made, serviceId };
  });
}

/** A further token of a service, shown here once; null when there is no such service. */
export async function makeServiceToken(
  context: OperatorContext,
  name: string,
  word: OperatorWord,
): Promise<MadeToken | null> {
  return await context.db.transaction().execute(async trx => {
    const serviceId = await findService(trx, name);
    if (serviceId === null) return null;
    const made = await insertServiceToken(trx, { ...context, name, serviceId, now: word.now });
    const decided = { service: name, role: 'service' };
    await record(context, trx, { action: 'make_token', subject: made.id, decided }, word);
    return made;
  });
}

/** A token for operator routes, shown here once. Only the owner of the database may make one. */
async function makeOperatorToken(
  context: OperatorContext,
  name: string,
  word: OperatorWord,
): Promise<MadeToken> {
  return await context.db.transaction().execute(async trx => {
    const made = await insertOperatorToken(trx, { ...context, name, now: word.now });
    const decided = { name, role: 'operator' };
    await record(context, trx, { action: 'make_token', subject: made.id, decided }, word);
    return made;
  });
}

/**
 * Ends a token: whoever shows it from then on is turned away. Revoking it again changes nothing. Returns since when it is
 * revoked; null when there is no such token.
 */
export async function revokeToken(
  context: OperatorContext,
  id: string,
  word: OperatorWord,
): Promise<Instant | null> {
  return await context.db.transaction().execute(async trx => {
    const token = (await trx.selectFrom('access_tokens').selectAll().execute()).find(
      row => tokenId(row.token_hash) === id,
    );
    if (!token) return null;
    if (token.revoked_at !== null) return token.revoked_at;
    const { numUpdatedRows } = await trx
      .updateTable('access_tokens')
      .set({ revoked_at: instantText(word.now) })
      .where('bucket', '=', token.bucket)
      .where('token_hash', '=', Buffer.from(token.token_hash))
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    // Somebody else has revoked it in between, and that is sealed.
    if (numUpdatedRows === 0n) return word.now;
    const { name, role } = token;
    await record(context, trx, { action: 'revoke_token', subject: id, decided: { name, role } }, word);
    return word.now;
  });
}

/**
 * A token made at the command line, by whoever holds the database: of a service, which is registered if it is new, or for
 * operator routes. Shown here once.
 */
export async function makeTokenByHand(
  db: Kysely<Tables>,
  role: 'service' | 'operator',
  name: string,
): Promise<string> {
  const { bucketCount, mode } = await readInstallation(db);
  const context = { db, codes: await AccountCodes.load(db), bucketCount, mode };
  const word = { operator: 'command line', reason: 'npx credits token', now: await readNow(db) };
  if (role === 'operator') return (await makeOperatorToken(context, name, word)).token;
  const registered = await registerService(context, name, word);
  const made = registered === 'service_exists' ? await makeServiceToken(context, name, word) : registered;
  if (made === null) throw new Error(`the service ${name} is gone`);
  return made.token;
}

export interface Service {
  readonly serviceId: number;
  readonly name: string;
  readonly createdAt: Instant;
  /** How many of its tokens are valid. */
  readonly tokens: number;
}

/** Every AI service, in the order in which they were registered. */
export async function readServices(db: Kysely<Tables>): Promise<Service[]> {
  const services = await db.selectFrom('services').selectAll().orderBy('service_id').execute();
  const valid = (await readTokens(db)).filter(({ revokedAt }) => revokedAt === null);
  return services.map(row => ({
    serviceId: row.service_id,
    name: row.name,
    createdAt: row.created_at,
    tokens: valid.filter(({ serviceId }) => serviceId === row.service_id).length,
  }));
}

/** A token as an operator may see it: nothing that opens anything. */
export interface AccessToken {
  readonly id: string;
  readonly role: 'service' | 'operator';
  readonly name: string;
  readonly serviceId: number | null;
  readonly lastFour: string;
  readonly createdAt: Instant;
  readonly revokedAt: Instant | null;
}

/** Every token that was ever made, the newest first. */
export async function readTokens(db: Kysely<Tables>): Promise<AccessToken[]> {
  const rows = await db
    .selectFrom('access_tokens')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('token_hash')
    .execute();
  return rows.map(row => ({
    id: tokenId(row.token_hash),
    role: row.role,
    name: row.name,
    serviceId: row.service_id,
    lastFour: row.last_four,
    createdAt: row.created_at,
    revokedAt: row.revoked_at,
  }));
}

async function record(
  context: OperatorContext,
  trx: Kysely<Tables>,
  action: Pick<Parameters<typeof recordAction>[2], 'action' | 'subject' | 'decided'>,
  { operator, reason, now }: OperatorWord,
): Promise<void> {
  await recordAction(context, trx, { ...action, operator, reason }, now);
}
