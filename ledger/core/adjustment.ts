import { addLot } from './add-lot.ts';
import { lesserOf } from './amount.ts';
import { availableOf, type Book, renewsAt } from './book.ts';
import { accepted, type Decision, refused } from './decision.ts';
import { Draft } from './draft.ts';
import { closeWithoutFace } from './earned.ts';
import type { Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import type { RenewalPolicy } from './lot.ts';

export interface AdjustmentCommand {
  readonly type: 'adjustment';
  readonly identity: CommandIdentity;
  /** More than 0 gives credits, less than 0 takes them; never 0. */
  readonly amountMicrocredits: bigint;
  /** What midnight does to the credits that are given. */
  readonly policy: RenewalPolicy;
  /** Says who asked and why. */
  readonly details: string;
}

/** What an adjustment asks for, always written the same way: its digest tells later what was given or taken. */
export function adjustmentPayload(
  asked: Pick<AdjustmentCommand, 'amountMicrocredits' | 'policy' | 'details'>,
): string {
  return `adjust ${asked.amountMicrocredits} ${asked.policy} ${asked.details}`;
}

/**
 * Gives credits that nobody paid for, as a lot of their own which settles debt first; or takes available credits in
 * burn order, for good, so that they do not renew, which is refused when they do not suffice: an adjustment never makes
 * a debt. Expects a book advanced to
 * `instant`.
 */
export function adjust(book: Book, command: AdjustmentCommand, instant: Instant): Decision {
  const { identity, amountMicrocredits, policy, details } = command;
  if (amountMicrocredits === 0n) throw new Error('an adjustment must not be zero');
  const draft = new Draft(book);
  const amount = amountMicrocredits > 0n ? amountMicrocredits : -amountMicrocredits;
  if (amountMicrocredits > 0n) {
    addLot(
      draft,
      {
        creditsMicrocredits: amount,
        paidMicrousd: 0n,
        addedAt: instant,
        policy,
        from: 'CREDIT:issued',
        restoresLotId: null,
      },
      instant,
    );
  } else {
    const available = availableOf(book);
    if (available < amount)
      return refused({
        code: 'insufficient_credits',
        availableMicrocredits: available,
        requiredMicrocredits: amount,
        renewsAt: renewsAt(book, instant),
      });
    for (const { lotId, amountMicrocredits: taken } of draft.burn('CREDIT:clawed_back', amount)) {
      const lot = draft.lot(lotId);
      if (!lot) throw new Error(`lot ${lotId} is not in the book`);
      const face = lot.faceMicrocredits - lesserOf(taken, lot.faceMicrocredits);
      draft.put({ ...lot, faceMicrocredits: face });
      closeWithoutFace(draft, lotId, instant);
    }
  }
  return accepted(
    draft.close({ kind: 'adjustment', instant, identity, amountMicrocredits: amount, details }),
  );
}
