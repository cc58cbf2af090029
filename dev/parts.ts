/** The parts of the system as children of a development stack: the very programs that run live. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PartName } from '../api/config.ts';
import { type RunningChild, startChild } from './child-process.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import type { Supervisor } from './supervisor.ts';

const MAIN = fileURLToPath(new URL('../api/main.ts', import.meta.url));

export interface PartsOptions {
  readonly supervisor: Supervisor;
  /** Where the logs go. */
  readonly folder: string;
  readonly databaseUrl: string;
  readonly rpcUrl: string;
  readonly paymentAddress: string;
}

/** Starts a part by the environment that the options and `more` make, and keeps it running. */
export async function startPart(
  name: Exclude<PartName, 'migrate'>,
  options: PartsOptions,
  ready: RegExp,
  more: Readonly<Record<string, string>> = {},
): Promise<RunningChild> {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  return await options.supervisor.run({
    name: `The ${name}`,
    start: watch =>
      startChild({
        ...watch,
        name: `The ${name}`,
        command: process.execPath,
        args: [MAIN, name],
        // Only what is named here: nothing of the caller's environment can leak into a development stack.
        env: {
          PATH,
          HOME,
          ...(TMPDIR === undefined ? {} : { TMPDIR }),
          NODE_COMPILE_CACHE: COMPILE_CACHE,
          MODE: 'dev',
          DATABASE_URL: options.databaseUrl,
          BASE_RPC_URL: options.rpcUrl,
          PAYMENT_ADDRESS: options.paymentAddress,
          ...more,
        },
        logFile: join(options.folder, 'logs', `${name}.log`),
        ready,
      }),
  });
}

/** Starts the indexer, polling fast enough for a person who is watching. */
export async function startIndexerChild(options: PartsOptions, port: number): Promise<RunningChild> {
  return await startPart('indexer', options, /indexer: ready/, {
    INDEXER_PORT: String(port),
    INDEXER_POLLING_INTERVAL_MS: '100',
    INDEXER_LOG_FILE: join(options.folder, 'logs', 'ponder.log'),
  });
}
