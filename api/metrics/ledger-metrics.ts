/** What is read from the ledger when it is asked for, so that every API process tells the same. */
import { Gauge, type Registry } from 'prom-client';
import { ALARM_KINDS, type Ledger } from '../../ledger/index.ts';
import { creditsText, decimalText } from '../amount-text.ts';

export function registerLedgerMetrics(registry: Registry, ledger: Ledger): void {
  const registers = [registry];
  registerAlarms(registry, ledger);
  new Gauge({
    name: 'credits_sweep_lag_seconds',
    help: 'How far the midnight sweep is behind the newest midnight.',
    registers,
    async collect() {
      this.set(await ledger.sweepLagSeconds(await ledger.now()));
    },
  });
  new Gauge({
    name: 'credits_seal_age_seconds',
    help: 'How long ago the newest seal of all books was through; +Inf while there is none.',
    registers,
    async collect() {
      this.set(await ledger.seals.ageSeconds(await ledger.now()));
    },
  });
  new Gauge({
    name: 'credits_indexer_lag_seconds',
    help: 'The age of the newest block that the indexer has; +Inf while it has none.',
    registers,
    async collect() {
      this.set((await ledger.indexerLag(await ledger.now())).seconds);
    },
  });
  new Gauge({
    name: 'credits_indexer_lag_blocks',
    help: 'How many blocks the chain has beyond the newest one that the indexer has, as the worker last saw it.',
    registers,
    async collect() {
      this.set((await ledger.indexerLag(await ledger.now())).blocks);
    },
  });
  new Gauge({
    name: 'credits_suspense_receipts',
    help: 'Payments that are nobody’s yet; GET /v1/operator/suspense lists them.',
    registers,
    async collect() {
      this.set((await ledger.monitoring.suspenseTotals()).receiptCount);
    },
  });
  new Gauge({
    name: 'credits_suspense_eth',
    help: 'What the payments add up to that are nobody’s yet, in ETH.',
    registers,
    async collect() {
      // A figure to watch, rounded to what a float holds; exact amounts are in the books.
      this.set(Number(decimalText((await ledger.monitoring.suspenseTotals()).amountWei, 18)));
    },
  });
  new Gauge({
    name: 'credits_open_debt_credits',
    help: 'What all customers owe together, in credits.',
    registers,
    async collect() {
      this.set(Number(creditsText(await ledger.monitoring.openDebtMicrocredits())));
    },
  });
}

export function registerAlarms(registry: Registry, ledger: Pick<Ledger, 'alarms'>): void {
  new Gauge({
    name: 'credits_alarms',
    help: 'Things that a person must look at, by kind; GET /v1/operator/alarms tells which.',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      for (const kind of Object.keys(ALARM_KINDS)) this.set({ kind }, 0);
      for (const { kind } of await ledger.alarms()) this.inc({ kind });
    },
  });
}
