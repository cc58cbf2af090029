import { lesserOf } from './amount.ts';
import type { Book } from './book.ts';
import { accepted, type Decision, refused } from './decision.ts';
import { Draft } from './draft.ts';
import { giveBack } from './give-back.ts';
import { amountOf, type Take } from './hold.ts';
import type { Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import { withReversed } from './spending-limit.ts';

export interface ReversalCommand {
  readonly type: 'reversal';
  readonly identity: CommandIdentity;
  /** The debit or capture that is undone, as it is recorded; null when the book has none such. */
  readonly spend: Spend | null;
  /** More than 0; null for all that is left of it. */
  readonly amountMicrocredits: bigint | null;
  readonly details: string | null;
}

/** A debit or capture, with what earlier reversals have left of it. */
export interface Spend {
  readonly id: bigint;
  readonly serviceId: number;
  /** The key or grant that authorised it: of a capture, the one that placed the hold. Null where none did. */
  readonly keyNumber: number | null;
  /** When it was booked. */
  readonly spentAt: Instant;
  /** When its credits were taken from the lots: for a capture, when the hold was placed. */
  readonly takenAt: Instant;
  /** In the order in which they were consumed. */
  readonly takes: readonly Take[];
  readonly reversedMicrocredits: bigint;
}

/**
 * Undoes a debit or a capture, in whole or in part: the last take is given back first, and reversals add up to no more
 * than was spent. Refused when the service did not spend it, or less of it is left. Expects a book advanced to
 * `instant`.
 */
export function reverse(book: Book, command: ReversalCommand, instant: Instant): Decision {
  const { identity, spend, details } = command;
  if (spend === null || spend.serviceId !== identity.serviceId) return refused({ code: 'spend_unknown' });
  const left = withoutLast(spend.takes, spend.reversedMicrocredits);
  const leftMicrocredits = amountOf(left);
  const wanted = command.amountMicrocredits ?? leftMicrocredits;
  if (command.amountMicrocredits !== null && wanted <= 0n)
    throw new Error('a reversal must be more than zero');
  if (wanted === 0n || wanted > leftMicrocredits)
    return refused({ code: 'reversal_above_spend', leftMicrocredits, requiredMicrocredits: wanted });
  const draft = new Draft(book);
  giveBack(draft, { from: 'CREDIT:consumed', takes: lastOf(left, wanted), takenAt: spend.takenAt, instant });
  draft.putLimits(withReversed(book.limits, spend.keyNumber, wanted, spend.spentAt));
  return accepted(draft.close({ kind: 'reversal', instant, identity, amountMicrocredits: wanted, details }));
}

/** The takes less the last ones, by so much: what was given back before. */
function withoutLast(takes: readonly Take[], amount: bigint): Take[] {
  const left = [...takes];
  for (const back of lastOf(takes, amount)) {
    const take = left.pop();
    if (take && take.amountMicrocredits > back.amountMicrocredits)
      left.push({ ...take, amountMicrocredits: take.amountMicrocredits - back.amountMicrocredits });
  }
  return left;
}

/** The last takes, the very last one first, that make up `amount`. */
function lastOf(takes: readonly Take[], amount: bigint): Take[] {
  const last: Take[] = [];
  let rest = amount;
  for (const take of [...takes].reverse()) {
    if (rest === 0n) break;
    const part = lesserOf(take.amountMicrocredits, rest);
    last.push({ lotId: take.lotId, amountMicrocredits: part });
    rest -= part;
  }
  return last;
}
