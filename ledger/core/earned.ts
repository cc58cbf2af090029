/**
 * How much of a payment is earned: a function of the lot and the instant, posted only when the lot expires or closes or
 * its payment is taken back. In between it is only computed.
 */
import { ceilingOf, microusdFor } from './amount.ts';
import type { Draft } from './draft.ts';
import { type Instant, laterOf } from './instant.ts';
import type { Lot } from './lot.ts';

/**
 * What of the lot's deferred micro-dollars is earned by `instant`, rounded down: for `none` by use, at the rate at which
 * its credits were bought; for the others evenly over its life, since each day brings as many credits.
 */
export function earnedOf(lot: Lot, instant: Instant): bigint {
  const { deferredMicrousd } = lot;
  if (lot.policy === 'none') {
    const unused = lot.availableMicrocredits + lot.heldMicrocredits;
    const unearned = microusdFor(unused);
    return unearned < deferredMicrousd ? deferredMicrousd - unearned : 0n;
  }
  if (instant >= lot.expiresAt) return deferredMicrousd;
  const ahead = lot.expiresAt - laterOf(instant, lot.deferredAt);
  return deferredMicrousd - ceilingOf(deferredMicrousd * ahead, lot.expiresAt - lot.deferredAt);
}

/** A lot that loses its face at `instant` is closed: what is still deferred of its payment is earned. */
export function closeWithoutFace(draft: Draft, lotId: bigint, instant: Instant): void {
  const lot = draft.lot(lotId);
  if (lot?.faceMicrocredits !== 0n) return;
  draft.put({ ...lot, deferredAt: laterOf(instant, lot.deferredAt) });
  draft.move('USD:revenue', 'USD:deferred_revenue', lot.deferredMicrousd, lotId);
}
