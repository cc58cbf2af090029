/** Arbitrary histories of a book for property tests: commands at telling instants, resolved as they are run. */
import fc from 'fast-check';
import { advance, nextDueAt } from '../../ledger/core/advance.ts';
import { lesserOf } from '../../ledger/core/amount.ts';
import { availableOf, type Book, EMPTY_BOOK } from '../../ledger/core/book.ts';
import { type Command, decide } from '../../ledger/core/commands.ts';
import { amountOf } from '../../ledger/core/hold.ts';
import { DAY, HOUR, type Instant, MINUTE, midnightAfter, SECOND } from '../../ledger/core/instant.ts';
import type { CommandIdentity, Entry } from '../../ledger/core/journal.ts';
import type { Lot, RenewalPolicy } from '../../ledger/core/lot.ts';
import type { Spend } from '../../ledger/core/reversal.ts';
import type { Request } from '../../ledger/posting/batch.ts';
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
  readonly wait: 'none' | 'microsecond' | 'hour' | 'day' | 'weeks' | 'midnight' | 'due' | 'end' | 'anything';
  /** Some microseconds for `anything`. */
  readonly span: bigint;
  /** Around a midnight, what is due and the end of a lot: the microsecond before it, itself, the one after. */
  readonly nudge: bigint;
  readonly want: (typeof WANTS)[number];
  /** What part of the available credits, of the payment or of $10, in thousandths. */
  readonly part: bigint;
  /** A microcredit or micro-dollar more or less than that. */
  readonly offBy: bigint;
  /** How long before it was noticed a payment was made. */
  readonly lateness: bigint;
  /** Which of the payments, holds and spends so far, the latest being 0. */
  readonly pick: number;
  readonly service: number;
  readonly policy: RenewalPolicy;
}

const WANTS = [
  ...[
    'buy',
    'buy',
    'spend',
    'spend',
    'spend',
    'hold',
    'hold',
    'capture',
    'capture',
    'release',
    'reverse',
    'reverse',
  ],
  ...['take_back', 'take_back', 'restore', 'restore', 'give', 'take', 'advance'],
] as const;

const wish: fc.Arbitrary<Wish> = fc.record({
  wait: fc.constantFrom(
    'none',
    'none',
    'microsecond',
    'microsecond',
    'hour',
    'hour',
    'day',
    'weeks',
    'midnight',
    'due',
    'anything',
  ),
  span: fc.bigInt({ min: 0n, max: 3n * DAY }),
  nudge: fc.constantFrom(-1n, 0n, 0n, 1n),
  want: fc.constantFrom(...WANTS),
  part: fc.constantFrom(1n, 250n, 500n, 999n, 1000n, 1000n),
  offBy: fc.constantFrom(-1n, 0n, 0n, 1n),
  lateness: fc.constantFrom(0n, 0n, -5n * SECOND, 3n * SECOND, 10n * HOUR, DAY, DAY + 1n, 31n * DAY),
  pick: fc.nat({ max: 5 }),
  service: fc.constantFrom(1, 1, 1, 2),
  policy: fc.constantFrom<RenewalPolicy>('refill', 'refill', 'none', 'installments'),
});

export const wishes: fc.Arbitrary<Wish[]> = fc.array(wish, { minLength: 1, maxLength: 25 });

/** Lots that are bought and end at midnights, and what happens a microsecond before: too seldom among all wishes. */
export const wishesAroundEnds: fc.Arbitrary<Wish[]> = fc.array(
  fc
    .record({
      wait: fc.constantFrom<Wish['wait']>('none', 'microsecond', 'midnight', 'midnight', 'end', 'end'),
      nudge: fc.constantFrom(-1n, 0n, 0n),
      want: fc.constantFrom<Wish['want']>('buy', 'buy', 'spend', 'spend', 'hold', 'release', 'reverse'),
    })
    .chain(around => wish.map(one => ({ ...one, ...around, lateness: 0n }))),
  { minLength: 4, maxLength: 12 },
);

