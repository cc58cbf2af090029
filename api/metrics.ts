/** What Prometheus is told. */
import { Registry } from 'prom-client';
import type { Ledger } from '../ledger/index.ts';
import { registerLedgerMetrics } from './metrics/ledger-metrics.ts';
import { registerPostingMetrics } from './metrics/posting-metrics.ts';
import { processMetrics } from './metrics/process-metrics.ts';
import { registerRequestMetrics } from './metrics/request-metrics.ts';
import { registerWebhookMetrics } from './metrics/webhook-metrics.ts';
import type { ObservedRequest } from './observe-requests.ts';

export interface ApiMetrics {
  readonly contentType: string;
  /** Everything, as Prometheus reads it. */
  text(): Promise<string>;
  requestObserved(request: ObservedRequest): void;
}

/** The metrics of one API: of its requests, of what it posts, and of the whole ledger. */
export function openMetrics(ledger: Ledger): ApiMetrics {
  const registry = new Registry();
  registerLedgerMetrics(registry, ledger);
  registerWebhookMetrics(registry, ledger);
  registerPostingMetrics(registry, ledger.monitoring);
  const requestObserved = registerRequestMetrics(registry);
  return {
    contentType: registry.contentType,
    text: async () => `${await registry.metrics()}\n${await processMetrics().metrics()}`,
    requestObserved,
  };
}
