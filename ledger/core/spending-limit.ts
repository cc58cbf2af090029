/**
 * What a Secure Key or a grant may spend in a day, a week, a month, or ever. Periods are those of UTC: a day begins at
 * 00:00:00, a week on Monday, a month on its first day.
 *
 * What counts in a period are the debits and captures that are booked in it and were authorised by the credential, a
 * capture by the one that placed the hold, less what was reversed of them, whenever that was. What it holds counts until
 * the hold closes, in whichever period: so a capture never goes beyond the limit.
 *
 * Example, 100 a day: debits of 60 and 30, and a hold of 10 placed at 23:59, leave nothing. At 00:00 they leave 90, as
 * the hold is still open. Captured whole at 00:05, it has used 10 of the new day; a debit of yesterday that is reversed
 * now gives nothing back to today.
 */
import type { Book } from './book.ts';
import { amountOf, type Hold } from './hold.ts';
import { DAY, type Instant } from './instant.ts';
import type { Refusal } from './refusal.ts';

export const LIMIT_PERIODS = ['day', 'week', 'month', 'lifetime'] as const;
export type LimitPeriod = (typeof LIMIT_PERIODS)[number];

/** A limit with what was used of it. */
export interface SpendingLimit {
  /** The key or grant whose it is: numbers of an account are of either. */
  readonly keyNumber: number;
  /** More than 0. */
  readonly limitMicrocredits: bigint;
  readonly period: LimitPeriod;
  /** The beginning of the period that `usedMicrocredits` is of. It may have ended: then nothing is used yet. */
  readonly periodStart: Instant;
  readonly usedMicrocredits: bigint;
}

/** What is left of a limit, and until when that is so. */
export interface LimitStanding {
  readonly limitMicrocredits: bigint;
  /** What else may be spent or held now; 0 where the limit was lowered below what is used. */
  readonly remainingMicrocredits: bigint;
  /** When the next period begins; null: never. */
  readonly resetsAt: Instant | null;
}

/** The last beginning of a period by `instant`, that instant included; 0 for the one that has no other. */
export function periodStartOf(period: LimitPeriod, instant: Instant): Instant {
  const day = floorDiv(instant, DAY);
  switch (period) {
    case 'day':
      return day * DAY;
    case 'week':
      // Day 0, 1970-01-01, was a Thursday: three days after a Monday.
      return (day - modulo(day + 3n, 7n)) * DAY;
    case 'month':
      return (day - dayOfMonth(day) + 1n) * DAY;
    case 'lifetime':
      return 0n;
  }
}

/** When the period that began at `start` ends and the next one begins; null: never. */
export function periodEndOf(period: LimitPeriod, start: Instant): Instant | null {
  switch (period) {
    case 'day':
      return start + DAY;
    case 'week':
      return start + 7n * DAY;
    case 'month':
      // 31 days after the first of a month is some day of the next one.
      return periodStartOf('month', start + 31n * DAY);
    case 'lifetime':
      return null;
  }
}

/** Where a limit stands at `instant`, with the holds of its book. */
export function standingOf(limit: SpendingLimit, holds: readonly Hold[], instant: Instant): LimitStanding {
  const { keyNumber, limitMicrocredits, period } = limit;
  const left = limitMicrocredits - usedAt(limit, instant) - heldBy(holds, keyNumber);
  return {
    limitMicrocredits,
    remainingMicrocredits: left > 0n ? left : 0n,
    resetsAt: periodEndOf(period, periodStartOf(period, instant)),
  };
}

/**
 * Why the credential may not spend or hold `amountMicrocredits` (more than 0): it would go beyond its limit. Null when it
 * may, or has none. Expects a book advanced to `instant`.
 */
export function limitProblem(
  book: Book,
  keyNumber: number | null,
  amountMicrocredits: bigint,
  instant: Instant,
): Refusal | null {
  const limit = limitOf(book, keyNumber);
  if (!limit) return null;
  const standing = standingOf(limit, book.holds, instant);
  if (amountMicrocredits <= standing.remainingMicrocredits) return null;
  return { code: 'key_limit_exceeded', ...standing, requiredMicrocredits: amountMicrocredits };
}

/** The limits after the credential has spent so much at `instant`. */
export function withSpent(
  limits: readonly SpendingLimit[],
  keyNumber: number | null,
  amountMicrocredits: bigint,
  instant: Instant,
): readonly SpendingLimit[] {
  return replaced(limits, keyNumber, limit => {
    const periodStart = periodStartOf(limit.period, instant);
    return { ...limit, periodStart, usedMicrocredits: usedAt(limit, instant) + amountMicrocredits };
  });
}

/** The limits after so much was given back of what the credential had spent at `spentAt`. */
export function withReversed(
  limits: readonly SpendingLimit[],
  keyNumber: number | null,
  amountMicrocredits: bigint,
  spentAt: Instant,
): readonly SpendingLimit[] {
  return replaced(limits, keyNumber, limit => {
    if (periodStartOf(limit.period, spentAt) !== limit.periodStart) return limit;
    return { ...limit, usedMicrocredits: limit.usedMicrocredits - amountMicrocredits };
  });
}

/** What is used in the period that `instant` is in. */
export function usedAt(limit: SpendingLimit, instant: Instant): bigint {
  return periodStartOf(limit.period, instant) === limit.periodStart ? limit.usedMicrocredits : 0n;
}

/** What the credential has on hold. */
export function heldBy(holds: readonly Hold[], keyNumber: number): bigint {
  let sum = 0n;
  for (const hold of holds)
    if (hold.closedBy === null && hold.keyNumber === keyNumber) sum += amountOf(hold.takes);
  return sum;
}

function limitOf(book: Book, keyNumber: number | null): SpendingLimit | undefined {
  return book.limits.find(limit => limit.keyNumber === keyNumber);
}

function replaced(
  limits: readonly SpendingLimit[],
  keyNumber: number | null,
  change: (limit: SpendingLimit) => SpendingLimit,
): readonly SpendingLimit[] {
  if (!limits.some(limit => limit.keyNumber === keyNumber)) return limits;
  return limits.map(limit => (limit.keyNumber === keyNumber ? change(limit) : limit));
}

/**
 * Of the day with this number, counted from 1970-01-01, the day of its month, from 1. Years are taken to begin in March, so that leap days are their last,
 * and 400 of them, always 146,097 days, to repeat: as in H. Hinnant's "chrono-compatible low-level date algorithms".
 */
function dayOfMonth(dayNumber: bigint): bigint {
  const shifted = dayNumber + 719_468n;
  const dayOfEra = modulo(shifted, 146_097n);
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const month = (5n * dayOfYear + 2n) / 153n;
  return dayOfYear - (153n * month + 2n) / 5n + 1n;
}

function floorDiv(a: bigint, b: bigint): bigint {
  return (a - modulo(a, b)) / b;
}

function modulo(a: bigint, b: bigint): bigint {
  return ((a % b) + b) % b;
}
