/** The orders of this tab with their secrets: a reload, the way over Stripe's page and the way to the key go on with them. */
import type { CardOrder, Checkout, EthOrder, WithSecret } from './order.ts';

const NAME = 'order';
const EARLIER = 'orders-earlier';

export type StoredOrder =
  | (WithSecret<EthOrder> & {
      /** What the buyer's wallet said that it had sent. */
      readonly sent_transaction?: string;
    })
  | (WithSecret<CardOrder> & {
      /** Left out where the order was found again by its secret. */
      readonly checkout?: Checkout;
    });

/** The order that this tab is in, or null. */
export function readStoredOrder(): StoredOrder | null {
  return read<StoredOrder | null>(NAME, null);
}

export function storeOrder(order: StoredOrder): void {
  sessionStorage.setItem(NAME, JSON.stringify(order));
}

/** The secret is nowhere else: who forgets an order whose key is not claimed needs the operator. */
export function forgetStoredOrder(): void {
  sessionStorage.removeItem(NAME);
}

/** Those that were set aside for another one, the newest first. */
export function readEarlierOrders(): readonly StoredOrder[] {
  return read<readonly StoredOrder[]>(EARLIER, []);
}

export function storeEarlierOrders(orders: readonly StoredOrder[]): void {
  if (orders.length === 0) sessionStorage.removeItem(EARLIER);
  else sessionStorage.setItem(EARLIER, JSON.stringify(orders));
}

function read<Value>(name: string, otherwise: Value): Value {
  const text = sessionStorage.getItem(name);
  try {
    return text === null ? otherwise : (JSON.parse(text) as Value);
  } catch {
    sessionStorage.removeItem(name);
    return otherwise;
  }
}
