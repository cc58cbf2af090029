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
  /** 15 minutes when left out; at most 24 hours. */
  readonly expires_in_seconds?: number;
  readonly description?: string;
};

export interface Hold extends Debited {
  readonly expires_at: Instant;
}

/** What a hold is captured for: an amount, or what was used, which the price list turns into one. */
export type Spent = { readonly amount: Amount; readonly model?: string } | { readonly usage: Usage };

/** A capture or release. */
export interface SettledHold extends Debited {
  readonly hold: string;
}

export interface Reversed extends Debited {
  readonly reverses: string;
}
