import { HOUR, type Instant, MINUTE } from './instant.ts';

/** A hold that is given no deadline lasts this long. */
export const HOLD_LIFE_DEFAULT = 15n * MINUTE;
/** No hold lasts longer. */
export const HOLD_LIFE_MAX = 24n * HOUR;

/** What was taken from one lot. */
export interface Take {
  readonly lotId: bigint;
  readonly amountMicrocredits: bigint;
}

/** Credits that are reserved for a service. Its id is the number of the entry that placed it. */
export interface Hold {
  readonly id: bigint;
  /** The service that placed it: nobody else captures or releases it. */
  readonly serviceId: number;
  /** The key or grant that placed it, whose limit it counts against; null where none did. */
  readonly keyNumber: number | null;
  readonly placedAt: Instant;
  /** When it releases itself. */
  readonly deadline: Instant;
  /** In the burn order of when it was placed. */
  readonly takes: readonly Take[];
  /** The number of the entry that captured or released it; null while it is open. */
  readonly closedBy: bigint | null;
}

export function amountOf(takes: readonly Take[]): bigint {
  let sum = 0n;
  for (const take of takes) sum += take.amountMicrocredits;
  return sum;
}
