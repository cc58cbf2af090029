import cron from 'node-cron';
import type { Instant } from '../core/instant.ts';

/** At 00:00:00 UTC, and at every other full hour. */
const FULL_HOURS = '0 0 * * * *';

/**
 * Calls `tick` with each full hour as this machine's clock comes to it, the midnights of UTC among them, until the
 * returned function is called. An hour that was slept through is told when the machine wakes up.
 */
export function everyFullHour(tick: (fullHour: Instant) => void): () => void {
  const tell = ({ date }: { readonly date: Date }) => tick(BigInt(date.getTime()) * 1000n);
  const task = cron.schedule(FULL_HOURS, tell, { timezone: 'Etc/UTC' });
  // More than a second late, as after a suspended machine, it is no tick to node-cron any more.
  task.on('execution:missed', tell);
  return () => void task.destroy();
}
