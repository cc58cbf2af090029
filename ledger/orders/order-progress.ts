import type { OrderReceipt } from '../core/order-state.ts';

/** How far an order has come, for the buyer who watches it. */
export type OrderProgress =
  /** Nothing of a payment is known. */
  | 'waiting'
  /** A payment is on its way: in the pending block, not in a block yet. */
  | 'seen'
  /** In a block; its credits are about to be in the book. */
  | 'confirmed'
  /** Its credits can be used. */
  | 'credited'
  /** It stays in suspense: a person has to look at it. */
  | 'kept_back'
  /** The chain took the payment back, and has no other. */
  | 'reorged';

/** The furthest that any payment of the order has come. @param isSeen Whether the pending block has one. */
export function orderProgress(
  payments: readonly Pick<OrderReceipt, 'credited' | 'reversed' | 'keptBack'>[],
  isSeen: boolean,
): OrderProgress {
  const standing = payments.filter(payment => !payment.reversed);
  if (standing.some(payment => payment.credited)) return 'credited';
  if (standing.some(payment => !payment.keptBack)) return 'confirmed';
  if (isSeen) return 'seen';
  if (standing.length > 0) return 'kept_back';
  return payments.length > 0 ? 'reorged' : 'waiting';
}
