import { lesserOf, microcreditsOf, microusdFor } from './amount.ts';
import type { Book, Step } from './book.ts';
import { Draft } from './draft.ts';
import { closeWithoutFace, earnedOf } from './earned.ts';
import { type Instant, laterOf } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import type { Lot } from './lot.ts';
import { lotsOfPayment } from './lots-of-payment.ts';

export interface ClawbackCommand {
  readonly type: 'clawback';
  readonly identity: CommandIdentity;
  /** The lot of the payment that is taken back. It and those that restored it must be in the book, also when closed. */
  readonly lotId: bigint;
  /** What of the payment is taken back, more than 0 and at most what is left of it. */
  readonly amountMicrousd: bigint;
  readonly details: string | null;
}

/**
 * Takes back the credits of money that was taken back: unreleased ones first, then available ones; what was
 * already spent, or had settled debt, becomes debt. The face falls by as much, and at zero the lot closes. Held
 * credits are left alone, and renewals that were spent are never owed. Of the money, what is not earned by now is given
 * back first; the rest is a refund out of revenue. A payment that came again has several lots: the newest gives back
 * first. Of credits that the operator took away before, nothing is owed. Cannot be refused. Expects a book advanced to `instant`.
 */
export function clawback(book: Book, command: ClawbackCommand, instant: Instant): Step {
  const { identity, lotId, amountMicrousd, details } = command;
  const lots = lotsOfPayment(book, lotId);
  const bought = lots.at(-1);
  if (!bought) throw new Error(`lot ${lotId} is not in the book`);
  const returnedMicrousd = bought.returnedMicrousd + amountMicrousd;
  if (amountMicrousd <= 0n || returnedMicrousd > bought.paidMicrousd)
    throw new Error(`clawback of ${amountMicrousd} micro-dollars, more than is left of lot ${lotId}`);
  const draft = new Draft(book);
  draft.put({ ...bought, returnedMicrousd });
  let rest = microcreditsOf(amountMicrousd);
  let restMicrousd = amountMicrousd;
  for (const lot of lots) {
    const part = lesserOf(rest, obligationOf(lot));
    // Rounded up, as the payment was when it came again: a lot may be worth a part of a micro-dollar.
    const partMicrousd = lot.id === lotId ? restMicrousd : lesserOf(microusdFor(part), restMicrousd);
    if (part > 0n || partMicrousd > 0n)
      clawBackFrom(draft, lot.id, { microcredits: part, microusd: partMicrousd }, instant);
    rest -= part;
    restMicrousd -= partMicrousd;
  }
  const amountMicrocredits = microcreditsOf(amountMicrousd) - rest;
  return draft.close({ kind: 'clawback', instant, identity, amountMicrocredits, details });
}

/** What the owner of a lot has to give back when its payment is taken back whole: never above what they have had. */
function obligationOf(lot: Lot): bigint {
  return lot.faceMicrocredits + lot.settledMicrocredits;
}

function clawBackFrom(
  draft: Draft,
  lotId: bigint,
  part: { readonly microcredits: bigint; readonly microusd: bigint },
  instant: Instant,
): void {
  const lot = draft.lot(lotId);
  if (!lot) throw new Error(`lot ${lotId} is not in the book`);
  const fromFace = lesserOf(part.microcredits, lot.faceMicrocredits);
  const fromUnreleased = lesserOf(fromFace, lot.unreleasedMicrocredits);
  const fromAvailable = lesserOf(fromFace - fromUnreleased, lot.availableMicrocredits);
  const shortfall = part.microcredits - fromUnreleased - fromAvailable;
  const face = lot.faceMicrocredits - fromFace;
  const earned = earnedOf(lot, instant);
  const wasClosed = lot.faceMicrocredits === 0n;
  draft.put({
    ...lot,
    faceMicrocredits: face,
    settledMicrocredits: lot.settledMicrocredits - (part.microcredits - fromFace),
    debtMicrocredits: lot.debtMicrocredits + shortfall,
    deferredAt: wasClosed ? lot.deferredAt : laterOf(instant, lot.deferredAt),
  });
  draft.move('CREDIT:unreleased', 'CREDIT:clawed_back', fromUnreleased, lotId);
  draft.move('CREDIT:available', 'CREDIT:clawed_back', fromAvailable, lotId);
  draft.move('CREDIT:debt', 'CREDIT:clawed_back', shortfall, lotId);
  draft.move('USD:revenue', 'USD:deferred_revenue', earned, lotId);
  const fromDeferred = lesserOf(part.microusd, lot.deferredMicrousd - earned);
  draft.move('USD:clearing', 'USD:deferred_revenue', fromDeferred, lotId);
  draft.move('USD:clearing', 'USD:refunds', part.microusd - fromDeferred, lotId);
  if (!wasClosed) closeWithoutFace(draft, lotId, instant);
}
