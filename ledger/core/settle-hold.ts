import { lesserOf } from './amount.ts';
import type { Book } from './book.ts';
import { accepted, type Decision, refused } from './decision.ts';
import { Draft } from './draft.ts';
import { giveBack } from './give-back.ts';
import { amountOf, type Hold, type Take } from './hold.ts';
import type { Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import type { Refusal } from './refusal.ts';
import { withSpent } from './spending-limit.ts';

export interface CaptureCommand {
  readonly type: 'capture';
  readonly identity: CommandIdentity;
  readonly holdId: bigint;
  /** More than 0 and at most what is held. */
  readonly amountMicrocredits: bigint;
  readonly details: string | null;
}

export interface ReleaseCommand {
  readonly type: 'release';
  readonly identity: CommandIdentity;
  readonly holdId: bigint;
  readonly details: string | null;
}

/**
 * Spends what is held, up to `amountMicrocredits`, in the order in which it was taken; gives the rest back and closes
 * the hold. Also while a debt is open, and whatever became of the limit of the key or grant that placed it: the credits
 * were promised before. Refused when the hold is not open, is another
 * service's, or holds less. Expects a book advanced to `instant`.
 */
export function capture(book: Book, command: CaptureCommand, instant: Instant): Decision {
  const { identity, holdId, amountMicrocredits, details } = command;
  if (amountMicrocredits <= 0n) throw new Error('a capture must be more than zero');
  const hold = openHoldOf(book, holdId, identity.serviceId);
  if ('code' in hold) return refused(hold);
  const held = amountOf(hold.takes);
  if (held < amountMicrocredits)
    return refused({
      code: 'capture_above_hold',
      heldMicrocredits: held,
      requiredMicrocredits: amountMicrocredits,
    });
  const draft = new Draft(book);
  let left = amountMicrocredits;
  const rest: Take[] = [];
  for (const { lotId, amountMicrocredits: taken } of hold.takes) {
    const part = lesserOf(taken, left);
    draft.move('CREDIT:held', 'CREDIT:consumed', part, lotId);
    left -= part;
    if (part < taken) rest.push({ lotId, amountMicrocredits: taken - part });
  }
  giveBack(draft, { from: 'CREDIT:held', takes: rest, takenAt: hold.placedAt, instant });
  draft.putHold({ ...hold, closedBy: draft.seq });
  draft.putLimits(withSpent(book.limits, hold.keyNumber, amountMicrocredits, instant));
  return accepted(draft.close({ kind: 'capture', instant, identity, amountMicrocredits, details }));
}

/**
 * Gives all that is held back and closes the hold. Refused when it is not open or another service's. Expects a book
 * advanced to `instant`.
 */
export function release(book: Book, command: ReleaseCommand, instant: Instant): Decision {
  const { identity, holdId, details } = command;
  const hold = openHoldOf(book, holdId, identity.serviceId);
  if ('code' in hold) return refused(hold);
  const draft = new Draft(book);
  giveBack(draft, { from: 'CREDIT:held', takes: hold.takes, takenAt: hold.placedAt, instant });
  draft.putHold({ ...hold, closedBy: draft.seq });
  const amountMicrocredits = amountOf(hold.takes);
  return accepted(draft.close({ kind: 'release', instant, identity, amountMicrocredits, details }));
}

/** Another service's hold is as unknown as none: it tells nobody of itself. */
function openHoldOf(book: Book, holdId: bigint, serviceId: number): Hold | Refusal {
  const hold = book.holds.find(({ id }) => id === holdId);
  if (!hold || hold.serviceId !== serviceId) return { code: 'hold_unknown' };
  return hold.closedBy === null ? hold : { code: 'hold_closed' };
}
