/** What became of the messages to customers' servers, read from the ledger as all workers have left it there. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Ledger } from '../../ledger/index.ts';

export function registerWebhookMetrics(registry: Registry, ledger: Ledger): void {
  const registers = [registry];
  const { monitoring } = ledger;
  new Counter({
    name: 'credits_webhook_attempts_total',
    help: 'Attempts to deliver a webhook, by what became of the message: delivered, retried later, or given_up.',
    labelNames: ['outcome'],
    registers,
    async collect() {
      const counts = await monitoring.webhookAttempts();
      // It is the ledger that counts, over all processes and restarts.
      this.reset();
      for (const [outcome, attempts] of Object.entries(counts)) this.inc({ outcome }, Number(attempts));
    },
  });
  new Gauge({
    name: 'credits_webhook_endpoints',
    help: 'Endpoints of customers that are failing, or paused after that; up to 10,000 of each are counted.',
    labelNames: ['state'],
    registers,
    async collect() {
      for (const [state, count] of Object.entries(await monitoring.webhookEndpointTroubles()))
        this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'credits_webhook_lag_seconds',
    help: 'How long the webhook that is due for longest waits for a worker; NaN while too much waits at paused endpoints to tell.',
    registers,
    async collect() {
      const lag = await monitoring.webhookLag(await ledger.now());
      this.set(lag === null ? Number.NaN : Number(lag) / 1e6);
    },
  });
}
