import type { Instant } from './instant.ts';

/** A payment matched to an order, as far as it is known. */
export interface OrderReceipt {
  readonly amountWei: bigint;
  readonly blockAt: Instant;
  /** What it was credited as; null while it has no price yet. */
  readonly amountMicrousd: bigint | null;
  /** True while its credits are in the customer's book. */
  readonly credited: boolean;
  /** True when the chain took it back. */
  readonly reversed: boolean;
}

export interface OrderState {
  readonly amount: 'none' | 'under' | 'exact' | 'over';
  readonly quote: 'live' | 'expired';
  readonly flags: readonly ('late' | 'price_pending' | 'processing' | 'reorged')[];
}

/**
 * Where an order stands: a pure function of its quote, the payments matched to it and the time. No state is
 * final: a late payment and a reorg move it as any other fact does.
 */
export function orderState(
  order: { readonly quotedWei: bigint; readonly deadline: Instant },
  receipts: readonly OrderReceipt[],
  instant: Instant,
): OrderState {
  const standing = receipts.filter(receipt => !receipt.reversed);
  const paidWei = standing.reduce((sum, receipt) => sum + receipt.amountWei, 0n);
  const flags: OrderState['flags'][number][] = [];
  if (standing.some(receipt => receipt.blockAt > order.deadline)) flags.push('late');
  if (standing.some(receipt => receipt.amountMicrousd === null)) flags.push('price_pending');
  // Below a micro-dollar there is nothing to credit, and nothing to wait for.
  if (standing.some(receipt => (receipt.amountMicrousd ?? 0n) > 0n && !receipt.credited))
    flags.push('processing');
  if (receipts.some(receipt => receipt.reversed)) flags.push('reorged');
  return {
    amount: amountState(paidWei, order.quotedWei),
    quote: instant <= order.deadline ? 'live' : 'expired',
    flags,
  };
}

function amountState(paidWei: bigint, quotedWei: bigint): OrderState['amount'] {
  if (paidWei === 0n) return 'none';
  if (paidWei < quotedWei) return 'under';
  return paidWei === quotedWei ? 'exact' : 'over';
}
