import { setTimeout as sleep } from 'node:timers/promises';
import { isPassing } from '../posting/passing-errors.ts';
import type { CardContext } from './context.ts';
import { reconcileLists } from './reconcile.ts';
import { isStripeAway, takeHints } from './take-hints.ts';

/** How often hints are looked for: a look at an empty table. */
const POLL_MS = 250;
/** How often Stripe's lists are gone through. */
const RECONCILE_MS = 600_000;
/** After Stripe or the database was away. */
const PAUSE_MS = 2_000;

export interface CardWorker {
  /** Finishes the payment that is under way, then ends. */
  stop(): Promise<void>;
}

interface CardWorkerContext extends CardContext {
  /** Throws unless the Stripe account is this installation's. */
  readonly verify: () => Promise<void>;
}

export interface CardWorkerOptions {
  /** How often Stripe's lists are gone through, in milliseconds; every ten minutes when left out. */
  readonly reconcileMs?: number | undefined;
}

/** Takes in card payments until stopped: what webhooks told, and what Stripe's lists tell. Any number may run at once. */
export function startCardWorker(
  context: CardWorkerContext,
  { reconcileMs = RECONCILE_MS }: CardWorkerOptions = {},
): CardWorker {
  const stopping = new AbortController();
  const done = run(context, reconcileMs, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

async function run(context: CardWorkerContext, reconcileMs: number, stopping: AbortSignal): Promise<void> {
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopping }).catch(() => {});
  let reconcileAt = performance.now();
  let lastError = '';
  while (!stopping.aborted) {
    try {
      await context.verify();
      if (performance.now() >= reconcileAt) {
        await reconcileLists(context, await context.now());
        reconcileAt = performance.now() + reconcileMs;
      }
      const left = await takeHints(context);
      if (lastError !== '') context.log('card payments are taken in again');
      lastError = '';
      await pause(left > 0 ? PAUSE_MS : POLL_MS);
    } catch (error) {
      const message = describe(error);
      if (message !== lastError) context.log(`card payments could not be taken in, trying again: ${message}`);
      lastError = message;
      await pause(PAUSE_MS);
    }
  }
}

/** What is away is one line; anything else is a fault whose place must be known. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isPassing(error) || isStripeAway(error) ? error.message : (error.stack ?? error.message);
}
