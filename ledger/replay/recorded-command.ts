/** A command of a customer's book as it is on record: without anything that it led to. */
import type { Instant } from '../core/instant.ts';
import { COMMAND_KINDS, type CommandIdentity, type CommandKind, type EntryKind } from '../core/journal.ts';

export interface RecordedCommand {
  readonly kind: CommandKind;
  readonly identity: CommandIdentity;
  /** When it was decided. */
  readonly decidedAt: Instant;
  /** What was debited, held, captured, reversed or adjusted; of payments the facts say it. */
  readonly amountMicrocredits: bigint;
  readonly details: string | null;
  /** Of a hold: when it releases itself. */
  readonly deadline: Instant | null;
  /** Of a capture or release: the hold. */
  readonly holdId: bigint | null;
  /** Of a reversal: the debit or capture. */
  readonly spendId: bigint | null;
  /** Of a debit or capture: whether a later reversal names it. */
  readonly isReversed: boolean;
}

export function isCommandKind(kind: EntryKind): kind is CommandKind {
  return COMMAND_KINDS.some(known => known === kind);
}
