import { type Instant, SECOND } from './instant.ts';

/** A payment matched to an order, as far as it is known. */
export interface OrderReceipt {
  readonly amountWei: bigint;
  readonly blockAt: Instant;
  /** What it is worth to the customer; null while it has no price yet. */
  readonly amountMicrousd: bigint | null;
  /** True while its credits are in the customer's book. */
  readonly credited: boolean;
  /** True when the chain took it back. */
  readonly reversed: boolean;
  /** True when it stays in suspense although it is matched: a person has to look at it. */
  readonly keptBack: boolean;
}

export interface OrderState {
  readonly amount: 'none' | 'under' | 'exact' | 'over';
  readonly quote: 'live' | 'expired';
  readonly flags: readonly ('late' | 'price_pending' | 'processing' | 'reorged' | 'kept_back')[];
}

/**
 * Where an order stands: a pure function of its quote, the payments matched to it and the time. No state is
 * final: a late payment and a reorg move it as any other fact does. What is kept back does not count as paid.
 */
export function orderState(
  order: { readonly quotedWei: bigint; readonly deadline: Instant },
  receipts: readonly OrderReceipt[],
  instant: Instant,
): OrderState {
  const standing = receipts.filter(receipt => !receipt.reversed);
  const counted = standing.filter(receipt => !receipt.keptBack);
  const paidWei = counted.reduce((sum, receipt) => sum + receipt.amountWei, 0n);
  const flags: OrderState['flags'][number][] = [];
  if (counted.some(receipt => receipt.blockAt > order.deadline)) flags.push('late');
  if (counted.some(receipt => receipt.amountMicrousd === null)) flags.push('price_pending');
  // Below a micro-dollar there is nothing to credit, and nothing to wait for.
  if (counted.some(receipt => (receipt.amountMicrousd ?? 0n) > 0n && !receipt.credited))
    flags.push('processing');
  if (receipts.some(receipt => receipt.reversed)) flags.push('reorged');
  if (standing.length > counted.length) flags.push('kept_back');
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

/**
 * Whether an order was there when a block was made. Blocks know whole seconds: what happened in the same second may have
 * happened before.
 */
export function wasThereAt(order: { readonly createdAt: Instant }, blockAt: Instant): boolean {
  return order.createdAt < blockAt + SECOND;
}
