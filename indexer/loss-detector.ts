import type { Progress } from './progress.ts';

/** Watches one life of Ponder: tells what was dropped from under it, or undefined. Ponder itself may not notice. */
export function lossDetector(): (progress: Progress) => string | undefined {
  let wasComplete = false;
  return ({ ready, missing }) => {
    // Before it is ready it has not made everything yet.
    if (ready && missing === undefined) wasComplete = true;
    return wasComplete && missing !== undefined ? `lost ${missing}, which somebody dropped` : undefined;
  };
}
