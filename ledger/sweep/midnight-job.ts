import { setTimeout as sleep } from 'node:timers/promises';
import { HOUR, type Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { SweepContext } from './context.ts';
import { everyFullHour } from './every-full-hour.ts';
import { repeatWhilePassing } from './repeat-while-passing.ts';
import { sweep } from './sweep.ts';

/** How long to wait for the ledger's clock before it is asked again. */
const CLOCK_MS_MAX = 1000;

export interface MidnightJob {
  /** Ends after what is in flight. */
  stop(): Promise<void>;
}

/** Calls `tick` at instants of a machine's clock until the function it returns is called. */
export type Schedule = (tick: (instant: Instant) => void) => () => void;

/**
 * Sweeps what time has made due: at once, at every midnight UTC, and every hour for what falls due in between. Errors
 * are logged; the next sweep does everything that is due, whatever became of the one before.
 */
export function startMidnightJob(context: SweepContext, schedule: Schedule = everyFullHour): MidnightJob {
  const stopping = new AbortController();
  // The newest instant to sweep through; one that comes during a sweep is swept through after it.
  let wanted: Instant | null = null;
  let running: Promise<void> | null = null;
  const drain = async () => {
    while (wanted !== null && !stopping.signal.aborted) {
      const instant = wanted;
      wanted = null;
      await sweepAt(context, instant, stopping.signal);
    }
    running = null;
  };
  const tick = (instant: Instant) => {
    wanted = instant;
    running ??= drain();
  };
  const unschedule = schedule(tick);
  // Whatever time it is.
  tick(0n);
  return {
    async stop() {
      unschedule();
      stopping.abort();
      await running;
    },
  };
}

async function sweepAt(context: SweepContext, instant: Instant, stopping: AbortSignal): Promise<void> {
  try {
    await clockReaches(context, instant, stopping);
    const startedAt = performance.now();
    const { through, bookCount, failedCount } = await sweep(context, stopping);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const failed = failedCount === 0 ? '' : `, ${failedCount} failed`;
    context.log(`swept through ${wholeSecond(through)}: ${bookCount} books${failed}, ${seconds} s`);
  } catch (error) {
    if (stopping.aborted) context.log('stopped before everything was swept; the next sweep does the rest');
    else context.log(`could not sweep, trying again within the hour: ${describe(error)}`);
    return;
  }
  try {
    await context.afterSweep?.();
  } catch (error) {
    context.log(`could not do what follows a sweep, trying again within the hour: ${describe(error)}`);
  }
}

/**
 * Waits until the ledger's clock has come to `instant`: this machine's may be a little ahead of it, and a sweep just
 * before midnight would leave the midnight for an hour. Not for one that is further away than the next tick.
 */
async function clockReaches(context: SweepContext, instant: Instant, stopping: AbortSignal): Promise<void> {
  for (;;) {
    const now = await repeatWhilePassing(context.now, stopping, () => {});
    const ahead = instant - now;
    if (ahead <= 0n || ahead >= HOUR) return;
    // One more, as the rest of a millisecond is cut off.
    const ms = Number(ahead / 1000n) + 1;
    await sleep(Math.min(ms, CLOCK_MS_MAX), undefined, { signal: stopping });
  }
}

/** The second that `instant` is in: `2026-03-02T00:00:00Z`. */
function wholeSecond(instant: Instant): string {
  return `${instantText(instant).slice(0, '2026-03-02T00:00:00'.length)}Z`;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
