import { availableOf, type Book, renewsAt } from './book.ts';
import type { Instant } from './instant.ts';
import type { CommandIdentity } from './journal.ts';
import type { Refusal } from './refusal.ts';
import { limitProblem } from './spending-limit.ts';

/** What is to be spent or held, and who authorised it. */
interface Spending {
  readonly identity: Pick<CommandIdentity, 'keyNumber'>;
  /** More than 0. */
  readonly amountMicrocredits: bigint;
}

/**
 * Why it cannot be spent or held: a debt is open, it is beyond the limit of the key or grant, or the credits do not
 * suffice. Null when it can. The limit goes before the credits: whoever buys more cannot spend it with this key either.
 * Expects a book advanced to `instant`.
 */
export function spendingProblem(book: Book, spending: Spending, instant: Instant): Refusal | null {
  const { identity, amountMicrocredits } = spending;
  if (amountMicrocredits <= 0n) throw new Error('an amount to spend must be more than zero');
  if (book.debtMicrocredits > 0n) return { code: 'debt_open', debtMicrocredits: book.debtMicrocredits };
  const problem = limitProblem(book, identity.keyNumber, amountMicrocredits, instant);
  if (problem) return problem;
  const available = availableOf(book);
  if (available >= amountMicrocredits) return null;
  return {
    code: 'insufficient_credits',
    availableMicrocredits: available,
    requiredMicrocredits: amountMicrocredits,
    renewsAt: renewsAt(book, instant),
  };
}
