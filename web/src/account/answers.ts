/** What the API answers beyond the client's types. */
import type { Limit } from '../../../client/src/account-types.ts';

export interface Key {
  readonly number: number;
  readonly scope: 'manage' | 'spend';
  readonly label: string | null;
  readonly last_four: string;
  readonly limit: (Limit & { readonly remaining: string; readonly resets_at: string | null }) | null;
  readonly created_at: string;
  readonly rotated_at: string | null;
  readonly grace_until: string | null;
  readonly revoked_at: string | null;
}

/** As it is told once. */
export interface NewKey extends Key {
  readonly secure_key: string;
}

export interface Wallets {
  readonly wallets: readonly {
    readonly address: string;
    readonly linked_at: string | null;
    readonly recovers_from: string;
    readonly recovers_until: string | null;
  }[];
}

export interface Endpoint {
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  readonly low_balance_threshold: string | null;
  readonly status: 'active' | 'disabled' | 'paused';
  readonly alarm: { readonly detail: string } | null;
}

export interface Delivery {
  readonly id: string;
  readonly event: string;
  readonly created_at: string;
  readonly status: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly last_problem: { readonly detail: string } | null;
}

export interface SealedEntry {
  readonly seq: string;
  readonly sealed: string;
  readonly hash: string;
}

export interface Proof {
  readonly format: string;
  readonly seal: { readonly document: string; readonly hash: string; readonly signature: string };
  readonly book: {
    readonly name: string;
    readonly seq: string;
    readonly head: string;
    readonly available_microcredits: string;
    readonly held_microcredits: string;
    readonly debt_microcredits: string;
  };
  readonly leaf_index: number;
  readonly leaf_count: number;
  /** From the leaf to the root, in hex. */
  readonly path: readonly string[];
}
