import { BaseError, createPublicClient, http } from 'viem';
import { type Indexer, superviseIndexer } from '../../indexer/supervisor.ts';
import { checkInstallation, hasTraces, withServerSettings } from '../../ledger/index.ts';
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
  const withoutTraces = await lacksTraces(config.rpcUrl, log);
  const indexer = startIndexer(config, withoutTraces, { log, onFatal: fail });
  indexer.ready.then(
    () => log(`ready, schema ${indexer.schema}`),
    // onFatal tells why.
    () => {},
  );
  return { failed, stop: () => indexer.stop() };
}

/** Tracing a block of many transactions takes some RPCs seconds. */
const TRACE_MS_MAX = 30_000;

/**
 * Whether the RPC says that it does not trace, which is said in the log. One that says nothing of it, as it is busy, is
 * taken to trace: to take it for less would lose sight of payments, and Ponder asks again until it answers.
 */
async function lacksTraces(rpcUrl: string, log: (line: string) => void): Promise<boolean> {
  const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 2, timeout: TRACE_MS_MAX }) });
  try {
    if (await hasTraces(client)) return false;
    log(
      'WARNING: BASE_RPC_URL DOES NOT TRACE. Only plain transactions to the payment address are seen. What contract ' +
        'wallets, batches and bridges pay goes to suspense by the balance alone, and no order is credited with it. ' +
        'Set it to an RPC with debug_traceBlockByNumber and start the indexer again.',
    );
    return true;
  } catch (error) {
    const why = error instanceof BaseError ? error.shortMessage : String(error);
    log(`the RPC did not say whether it traces, so it is expected to: ${why}`);
    return false;
  }
}

/** Runs the configured indexer with the privileges of its own role. */
function startIndexer(
  config: Pick<Config, 'mode' | 'databaseUrl' | 'rpcUrl' | 'paymentAddress' | 'indexer'>,
  withoutTraces: boolean,
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
    withoutTraces,
    viewsSchema: VIEWS_SCHEMA,
    reader: 'credits_worker',
    viewReaders: ['credits_api'],
    port,
    ...(logFile === undefined ? {} : { logFile }),
    ...callbacks,
  });
}