/** Payments that are taken back, come again and are taken back once more, with what was spent or held of them. */
export const wishesAroundPayments: fc.Arbitrary<Wish[]> = fc.array(
  fc
    .record({
      wait: fc.constantFrom<Wish['wait']>('none', 'none', 'microsecond', 'midnight'),
      want: fc.constantFrom<Wish['want']>(
        ...(['buy', 'spend', 'spend', 'hold', 'release', 'reverse'] as const),
        ...(['take_back', 'take_back', 'restore', 'restore', 'take'] as const),
      ),
      pick: fc.nat({ max: 1 }),
    })
    .chain(around => wish.map(one => ({ ...one, ...around, lateness: 0n }))),
  { minLength: 5, maxLength: 15 },
);

/** Any, with more of those payments than chance would have. */
export const anyWishes: fc.Arbitrary<Wish[]> = fc.oneof(wishes, wishesAroundPayments);

/** Runs the wishes against the core, each resolved from the book it meets, and tells what they came to. */
export function resolve(all: readonly Wish[], from: Book = EMPTY_BOOK): Dated[] {
  let book = from;
  let instant = START;
  const entries: Entry[] = [];
  return all.map((one, number) => {
    instant = instantOf(one, book, instant);
    const command = commandOf(one, { book: advance(book, instant).book, entries, instant }, number);
    const decision = decide(book, command, instant);
    if (decision.accepted) {
      book = decision.step.book;
      entries.push(...decision.step.entries);
    }
    return { command, instant };
  });
}

/** What a reversal of this debit or capture finds recorded, in a book that has forgotten nothing. */
export function spendOf(entry: Entry, book: Book, entries: readonly Entry[]): Spend {
  const details = (of: Entry) => JSON.parse(of.details ?? '{}') as { reverses?: string };
  const hold = book.holds.find(({ closedBy }) => closedBy === entry.seq);
  const reversed = entries.filter(({ kind }) => kind === 'reversal');
  return {
    id: entry.seq,
    serviceId: entry.command?.serviceId ?? 0,
    keyNumber: (hold ?? entry.command)?.keyNumber ?? null,
    spentAt: entry.bookedAt,
    takenAt: hold?.placedAt ?? entry.bookedAt,
    takes: entry.postings
      .filter(posting => posting.to === 'CREDIT:consumed')
      .map(({ amount, lot }) => ({ lotId: lot?.id ?? 0n, amountMicrocredits: amount })),
    reversedMicrocredits: reversed
      .filter(reversal => details(reversal).reverses === String(entry.seq))
      .reduce((sum, { amountMicrocredits }) => sum + amountMicrocredits, 0n),
  };
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
    case 'end':
      return nudged(nextEndOf(book, now));
    case 'anything':
      return now + span;
  }
}

/** When the next lot ends; now when there is none. */
function nextEndOf(book: Book, now: Instant): Instant {
  const ends = book.lots.map(lot => lot.expiresAt).filter(end => end > now);
  return ends.reduce((a, b) => lesserOf(a, b), ends[0] ?? now);
}

interface Met {
  readonly book: Book;
  readonly entries: readonly Entry[];
  readonly instant: Instant;
}

function commandOf(one: Wish, met: Met, number: number): Command {
  const identity = identityOf(one, number, one.service);
  return wished(one, met, identity, number) ?? purchaseOf(one, identity, met.instant);
}

/** Null where there is nothing to do it to. */
function wished(one: Wish, met: Met, identity: CommandIdentity, number: number): Command | null {
  const { book } = met;
  const { want, policy } = one;
  switch (want) {
    case 'buy':
      return null;
    case 'spend':
      return { type: 'debit', identity, amountMicrocredits: some(one, availableOf(book)), details: null };
    case 'hold': {
      const life = [1n, 15n * MINUTE, 9n * HOUR, DAY][one.pick % 4] ?? HOUR;
      const limits = { ofAccount: 3, ofService: 2 };
      const amountMicrocredits = some(one, availableOf(book));
      return { type: 'hold', identity, amountMicrocredits, life, limits, details: null };
    }
    case 'capture':
    case 'release':
      return settleHold(one, met, number);
    case 'reverse':
      return reversalOf(one, met, number);
    case 'take_back':
    case 'restore':
      return paymentBack(one, met, identity);
    case 'give':
      return {
        type: 'adjustment',
        identity,
        amountMicrocredits: some(one, 10_000_000n),
        policy,
        details: 'gift',
      };
    case 'take': {
      const amountMicrocredits = -some(one, availableOf(book));
      return { type: 'adjustment', identity, amountMicrocredits, policy, details: 'taken' };
    }
    case 'advance':
      return { type: 'advance' };
  }
}

