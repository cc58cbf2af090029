/** Orders as the API tells them. */
import {
  type CardOrderStatus,
  cardOrderProgress,
  type EthOrderStatus,
  instantText,
  microcreditsOf,
  type OrderReceipt,
  type OrderRow,
  type OrderStatus,
  orderProgress,
  type PaymentLot,
  type PendingPayment,
  referenceCalldata,
  SUSPENSE_REASONS,
} from '../ledger/index.ts';
import { creditsText, decimalText, usdText } from './amount-text.ts';
import { Problem } from './problem.ts';

/** The same answer for no such order and a wrong secret: nobody learns which orders exist. */
export function orderUnknown(): Problem {
  return new Problem(
    'not_found',
    'There is no order with this id and secret: check both, they were shown when it was made.',
  );
}

/** The same for a receipt, which a Secure Key shows too. */
export function receiptUnknown(): Problem {
  return new Problem(
    'not_found',
    "There is no order with this id and secret, and none of this Secure Key's account: check both.",
  );
}

export interface ChainJson {
  readonly chainId: number;
  /** The payment address, with its checksum. */
  readonly address: string;
}

/** What was ordered by card, the same whenever it is asked. */
export function cardTermsJson(order: OrderRow) {
  return { ...orderedJson(order), method: 'card' as const };
}

function orderedJson(order: OrderRow) {
  return {
    id: order.order_id,
    kind: order.is_top_up ? ('top_up' as const) : ('new_key' as const),
    amount_usd: usdText(order.amount_microusd),
    credits: creditsText(microcreditsOf(order.amount_microusd)),
    created_at: instantText(order.created_at),
  };
}

/** What was ordered and how to pay it on the chain, the same whenever it is asked. */
export function ethTermsJson(order: OrderRow, chain: ChainJson) {
  const wei = order.quoted_wei ?? 0n;
  const calldata = referenceCalldata(order.reference);
  return {
    ...orderedJson(order),
    method: 'eth' as const,
    quote: {
      eth_usd: decimalText(order.quote_answer ?? 0n, 8),
      round_id: (order.quote_round_id ?? 0n).toString(),
      guaranteed_wei: (order.guaranteed_wei ?? 0n).toString(),
      deadline: instantText(order.deadline),
    },
    payment: {
      chain_id: chain.chainId,
      address: chain.address,
      amount_wei: wei.toString(),
      amount_eth: decimalText(wei, 18),
      // Until then a payment of exactly this amount is known by it.
      unique_amount_until:
        order.amount_reserved_until === null ? null : instantText(order.amount_reserved_until),
      calldata,
      // As eth_sendTransaction takes it: add the sender.
      transaction: { to: chain.address, value: `0x${wei.toString(16)}`, data: calldata },
    },
  };
}

/** The order with where it stands. */
export function orderJson(order: OrderRow, status: OrderStatus, chain: ChainJson) {
  return status.method === 'card'
    ? {
        ...cardTermsJson(order),
        progress: cardOrderProgress(status.payments),
        ...cardStatusJson(order, status),
      }
    : {
        ...ethTermsJson(order, chain),
        // The pending block is for those who watch.
        progress: orderProgress(status.payments, false),
        ...ethStatusJson(order, status),
      };
}

/** Where it stands. */
export function statusJson(order: OrderRow, status: OrderStatus) {
  return status.method === 'card' ? cardStatusJson(order, status) : ethStatusJson(order, status);
}

/**
 * What was paid, which lots came of it and what is left of them. A payment is as in the order's status, with `lots`: the
 * one that was bought, and those that gave it back after it had been taken back.
 */
export function receiptJson({ at, order, status, lots }: OrderReceipt) {
  const all = lots.flat();
  const receipt = {
    order: order.order_id,
    kind: order.is_top_up ? ('top_up' as const) : ('new_key' as const),
    amount_usd: usdText(order.amount_microusd),
    ordered_at: instantText(order.created_at),
    at: instantText(at),
    remaining: creditsText(sumOf(all, lot => lot.availableMicrocredits)),
    held: creditsText(sumOf(all, lot => lot.heldMicrocredits)),
    debt: creditsText(sumOf(all, lot => lot.debtMicrocredits)),
  };
  const withLots = <Payment>(payments: readonly Payment[]) =>
    payments.map((payment, index) => ({ ...payment, lots: (lots[index] ?? []).map(lotJson) }));
  return status.method === 'card'
    ? { ...receipt, method: 'card' as const, payments: withLots(cardStatusJson(order, status).payments) }
    : { ...receipt, method: 'eth' as const, payments: withLots(ethStatusJson(order, status).payments) };
}

