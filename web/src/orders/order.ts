/** Orders and where they stand, as the API tells them (amounts are decimal strings, instants ISO 8601). */
export type Order = EthOrder | CardOrder;
/** Which opens the order, shows its progress and, for a new account, its key. */
export type WithSecret<Kind> = Kind & { readonly secret: string };

interface Ordered {
  readonly id: string;
  readonly kind: 'top_up' | 'new_key';
  readonly amount_usd: string;
  readonly credits: string;
  readonly created_at: string;
}

export interface EthOrder extends Ordered {
  readonly method: 'eth';
  readonly quote: {
    readonly eth_usd: string;
    readonly round_id: string;
    /** Up to so many wei the quoted price holds until the deadline. */
    readonly guaranteed_wei: string;
    readonly deadline: string;
  };
  readonly payment: {
    readonly chain_id: number;
    readonly address: `0x${string}`;
    readonly amount_wei: string;
    readonly amount_eth: string;
    /** Until then a payment of exactly this amount is known by it; null: only the calldata tells. */
    readonly unique_amount_until: string | null;
    readonly calldata: `0x${string}`;
    /** As eth_sendTransaction takes it: add the sender. */
    readonly transaction: {
      readonly to: `0x${string}`;
      readonly value: `0x${string}`;
      readonly data: `0x${string}`;
    };
  };
}

export interface CardOrder extends Ordered {
  readonly method: 'card';
}

/** Of a new order by card: Stripe's page, which may have expired by now. */
export interface Checkout {
  readonly url: string;
  readonly expires_at: string;
}

/** Null for a top-up, which gives out no key. */
export type KeyState = 'unclaimed' | 'claimed' | 'acknowledged' | 'closed' | null;

export interface EthPayment {
  readonly receipt: string;
  readonly transaction: string;
  readonly block: string;
  readonly paid_at: string;
  readonly amount_wei: string;
  readonly amount_usd: string | null;
  readonly credits: string | null;
  readonly credited: boolean;
  readonly reorged: boolean;
  readonly finality: 'latest' | 'safe' | 'finalized';
  readonly kept_back: { readonly reason: string; readonly detail: string } | null;
}

export interface CardPayment {
  readonly receipt: string;
  readonly status: 'processing' | 'paid' | 'failed';
  readonly paid_at: string | null;
  readonly amount_usd: string;
  readonly credits: string;
  readonly credited: boolean;
  readonly kept_back: boolean;
  readonly refunded_usd: string;
  readonly disputed_usd: string;
  readonly receipt_url: string | null;
}

export type AmountState = 'none' | 'under' | 'exact' | 'over';

export interface EthOrderStatus {
  readonly progress: EthProgress;
  /** The transaction of a payment that is in no block yet. */
  readonly seen_transaction: string | null;
  readonly state: {
    readonly amount: AmountState;
    readonly quote: 'live' | 'expired';
    readonly flags: readonly EthFlag[];
    readonly credited: boolean;
    readonly key: KeyState;
  };
  readonly payments: readonly EthPayment[];
}
export type EthFlag = 'late' | 'price_pending' | 'processing' | 'reorged' | 'kept_back';
/** The furthest that any of its payments has come. */
export type EthProgress = 'waiting' | 'seen' | 'confirmed' | 'credited' | 'kept_back' | 'reorged';

export interface CardOrderStatus {
  readonly progress: CardProgress;
  readonly seen_transaction: null;
  readonly state: {
    readonly amount: AmountState;
    readonly flags: readonly CardFlag[];
    readonly credited: boolean;
    readonly key: KeyState;
  };
  readonly payments: readonly CardPayment[];
}
export type CardFlag = 'processing' | 'failed' | 'refunded' | 'disputed' | 'kept_back';
export type CardProgress = 'waiting' | 'processing' | 'credited' | 'failed' | 'kept_back' | 'returned';

/** What the order's event stream tells, whenever it changes. */
export type OrderStatus = EthOrderStatus | CardOrderStatus;
