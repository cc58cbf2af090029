import type { Router } from 'express';
import type { Ledger } from '../../ledger/index.ts';
import { getHealth, getMetrics, getReadiness } from '../contract/system.ts';
import type { ApiMetrics } from '../metrics.ts';
import { noStore } from '../no-store.ts';
import { onlyOperators } from '../only-operators.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

/** What those who run it ask of a process. */
export function systemRoutes(ledger: Ledger, metrics: ApiMetrics): Router {
  return (
    new Serving(ledger)
      .on(getHealth, async () => ({ status: 'ok' as const }))
      .on(getReadiness, async () => {
        const { database, missingMigrations, rpc } = await ledger.monitoring.readiness();
        const checks = {
          database: database ? ('ok' as const) : ('away' as const),
          schema: schemaCheck(database, missingMigrations),
          rpc: rpc ? ('ok' as const) : ('away' as const),
        };
        if (!database)
          throw new Problem(
            'temporarily_unavailable',
            'The database is away, so nothing can be debited: try again shortly.',
            {
              checks,
            },
          );
        if (checks.schema !== 'ok')
          throw new Problem(
            'temporarily_unavailable',
            `The database lacks ${missingMigrations.join(', ')}: run \`npm run migrate\` as its owner.`,
            { checks },
          );
        return { status: 'ready' as const, checks };
      })
      // Operators, whose token a scraper sends as Authorization: Bearer.
      .handle(getMetrics, onlyOperators(ledger), noStore, async (_request, response) => {
        response.type(metrics.contentType).send(await metrics.text());
      })
      .refuseOtherMethods()
  );
}

function schemaCheck(database: boolean, missingMigrations: readonly string[]): 'ok' | 'outdated' | 'unknown' {
  if (!database) return 'unknown';
  return missingMigrations.length === 0 ? 'ok' : 'outdated';
}
