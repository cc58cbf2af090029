import type { Router } from 'express';
import type { Ledger } from '../../ledger/index.ts';
import { createUsage } from '../contract/usage.ts';
import { Serving } from '../serve.ts';
import { findSpender } from '../spender.ts';
import { answeredEntry, entryJson, pricingOf, usageOf } from '../spending.ts';

/** Spending by what was used of a model. */
export function usageRoutes(ledger: Ledger, publicUrl: string): Router {
  return new Serving(ledger)
    .on(createUsage, async ({ caller: service, body, idempotencyKey, response }) => {
      const { accountId, keyNumber } = await findSpender(ledger, service, body);
      const outcome = await ledger.rates.debit({
        ...{ serviceId: service.serviceId, accountId, keyNumber, idempotencyKey },
        usage: usageOf(body),
        description: body.description ?? null,
      });
      const entry = answeredEntry(outcome, response, {
        publicUrl,
        amountMicrocredits: null,
        done: 'debited',
      });
      return { ...entryJson(entry), ...pricingOf(entry) };
    })
    .refuseOtherMethods();
}
