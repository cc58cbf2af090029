/** What is asked of the API and what it answers, as its reference has it. A test compares these with the contract. */

/** Whose credits are spent: by their Secure Key, or by a grant that they gave to this service. */
export type Spender =
  | { readonly secure_key: string; readonly grant?: undefined }
  | { readonly grant: string; readonly secure_key?: undefined };

/** Credits as a decimal string with at most 6 decimals, such as "12.5". */
export type Amount = string;
/** In UTC, to the microsecond: "2026-03-01T15:00:00.000000Z". */
export type Instant = string;

export type Debit = Spender & {
  readonly amount: Amount;
  /** Kept with the entry. */
  readonly description?: string;
  /** By which the customer's usage can be grouped. */
  readonly model?: string;
};

/** One debit of a batch, with the key that a single one has beside it. */
export type BatchDebit = Debit & { readonly idempotency_key: string };

/** What became of a debit of a batch: the debit, or the problem that it alone would have been answered with. */
export type BatchResult =
  | {
      readonly status: 201;
      /** That an earlier request had debited it already. */
      readonly replayed: boolean;
      readonly debit: Debited;
    }
  | { readonly status: number; readonly problem: ProblemDetails };

/** By RFC 9457. Some have more, such as `available` and `renews_at` where credits did not suffice. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable: branch on it. */
  readonly code: string;
  /** What is wrong, and what to do about it, for a person. */
  readonly detail: string;
  readonly request_id: string;
  readonly field?: string;
  readonly [member: string]: unknown;
}

export interface Debited {
  readonly id: string;
  readonly account: string;
  readonly amount: Amount;
  /** What the customer has left. */
  readonly available: Amount;
  readonly held: Amount;
  readonly booked_at: Instant;
}

export interface Usage {
  readonly model: string;
  readonly input_tokens?: number;
  readonly cached_input_tokens?: number;
  readonly output_tokens?: number;
  readonly images?: number;
  /** A decimal string, such as "12.5". */
  readonly seconds?: string;
}

export type UsageReport = Spender & Usage & { readonly description?: string };

/** A debit of what the price list charges for usage. */
export interface DebitedUsage extends Debited {
  readonly model: string;
  readonly price_version: number;
}

export type HoldRequest = Spender & {
  readonly amount: Amount;
  /** 15 minutes when left out; at most 24 hours, or less where the operator allows less. */
  readonly expires_in_seconds?: number;
  readonly description?: string;
};

export interface Hold extends Debited {
  readonly expires_at: Instant;
}

export interface HoldStatus {
  readonly id: string;
  readonly account: string;
  readonly amount: Amount;
  readonly status: 'open' | 'captured' | 'released' | 'expired';
  readonly captured: Amount;
  readonly booked_at: Instant;
  readonly expires_at: Instant;
  readonly closed_at: Instant | null;
}

/** What a hold is captured for: an amount, or what was used, which the price list turns into one. */
export type Spent = { readonly amount: Amount; readonly model?: string } | { readonly usage: Usage };

/** A capture or release. */
export interface SettledHold extends Debited {
  readonly hold: string;
}

export interface CapturedHold extends SettledHold {
  readonly model?: string;
  /** Where the amount came from the price list. */
  readonly price_version?: number;
}

export interface Reversed extends Debited {
  readonly reverses: string;
}

/** Credits for a million tokens, an image or a second. */
export interface ModelPrices {
  readonly model: string;
  readonly per_million_input_tokens?: Amount;
  readonly per_million_cached_input_tokens?: Amount;
  readonly per_million_output_tokens?: Amount;
  readonly per_image?: Amount;
  readonly per_second?: Amount;
}

export interface RateCard {
  readonly version: number;
  readonly effective_at: Instant;
  readonly prices: readonly ModelPrices[];
  /** What takes its place, and when. */
  readonly next: { readonly version: number; readonly effective_at: Instant } | null;
}