function lotJson(lot: PaymentLot) {
  return {
    id: lot.id.toString(),
    added_by: lot.restoresLotId === null ? ('purchase' as const) : ('restoration' as const),
    paid_usd: usdText(lot.paidMicrousd),
    returned_usd: usdText(lot.returnedMicrousd),
    face: creditsText(lot.faceMicrocredits),
    available: creditsText(lot.availableMicrocredits),
    held: creditsText(lot.heldMicrocredits),
    debt: creditsText(lot.debtMicrocredits),
    added_at: instantText(lot.addedAt),
    expires_at: instantText(lot.expiresAt),
    renewals_left: lot.renewalsLeft,
    live: lot.isLive,
  };
}

function sumOf(lots: readonly PaymentLot[], amountOf: (lot: PaymentLot) => bigint): bigint {
  return lots.reduce((sum, lot) => sum + amountOf(lot), 0n);
}

function cardStatusJson(order: OrderRow, { amount, flags, credited, payments }: CardOrderStatus) {
  return {
    state: { amount, flags: [...flags], credited, key: keyState(order) },
    payments: payments.map(payment => ({
      receipt: payment.receiptId,
      status: payment.status,
      paid_at: payment.paidAt === null ? null : instantText(payment.paidAt),
      amount_usd: usdText(payment.paidMicrousd),
      credits: creditsText(microcreditsOf(payment.paidMicrousd)),
      credited: payment.credited,
      kept_back: payment.keptBack,
      refunded_usd: usdText(payment.refundedMicrousd),
      disputed_usd: usdText(payment.withdrawnMicrousd - payment.reinstatedMicrousd),
      receipt_url: payment.receiptUrl,
    })),
  };
}

function ethStatusJson(order: OrderRow, status: EthOrderStatus) {
  return {
    state: {
      amount: status.amount,
      quote: status.quote,
      flags: [...status.flags],
      credited: status.credited,
      key: keyState(order),
    },
    payments: status.payments.map(payment => ({
      receipt: payment.receiptId,
      transaction: payment.transactionHash,
      block: payment.blockNumber.toString(),
      paid_at: instantText(payment.blockAt),
      amount_wei: payment.amountWei.toString(),
      amount_usd: payment.amountMicrousd === null ? null : usdText(payment.amountMicrousd),
      credits: payment.amountMicrousd === null ? null : creditsText(microcreditsOf(payment.amountMicrousd)),
      credited: payment.credited,
      reorged: payment.reversed,
      finality: payment.finality,
      kept_back: payment.keptBackFor && {
        reason: payment.keptBackFor,
        detail: SUSPENSE_REASONS[payment.keptBackFor],
      },
    })),
  };
}

/** Null for a top-up, which gives out no key. */
function keyState(order: OrderRow): 'unclaimed' | 'claimed' | 'acknowledged' | 'closed' | null {
  if (order.is_top_up) return null;
  // By a recovery of the account, whatever was before it.
  if (order.claim_closed_at !== null) return 'closed';
  if (order.acknowledged_at !== null) return 'acknowledged';
  return order.claimed_at === null ? 'unclaimed' : 'claimed';
}

/** The payment of the order that is on its way: the one that carries its reference, or is of its own amount. */
export function pendingPaymentOf(
  order: Pick<OrderRow, 'reference' | 'quoted_wei' | 'amount_reserved_until'>,
  pending: readonly PendingPayment[],
): PendingPayment | null {
  const calldata = referenceCalldata(order.reference);
  const ownWei = order.amount_reserved_until === null ? null : order.quoted_wei;
  return (
    pending.find(payment => payment.input.toLowerCase() === calldata) ??
    pending.find(payment => payment.amountWei === ownWei) ??
    null
  );
}
