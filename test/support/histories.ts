/** Arbitrary histories of a book for property tests: commands at telling instants, resolved as they are run. */
import fc from 'fast-check';
import { advance, nextDueAt } from '../../ledger/core/advance.ts';
import { lesserOf } from '../../ledger/core/amount.ts';
import { availableOf, type Book, EMPTY_BOOK } from '../../ledger/core/book.ts';
import { type Command, decide } from '../../ledger/core/commands.ts';
import { DAY, HOUR, type Instant, MINUTE, midnightAfter, SECOND } from '../../ledger/core/instant.ts';
import type { Entry } from '../../ledger/core/journal.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { parseInstant } from '../../ledger/store/instant-text.ts';

/** All property tests draw from this seed, so that a run today is a run tomorrow. */
export const SEED = 20_260_301;

const START = parseInstant('2026-03-01T15:00:00Z');

/** A command and when it is decided: all that is needed to run it again. */
export interface Dated {
  readonly command: Command;
  readonly instant: Instant;
}

interface Wish {
  readonly wait: 'none' | 'microsecond' | 'hour' | 'day' | 'weeks' | 'midnight' | 'due' | 'anything';
  /** Some microseconds for `anything`. */
  readonly span: bigint;
  /** Around a midnight and what is due: the microsecond before it, itself, the one after. */
  readonly nudge: bigint;
  readonly want: 'buy' | 'spend' | 'take_back' | 'advance';
  /** What part of the available credits, of the payment or of $10, in thousandths. */
  readonly part: bigint;
  /** A microcredit or micro-dollar more or less than that. */
  readonly offBy: bigint;
  /** How long before it was noticed a payment was made. */
  readonly lateness: bigint;
  readonly lot: number;
}

const wish: fc.Arbitrary<Wish> = fc.record({
  wait: fc.constantFrom('none', 'microsecond', 'hour', 'day', 'weeks', 'midnight', 'due', 'anything'),
  span: fc.bigInt({ min: 0n, max: 3n * DAY }),
  nudge: fc.constantFrom(-1n, 0n, 0n, 1n),
  want: fc.constantFrom('buy', 'buy', 'spend', 'spend', 'spend', 'take_back', 'advance'),
  part: fc.constantFrom(1n, 250n, 500n, 999n, 1000n, 1000n),
  offBy: fc.constantFrom(-1n, 0n, 0n, 1n),
  lateness: fc.constantFrom(0n, 0n, -5n * SECOND, 3n * SECOND, 10n * HOUR, DAY, DAY + 1n, 31n * DAY),
  lot: fc.nat({ max: 7 }),
});

export const wishes: fc.Arbitrary<Wish[]> = fc.array(wish, { minLength: 1, maxLength: 25 });

/** Runs the wishes against the core, each resolved from the book it meets, and tells what they came to. */
export function resolve(all: readonly Wish[]): Dated[] {
  let book = EMPTY_BOOK;
  let instant = START;
  return all.map((one, number) => {
    instant = instantOf(one, book, instant);
    const command = commandOf(one, advance(book, instant).book, instant, number);
    const decision = decide(book, command, instant);
    if (decision.accepted) book = decision.step.book;
    return { command, instant };
  });
}

function instantOf({ wait, span, nudge }: Wish, book: Book, now: Instant): Instant {
  const nudged = (instant: Instant) => (instant + nudge > now ? instant + nudge : now);
  switch (wait) {
    case 'none':
      return now;
    case 'microsecond':
      return now + 1n;
    case 'hour':
      return now + HOUR + 7n * MINUTE;
    case 'day':
      return now + DAY;
    case 'weeks':
      return now + 16n * DAY;
    case 'midnight':
      return nudged(midnightAfter(now));
    case 'due':
      return nudged(nextDueAt(book, now) ?? now);
    case 'anything':
      return now + span;
  }
}

function commandOf(one: Wish, book: Book, instant: Instant, number: number): Command {
  const identity = commandIdentity({
    serviceId: 1,
    keyNumber: number,
    idempotencyKey: `wish-${number}`,
    payload: one.want,
  });
  const some = (whole: bigint) => {
    const wanted = (whole * one.part) / 1000n + one.offBy;
    return wanted > 0n ? wanted : 1n;
  };
  const lot = book.lots[one.lot % Math.max(book.lots.length, 1)];
  const leftMicrousd = lot ? (lot.faceMicrocredits + lot.settledMicrocredits) / 10_000n : 0n;
  if (one.want === 'take_back' && lot && leftMicrousd > 0n) {
    const amountMicrousd = lesserOf(some(leftMicrousd), leftMicrousd);
    return { type: 'clawback', identity, lotId: lot.id, amountMicrousd, details: null };
  }
  if (one.want === 'spend')
    return { type: 'debit', identity, amountMicrocredits: some(availableOf(book)), details: null };
  if (one.want === 'advance') return { type: 'advance' };
  return {
    type: 'purchase',
    identity,
    amountMicrousd: some(10_000_000n),
    paidAt: instant - one.lateness,
    policy: 'refill',
    details: null,
  };
}

/** Carries out the commands one after the other from an empty book. */
export function runHistory(
  history: readonly Dated[],
  /** What the store makes of a book between two commands. */
  reload: (book: Book, next: Command) => Book = book => book,
): { book: Book; entries: Entry[]; accepted: boolean[] } {
  let book = EMPTY_BOOK;
  const entries: Entry[] = [];
  const accepted = history.map(({ command, instant }) => {
    const decision = decide(reload(book, command), command, instant);
    if (!decision.accepted) return false;
    book = decision.step.book;
    entries.push(...decision.step.entries);
    return true;
  });
  return { book, entries, accepted };
}
