import type { Instant } from './instant.ts';

/** Why a command was not carried out, with what the caller needs to act on it. A refusal changes nothing. */
export type Refusal =
  | {
      readonly code: 'insufficient_credits';
      readonly availableMicrocredits: bigint;
      readonly requiredMicrocredits: bigint;
      readonly renewsAt: Instant | null;
    }
  | { readonly code: 'debt_open'; readonly debtMicrocredits: bigint }
  | { readonly code: 'idempotency_key_reused' }
  | { readonly code: 'account_unknown' };
