import { DAY, type Instant, midnightAfter } from './instant.ts';

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
  /** What of the payment has not been posted as revenue or given back. */
  readonly deferredMicrousd: bigint;
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

/** What the next midnight adds to the lot under its policy, as it stands. */
export function dueAtMidnight(lot: Lot): bigint {
  return lot.policy === 'refill' ? lot.faceMicrocredits - lot.availableMicrocredits : 0n;
}
