import type { Book } from './book.ts';
import { accepted, type Decision, refused } from './decision.ts';
import { Draft } from './draft.ts';
import { HOLD_LIFE_MAX } from './hold.ts';
import type { Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import { spendingProblem } from './spending-problem.ts';

/** What the operator allows. */
export interface HoldLimits {
  /** How many holds of an account may be open at once, the new one included. */
  readonly ofAccount: number;
  /** How many of these may be one service's. */
  readonly ofService: number;
  /** How long one may last, in microseconds: at most HOLD_LIFE_MAX, which it is when left out. */
  readonly life?: bigint;
}

export interface HoldCommand {
  readonly type: 'hold';
  readonly identity: CommandIdentity;
  /** More than 0. */
  readonly amountMicrocredits: bigint;
  /** How long until it releases itself: more than 0 and at most HOLD_LIFE_MAX, in microseconds. */
  readonly life: bigint;
  readonly limits: HoldLimits;
  readonly details: string | null;
}

/**
 * Reserves credits for the service that asks, out of the lots in burn order. They are gone from the lots at once, and
 * stay reserved when their lot expires. Refused like a debit, and when too many holds are open or it would last too long.
 * Expects a book advanced to `instant`.
 */
export function placeHold(book: Book, command: HoldCommand, instant: Instant): Decision {
  const { identity, amountMicrocredits, life, details } = command;
  if (life <= 0n || life > HOLD_LIFE_MAX) throw new Error('a hold must end, within a day');
  const { life: lifeMax = HOLD_LIFE_MAX } = command.limits;
  if (life > lifeMax) return refused({ code: 'hold_too_long', lifeMax });
  const problem = spendingProblem(book, command, instant) ?? countProblem(book, command);
  if (problem) return refused(problem);
  const draft = new Draft(book);
  const takes = draft.burn('CREDIT:held', amountMicrocredits);
  draft.putHold({
    id: draft.seq,
    serviceId: identity.serviceId,
    keyNumber: identity.keyNumber,
    placedAt: instant,
    deadline: instant + life,
    takes,
    closedBy: null,
  });
  return accepted(draft.close({ kind: 'hold', instant, identity, amountMicrocredits, details }));
}

function countProblem(book: Book, { identity, limits }: HoldCommand) {
  const open = book.holds.filter(hold => hold.closedBy === null);
  const own = open.filter(hold => hold.serviceId === identity.serviceId);
  if (open.length >= limits.ofAccount)
    return { code: 'too_many_holds', limit: limits.ofAccount, of: 'account' } as const;
  if (own.length >= limits.ofService)
    return { code: 'too_many_holds', limit: limits.ofService, of: 'service' } as const;
  return null;
}
