import { availableOf, type Book, renewsAt } from './book.ts';
import type { Instant } from './instant.ts';
import type { Refusal } from './refusal.ts';

/**
 * Why `amountMicrocredits` (more than 0) cannot be spent or held: a debt is open, or the credits do not suffice. Null
 * when it can. Expects a book advanced to `instant`.
 */
export function spendingProblem(book: Book, amountMicrocredits: bigint, instant: Instant): Refusal | null {
  if (amountMicrocredits <= 0n) throw new Error('an amount to spend must be more than zero');
  if (book.debtMicrocredits > 0n) return { code: 'debt_open', debtMicrocredits: book.debtMicrocredits };
  const available = availableOf(book);
  if (available >= amountMicrocredits) return null;
  return {
    code: 'insufficient_credits',
    availableMicrocredits: available,
    requiredMicrocredits: amountMicrocredits,
    renewsAt: renewsAt(book, instant),
  };
}
