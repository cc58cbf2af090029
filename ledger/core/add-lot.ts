import { lesserOf, MICROCREDITS_PER_MICROUSD } from './amount.ts';
import type { LedgerAccount } from './chart.ts';
import type { Draft } from './draft.ts';
import type { Instant } from './instant.ts';
import { LOT_LIFE, type Lot, type RenewalPolicy, releasedBy } from './lot.ts';

/** A lot to be added. */
export interface NewLot {
  /** What its owner is to have, more than 0; what settles debt is part of it. */
  readonly creditsMicrocredits: bigint;
  /** What was paid for it; 0 when nothing was. */
  readonly paidMicrousd: bigint;
  readonly addedAt: Instant;
  readonly policy: RenewalPolicy;
  /** Where the credits come from. */
  readonly from: LedgerAccount;
  readonly restoresLotId: bigint | null;
}

/**
 * Adds a lot that has the number of the entry. Open debt is settled first, out of it: its face falls by as much, and
 * that part of the payment is earned, as the credits had been used before. Under `installments` those are released that
 * are due by `instant`: the first, and one for each midnight that has passed since a payment that was noticed late.
 */
export function addLot(draft: Draft, lot: NewLot, instant: Instant): void {
  const { creditsMicrocredits, paidMicrousd, addedAt, policy, from, restoresLotId } = lot;
  const id = draft.seq;
  const settled = lesserOf(creditsMicrocredits, draft.debtMicrocredits);
  const face = creditsMicrocredits - settled;
  const added: Lot = {
    id,
    addedAt,
    expiresAt: addedAt + LOT_LIFE,
    policy,
    faceMicrocredits: face,
    availableMicrocredits: 0n,
    heldMicrocredits: 0n,
    unreleasedMicrocredits: 0n,
    settledMicrocredits: settled,
    paidMicrousd,
    returnedMicrousd: 0n,
    deferredMicrousd: 0n,
    deferredAt: addedAt,
    debtMicrocredits: 0n,
    restoresLotId,
    open: true,
  };
  draft.put(added);
  draft.settleDebt(from, settled, id);
  const released = releasedBy(added, instant);
  draft.move(from, 'CREDIT:available', released, id);
  draft.move(from, 'CREDIT:unreleased', face - released, id);
  if (paidMicrousd === 0n) return;
  draft.move('USD:deferred_revenue', 'USD:clearing', paidMicrousd, id);
  // Rounded down while some of it is to come; a lot that is spent whole has earned all.
  const earned = face === 0n ? paidMicrousd : settled / MICROCREDITS_PER_MICROUSD;
  draft.move('USD:revenue', 'USD:deferred_revenue', earned, id);
}
