import type { Hold } from './hold.ts';
import type { Instant } from './instant.ts';
import { assertBalanced, type Entry } from './journal.ts';
import { compareBurnOrder, type Lot, nextMidnightOfLife } from './lot.ts';
import type { SpendingLimit } from './spending-limit.ts';

/** A customer's part of the journal as a command finds it: its open lots in burn order, and where it stands. */
export interface Book {
  /** Number of the last entry; 0 for none. */
  readonly seq: bigint;
  /** When the last entry was booked; everything due up to then has been posted. */
  readonly bookedAt: Instant;
  /** Credits taken back that were already spent: positive when the customer owes them. */
  readonly debtMicrocredits: bigint;
  readonly lots: readonly Lot[];
  /** The open ones, and those that a step has closed. */
  readonly holds: readonly Hold[];
  /** Of the keys and grants that have one. */
  readonly limits: readonly SpendingLimit[];
}

export const EMPTY_BOOK: Book = {
  seq: 0n,
  bookedAt: 0n,
  debtMicrocredits: 0n,
  lots: [],
  holds: [],
  limits: [],
};

/** A book after a step, with the entries of that step. */
export interface Step {
  readonly book: Book;
  readonly entries: readonly Entry[];
}

export function availableOf(book: Book): bigint {
  let sum = 0n;
  for (const lot of book.lots) sum += lot.availableMicrocredits;
  return sum;
}

export function heldOf(book: Book): bigint {
  let sum = 0n;
  for (const lot of book.lots) sum += lot.heldMicrocredits;
  return sum;
}

/** When the book's credits next renew: the first midnight inside the life of a renewing lot, or null. */
export function renewsAt(book: Book, instant: Instant): Instant | null {
  let first: Instant | null = null;
  for (const lot of book.lots) {
    if (lot.policy === 'none' || lot.faceMicrocredits === 0n) continue;
    const midnight = nextMidnightOfLife(lot, instant);
    if (midnight !== null && (first === null || midnight < first)) first = midnight;
  }
  return first;
}

/** The lots with those of `changed` put in place; a new lot is put where burn order wants it. */
export function withLots(lots: readonly Lot[], changed: ReadonlyMap<bigint, Lot>): Lot[] {
  const known = new Set<bigint>();
  const next = lots.map(lot => {
    known.add(lot.id);
    return changed.get(lot.id) ?? lot;
  });
  let added = false;
  for (const [id, lot] of changed) {
    if (known.has(id)) continue;
    next.push(lot);
    added = true;
  }
  return added ? next.sort(compareBurnOrder) : next;
}

type Draft = Omit<
  Entry,
  'seq' | 'availableAfterMicrocredits' | 'heldAfterMicrocredits' | 'debtAfterMicrocredits'
>;

/** Closes a step with one entry: numbers it, notes the balances after it and checks it. */
export function append(
  book: Book,
  draft: Draft,
  after: {
    lots: readonly Lot[];
    holds?: readonly Hold[];
    limits?: readonly SpendingLimit[];
    debt?: bigint;
  },
): Step {
  const next: Book = {
    seq: book.seq + 1n,
    bookedAt: draft.bookedAt,
    debtMicrocredits: after.debt ?? book.debtMicrocredits,
    lots: after.lots,
    holds: after.holds ?? book.holds,
    limits: after.limits ?? book.limits,
  };
  const entry: Entry = {
    seq: next.seq,
    kind: draft.kind,
    effectiveAt: draft.effectiveAt,
    bookedAt: draft.bookedAt,
    command: draft.command,
    amountMicrocredits: draft.amountMicrocredits,
    details: draft.details,
    postings: draft.postings,
    availableAfterMicrocredits: availableOf(next),
    heldAfterMicrocredits: heldOf(next),
    debtAfterMicrocredits: next.debtMicrocredits,
  };
  assertBalanced(entry);
  if (draft.bookedAt < book.bookedAt)
    throw new Error(`entry ${entry.seq} is booked before the one that precedes it`);
  for (const lot of after.lots) assertNotNegative(lot);
  if (next.debtMicrocredits < 0n) throw new Error(`entry ${entry.seq} leaves a negative debt`);
  return { book: next, entries: [entry] };
}

function assertNotNegative(lot: Lot): void {
  if (
    lot.availableMicrocredits < 0n ||
    lot.heldMicrocredits < 0n ||
    lot.unreleasedMicrocredits < 0n ||
    lot.settledMicrocredits < 0n ||
    lot.debtMicrocredits < 0n ||
    lot.deferredMicrousd < 0n ||
    lot.returnedMicrousd < 0n ||
    lot.faceMicrocredits < 0n
  )
    throw new Error(`lot ${lot.id} would fall below zero`);
}
