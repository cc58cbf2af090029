import { assetOf, type LedgerAccount } from './chart.ts';
import type { Instant } from './instant.ts';

/** What somebody asked a customer's book for. */
export const COMMAND_KINDS = [
  'purchase',
  'debit',
  'clawback',
  'hold',
  'capture',
  'release',
  'reversal',
  'adjustment',
  'restoration',
] as const;
export type CommandKind = (typeof COMMAND_KINDS)[number];

export const ENTRY_KINDS = [
  // Books of accounts
  ...COMMAND_KINDS,
  // made due by time alone
  'expiry',
  'hold_timeout',
  'renewal',
  'installment',
  // System books
  'receipt',
  'assignment',
  'assignment_reversal',
  'receipt_reversal',
  'withdrawal',
  'gas',
  'provisional_receipt',
  'provisional_reversal',
  'card_payment',
  'operator_action',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** One movement: `amount` (> 0, in the smallest unit of the asset) leaves `from` and arrives in `to`. */
export interface Posting {
  readonly from: LedgerAccount;
  readonly to: LedgerAccount;
  readonly amount: bigint;
  /** The lot it moves and what that lot holds after it; null where no lot is concerned. */
  readonly lot: LotAfter | null;
}

export interface LotAfter {
  readonly id: bigint;
  readonly availableMicrocredits: bigint;
  readonly heldMicrocredits: bigint;
  readonly unreleasedMicrocredits: bigint;
}

/** Who asked for an entry and under which idempotency key; null for derived entries. */
export interface CommandIdentity {
  /** The service that asked; 0 is this system itself. */
  readonly serviceId: number;
  /** The number of the customer's Secure Key that authorised it; null where none did. */
  readonly keyNumber: number | null;
  /** First 16 bytes of SHA-256 over service and idempotency key, in hex. Unique in its book, for ever. */
  readonly keyDigest: string;
  /** First 16 bytes of SHA-256 over what was asked, in hex. The same key with another payload is refused. */
  readonly payloadDigest: string;
}

/** A journal entry as it is sealed: all but its hash and its wall-clock time. */
export interface Entry {
  /** Gapless from 1 in its book. */
  readonly seq: bigint;
  readonly kind: EntryKind;
  /** Value date. */
  readonly effectiveAt: Instant;
  /** When the book took it in; never before the entry that precedes it. */
  readonly bookedAt: Instant;
  readonly command: CommandIdentity | null;
  /** What the entry moved in credits; 0 in system books. */
  readonly amountMicrocredits: bigint;
  /** Text sealed as the stored bytes, or null. Never empty. */
  readonly details: string | null;
  readonly postings: readonly Posting[];
  readonly availableAfterMicrocredits: bigint;
  readonly heldAfterMicrocredits: bigint;
  readonly debtAfterMicrocredits: bigint;
}

/** What a lot holds, as a posting records it. */
export function lotAfter(lot: LotAfter): LotAfter {
  return {
    id: lot.id,
    availableMicrocredits: lot.availableMicrocredits,
    heldMicrocredits: lot.heldMicrocredits,
    unreleasedMicrocredits: lot.unreleasedMicrocredits,
  };
}

/** Whether entries of this kind move something. An operator's action is a note in the chain and moves nothing. */
export function hasPostings(kind: EntryKind): boolean {
  return kind !== 'operator_action';
}

/**
 * Throws when an entry is not what double entry asks for: postings with positive amounts between two accounts
 * of one asset, and none in a note. Checked before an entry leaves the core; the database checks the same again.
 */
export function assertBalanced(entry: Entry): void {
  if (entry.postings.length > 0 !== hasPostings(entry.kind))
    throw new Error(`entry ${entry.seq} (${entry.kind}) has ${entry.postings.length} postings`);
  for (const posting of entry.postings) {
    if (posting.amount <= 0n) throw new Error(`entry ${entry.seq} posts ${posting.amount} to ${posting.to}`);
    if (posting.from === posting.to) throw new Error(`entry ${entry.seq} posts ${posting.to} to itself`);
    if (assetOf(posting.from) !== assetOf(posting.to))
      throw new Error(`entry ${entry.seq} moves ${posting.from} to ${posting.to}, another asset`);
  }
}
