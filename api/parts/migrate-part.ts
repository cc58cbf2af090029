import { ensureInstallation, migrate, openKysely, openPool } from '../../ledger/index.ts';
import { identifyChain } from '../chain-identity.ts';
import type { Config } from '../config.ts';
import { partLog, type RunningPart } from './part.ts';

/**
 * Brings the schema up to date and, in a new database, records once and for all what the installation is. Needs the
 * owner's DATABASE_URL.
 */
export async function migratePart(config: Config): Promise<RunningPart> {
  const log = partLog('migrate');
  await migrateConfigured(config, log);
  return { stop: async () => {} };
}

export async function migrateConfigured(
  config: Pick<Config, 'mode' | 'databaseUrl' | 'rpcUrl' | 'paymentAddress'>,
  log: (line: string) => void,
): Promise<void> {
  const chain = await identifyChain(config.rpcUrl, config.mode);
  const done = await migrate(config.databaseUrl);
  const pool = openPool({ databaseUrl: config.databaseUrl, max: 1 });
  try {
    await ensureInstallation(openKysely(pool), {
      mode: config.mode,
      paymentAddress: config.paymentAddress,
      ...chain,
    });
  } finally {
    await pool.end();
  }
  log(done.length === 0 ? 'the database is up to date' : `done: ${done.join(', ')}`);
}
