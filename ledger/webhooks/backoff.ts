import { HOUR, type Instant, SECOND } from '../core/instant.ts';

/** How often a message is tried again by itself: over about three days, 60 to 90 hours by the jitter. */
export const RETRIES = 12;

const FIRST = 10n * SECOND;
const FACTOR = 4n;
const LONGEST = 12n * HOUR;

/**
 * An endpoint is paused with a message that is given up when every attempt has failed for so long: the shortest that all
 * retries of a message can take, so it is whenever nothing else was accepted meanwhile.
 */
export const PAUSED_AFTER = 60n * HOUR;

/** In millionths, as instants are integers. */
const PARTS = 1_000_000n;

/**
 * How long to wait after the attempt that failed as the `failures`th (from 1): 10 s, 40 s, 160 s and so on up to 12 h,
 * a fifth less or more.
 * @param random A number in [0, 1).
 */
export function retryDelay(failures: number, random: number): Instant {
  const grown = FIRST * FACTOR ** BigInt(failures - 1);
  const delay = grown < LONGEST ? grown : LONGEST;
  return (delay * 4n) / 5n + (((delay * 2n) / 5n) * BigInt(Math.floor(random * Number(PARTS)))) / PARTS;
}
