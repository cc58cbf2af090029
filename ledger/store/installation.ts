import type { Kysely } from 'kysely';
import { FIRST_TREASURY_CODE, treasuryAccount } from '../core/chart.ts';
import { type DatabaseRole, openKysely, openPool } from './postgres.ts';
import type { Tables } from './tables.ts';

/** How many buckets a new installation gets. It can never change, so it is large enough for many shards. */
export const DEFAULT_BUCKET_COUNT = 64;

/** What an installation is, once and for all. */
export interface Installation {
  readonly mode: 'dev' | 'live';
  readonly chainId: number;
  readonly genesisHash: string;
  /** Lower case. */
  readonly paymentAddress: string;
  readonly bucketCount: number;
}

export type InstallationWanted = Omit<Installation, 'bucketCount'>;

/** The database belongs to another installation than the configuration describes. */
export class InstallationMismatchError extends Error {
  override readonly name = 'InstallationMismatchError';
}

/**
 * Records what this installation is, when the database is new; otherwise throws InstallationMismatchError unless it is
 * the same. `db` must be the owner's.
 */
export async function ensureInstallation(db: Kysely<Tables>, wanted: InstallationWanted): Promise<void> {
  await db.transaction().execute(async trx => {
    await trx
      .insertInto('installation')
      .values({
        mode: wanted.mode,
        bucket_count: DEFAULT_BUCKET_COUNT,
        chain_id: wanted.chainId,
        genesis_hash: wanted.genesisHash,
        payment_address: wanted.paymentAddress.toLowerCase(),
      })
      .onConflict(conflict => conflict.doNothing())
      .execute();
    const stored = await readInstallation(trx);
    assertSameInstallation(stored, wanted);
    await trx
      .insertInto('ledger_accounts')
      .values({
        code: FIRST_TREASURY_CODE,
        name: treasuryAccount(stored.chainId, stored.paymentAddress),
      })
      .onConflict(conflict => conflict.doNothing())
      .execute();
  });
}

/** What the database says it is. Throws when nothing was ever installed in it. */
export async function readInstallation(db: Kysely<Tables>): Promise<Installation> {
  const row = await db.selectFrom('installation').selectAll().executeTakeFirst();
  if (!row) throw new InstallationMismatchError('The database is empty: run `npm run migrate` first.');
  return {
    mode: row.mode,
    chainId: row.chain_id,
    genesisHash: row.genesis_hash,
    paymentAddress: row.payment_address,
    bucketCount: row.bucket_count,
  };
}

/** Throws InstallationMismatchError, naming what differs, unless the database is what the configuration says. */
export function assertSameInstallation(stored: Installation, wanted: InstallationWanted): void {
  const differences: [string, string | number, string | number][] = [
    ['MODE', stored.mode, wanted.mode],
    ['chain id', stored.chainId, wanted.chainId],
    ['genesis block', stored.genesisHash, wanted.genesisHash],
    ['PAYMENT_ADDRESS', stored.paymentAddress, wanted.paymentAddress.toLowerCase()],
  ];
  for (const [what, is, wantedValue] of differences) {
    if (is === wantedValue) continue;
    throw new InstallationMismatchError(
      `The database was made for ${what} ${is}, but this program was started with ${wantedValue}: use the database ` +
        'that belongs to this configuration, or an empty one.',
    );
  }
}

/**
 * Compares what the database says with what the configuration wants, seen by `role`.
 * Throws InstallationMismatchError when they differ, pg's error when the database cannot be reached.
 */
export async function checkInstallation(
  databaseUrl: string,
  role: DatabaseRole,
  wanted: InstallationWanted,
): Promise<void> {
  const pool = openPool({ databaseUrl, role, max: 1 });
  try {
    assertSameInstallation(await readInstallation(openKysely(pool)), wanted);
  } finally {
    await pool.end();
  }
}
