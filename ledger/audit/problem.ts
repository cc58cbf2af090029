/** What does not hold of a record: what it is about, what should be there and what is. */
export interface Flaw {
  /** The entry it shows at; null where no entry is concerned. */
  readonly entry: bigint | null;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/** A flaw with the book it is in. */
export interface Problem extends Flaw {
  /** `acct_…` or `system_…`; null for what belongs to no book, as the chart of accounts does. */
  readonly book: string | null;
}
