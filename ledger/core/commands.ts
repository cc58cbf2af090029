import { advance } from './advance.ts';
import type { Book, Step } from './book.ts';
import { type ClawbackCommand, clawback } from './clawback.ts';
import { type DebitCommand, debit } from './debit.ts';
import type { Instant } from './instant.ts';
import { type PurchaseCommand, purchase } from './purchase.ts';
import type { Refusal } from './refusal.ts';

/** Posts what is due by time and nothing else: what the sweep asks for. */
export interface AdvanceCommand {
  readonly type: 'advance';
}

export type Command = PurchaseCommand | DebitCommand | ClawbackCommand | AdvanceCommand;

export type Decision =
  | { readonly accepted: true; readonly step: Step }
  | { readonly accepted: false; readonly refusal: Refusal };

/**
 * Decides one command at `instant`: the book is first advanced to it, then the command is applied. The same
 * book, command and instant always give the same entries. A refusal leaves the book as it was, derived entries
 * included. Throws only when an invariant of the books is broken.
 *
 * @param instant The decision instant, not before the book's last entry.
 */
export function decide(book: Book, command: Command, instant: Instant): Decision {
  if (instant < book.bookedAt) throw new Error('a command cannot be decided before the book it meets');
  const caughtUp = advance(book, instant);
  const decision = apply(caughtUp.book, command, instant);
  if (!decision.accepted) return decision;
  return {
    accepted: true,
    step: { book: decision.step.book, entries: [...caughtUp.entries, ...decision.step.entries] },
  };
}

function apply(book: Book, command: Command, instant: Instant): Decision {
  switch (command.type) {
    case 'debit':
      return debit(book, command, instant);
    case 'purchase':
      return { accepted: true, step: purchase(book, command, instant) };
    case 'clawback':
      return { accepted: true, step: clawback(book, command, instant) };
    case 'advance':
      return { accepted: true, step: { book, entries: [] } };
  }
}
