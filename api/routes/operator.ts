import { Router } from 'express';
import type { Ledger } from '../../ledger/index.ts';
import { Problem } from '../problem.ts';
import { onlyMethods, readBearer } from '../request.ts';

/** For operators only. */
export function operatorRoutes(ledger: Ledger): Router {
  const router = Router();
  router.use(async (request, _response, next) => {
    const operator = await ledger.authenticateOperator(readBearer(request, 'an operator token'));
    if (operator === null)
      throw new Problem('credential_invalid', 'This operator token is not valid: make one with the CLI.');
    next();
  });

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

  return router;
}
