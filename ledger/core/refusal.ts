import type { Instant } from './instant.ts';
import type { UsageUnit } from './rate-card.ts';

/** Why a command was not carried out, with what the caller needs to act on it. A refusal changes nothing. */
export type Refusal =
  | {
      readonly code: 'insufficient_credits';
      readonly availableMicrocredits: bigint;
      readonly requiredMicrocredits: bigint;
      readonly renewsAt: Instant | null;
    }
  | { readonly code: 'debt_open'; readonly debtMicrocredits: bigint }
  | {
      /** The account may have more: this key or grant may not. */
      readonly code: 'key_limit_exceeded';
      readonly limitMicrocredits: bigint;
      readonly remainingMicrocredits: bigint;
      readonly requiredMicrocredits: bigint;
      readonly resetsAt: Instant | null;
    }
  | {
      readonly code: 'too_many_holds';
      readonly limit: number;
      /** Whether all holds of the account are counted, or those of the service that asks. */
      readonly of: 'account' | 'service';
    }
  /** In microseconds. */
  | { readonly code: 'hold_too_long'; readonly lifeMax: bigint }
  | { readonly code: 'hold_unknown' }
  | { readonly code: 'hold_closed' }
  | {
      readonly code: 'capture_above_hold';
      readonly heldMicrocredits: bigint;
      readonly requiredMicrocredits: bigint;
    }
  | { readonly code: 'spend_unknown' }
  | {
      readonly code: 'reversal_above_spend';
      /** What earlier reversals have left of it. */
      readonly leftMicrocredits: bigint;
      readonly requiredMicrocredits: bigint;
    }
  /** No version of the price list is in force; the first one will be from `effectiveFrom` on. */
  | { readonly code: 'rate_card_missing'; readonly effectiveFrom: Instant | null }
  | { readonly code: 'model_unknown'; readonly version: number; readonly models: readonly string[] }
  | {
      readonly code: 'usage_unpriced';
      readonly version: number;
      /** What was used and has no price; those of the model that have one. */
      readonly unit: UsageUnit;
      readonly units: readonly UsageUnit[];
    }
  /** All that was used is free of charge. */
  | { readonly code: 'usage_free'; readonly version: number }
  | { readonly code: 'idempotency_key_reused' }
  | { readonly code: 'account_unknown' };
