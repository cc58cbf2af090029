import type { Config } from '../config.ts';
import { openConfiguredLedger } from './open-ledger.ts';
import { partLog, type RunningPart } from './part.ts';

/** Starts the worker: from the indexer's rows to priced receipts to the customers' books. */
export async function startWorkerPart(config: Config): Promise<RunningPart> {
  const log = partLog('worker');
  const ledger = await openConfiguredLedger(config, log);
  const intake = ledger.startIntake(log);
  log(`taking in payments to ${config.paymentAddress}`);
  return {
    async stop() {
      await intake.stop();
      await ledger.close();
    },
  };
}
