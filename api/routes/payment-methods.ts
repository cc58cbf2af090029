import { Router } from 'express';
import type { Ledger } from '../../ledger/index.ts';
import { onlyMethods } from '../request.ts';

/** How an order can be paid here: for anybody, before there is one. */
export function paymentMethodRoutes(ledger: Ledger): Router {
  const router = Router();
  router
    .route('/')
    .get((_request, response) => {
      response.json({ methods: ledger.cards ? ['eth', 'card'] : ['eth'] });
    })
    .all(onlyMethods('GET'));
  return router;
}
