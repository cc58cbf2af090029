import type { Router } from 'express';
import type { Ledger } from '../../ledger/index.ts';
import { getHealth, getMetrics, getReadiness } from '../contract/system.ts';
import { ledgerMetrics } from '../metrics.ts';
import { noStore } from '../no-store.ts';
import { onlyOperators } from '../only-operators.ts';
import { Serving } from '../serve.ts';

/** What those who run it ask of a process. */
export function systemRoutes(ledger: Ledger): Router {
  const metrics = ledgerMetrics(ledger);
  return (
    new Serving(ledger)
      .on(getHealth, async () => ({ status: 'ok' as const }))
      .on(getReadiness, async () => {
        await ledger.ping();
        return { status: 'ready' as const };
      })
      // Operators, whose token a scraper sends as Authorization: Bearer.
      .handle(getMetrics, onlyOperators(ledger), noStore, async (_request, response) => {
        response.type(metrics.contentType).send(await metrics.metrics());
      })
      .refuseOtherMethods()
  );
}
