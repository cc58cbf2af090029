/**
 * The system's own books: what arrived, whose it is, and what left. A payment is first money of nobody (`receipt`: it
 * sits in suspense); once its order is known and it has a price it is exchanged into dollars that wait in clearing
 * for the customer's book (`assignment`). Both are undone by entries of their own when the chain takes the
 * payment back. What left the payment address is a `withdrawal` or `gas`. What the address's balance has beyond all
 * that is a `provisional_receipt`, undone when what explains it appears. What an operator decided about any of this is an
 * `operator_action`, which moves nothing.
 */
import { append, type Book, EMPTY_BOOK, type Step } from './book.ts';
import type { TreasuryAccount } from './chart.ts';
import { type Instant, laterOf } from './instant.ts';
import type { CommandIdentity, EntryKind, Posting } from './journal.ts';

export interface SystemEntry {
  readonly kind: Extract<
    EntryKind,
    | 'receipt'
    | 'assignment'
    | 'assignment_reversal'
    | 'receipt_reversal'
    | 'withdrawal'
    | 'gas'
    | 'provisional_receipt'
    | 'provisional_reversal'
    | 'card_payment'
    | 'operator_action'
  >;
  readonly identity: CommandIdentity;
  /** When it happened outside: the block's timestamp. */
  readonly effectiveAt: Instant;
  readonly postings: readonly Posting[];
  readonly details: string;
}

/** ETH arrived at the payment address and belongs to nobody yet. */
export function receiptPostings(treasury: TreasuryAccount, amountWei: bigint): Posting[] {
  return [{ from: 'ETH:suspense', to: treasury, amount: amountWei, lot: null }];
}

/** ETH left the payment address by a call of its owner. */
export function withdrawalPostings(treasury: TreasuryAccount, amountWei: bigint): Posting[] {
  return [{ from: treasury, to: 'ETH:withdrawals', amount: amountWei, lot: null }];
}

/** The payment address paid to have a transaction carried out. */
export function gasPostings(treasury: TreasuryAccount, feeWei: bigint): Posting[] {
  return [{ from: treasury, to: 'ETH:gas', amount: feeWei, lot: null }];
}

/** The ETH was sold to us at its recorded price; the dollars wait in clearing. */
export function assignmentPostings(amountWei: bigint, amountMicrousd: bigint): Posting[] {
  return [
    { from: 'ETH:trading', to: 'ETH:suspense', amount: amountWei, lot: null },
    { from: 'USD:clearing', to: 'USD:trading', amount: amountMicrousd, lot: null },
  ];
}

/** The same amounts the other way round. */
export function reversedPostings(postings: readonly Posting[]): Posting[] {
  return postings.map(posting => ({ ...posting, from: posting.to, to: posting.from }));
}

/** Appends a system entry at `instant`, or at the book's last one when that is later. */
export function appendSystemEntry(book: Book, entry: SystemEntry, instant: Instant): Step {
  return append(
    book,
    {
      kind: entry.kind,
      effectiveAt: entry.effectiveAt,
      bookedAt: laterOf(instant, book.bookedAt),
      command: entry.identity,
      amountMicrocredits: 0n,
      details: entry.details,
      postings: entry.postings,
    },
    { lots: EMPTY_BOOK.lots },
  );
}
