/** What the API answers to operators, as far as this page shows it. */
export interface Overview {
  readonly at: string;
  readonly indexer_lag_seconds: number | null;
  readonly indexer_lag_blocks: number | null;
  readonly sweep_lag_seconds: number;
  readonly seal_age_seconds: number | null;
  readonly suspense: { readonly receipts: number; readonly amount_eth: string };
  readonly debt: string;
  readonly alarms: number;
}

export interface Alarm {
  readonly kind: string;
  readonly subject: string;
  readonly message: string;
  readonly advice: string;
  readonly raised_at: string;
}

export interface SuspendedReceipt {
  readonly receipt: string;
  readonly transaction: string;
  readonly paid_at: string;
  readonly sender: string;
  readonly amount_eth: string;
  readonly amount_usd: string | null;
  readonly detail: string;
  readonly kept_back_from: { readonly account: string; readonly order: string | null } | null;
}

export interface SuspensePage {
  readonly receipts: readonly SuspendedReceipt[];
  readonly next: string | null;
}

export interface Receipt {
  readonly receipt: string;
  readonly rail: 'chain' | 'stripe';
  readonly recorded_at: string;
  readonly amount_eth: string | null;
  readonly amount_usd: string | null;
  readonly account: string | null;
  readonly standing: 'credited' | 'crediting' | 'price_pending' | 'suspense' | 'reorged' | 'unpaid';
}

export interface Debtor {
  readonly account: string;
  readonly debt: string;
}

interface ReconciliationPart {
  readonly status: 'compared' | 'not_compared';
  readonly why: string | null;
  readonly figures: readonly {
    readonly what: string;
    readonly unit: string;
    readonly value: string;
    readonly how: string;
  }[];
}

export interface Reconciliation {
  readonly at: string;
  readonly ledger: ReconciliationPart;
  readonly chain: ReconciliationPart;
  readonly stripe: ReconciliationPart;
  readonly differences: readonly {
    readonly part: string;
    readonly kind: string;
    readonly receipt: string | null;
    readonly entry: string | null;
    readonly what: string;
    readonly expected: string;
    readonly found: string;
    readonly cause: string;
  }[];
}

export interface Report {
  readonly days: readonly {
    readonly day: string;
    readonly paid_usd: string;
    readonly recognised_usd: string;
    readonly deferred_usd: string;
    readonly breakage_usd: string;
  }[];
  readonly ties: readonly {
    readonly what: string;
    readonly found: string;
    readonly booked: string;
    readonly holds: boolean;
  }[];
}
