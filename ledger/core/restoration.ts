import { addLot } from './add-lot.ts';
import { lesserOf, MICROCREDITS_PER_MICROUSD, microcreditsOf } from './amount.ts';
import type { Book, Step } from './book.ts';
import { Draft } from './draft.ts';
import type { Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import { lotsOfPayment } from './lots-of-payment.ts';

export interface RestorationCommand {
  readonly type: 'restoration';
  readonly identity: CommandIdentity;
  /** The lot of the payment that came again. It and those that restored it must be in the book, also when closed. */
  readonly lotId: bigint;
  /** What of the payment came again, more than 0 and at most what had been taken back of it. */
  readonly amountMicrousd: bigint;
  readonly details: string | null;
}

/**
 * Gives back the credits of money that had been taken back and came again: a dispute was won, a refund failed. What is
 * still owed because of that payment is forgiven first; the rest is a new lot of 30 days under the same policy, which
 * settles other debt like any. Cannot be refused. Expects a book advanced to `instant`.
 */
export function restore(book: Book, command: RestorationCommand, instant: Instant): Step {
  const { identity, lotId, amountMicrousd, details } = command;
  const lots = lotsOfPayment(book, lotId);
  const bought = lots.at(-1);
  if (!bought) throw new Error(`lot ${lotId} is not in the book`);
  const given = microcreditsOf(amountMicrousd);
  const returnedMicrousd = bought.returnedMicrousd - amountMicrousd;
  if (amountMicrousd <= 0n || returnedMicrousd < 0n)
    throw new Error(
      `restoration of ${amountMicrousd} micro-dollars, more than was taken back of lot ${lotId}`,
    );

  const draft = new Draft(book);
  draft.put({ ...bought, returnedMicrousd });
  let rest = given;
  for (const { id } of [...lots].reverse()) {
    const lot = draft.lot(id);
    const forgiven = lesserOf(rest, lot?.debtMicrocredits ?? 0n);
    if (!lot || forgiven === 0n) continue;
    // Spent before, and now paid for: owed again should the payment be taken back once more.
    draft.put({
      ...lot,
      debtMicrocredits: lot.debtMicrocredits - forgiven,
      settledMicrocredits: lot.settledMicrocredits + forgiven,
    });
    draft.move('CREDIT:clawed_back', 'CREDIT:debt', forgiven, id);
    rest -= forgiven;
  }
  const earned = (given - rest) / MICROCREDITS_PER_MICROUSD;
  draft.move('USD:revenue', 'USD:clearing', rest === 0n ? amountMicrousd : earned, lotId);
  if (rest > 0n)
    addLot(
      draft,
      {
        creditsMicrocredits: rest,
        paidMicrousd: amountMicrousd - earned,
        addedAt: instant,
        policy: bought.policy,
        from: 'CREDIT:clawed_back',
        restoresLotId: lotId,
      },
      instant,
    );
  return draft.close({ kind: 'restoration', instant, identity, amountMicrocredits: given, details });
}
