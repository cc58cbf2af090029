import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Monitoring } from '../../ledger/index.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

/** How this process posts: what waits, how much goes into a transaction, and how long that takes. */
export function registerPostingMetrics(registry: Registry, monitoring: Monitoring): void {
  const registers = [registry];
  const size = new Histogram({
    name: 'credits_posting_batch_commands',
    help: 'Commands in a transaction.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers,
  });
  const time = new Histogram({
    name: 'credits_posting_batch_seconds',
    help: 'How long a batch took, from its lock to its commit.',
    buckets: SECONDS,
    registers,
  });
  const wait = new Histogram({
    name: 'credits_posting_wait_seconds',
    help: 'How long the first command of a batch had waited for the batch before.',
    buckets: SECONDS,
    registers,
  });
  new Gauge({
    name: 'credits_posting_queue_commands',
    help: 'Commands that wait for their batch.',
    registers,
    collect() {
      this.set(monitoring.postingQueueLength);
    },
  });
  monitoring.observePosting({
    batchPosted({ commandCount, seconds, waitedSeconds }) {
      size.observe(commandCount);
      time.observe(seconds);
      wait.observe(waitedSeconds);
    },
  });
}
