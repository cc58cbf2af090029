import type { Router } from 'express';
import type { Ledger } from '../../ledger/index.ts';
import { getPaymentMethods } from '../contract/orders.ts';
import { Serving } from '../serve.ts';

/** How an order can be paid here, before there is one. */
export function paymentMethodRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(getPaymentMethods, async () => ({ methods: ledger.cards ? ['eth', 'card'] : ['eth'] }))
    .refuseOtherMethods();
}
