import { Router } from 'express';
import { ALARM_KINDS, instantText, type Ledger } from '../../ledger/index.ts';
import { onlyOperators } from '../only-operators.ts';
import { onlyMethods } from '../request.ts';

/** For operators only. */
export function operatorRoutes(ledger: Ledger): Router {
  const router = Router();
  router.use(onlyOperators(ledger));

  router
    .route('/trial-balance')
    .get(async (_request, response) => {
      const balances = await ledger.trialBalance(await ledger.now());
      response.json({
        // In the smallest unit of each asset: microcredits, micro-dollars, wei. Debits less credits.
        accounts: balances.map(({ account, balance }) => ({ account, balance: balance.toString() })),
      });
    })
    .all(onlyMethods('GET'));

  router
    .route('/alarms')
    .get(async (_request, response) => {
      const alarms = await ledger.alarms();
      response.json({
        alarms: alarms.map(({ kind, subject, message, raisedAt }) => ({
          kind,
          subject,
          message,
          advice: ALARM_KINDS[kind],
          raised_at: instantText(raisedAt),
        })),
      });
    })
    .all(onlyMethods('GET'));

  return router;
}
