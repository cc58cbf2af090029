import type { Book } from './book.ts';
import { type Decision, refused } from './decision.ts';
import { Draft } from './draft.ts';
import type { Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import { withSpent } from './spending-limit.ts';
import { spendingProblem } from './spending-problem.ts';

export interface DebitCommand {
  readonly type: 'debit';
  readonly identity: CommandIdentity;
  /** More than 0. */
  readonly amountMicrocredits: bigint;
  readonly details: string | null;
}

/**
 * Spends credits out of the lots in burn order. Refused as a whole when they do not suffice, while the customer owes
 * credits (`debt_open`), or beyond the limit of the key or grant (`key_limit_exceeded`). Expects a book advanced to `instant`.
 */
export function debit(book: Book, command: DebitCommand, instant: Instant): Decision {
  const { identity, amountMicrocredits, details } = command;
  const problem = spendingProblem(book, command, instant);
  if (problem) return refused(problem);
  const draft = new Draft(book);
  draft.burn('CREDIT:consumed', amountMicrocredits);
  draft.putLimits(withSpent(book.limits, identity.keyNumber, amountMicrocredits, instant));
  return {
    accepted: true,
    step: draft.close({ kind: 'debit', instant, identity, amountMicrocredits, details }),
  };
}
