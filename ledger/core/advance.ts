/**
 * What time alone does to a book. Lots expire and renew at instants that anybody can compute, so these entries
 * are derived: one per book, instant and kind, booked at the instant that made them due, whoever posts them and
 * whenever. At one instant lots expire first, then renew.
 *
 * Example: a refill lot of 100 bought on March 1st at 15:00 and spent down to 30 that evening gets
 * `renewal 70, booked 03-02T00:00:00Z`; spent again down to 10 it gets `renewal 90, booked 03-03T00:00:00Z`;
 * untouched on the 3rd it gets nothing on the 4th. On March 31st at 15:00 what is available becomes breakage.
 */
import { append, type Book, type Step } from './book.ts';
import type { Instant } from './instant.ts';
import { type Entry, lotAfter, type Posting } from './journal.ts';
import { dueAtMidnight, type Lot, nextMidnightOfLife } from './lot.ts';

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
    for (const step of [expire, renew]) {
      const { book: next, entries: posted } = step(current, due);
      current = next;
      entries.push(...posted);
    }
    reached = due;
  }
}

/**
 * When time alone next changes the book after `after`: the earliest expiry, or the first midnight with something
 * to renew; null when never.
 */
export function nextDueAt(book: Book, after: Instant): Instant | null {
  let first: Instant | null = null;
  for (const lot of book.lots) {
    // An expired lot stays in the book only for its held credits: nothing more falls due by time.
    if (!lot.open || lot.expiresAt <= after) continue;
    const midnight = dueAtMidnight(lot) > 0n ? nextMidnightOfLife(lot, after) : null;
    const due = midnight ?? lot.expiresAt;
    if (first === null || due < first) first = due;
  }
  return first;
}

function expire(book: Book, instant: Instant): Step {
  const postings: Posting[] = [];
  let lapsed = 0n;
  const lots = book.lots.map(lot => {
    if (!lot.open || lot.expiresAt > instant) return lot;
    const gone: Lot = {
      ...lot,
      availableMicrocredits: 0n,
      unreleasedMicrocredits: 0n,
      deferredMicrousd: 0n,
      open: lot.heldMicrocredits > 0n,
    };
    if (lot.availableMicrocredits > 0n) {
      const after = { ...lotAfter(lot), availableMicrocredits: 0n };
      postings.push({
        from: 'CREDIT:available',
        to: 'CREDIT:breakage',
        amount: lot.availableMicrocredits,
        lot: after,
      });
    }
    if (lot.unreleasedMicrocredits > 0n)
      postings.push({
        from: 'CREDIT:unreleased',
        to: 'CREDIT:breakage',
        amount: lot.unreleasedMicrocredits,
        lot: lotAfter(gone),
      });
    // Nothing is owed for an expired lot: what is left of its payment is earned.
    if (lot.deferredMicrousd > 0n)
      postings.push({
        from: 'USD:revenue',
        to: 'USD:deferred_revenue',
        amount: lot.deferredMicrousd,
        lot: lotAfter(gone),
      });
    lapsed += lot.availableMicrocredits + lot.unreleasedMicrocredits;
    return gone;
  });
  return appendDerived(book, { kind: 'expiry', instant, postings, lots, amountMicrocredits: lapsed });
}

function renew(book: Book, instant: Instant): Step {
  const postings: Posting[] = [];
  let renewed = 0n;
  const lots = book.lots.map(lot => {
    const due = dueAtMidnight(lot);
    if (!lot.open || due <= 0n || nextMidnightOfLife(lot, instant - 1n) !== instant) return lot;
    const full: Lot = { ...lot, availableMicrocredits: lot.availableMicrocredits + due };
    postings.push({ from: 'CREDIT:renewed', to: 'CREDIT:available', amount: due, lot: lotAfter(full) });
    renewed += due;
    return full;
  });
  return appendDerived(book, { kind: 'renewal', instant, postings, lots, amountMicrocredits: renewed });
}

function appendDerived(
  book: Book,
  derived: {
    kind: 'expiry' | 'renewal';
    instant: Instant;
    postings: Posting[];
    lots: Lot[];
    amountMicrocredits: bigint;
  },
): Step {
  // A lot that ends empty and fully earned needs no entry; it is only closed.
  if (derived.postings.length === 0) return { book: { ...book, lots: derived.lots }, entries: [] };
  return append(
    book,
    {
      kind: derived.kind,
      effectiveAt: derived.instant,
      bookedAt: derived.instant,
      command: null,
      amountMicrocredits: derived.amountMicrocredits,
      details: null,
      postings: derived.postings,
    },
    { lots: derived.lots },
  );
}
