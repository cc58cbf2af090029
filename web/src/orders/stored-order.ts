/** The order of this tab with its secret: a reload, the way over Stripe's page and the way to the key go on with it. */
import type { CardOrder, Checkout, EthOrder, WithSecret } from './order.ts';

const NAME = 'order';

export type StoredOrder =
  | (WithSecret<EthOrder> & {
      /** What the buyer's wallet said that it had sent. */
      readonly sent_transaction?: string;
    })
  | (WithSecret<CardOrder> & { readonly checkout: Checkout });

/** The order that this tab was in, or null. */
export function readStoredOrder(): StoredOrder | null {
  const text = sessionStorage.getItem(NAME);
  try {
    return text === null ? null : (JSON.parse(text) as StoredOrder);
  } catch {
    sessionStorage.removeItem(NAME);
    return null;
  }
}

export function storeOrder(order: StoredOrder): void {
  sessionStorage.setItem(NAME, JSON.stringify(order));
}

/** The secret is nowhere else: who forgets an order whose key is not claimed needs the operator. */
export function forgetStoredOrder(): void {
  sessionStorage.removeItem(NAME);
}
