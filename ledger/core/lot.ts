import { lesserOf } from './amount.ts';
import { DAY, earlierOf, type Instant, midnightAfter } from './instant.ts';

/** A lot lives in [added_at, added_at + 30 days). */
export const LOT_LIFE = 30n * DAY;

/** What 00:00:00 UTC does to a lot. Snapshotted when the lot is added. */
export type RenewalPolicy = 'refill' | 'none' | 'installments';

/** Credits added by one cause at one instant. Its id is the number of the entry that added it. */
export interface Lot {
  readonly id: bigint;
  readonly addedAt: Instant;
  readonly expiresAt: Instant;
  readonly policy: RenewalPolicy;
  readonly faceMicrocredits: bigint;
  readonly availableMicrocredits: bigint;
  readonly heldMicrocredits: bigint;
  readonly unreleasedMicrocredits: bigint;
  /** What of it settled debt when it was added: never in its face, and owed again should its payment be taken back. */
  readonly settledMicrocredits: bigint;
  /** What was paid for it; 0 for credits that were not bought. */
  readonly paidMicrousd: bigint;
  /** What of the payment is with the payer again: taken back and not restored. */
  readonly returnedMicrousd: bigint;
  /** What of the payment has not been posted as revenue or given back. */
  readonly deferredMicrousd: bigint;
  /** When `deferredMicrousd` was last posted to, or the lot lost its face: what is earned by time is counted from here. */
  readonly deferredAt: Instant;
  /** What is owed because this lot's payment was taken back after its credits had been spent. */
  readonly debtMicrocredits: bigint;
  /** The lot whose payment was taken back and came again, where this lot gives it back; null otherwise. */
  readonly restoresLotId: bigint | null;
  /** False once nothing can happen to it any more: it is then no longer loaded. */
  readonly open: boolean;
}

/** Burn order: soonest expiry, then earliest added, then id. A total order, as ids are unique in a book. */
export function compareBurnOrder(a: Lot, b: Lot): number {
  if (a.expiresAt !== b.expiresAt) return a.expiresAt < b.expiresAt ? -1 : 1;
  if (a.addedAt !== b.addedAt) return a.addedAt < b.addedAt ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** The lot's first midnight after `instant` that lies strictly inside its life, or null when none is left. */
export function nextMidnightOfLife(lot: Lot, instant: Instant): Instant | null {
  const midnight = midnightAfter(instant > lot.addedAt ? instant : lot.addedAt);
  return midnight < lot.expiresAt ? midnight : null;
}

/** How many midnights of the lot's life are still to come after `instant`. */
export function midnightsLeft(lot: Lot, instant: Instant): number {
  const next = nextMidnightOfLife(lot, instant);
  return next === null ? 0 : Number((lot.expiresAt - 1n - next) / DAY) + 1;
}

/** Whether the lot has renewed in (`since`, `until`]. One that was closed has not renewed since it was. */
export function hasRenewed(lot: Lot, since: Instant, until: Instant): boolean {
  if (lot.policy !== 'refill') return false;
  const midnight = nextMidnightOfLife(lot, since);
  // When a lot lost its face is noted with what is deferred.
  const last = lot.faceMicrocredits === 0n ? earlierOf(until, lot.deferredAt) : until;
  return midnight !== null && midnight <= last;
}

/** What the next midnight renews of the lot, as it stands. What is held is on top of its face. */
export function dueAtMidnight(lot: Lot): bigint {
  if (lot.policy !== 'refill' || lot.availableMicrocredits >= lot.faceMicrocredits) return 0n;
  return lot.faceMicrocredits - lot.availableMicrocredits;
}

/**
 * Installments are so many and of one size, but the last, which brings the remainder. The first comes with the lot, the
 * others at the first midnights of its life.
 */
const INSTALLMENTS = 30n;

/** What of a new lot's face can be spent at `instant`: all of it, or the installments that are due by then. */
export function releasedBy(lot: Lot, instant: Instant): bigint {
  if (lot.policy !== 'installments') return lot.faceMicrocredits;
  const first = midnightAfter(lot.addedAt);
  const due = instant < first ? 1n : (instant - first) / DAY + 2n;
  return due >= INSTALLMENTS ? lot.faceMicrocredits : due * (lot.faceMicrocredits / INSTALLMENTS);
}

/** What the lot releases at `midnight`, a midnight strictly inside its life: its nth brings installment n + 1. */
export function releasedAt(lot: Lot, midnight: Instant): bigint {
  if (lot.policy !== 'installments') return 0n;
  const number = (midnight - midnightAfter(lot.addedAt)) / DAY + 2n;
  return number >= INSTALLMENTS
    ? lot.unreleasedMicrocredits
    : lesserOf(lot.faceMicrocredits / INSTALLMENTS, lot.unreleasedMicrocredits);
}

/**
 * Whether the lot can still be spent, renewed and given back to. One that was given back more than its face, as other
 * lots had settled its debt, outlives its face.
 */
export function isLive(lot: Lot, instant: Instant): boolean {
  return lot.expiresAt > instant && (lot.faceMicrocredits > 0n || lot.availableMicrocredits > 0n);
}

/** Whether anything can still happen to the lot at or after `instant`. */
export function isOpen(lot: Lot, instant: Instant): boolean {
  return isLive(lot, instant) || lot.heldMicrocredits > 0n || lot.debtMicrocredits > 0n;
}
