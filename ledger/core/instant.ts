/** An instant: microseconds since 1970-01-01T00:00:00Z. The core never asks for one; it is always passed in. */
export type Instant = bigint;

export const MICROSECONDS_PER_SECOND = 1_000_000n;
export const SECOND = MICROSECONDS_PER_SECOND;
export const MINUTE = 60n * SECOND;
export const HOUR = 60n * MINUTE;
/** A day of the books is exactly 86,400 s: UTC midnights are its multiples, as in POSIX time. */
export const DAY = 24n * HOUR;

/** The first 00:00:00 UTC strictly after `instant`. */
export function midnightAfter(instant: Instant): Instant {
  const sinceMidnight = ((instant % DAY) + DAY) % DAY;
  return instant - sinceMidnight + DAY;
}

/** The instant of a block's or a feed's timestamp, which is in whole seconds. */
export function instantOfSeconds(seconds: bigint): Instant {
  return seconds * MICROSECONDS_PER_SECOND;
}

export function laterOf(a: Instant, b: Instant): Instant {
  return a > b ? a : b;
}

export function earlierOf(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}
