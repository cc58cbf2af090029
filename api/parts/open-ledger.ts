import { setTimeout as sleep } from 'node:timers/promises';
import { HttpRequestError, TimeoutError } from 'viem';
import { isPassing, type Ledger, openLedger, pendingMigrations, SenderLists } from '../../ledger/index.ts';
import { identifyChain } from '../chain-identity.ts';
import { type Config, ConfigError } from '../config.ts';

/** How long a part waits at its start for a database and a chain that are not there yet. */
const WAIT_MS_MAX = 30_000;
const PAUSE_MS = 500;

/**
 * Opens the ledger that the configuration describes, with the privileges of `role`, having compared its mode, chain and address with it. Waits a
 * while for the database and the RPC; throws when they stay away, differ, or the schema is not up to date.
 */
export async function openConfiguredLedger(
  config: Config,
  role: 'credits_api' | 'credits_worker',
  log: (line: string) => void,
): Promise<Ledger> {
  const giveUpAt = performance.now() + WAIT_MS_MAX;
  let said = false;
  for (;;) {
    try {
      return await open(config, role, log);
    } catch (error) {
      if (!isAway(error) || performance.now() > giveUpAt) throw error;
      if (!said) log('waiting for the database and the chain');
      said = true;
      await sleep(PAUSE_MS);
    }
  }
}

async function open(
  config: Config,
  role: 'credits_api' | 'credits_worker',
  log: (line: string) => void,
): Promise<Ledger> {
  const chain = await identifyChain(config.rpcUrl, config.mode);
  const pending = await pendingMigrations(config.databaseUrl);
  if (pending.length > 0)
    throw new ConfigError([
      `The database lacks ${pending.join(', ')}: run \`npm run migrate\` as its owner.`,
    ]);
  return await openLedger({
    databaseUrl: config.databaseUrl,
    role,
    rpcUrl: config.rpcUrl,
    otherRpcUrls: config.otherRpcUrls,
    cards: config.cards ?? undefined,
    log,
    installation: { mode: config.mode, paymentAddress: config.paymentAddress, ...chain },
    senders: new SenderLists(config.senders),
    holdLimits: config.holdLimits,
  });
}

function isAway(error: unknown): boolean {
  return isPassing(error) || error instanceof HttpRequestError || error instanceof TimeoutError;
}
