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
  /** Shown to the customer. */
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
