import { lesserOf } from './amount.ts';
import { append, availableOf, type Book, renewsAt, type Step, withLots } from './book.ts';
import type { Instant } from './instant.ts';
import { type CommandIdentity, lotAfter, type Posting } from './journal.ts';
import type { Lot } from './lot.ts';
import type { Refusal } from './refusal.ts';

export interface DebitCommand {
  readonly type: 'debit';
  readonly identity: CommandIdentity;
  /** More than 0. */
  readonly amountMicrocredits: bigint;
  readonly details: string | null;
}

/**
 * Spends credits out of the lots in burn order. Refused as a whole when they do not suffice, or while the
 * customer owes credits (`debt_open`). Expects a book advanced to `instant`.
 */
export function debit(
  book: Book,
  command: DebitCommand,
  instant: Instant,
): { accepted: true; step: Step } | { accepted: false; refusal: Refusal } {
  const required = command.amountMicrocredits;
  if (required <= 0n) throw new Error('a debit must be more than zero');
  if (book.debtMicrocredits > 0n)
    return { accepted: false, refusal: { code: 'debt_open', debtMicrocredits: book.debtMicrocredits } };
  const available = availableOf(book);
  if (available < required) {
    return {
      accepted: false,
      refusal: {
        code: 'insufficient_credits',
        availableMicrocredits: available,
        requiredMicrocredits: required,
        renewsAt: renewsAt(book, instant),
      },
    };
  }
  const postings: Posting[] = [];
  const changed = new Map<bigint, Lot>();
  let rest = required;
  for (const lot of book.lots) {
    if (rest === 0n) break;
    if (lot.availableMicrocredits === 0n) continue;
    const take = lesserOf(lot.availableMicrocredits, rest);
    const left: Lot = { ...lot, availableMicrocredits: lot.availableMicrocredits - take };
    changed.set(lot.id, left);
    postings.push({ from: 'CREDIT:available', to: 'CREDIT:consumed', amount: take, lot: lotAfter(left) });
    rest -= take;
  }
  const step = append(
    book,
    {
      kind: 'debit',
      effectiveAt: instant,
      bookedAt: instant,
      command: command.identity,
      amountMicrocredits: required,
      details: command.details,
      postings,
    },
    { lots: withLots(book.lots, changed) },
  );
  return { accepted: true, step };
}
