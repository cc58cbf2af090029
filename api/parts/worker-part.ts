import { readSealKey } from '../../ledger/index.ts';
import { compareOtherRpcs } from '../chain-identity.ts';
import type { Config } from '../config.ts';
import { openConfiguredLedger } from './open-ledger.ts';
import { partLog, type RunningPart } from './part.ts';

/**
 * Starts the worker: from the indexer's rows to priced receipts to the customers' books, and what time makes due in
 * those. Of several workers one takes in receipts; all of them sweep, as that may be done twice.
 */
export async function startWorkerPart(config: Config): Promise<RunningPart> {
  const log = partLog('worker');
  const ledger = await openConfiguredLedger(config, 'credits_worker', log);
  try {
    await ledger.cards?.compareAccount();
    await compareOtherRpcs(config.otherRpcUrls, config.mode, ledger.installation, log);
  } catch (error) {
    await ledger.close();
    throw error;
  }
  const intake = ledger.startIntake(log, BigInt(config.indexer.startBlock));
  const cardWorker = ledger.cards?.startWorker();
  const sealKey = config.sealKey === null ? null : readSealKey(config.sealKey);
  const midnightJob = ledger.startMidnightJob(log, sealKey);
  const webhookWorker = ledger.webhooks.startWorker(log);
  log(sealKey ? `sealing with key ${sealKey.publicKey}` : 'seals: off, as there is no SEAL_KEY');
  log(`taking in payments to ${config.paymentAddress}`);
  return {
    async stop() {
      await Promise.all([intake.stop(), cardWorker?.stop(), midnightJob.stop(), webhookWorker.stop()]);
      await ledger.close();
    },
  };
}