function identityOf({ want }: Wish, number: number, serviceId: number): CommandIdentity {
  const keyNumber = 1 + (number % 2);
  return commandIdentity({ serviceId, keyNumber, idempotencyKey: `wish-${number}`, payload: want });
}

/** The wished part of `whole`, never nothing. */
function some({ part, offBy }: Wish, whole: bigint): bigint {
  const wanted = (whole * part) / 1000n + offBy;
  return wanted > 0n ? wanted : 1n;
}

function purchaseOf(one: Wish, identity: CommandIdentity, instant: Instant): Command {
  const { policy, lateness } = one;
  const paidAt = lateness === DAY + 1n ? null : instant - lateness;
  return {
    type: 'purchase',
    identity,
    amountMicrousd: some(one, 10_000_000n),
    paidAt,
    policy,
    details: null,
  };
}

/** Of an open hold where there is one, mostly by the service that placed it. */
function settleHold(one: Wish, { book }: Met, number: number): Command | null {
  const open = book.holds.filter(({ closedBy }) => closedBy === null);
  const hold = pickOf(open.length > 0 ? open : book.holds, one);
  if (!hold) return null;
  const identity = identityOf(one, number, one.service === 2 ? 2 : hold.serviceId);
  const holdId = hold.id;
  return one.want === 'release'
    ? { type: 'release', identity, holdId, details: null }
    : {
        type: 'capture',
        identity,
        holdId,
        amountMicrocredits: some(one, amountOf(hold.takes)),
        details: null,
      };
}

function reversalOf(one: Wish, { book, entries }: Met, number: number): Command | null {
  const entry = pickOf(
    entries.filter(({ kind }) => kind === 'debit' || kind === 'capture'),
    one,
  );
  if (!entry) return null;
  const spend = spendOf(entry, book, entries);
  const identity = identityOf(one, number, one.service === 2 ? 2 : spend.serviceId);
  const left = amountOf(spend.takes) - spend.reversedMicrocredits;
  const amountMicrocredits = one.part === 1000n && one.offBy === 0n ? null : some(one, left);
  const details = JSON.stringify({ reverses: String(entry.seq) });
  return { type: 'reversal', identity, spend, amountMicrocredits, details };
}

/** Money of a payment that is taken back, or comes again where it was: never more than there is. */
function paymentBack(one: Wish, { book }: Met, identity: CommandIdentity): Command | null {
  const mostOf = ({ paidMicrousd, returnedMicrousd }: Lot) =>
    one.want === 'restore' ? returnedMicrousd : paidMicrousd - returnedMicrousd;
  const bought = book.lots.filter(lot => lot.restoresLotId === null && mostOf(lot) > 0n);
  const payment = pickOf(bought, one);
  if (!payment) return null;
  const amountMicrousd = lesserOf(some(one, mostOf(payment)), mostOf(payment));
  const type = one.want === 'restore' ? 'restoration' : 'clawback';
  return { type, identity, lotId: payment.id, amountMicrousd, details: null };
}

/** The latest ones come first. */
function pickOf<Value>(values: readonly Value[], { pick }: Wish): Value | undefined {
  return values[values.length - 1 - (pick % Math.max(values.length, 1))];
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

/** The command as a caller asks for it: a reversal names what it undoes by its number. */
export function requestOf(command: Command): Request {
  if (command.type !== 'reversal') return command;
  const { spend, ...rest } = command;
  return { ...rest, spendId: spend?.id ?? 0n };
}
