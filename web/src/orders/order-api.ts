/** What is asked of the API about orders. */
import { createApi } from '../api.ts';
import type { CardPayment, Checkout, EthPayment, Order } from './order.ts';
import type { PageSettings } from './settings.ts';
import type { StoredOrder } from './stored-order.ts';

/** The price by which an order would be quoted now. */
export interface EthPrice {
  readonly eth_usd: string;
  readonly source: string;
  readonly round_id: string;
  readonly updated_at: string;
  readonly at: string;
  readonly quote_seconds: number;
}

export interface Wanted {
  readonly amount_usd: string;
  readonly method: 'eth' | 'card';
  readonly unique_amount?: boolean;
}

interface ReceiptLot {
  readonly id: string;
  readonly face: string;
  readonly available: string;
  readonly added_at: string;
  readonly expires_at: string;
  readonly renewals_left: number;
  readonly live: boolean;
}

/** What was paid, which lots came of it, and what is left of them. */
export interface Receipt {
  readonly order: string;
  readonly method: 'eth' | 'card';
  readonly amount_usd: string;
  readonly at: string;
  readonly remaining: string;
  readonly payments: readonly ((EthPayment | CardPayment) & { readonly lots: readonly ReceiptLot[] })[];
}

/** Where a transaction stands, in words of the API. */
export interface PaymentStanding {
  readonly transaction: string;
  readonly standing: string;
  readonly detail: string;
  readonly advice: string;
  readonly explorer_url: string | null;
  readonly payment_address: string;
  readonly block: string | null;
  readonly confirmations: string | null;
  readonly finality: 'latest' | 'safe' | 'finalized' | null;
  readonly payments: readonly {
    readonly standing: string;
    readonly reason: string | null;
    readonly amount_eth: string | null;
  }[];
}

/** Whose the credits shall be: of a new key, of the account of a key, or of whoever is signed in. */
export type Payee =
  | { readonly kind: 'new_key' }
  | { readonly kind: 'key'; readonly secureKey: string }
  | { readonly kind: 'session' };

type Held = Pick<StoredOrder, 'id' | 'secret'>;

const pathOf = (id: string, tail = '') => `/v1/orders/${encodeURIComponent(id)}${tail}`;

export const orderApi = {
  settings: () => createApi(null).get<PageSettings>('/v1/payment-methods'),
  price: () => createApi(null).get<EthPrice>('/v1/price'),
  payment: (transaction: string) => createApi(null).get<PaymentStanding>(`/v1/payments/${transaction}`),
  create: (wanted: Wanted, payee: Payee) =>
    (payee.kind === 'session'
      ? createApi(null, 'same-origin')
      : createApi(payee.kind === 'key' ? payee.secureKey : null)
    ).send<StoredOrder>('POST', '/v1/orders', wanted),
  order: ({ id, secret }: Held) => createApi(secret).get<Order>(pathOf(id)),
  /** The page on which an order by card is paid; a new one where the last has expired. */
  checkout: ({ id, secret }: Held) => createApi(secret).send<Checkout>('POST', pathOf(id, '/checkout')),
  /** @param credential The order's secret, or a Secure Key of its account. */
  receipt: (id: string, credential: string) => createApi(credential).get<Receipt>(pathOf(id, '/receipt')),
  claim: ({ id, secret }: Held) =>
    createApi(secret).send<{ secure_key: string }>('POST', pathOf(id, '/claim')),
  acknowledge: ({ id, secret }: Held, secureKey: string) =>
    createApi(secret).send<undefined>('POST', pathOf(id, '/acknowledge'), { secure_key: secureKey }),
};
