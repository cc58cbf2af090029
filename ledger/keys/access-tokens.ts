import type { Kysely } from 'kysely';
import { bucketOf } from '../store/bucket.ts';
import type { Tables } from '../store/tables.ts';
import { hashSecret, type Mode, newSecret } from './secret.ts';

export interface TokenOptions {
  /** A connection of the owner: the application's role may not make tokens. */
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
  readonly mode: Mode;
  /** The service's or the operator's name, 1 to 64 characters. */
  readonly name: string;
}

/** Makes a token for the AI service of this name, which is registered if it is new. Shown here once, never again. */
export async function createServiceToken(options: TokenOptions): Promise<string> {
  const { db, name } = options;
  const token = newSecret('serviceToken', options.mode);
  await db.transaction().execute(async trx => {
    // One at a time, so that two new services never take the same number.
    await trx.selectFrom('installation').select('mode').forUpdate().execute();
    const known = await trx
      .selectFrom('services')
      .select('service_id')
      .where('name', '=', name)
      .executeTakeFirst();
    let serviceId = known?.service_id;
    if (serviceId === undefined) {
      const { last } = await trx
        .selectFrom('services')
        .select(eb => eb.fn.max('service_id').as('last'))
        .executeTakeFirstOrThrow();
      serviceId = Number(last ?? 0) + 1;
      await trx.insertInto('services').values({ service_id: serviceId, name }).execute();
    }
    await insertToken(trx, options, { token, role: 'service', serviceId });
  });
  return token;
}

/** Makes a token for operator routes. Shown here once, never again. */
export async function createOperatorToken(options: TokenOptions): Promise<string> {
  const token = newSecret('operatorToken', options.mode);
  await insertToken(options.db, options, { token, role: 'operator', serviceId: null });
  return token;
}

async function insertToken(
  db: Kysely<Tables>,
  options: TokenOptions,
  made: { token: string; role: 'service' | 'operator'; serviceId: number | null },
): Promise<void> {
  const tokenHash = hashSecret(made.token);
  await db
    .insertInto('access_tokens')
    .values({
      bucket: bucketOf(tokenHash, options.bucketCount),
      token_hash: tokenHash,
      role: made.role,
      service_id: made.serviceId,
      name: options.name,
      last_four: made.token.slice(-4),
      revoked_at: null,
    })
    .execute();
}
