/**
 * Where a card payment stands: the sums of everything that Stripe says has moved because of it. Each look at Stripe
 * gives the whole state; what is posted is the difference between two of them, so it does not matter which events led
 * to a look, in which order they came, or how many were lost.
 */
import { lesserOf } from './amount.ts';
import type { Instant } from './instant.ts';
import type { Posting } from './journal.ts';

export interface CardPaymentState {
  readonly status: /** Under way: a bank debit takes days. */
    | 'processing'
    | 'paid'
    /** It was refused by the bank in the end; nothing has arrived. */
    | 'failed';
  /** When the money counts as paid: when Stripe's balance got it. Null while it has not. */
  readonly paidAt: Instant | null;
  /** When the last of it moved; null while nothing has. */
  readonly movedAt: Instant | null;
  /** What was paid, in micro-dollars, as everything here. */
  readonly paidMicrousd: bigint;
  /** What Stripe took for itself, of the payment, its refunds and its disputes. */
  readonly feeMicrousd: bigint;
  /** What went back to the buyer, without refunds that failed. */
  readonly refundedMicrousd: bigint;
  /** What banks withdrew because of disputes. */
  readonly withdrawnMicrousd: bigint;
  /** What of that came back because a dispute was won. */
  readonly reinstatedMicrousd: bigint;
}

/** Before anything has happened. */
export const NO_CARD_PAYMENT: CardPaymentState = {
  status: 'processing',
  paidAt: null,
  movedAt: null,
  paidMicrousd: 0n,
  feeMicrousd: 0n,
  refundedMicrousd: 0n,
  withdrawnMicrousd: 0n,
  reinstatedMicrousd: 0n,
};

/** What is with the payer again. More than was paid where a payment was refunded and disputed as well. */
function returnedMicrousd(state: CardPaymentState): bigint {
  const { refundedMicrousd, withdrawnMicrousd, reinstatedMicrousd } = state;
  return refundedMicrousd + withdrawnMicrousd - reinstatedMicrousd;
}

/** How much of the credits is to be taken back: what is with the payer again, between 0 and what was paid. */
export function clawbackTargetMicrousd(state: CardPaymentState): bigint {
  const returned = returnedMicrousd(state);
  return returned < 0n ? 0n : lesserOf(returned, state.paidMicrousd);
}

export interface CardPaymentChange {
  /** For the system book; none where only the status changed. */
  readonly postings: readonly Posting[];
  /** To be bought for the customer, or 0. */
  readonly purchaseMicrousd: bigint;
  /** To be taken back from the customer when more than 0, to be restored when less. */
  readonly clawbackMicrousd: bigint;
}

/**
 * What leads from one state of a payment to a later one.
 * @param isAssigned Whether the payment is a customer's; otherwise it waits in suspense, and what goes back goes from
 * there.
 */
export function changeOfCardPayment(
  before: CardPaymentState,
  after: CardPaymentState,
  isAssigned: boolean,
): CardPaymentChange {
  const purchaseMicrousd = after.paidMicrousd - before.paidMicrousd;
  if (purchaseMicrousd !== 0n && before.paidMicrousd !== 0n)
    throw new Error(
      `a card payment of ${before.paidMicrousd} micro-dollars became one of ${after.paidMicrousd}`,
    );
  const clawbackMicrousd = clawbackTargetMicrousd(after) - clawbackTargetMicrousd(before);
  const returned = returnedMicrousd(after) - returnedMicrousd(before);
  const postings: Posting[] = [];
  const move = (from: Posting['from'], to: Posting['to'], amount: bigint) => {
    if (amount > 0n) postings.push({ from, to, amount, lot: null });
    else if (amount < 0n) postings.push({ from: to, to: from, amount: -amount, lot: null });
  };
  move('USD:suspense', 'USD:cash:stripe', purchaseMicrousd);
  if (isAssigned) {
    move('USD:clearing', 'USD:suspense', purchaseMicrousd);
    move('USD:cash:stripe', 'USD:clearing', clawbackMicrousd);
    // Beyond what was paid nobody's credits are left to take: somebody must look.
    move('USD:cash:stripe', 'USD:suspense', returned - clawbackMicrousd);
  } else {
    move('USD:cash:stripe', 'USD:suspense', returned);
  }
  move('USD:cash:stripe', 'USD:fees', after.feeMicrousd - before.feeMicrousd);
  return {
    postings,
    purchaseMicrousd: isAssigned ? purchaseMicrousd : 0n,
    clawbackMicrousd: isAssigned ? clawbackMicrousd : 0n,
  };
}

/** Whether two looks found the same. */
export function isSameCardPayment(a: CardPaymentState, b: CardPaymentState): boolean {
  return (
    a.status === b.status &&
    a.paidAt === b.paidAt &&
    a.movedAt === b.movedAt &&
    a.paidMicrousd === b.paidMicrousd &&
    a.feeMicrousd === b.feeMicrousd &&
    a.refundedMicrousd === b.refundedMicrousd &&
    a.withdrawnMicrousd === b.withdrawnMicrousd &&
    a.reinstatedMicrousd === b.reinstatedMicrousd
  );
}
