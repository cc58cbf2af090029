/**
 * What time alone does to a book. Lots expire, renew and release installments, and holds end, at instants that anybody
 * can compute, so these entries are derived: one per book, instant and kind, booked at the instant that made them due,
 * whoever posts them and whenever. At one instant lots expire first, then holds end, then lots renew, then installments
 * are released.
 *
 * Example: a refill lot of 100 bought on March 1st at 15:00 and spent down to 30 that evening gets
 * `renewal 70, booked 03-02T00:00:00Z`; spent again down to 10 it gets `renewal 90, booked 03-03T00:00:00Z`;
 * untouched on the 3rd it gets nothing on the 4th. On March 31st at 15:00 what is available becomes breakage.
 */
import type { Book, Step } from './book.ts';
import { Draft } from './draft.ts';
import { giveBack } from './give-back.ts';
import { amountOf } from './hold.ts';
import type { Instant } from './instant.ts';
import type { Entry, EntryKind } from './journal.ts';
import { dueAtMidnight, isOpen, type Lot, nextMidnightOfLife, releasedAt } from './lot.ts';

/**
 * The book with everything posted that is due after its last entry and up to `instant`, inclusive. An `instant`
 * before the book's last entry changes nothing.
 */
export function advance(book: Book, instant: Instant): Step {
  let current = book;
  let reached = book.bookedAt;
  const entries: Entry[] = [];
  for (;;) {
    const due = nextDueAt(current, reached);
    if (due === null || due > instant) return { book: current, entries };
    for (const step of [expire, endHolds, renew, releaseInstallments]) {
      const { book: next, entries: posted } = step(current, due);
      current = next;
      entries.push(...posted);
    }
    reached = due;
  }
}

/**
 * When time alone next changes the book after `after`: the earliest expiry, deadline of a hold, or midnight with
 * something to renew or release; null when never.
 */
export function nextDueAt(book: Book, after: Instant): Instant | null {
  let first: Instant | null = null;
  const consider = (due: Instant) => {
    if (first === null || due < first) first = due;
  };
  for (const lot of book.lots) {
    // An expired lot stays in the book only for what is held or owed: nothing more falls due by time.
    if (!lot.open || lot.expiresAt <= after) continue;
    consider(lot.expiresAt);
    const midnight = nextMidnightOfLife(lot, after);
    if (midnight !== null && (dueAtMidnight(lot) > 0n || hasUnreleased(lot))) consider(midnight);
  }
  for (const hold of book.holds) if (hold.closedBy === null && hold.deadline > after) consider(hold.deadline);
  return first;
}

function hasUnreleased(lot: Lot): boolean {
  return lot.policy === 'installments' && lot.unreleasedMicrocredits > 0n;
}

function expire(book: Book, instant: Instant): Step {
  const draft = new Draft(book);
  let lapsed = 0n;
  for (const {
    id,
    open,
    expiresAt,
    availableMicrocredits,
    unreleasedMicrocredits,
    deferredMicrousd,
  } of book.lots) {
    if (!open || expiresAt > instant) continue;
    draft.move('CREDIT:available', 'CREDIT:breakage', availableMicrocredits, id);
    draft.move('CREDIT:unreleased', 'CREDIT:breakage', unreleasedMicrocredits, id);
    // Nothing is owed for an expired lot: what is left of its payment is earned.
    draft.move('USD:revenue', 'USD:deferred_revenue', deferredMicrousd, id);
    lapsed += availableMicrocredits + unreleasedMicrocredits;
  }
  const { book: next, entries } = closeDerived(book, draft, {
    kind: 'expiry',
    instant,
    amountMicrocredits: lapsed,
  });
  // A lot that ends empty and fully earned needs no entry; it is only closed.
  if (next.lots.every(lot => lot.open === isOpen(lot, instant))) return { book: next, entries };
  const lots = next.lots.map(lot => (lot.open && !isOpen(lot, instant) ? { ...lot, open: false } : lot));
  return { book: { ...next, lots }, entries };
}

function endHolds(book: Book, instant: Instant): Step {
  const due = book.holds.filter(hold => hold.closedBy === null && hold.deadline <= instant).sort(byId);
  const draft = new Draft(book);
  let released = 0n;
  for (const hold of due) {
    giveBack(draft, {
      from: 'CREDIT:held',
      takes: hold.takes,
      takenAt: hold.placedAt,
      instant,
      renewedThrough: instant - 1n,
    });
    draft.putHold({ ...hold, closedBy: draft.seq });
    released += amountOf(hold.takes);
  }
  const details = JSON.stringify({ holds: due.map(hold => String(hold.id)) });
  return closeDerived(book, draft, { kind: 'hold_timeout', instant, amountMicrocredits: released, details });
}

function renew(book: Book, instant: Instant): Step {
  const draft = new Draft(book);
  let renewed = 0n;
  for (const lot of book.lots) {
    if (!lot.open || nextMidnightOfLife(lot, instant - 1n) !== instant) continue;
    const due = dueAtMidnight(lot);
    draft.move('CREDIT:renewed', 'CREDIT:available', due, lot.id);
    renewed += due;
  }
  return closeDerived(book, draft, { kind: 'renewal', instant, amountMicrocredits: renewed });
}

function releaseInstallments(book: Book, instant: Instant): Step {
  const draft = new Draft(book);
  let released = 0n;
  for (const lot of book.lots) {
    if (!lot.open || nextMidnightOfLife(lot, instant - 1n) !== instant) continue;
    const due = releasedAt(lot, instant);
    draft.move('CREDIT:unreleased', 'CREDIT:available', due, lot.id);
    released += due;
  }
  return closeDerived(book, draft, { kind: 'installment', instant, amountMicrocredits: released });
}

function closeDerived(
  book: Book,
  draft: Draft,
  derived: {
    readonly kind: EntryKind;
    readonly instant: Instant;
    readonly amountMicrocredits: bigint;
    readonly details?: string;
  },
): Step {
  if (draft.isEmpty) return { book, entries: [] };
  return draft.close({ details: null, ...derived, identity: null });
}

function byId(a: { readonly id: bigint }, b: { readonly id: bigint }): number {
  return a.id < b.id ? -1 : 1;
}
