import { setTimeout as sleep } from 'node:timers/promises';
import { OutcomeUnknownError, OverloadedError } from '../posting/lane.ts';
import { isPassing } from '../posting/passing-errors.ts';

/** How long to wait before work is tried again. */
const PAUSE_MS = 500;

/** Whether an error says something about the moment rather than about the work, also as the poster tells it. */
export function isWorthRepeating(error: unknown): boolean {
  return isPassing(error) || error instanceof OutcomeUnknownError || error instanceof OverloadedError;
}

/**
 * Does `work`, again and again while it fails for reasons that pass, which `held` is told of. Rejects with its first
 * other error, or with the reason of `stopping` once that is aborted; work that is under way is always waited for.
 */
export async function repeatWhilePassing<Value>(
  work: () => Promise<Value>,
  stopping: AbortSignal,
  held: (error: unknown) => void,
): Promise<Value> {
  for (;;) {
    stopping.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isWorthRepeating(error)) throw error;
      held(error);
      await sleep(PAUSE_MS, undefined, { signal: stopping });
    }
  }
}
