import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';

/**
 * Until the transaction `trx` ends, nobody else changes who may enter the account: its keys and its wallets. Whoever
 * locks an order too does so before.
 */
export async function lockAccountKeys(trx: Kysely<Tables>, accountId: bigint): Promise<void> {
  await sql`select pg_advisory_xact_lock(${accountId})`.execute(trx);
}
