/** What Prometheus is told. Read from the ledger when it is asked for, so that every API process tells the same. */
import { Gauge, Registry } from 'prom-client';
import { ALARM_KINDS, type Ledger } from '../ledger/index.ts';

export function ledgerMetrics(ledger: Pick<Ledger, 'alarms' | 'sweepLagSeconds' | 'now'>): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'credits_alarms',
    help: 'Things that a person must look at, by kind; GET /v1/operator/alarms tells which.',
    labelNames: ['kind'],
    registers,
    async collect() {
      for (const kind of Object.keys(ALARM_KINDS)) this.set({ kind }, 0);
      for (const { kind } of await ledger.alarms()) this.inc({ kind });
    },
  });
  new Gauge({
    name: 'credits_sweep_lag_seconds',
    help: 'How far the midnight sweep is behind the newest midnight.',
    registers,
    async collect() {
      this.set(await ledger.sweepLagSeconds(await ledger.now()));
    },
  });
  return registry;
}
