import { type Indexer, superviseIndexer } from '../../indexer/supervisor.ts';
import { checkInstallation, withServerSettings } from '../../ledger/index.ts';
import { identifyChain } from '../chain-identity.ts';
import type { Config } from '../config.ts';
import { partLog, type RunningPart } from './part.ts';

/** Where readers find the indexer's tables, whichever build writes them. */
export const VIEWS_SCHEMA = 'chain';

/** Starts the indexer: Ponder as a child, kept running. */
export async function startIndexerPart(config: Config): Promise<RunningPart> {
  const log = partLog('indexer');
  const chain = await identifyChain(config.rpcUrl, config.mode);
  // An indexer of another address or chain would replace the tables that the worker reads.
  await checkInstallation(config.databaseUrl, 'credits_indexer', {
    mode: config.mode,
    paymentAddress: config.paymentAddress,
    ...chain,
  });
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const indexer = startIndexer(config, { log, onFatal: fail });
  indexer.ready.then(
    () => log(`ready, schema ${indexer.schema}`),
    // onFatal tells why.
    () => {},
  );
  return { failed, stop: () => indexer.stop() };
}

/** Runs the configured indexer with the privileges of its own role. */
export function startIndexer(
  config: Pick<Config, 'mode' | 'databaseUrl' | 'rpcUrl' | 'paymentAddress' | 'indexer'>,
  callbacks: { log: (line: string) => void; onFatal: (error: Error) => void },
): Indexer {
  const { startBlock, pollingIntervalMs, port, logFile } = config.indexer;
  const databaseUrl = new URL(config.databaseUrl);
  // The supervisor knows Ponder's sessions by the names that Ponder gives them.
  databaseUrl.searchParams.delete('application_name');
  return superviseIndexer({
    databaseUrl: withServerSettings(databaseUrl.href, ['-c role=credits_indexer']),
    rpcUrl: config.rpcUrl,
    chainId: 8453,
    paymentAddress: config.paymentAddress,
    startBlock,
    pollingIntervalMs,
    // Blocks of a local chain may be undone by its restart, which Ponder's cache would not notice.
    disableCache: config.mode === 'dev',
    viewsSchema: VIEWS_SCHEMA,
    port,
    ...(logFile === undefined ? {} : { logFile }),
    ...callbacks,
  });
}
