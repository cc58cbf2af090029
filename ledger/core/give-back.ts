import type { Draft } from './draft.ts';
import type { Take } from './hold.ts';
import type { Instant } from './instant.ts';
import { hasRenewed, isLive } from './lot.ts';

export interface GiveBackOptions {
  /** Where the credits are: still held, or already consumed. */
  readonly from: 'CREDIT:held' | 'CREDIT:consumed';
  readonly takes: readonly Take[];
  readonly takenAt: Instant;
  readonly instant: Instant;
  /** Through when renewals have been posted: at a midnight holds end before lots renew. The instant when left out. */
  readonly renewedThrough?: Instant;
}

/**
 * Gives credits back to the lots they were taken from. A lot takes them back only while it is live and, under refill,
 * has not renewed since: it would have more than was ever bought. What no lot takes back is breakage. Open debt is
 * settled first; that of the very lot also when it is closed, as these are the credits that were missing when its
 * payment was taken back.
 */
export function giveBack(draft: Draft, options: GiveBackOptions): void {
  const { from, takes, takenAt, instant, renewedThrough = instant } = options;
  for (const { lotId, amountMicrocredits } of takes) {
    const lot = draft.lot(lotId);
    let rest = amountMicrocredits;
    if (lot && !hasRenewed(lot, takenAt, renewedThrough)) {
      rest -= draft.settleDebt(from, rest, lotId, [lot]);
      if (isLive(lot, instant)) {
        rest -= draft.settleDebt(from, rest, lotId);
        draft.move(from, 'CREDIT:available', rest, lotId);
        rest = 0n;
      }
    }
    draft.move(from, 'CREDIT:breakage', rest, lotId);
  }
}
