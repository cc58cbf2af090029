import { type CardPaymentState, clawbackTargetMicrousd } from './card-payment.ts';

/** A card payment of an order, as far as it is known. */
export interface CardOrderPayment extends CardPaymentState {
  /** True while its credits are in the customer's book. */
  readonly credited: boolean;
  /** True when it waits in suspense: it does not fit the order. */
  readonly keptBack: boolean;
}

export interface CardOrderState {
  readonly amount: 'none' | 'exact' | 'over';
  readonly flags: readonly ('processing' | 'failed' | 'refunded' | 'disputed' | 'kept_back')[];
}

/**
 * Where an order by card stands: a pure function of its payments. No state is final: a refund that fails and a dispute
 * that is won move it as any other fact does. A page that was opened twice may be paid twice; all of it is credited.
 */
export function cardOrderState(payments: readonly CardOrderPayment[]): CardOrderState {
  const paid = payments.filter(payment => payment.status === 'paid' && !payment.keptBack);
  const flags: CardOrderState['flags'][number][] = [];
  // A bank debit under way, or a payment that is about to be in the book.
  if (payments.some(payment => payment.status === 'processing') || paid.some(payment => !payment.credited))
    flags.push('processing');
  if (payments.some(payment => payment.status === 'failed')) flags.push('failed');
  if (paid.some(payment => payment.refundedMicrousd > 0n)) flags.push('refunded');
  if (paid.some(payment => payment.withdrawnMicrousd > payment.reinstatedMicrousd)) flags.push('disputed');
  if (payments.some(payment => payment.keptBack)) flags.push('kept_back');
  return { amount: paid.length === 0 ? 'none' : paid.length === 1 ? 'exact' : 'over', flags };
}

/** How far an order by card has come, for the buyer who watches it. */
export type CardOrderProgress = 'waiting' | 'processing' | 'credited' | 'failed' | 'kept_back' | 'returned';

/** The furthest that any payment of the order has come. */
export function cardOrderProgress(payments: readonly CardOrderPayment[]): CardOrderProgress {
  const standing = payments.filter(payment => !isReturned(payment));
  if (standing.some(payment => payment.credited)) return 'credited';
  if (standing.some(({ status, keptBack }) => !keptBack && status !== 'failed')) return 'processing';
  if (standing.some(({ keptBack }) => keptBack)) return 'kept_back';
  if (standing.length > 0) return 'failed';
  return payments.length > 0 ? 'returned' : 'waiting';
}

/** Whether the whole payment is with the payer again. */
function isReturned(payment: CardOrderPayment): boolean {
  return payment.paidMicrousd > 0n && clawbackTargetMicrousd(payment) === payment.paidMicrousd;
}
