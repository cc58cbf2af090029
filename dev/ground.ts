/**
 * What the system stands on in development: an embedded PostgreSQL and a local Base, in one folder in which both live
 * and die together, with the schema migrated and the price feeds in place.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { migrateConfigured } from '../api/parts/migrate-part.ts';
import { type LocalChain, startChain } from './chain.ts';
import { SOLIDITY_CACHE } from './compile-cache.ts';
import { freePort } from './free-port.ts';
import { ensureDatabase, type Postgres, startPostgres } from './postgres.ts';
import { installFeeds, startPriceMoves } from './price-feeds.ts';
import type { Supervisor } from './supervisor.ts';

export interface GroundOptions {
  readonly folder: string;
  readonly supervisor: Supervisor;
  readonly paymentAddress: `0x${string}`;
  /** When the chain begins, in seconds, and stands but for its blocks' own time: for the demo. Now, when left out. */
  readonly chainBeginsAt?: bigint | undefined;
  /** One line for a person. */
  readonly log: (line: string) => void;
}

export interface Ground {
  readonly databaseUrl: string;
  readonly rpcUrl: string;
  /** The processes of the first start, by which tests find what to kill. */
  readonly postgres: Postgres;
  readonly chain: LocalChain;
  /** Stops what runs inside this process; the supervisor stops the rest. */
  stop(): Promise<void>;
}

const DATABASE = 'credits';

/** Starts what is not there and carries on with what is. Throws one sentence when something cannot start. */
export async function startGround(options: GroundOptions): Promise<Ground> {
  const { folder, supervisor, chainBeginsAt, log } = options;
  const logs = join(folder, 'logs');
  await mkdir(logs, { recursive: true });
  const [postgresPort, chainPort] = [await freePort(), await freePort()];
  const [postgres, chain] = await Promise.all([
    supervisor.run({
      name: 'PostgreSQL',
      start: watch =>
        startPostgres({
          ...watch,
          folder: join(folder, 'postgres'),
          port: postgresPort,
          logFile: join(logs, 'postgres.log'),
        }),
    }),
    supervisor.run({
      name: 'The local chain',
      start: watch =>
        startChain({
          ...watch,
          folder: join(folder, 'chain'),
          port: chainPort,
          logFile: join(logs, 'chain.log'),
          beginsAt: chainBeginsAt,
        }),
    }),
  ]);
  await Promise.all([
    ensureDatabase(postgres, DATABASE),
    installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE }),
  ]);
  const priceMoves =
    chainBeginsAt === undefined
      ? startPriceMoves({
          rpcUrl: chain.rpcUrl,
          onError: error => log(`the price could not be moved: ${error.message.split('\n')[0]}`),
        })
      : null;
  const ground: Ground = {
    databaseUrl: postgres.url(DATABASE),
    rpcUrl: chain.rpcUrl,
    postgres,
    chain,
    stop: async () => await priceMoves?.stop(),
  };
  try {
    await migrateConfigured(
      {
        mode: 'dev',
        databaseUrl: ground.databaseUrl,
        rpcUrl: ground.rpcUrl,
        paymentAddress: options.paymentAddress,
      },
      log,
    );
    return ground;
  } catch (error) {
    await ground.stop();
    throw error;
  }
}
