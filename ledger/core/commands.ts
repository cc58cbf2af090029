import { type AdjustmentCommand, adjust } from './adjustment.ts';
import { advance } from './advance.ts';
import type { Book } from './book.ts';
import { type ClawbackCommand, clawback } from './clawback.ts';
import { type DebitCommand, debit } from './debit.ts';
import { accepted, type Decision } from './decision.ts';
import type { Instant } from './instant.ts';
import {
  type MeteredCaptureCommand,
  type MeteredDebitCommand,
  meteredCapture,
  meteredDebit,
} from './metered.ts';
import { type HoldCommand, placeHold } from './place-hold.ts';
import { type PurchaseCommand, purchase } from './purchase.ts';
import { type RestorationCommand, restore } from './restoration.ts';
import { type ReversalCommand, reverse } from './reversal.ts';
import { type CaptureCommand, capture, type ReleaseCommand, release } from './settle-hold.ts';

/** Posts what is due by time and nothing else: what the sweep asks for. */
export interface AdvanceCommand {
  readonly type: 'advance';
}

export type Command =
  | PurchaseCommand
  | DebitCommand
  | HoldCommand
  | MeteredDebitCommand
  | CaptureCommand
  | MeteredCaptureCommand
  | ReleaseCommand
  | ReversalCommand
  | ClawbackCommand
  | RestorationCommand
  | AdjustmentCommand
  | AdvanceCommand;

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
  if (!decision.accepted || caughtUp.entries.length === 0) return decision;
  const { step } = decision;
  return accepted({ book: step.book, entries: [...caughtUp.entries, ...step.entries] });
}

function apply(book: Book, command: Command, instant: Instant): Decision {
  switch (command.type) {
    case 'debit':
      return debit(book, command, instant);
    case 'metered_debit':
      return meteredDebit(book, command, instant);
    case 'hold':
      return placeHold(book, command, instant);
    case 'capture':
      return capture(book, command, instant);
    case 'metered_capture':
      return meteredCapture(book, command, instant);
    case 'release':
      return release(book, command, instant);
    case 'reversal':
      return reverse(book, command, instant);
    case 'purchase':
      return accepted(purchase(book, command, instant));
    case 'clawback':
      return accepted(clawback(book, command, instant));
    case 'restoration':
      return accepted(restore(book, command, instant));
    case 'adjustment':
      return adjust(book, command, instant);
    case 'advance':
      return accepted({ book, entries: [] });
  }
}
