/** What a payment is worth to the customer, with the quote of the order that it pays. */
import type { Kysely } from 'kysely';
import { MICROUSD_PER_USD } from '../core/amount.ts';
import { wasThereAt } from '../core/order-state.ts';
import { type Quote, type Valuation, valueReceipt } from '../core/price.ts';
import { findOrder, type OrderRow } from '../orders/find-order.ts';
import { isOnlyOpenOrder } from '../orders/order-to-pay.ts';
import { type OrderUse, readOrderUse } from '../orders/standing-payments.ts';
import type { Tables } from '../store/tables.ts';
import type { IntakeContext } from './context.ts';
import type { Match } from './match-inclusion.ts';
import type { Included } from './receipt-facts.ts';

export interface PaymentValue extends Valuation {
  /** The order's promise, where some of the payment is taken at it. */
  readonly quoteAnswer: bigint | null;
  /** True for less than $1 beyond what the order was quoted. */
  readonly isSmallExtra: boolean;
  /**
   * True while a payment of the order that is before this one in the chain has no price: it goes first, as each uses up
   * the quote. (One that turns up only later gets what is left: what is recorded stays.)
   */
  readonly mustWait: boolean;
}

/** At the price of its block, as what is nobody's order's or stays in suspense. */
export function blockValue(payment: Included, answer: bigint): PaymentValue {
  const value = valueReceipt(payment.amountWei, payment.blockAt, answer, null);
  return { ...value, quoteAnswer: null, isSmallExtra: false, mustWait: false };
}

/**
 * Values a payment, in a transaction that records it: until that ends, no other payment of the order is valued.
 * @param price Its block's; with `noQuote` it is taken at that, whatever was promised.
 * @param match Whose it is; null for nobody's.
 */
export async function valuePayment(
  context: IntakeContext,
  trx: Kysely<Tables>,
  {
    payment,
    price,
    match,
  }: {
    readonly payment: Included;
    readonly price: { readonly answer: bigint; readonly noQuote: boolean };
    readonly match: OfOrder | null;
  },
): Promise<PaymentValue> {
  const { bucketCount } = context.installation;
  const order = match?.orderId ? await findOrder({ db: trx, bucketCount }, match.orderId, true) : null;
  const { answer, noQuote } = price;
  if (!match || !order) return blockValue(payment, answer);
  const use = await readOrderUse(trx, order.order_id, { receiptId: payment.receiptId, position: payment });
  const isPromised = !noQuote && (await isMeant(trx, order, { payment, match }));
  const quote = isPromised ? quoteOf(order, use, { payment, match }) : null;
  const value = valueReceipt(payment.amountWei, payment.blockAt, answer, quote);
  const isPaid = order.quoted_wei !== null && use.paidBeforeWei >= order.quoted_wei;
  return {
    ...value,
    quoteAnswer: value.quotedWei > 0n ? order.quote_answer : null,
    isSmallExtra: isPaid && value.amountMicrousd < MICROUSD_PER_USD,
    // After the deadline nothing uses the quote.
    mustWait: use.hasUnpricedBefore && payment.blockAt <= order.deadline,
  };
}

type OfOrder = Pick<Match, 'orderId' | 'matchedBy'>;

/**
 * Whether the payment is for this order beyond doubt: it says so itself, or the account had no other open one. Whoever
 * assigns a payment later chooses the order, and must not choose its price with it.
 */
async function isMeant(
  trx: Kysely<Tables>,
  order: OrderRow,
  { payment, match }: { readonly payment: Included; readonly match: OfOrder },
): Promise<boolean> {
  if (match.matchedBy === 'reference' || match.matchedBy === 'unique_amount') return true;
  return await isOnlyOpenOrder(trx, order, payment.blockAt);
}

/** The order's promise, less what payments that stand have used of it; null where it promises nothing to this one. */
function quoteOf(
  order: OrderRow,
  use: OrderUse,
  { payment, match }: { readonly payment: Included; readonly match: OfOrder },
): Quote | null {
  const { quote_answer: answer, guaranteed_wei: guaranteedWei, created_at: createdAt, deadline } = order;
  if (answer === null || guaranteedWei === null) return null;
  // A reference is known only once the order is there; anything else may have been paid before, at another price.
  if (match.matchedBy !== 'reference' && !wasThereAt({ createdAt }, payment.blockAt)) return null;
  return { answer, guaranteedWei, usedWei: use.quotedWei, deadline };
}
