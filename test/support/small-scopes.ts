/** Small histories around a midnight, played on the core and on the rules told plainly. */
import { expect } from 'vitest';
import { type Book, EMPTY_BOOK, heldOf } from '../../ledger/core/book.ts';
import { type Command, decide } from '../../ledger/core/commands.ts';
import { encodeEntry } from '../../ledger/core/encoding.ts';
import { HOUR, type Instant } from '../../ledger/core/instant.ts';
import type { Entry } from '../../ledger/core/journal.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { parseInstant } from '../../ledger/store/instant-text.ts';
import { spendOf } from './histories.ts';
import { PlainBook, plainLots } from './plain-book.ts';
import { lapsedIn } from './plain-rules.ts';

export const MIDNIGHT = parseInstant('2026-03-31T00:00:00Z');
const identity = commandIdentity({ serviceId: 1, keyNumber: null, idempotencyKey: '-', payload: '-' });
export const takeBack = (lotId: bigint, amountMicrousd: bigint): Command => ({
  type: 'clawback',
  identity,
  lotId,
  amountMicrousd,
  details: null,
});
export const spend = (amountMicrocredits: bigint): Command => ({
  type: 'debit',
  identity,
  amountMicrocredits,
  details: null,
});
export const buy = (amountMicrousd: bigint, paidAt: Instant): Command => ({
  type: 'purchase',
  identity,
  amountMicrousd,
  paidAt,
  policy: 'refill',
  details: null,
});

export const hold = (amountMicrocredits: bigint, life: bigint): Command => ({
  type: 'hold',
  identity,
  amountMicrocredits,
  life,
  limits: { ofAccount: 9, ofService: 9 },
  details: null,
});

/** A command, or how it follows from what was done before. */
export type Asked = Command | ((book: Book, entries: readonly Entry[]) => Command);
export type History = readonly (readonly [Asked, Instant])[];

/** Of the hold that was placed last. */
export const captureLast =
  (amountMicrocredits: bigint): Asked =>
  (_, entries) => ({
    type: 'capture',
    identity,
    holdId: lastOf(entries, ['hold'])?.seq ?? 0n,
    amountMicrocredits,
    details: null,
  });
export const releaseLast: Asked = (_, entries) => ({
  type: 'release',
  identity,
  holdId: lastOf(entries, ['hold'])?.seq ?? 0n,
  details: null,
});
/** Of the debit or capture that came last; null for all of it that is left. */
export const reverseLast =
  (amountMicrocredits: bigint | null): Asked =>
  (book, entries) => {
    const spent = lastOf(entries, ['debit', 'capture']);
    const spend = spent ? spendOf(spent, book, entries) : null;
    const details = JSON.stringify({ reverses: String(spend?.id) });
    return { type: 'reversal', identity, spend, amountMicrocredits, details };
  };

function lastOf(entries: readonly Entry[], kinds: readonly Entry['kind'][]): Entry | undefined {
  return entries.findLast(({ kind }) => kinds.includes(kind));
}

/** Nobody gives back more than was paid: of the first lot that is 2 micro-dollars. */
function takesTooMuchBack(history: History): boolean {
  let takenBack = 0n;
  for (const [asked] of history)
    if ('type' in asked && asked.type === 'clawback') takenBack += asked.amountMicrousd;
  return takenBack > 2n;
}

/** Every way in which three commands can fall on `instants`, one after the other or at the same instant. */
export function triplesInOrder(instants: readonly Instant[]): [Instant, Instant, Instant][] {
  return instants.flatMap((first, index) => {
    const later = instants.slice(index);
    return later.flatMap((second, next) =>
      later.slice(next).map((third): [Instant, Instant, Instant] => [first, second, third]),
    );
  });
}

export function twoLots(bought: Instant, younger: bigint): History {
  return [
    [buy(2n, bought), bought],
    [buy(3n, bought + younger), bought + younger],
  ];
}

/** Plays the history on the core and on the plain rules, and again with the book advanced at every instant. */
export function checkHistory(start: History, rest: History): void {
  if (takesTooMuchBack(rest)) {
    expect(() => play([...start, ...rest], false)).toThrow('more than is left');
    return;
  }
  const played = play([...start, ...rest], false);
  const watched = play([...start, ...rest], true);
  if (!sameEntries(played.entries, watched.entries)) expect(watched.entries).toEqual(played.entries);
  const [lots, plain] = [plainLots(watched.book.lots, MIDNIGHT + 2n * HOUR), watched.plain.lots()];
  if (textOf(lots) !== textOf(plain)) expect(lots).toEqual(plain);
  if (watched.book.debtMicrocredits !== watched.plain.debt)
    expect(watched.book.debtMicrocredits).toBe(watched.plain.debt);
  if (heldOf(watched.book) !== watched.plain.held()) expect(heldOf(watched.book)).toBe(watched.plain.held());
  if (lapsedIn(watched.entries) !== watched.plain.lapsed)
    expect(lapsedIn(watched.entries)).toBe(watched.plain.lapsed);
}

export function play(history: History, advanceOften: boolean) {
  const plain = new PlainBook();
  const entries: Entry[] = [];
  let book: Book = EMPTY_BOOK;
  const carryOut = (command: Command, instant: Instant) => {
    const decision = decide(book, command, instant);
    if (!decision.accepted) return false;
    book = decision.step.book;
    entries.push(...decision.step.entries);
    return true;
  };
  for (const [asked, instant] of history) {
    if (advanceOften) for (const before of [1n, 0n]) advanceTo(instant - before);
    const command = 'type' in asked ? asked : asked(book, entries);
    const accepted = carryOut(command, instant);
    if (advanceOften && plain.carryOut(command, instant, book.seq) !== accepted)
      throw new Error(`${command.type} at ${instant} should ${accepted ? 'not ' : ''}have been accepted`);
  }
  advanceTo(MIDNIGHT + 2n * HOUR);
  plain.liveUntil(MIDNIGHT + 2n * HOUR);
  return { book, entries, plain };

  function advanceTo(instant: Instant): void {
    if (instant >= book.bookedAt) carryOut({ type: 'advance' }, instant);
  }
}

function sameEntries(a: readonly Entry[], b: readonly Entry[]): boolean {
  const sealed = (entries: readonly Entry[]) => entries.map(entry => encodeEntry('', entry)).join('\n');
  return sealed(a) === sealed(b);
}

function textOf(lots: ReturnType<typeof plainLots>): string {
  return lots.map(lot => [lot.number, lot.added, lot.end, lot.face, lot.available].join()).join(';');
}
