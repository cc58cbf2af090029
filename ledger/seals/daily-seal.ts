import { DAY, midnightAfter } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import { makeSeal, type SealContext } from './make-seal.ts';
import { SealRefusedError } from './seal-refused-error.ts';
import { hexOf, readNewestSeal } from './seal-rows.ts';

/**
 * Makes the seal through the newest midnight UTC, unless there is one by then: for the worker, after each sweep. What
 * keeps it from being made is said in the log, and the next sweep tries again.
 */
export async function sealNewestMidnight(context: SealContext, log: (line: string) => void): Promise<void> {
  // A seal through the very instant that it is now has nothing behind it yet.
  const midnight = midnightAfter((await context.now()) - 1n) - DAY;
  const newest = await readNewestSeal(context.pool);
  if (newest !== null && newest.through >= midnight) return;
  try {
    const seal = await makeSeal(context, midnight);
    log(`seal ${seal.number} through ${instantText(midnight)}: ${hexOf(seal.hash)}`);
  } catch (error) {
    if (!(error instanceof SealRefusedError)) throw error;
    log(`no seal through ${instantText(midnight)} yet: ${error.message}`);
  }
}
