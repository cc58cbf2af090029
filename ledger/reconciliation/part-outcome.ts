import type { Difference } from './difference.ts';

/** A figure of a part, with how a stranger finds it again. */
export interface Figure {
  readonly what: string;
  readonly unit: 'wei' | 'microusd' | 'microcredits' | 'count' | 'block' | 'text';
  readonly value: string;
  /** The query, the RPC call or the request to Stripe that it is from. */
  readonly how: string;
}

/** What became of comparing one part. */
export type PartOutcome =
  | {
      readonly status: 'compared';
      readonly figures: readonly Figure[];
      readonly differences: readonly Difference[];
    }
  /** Why it could not be: nothing is said about it then. */
  | { readonly status: 'not_compared'; readonly why: string };

export function figure(
  what: string,
  unit: Figure['unit'],
  value: bigint | number | string,
  how: string,
): Figure {
  return { what, unit, value: String(value), how };
}
