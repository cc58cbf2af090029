/** What a customer's own key is told. A test compares these with the contract. */
import type { Amount, Instant } from './types.ts';

export type LotPolicy = 'refill' | 'none' | 'installments';
export type LimitPeriod = 'day' | 'week' | 'month' | 'lifetime';

export interface Credits {
  readonly account: string;
  readonly at: Instant;
  readonly available: Amount;
  readonly held: Amount;
  readonly debt: Amount;
  /** When there is more again without a payment. */
  readonly renews_at: Instant | null;
  readonly lots: readonly {
    readonly id: string;
    readonly face: Amount;
    readonly available: Amount;
    readonly held: Amount;
    readonly paid_usd: string;
    readonly policy: LotPolicy;
    readonly added_at: Instant;
    readonly expires_at: Instant;
    readonly renewals_left: number;
  }[];
}

/** The key that asks, its limit, and what was used with it. */
export interface KeyStatus {
  readonly account: string;
  readonly number: number;
  readonly scope: 'manage' | 'spend';
  readonly label: string | null;
  readonly last_four: string;
  /** Whether the key was rotated: this secret ends at `grace_until`. */
  readonly in_grace: boolean;
  readonly grace_until: Instant | null;
  readonly limit: Amount | null;
  readonly limit_remaining: Amount | null;
  readonly limit_reset: LimitPeriod | null;
  readonly limit_resets_at: Instant | null;
  /** Ever. */
  readonly usage: Amount;
  readonly usage_daily: Amount;
  readonly usage_weekly: Amount;
  readonly usage_monthly: Amount;
  readonly created_at: Instant;
}

export interface Lot {
  readonly id: string;
  readonly face: Amount;
  /** What of it can be spent now. */
  readonly remaining: Amount;
  readonly held: Amount;
  /** Installments still to come. */
  readonly unreleased: Amount;
  readonly policy: LotPolicy;
  readonly added_at: Instant;
  readonly expires_at: Instant;
  readonly live: boolean;
  readonly renewals_left: number;
  readonly paid_usd: string;
  /** Of a payment in ETH. */
  readonly price: { readonly eth_usd: string; readonly round_id: string | null } | null;
  readonly source: {
    readonly kind: 'purchase' | 'adjustment' | 'restoration';
    readonly order: string | null;
    readonly receipt: string | null;
    readonly transaction: string | null;
    readonly stripe_receipt_url: string | null;
  };
}

/** An entry, with what the account had after it. */
export interface Transaction {
  readonly id: string;
  /** Such as `debit`. */
  readonly kind: string;
  readonly booked_at: Instant;
  readonly effective_at: Instant;
  readonly amount: Amount;
  readonly available: Amount;
  readonly held: Amount;
  readonly debt: Amount;
  readonly service: string | null;
  /** What authorised it; of a capture, what placed the hold. */
  readonly key: {
    readonly number: number;
    readonly kind: 'key' | 'grant';
    readonly label: string | null;
  } | null;
  readonly model: string | null;
  readonly description: string | null;
}

export type UsageGrouping = 'day' | 'service' | 'model' | 'key';

/** From one instant up to, and without, another, at most 92 days later; the last 30 days by day when left out. */
export interface UsageQuery {
  /** An instant, or a date for its first one in UTC. */
  readonly from?: string;
  readonly to?: string;
  readonly group_by?: UsageGrouping;
}

export interface UsageSummary {
  readonly from: Instant;
  readonly to: Instant;
  readonly group_by: UsageGrouping;
  readonly usage: readonly {
    /** The day as YYYY-MM-DD, the service, the model, or the number of key or grant; null: not told. */
    readonly group: string | null;
    /** Of a key or grant. */
    readonly label: string | null;
    readonly credits: Amount;
    readonly count: number;
  }[];
}

export interface Limit {
  readonly amount: Amount;
  readonly period: LimitPeriod;
}

/** Lets a service spend without a key. */
export interface GrantRequest {
  /** As `services` names it. */
  readonly service: string;
  readonly label?: string;
  readonly limit?: Limit;
  /** An instant, or a date for its first one in UTC; without it the grant lasts until it is revoked. */
  readonly expires_at?: string;
}

/** What is left out stays as it is; null takes it away. */
export interface GrantChange {
  readonly label?: string | null;
  readonly limit?: Limit | null;
}

export interface Grant {
  /** What the service sends as `grant`. Not secret. */
  readonly id: string;
  /** Names it in transactions and usage, as that of a key does. */
  readonly number: number;
  readonly service: string;
  readonly label: string | null;
  readonly limit:
    | (Limit & {
        /** What else may be spent now; what is on hold counts as used. */
        readonly remaining: Amount;
        readonly resets_at: Instant | null;
      })
    | null;
  readonly created_at: Instant;
  readonly expires_at: Instant | null;
  readonly revoked_at: Instant | null;
}

/** A service that a grant may be given to. */
export interface Service {
  readonly name: string;
}
