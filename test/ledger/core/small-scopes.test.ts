/** Small histories, every one of them: two lots, three commands, in every order around a midnight and an expiry. */
import { expect, test } from 'vitest';
import { type Book, EMPTY_BOOK } from '../../../ledger/core/book.ts';
import { type Command, decide } from '../../../ledger/core/commands.ts';
import { encodeEntry } from '../../../ledger/core/encoding.ts';
import { DAY, HOUR, type Instant, MICROSECONDS_PER_SECOND } from '../../../ledger/core/instant.ts';
import type { Entry } from '../../../ledger/core/journal.ts';
import { LOT_LIFE } from '../../../ledger/core/lot.ts';
import { commandIdentity } from '../../../ledger/posting/identity.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { PlainBook, plainLots } from '../../support/plain-book.ts';
import { assertSoundJournal } from '../../support/sound-journal.ts';

const MIDNIGHT = parseInstant('2026-03-31T00:00:00Z');
const identity = commandIdentity({ serviceId: 1, keyNumber: null, idempotencyKey: '-', payload: '-' });
const takeBack = (lotId: bigint, amountMicrousd: bigint): Command => ({
  type: 'clawback',
  identity,
  lotId,
  amountMicrousd,
  details: null,
});
const spend = (amountMicrocredits: bigint): Command => ({
  type: 'debit',
  identity,
  amountMicrocredits,
  details: null,
});
const buy = (amountMicrousd: bigint, paidAt: Instant): Command => ({
  type: 'purchase',
  identity,
  amountMicrousd,
  paidAt,
  policy: 'refill',
  details: null,
});

/** One lot of 2 micro-dollars ends around the midnight; another of 3 is as old or two days younger. */
const expiries = [MIDNIGHT - 2n, MIDNIGHT, MIDNIGHT + HOUR];
const youngerBy = [0n, 2n * DAY];
const commands: readonly ((instant: Instant) => Command)[] = [
  () => spend(1n),
  () => spend(20_000n),
  () => spend(50_000n),
  () => takeBack(1n, 1n),
  () => takeBack(1n, 2n),
  instant => buy(1n, instant),
];

test.each(expiries)('the first lot ends at %s', expiry => {
  const instants = [MIDNIGHT - 2n, MIDNIGHT - 1n, MIDNIGHT, MIDNIGHT + 1n, MIDNIGHT + HOUR].toSorted(
    (a, b) => (a < b ? -1 : 1),
  );
  let tried = 0;
  for (const younger of youngerBy) {
    const start = twoLots(expiry - LOT_LIFE, younger);
    for (const [first, second, third] of triplesInOrder(instants)) {
      for (const a of commands)
        for (const b of commands)
          for (const c of commands) {
            const rest: [Command, Instant][] = [
              [a(first), first],
              [b(second), second],
              [c(third), third],
            ];
            checkHistory(start, rest);
            tried += 1;
          }
    }
  }
  expect(tried).toBe(youngerBy.length * 35 * commands.length ** 3);
});

/** Nobody gives back more than was paid: of the first lot that is 2 micro-dollars. */
function takesTooMuchBack(history: readonly [Command, Instant][]): boolean {
  let takenBack = 0n;
  for (const [command] of history) if (command.type === 'clawback') takenBack += command.amountMicrousd;
  return takenBack > 2n;
}

/** Every way in which three commands can fall on `instants`, one after the other or at the same instant. */
function triplesInOrder(instants: readonly Instant[]): [Instant, Instant, Instant][] {
  return instants.flatMap((first, index) => {
    const later = instants.slice(index);
    return later.flatMap((second, next) =>
      later.slice(next).map((third): [Instant, Instant, Instant] => [first, second, third]),
    );
  });
}

function twoLots(bought: Instant, younger: bigint) {
  const start: [Command, Instant][] = [
    [buy(2n, bought), bought],
    [buy(3n, bought + younger), bought + younger],
  ];
  return start;
}

/** Plays the history on the core and on the plain rules, and again with the book advanced at every instant. */
function checkHistory(start: readonly [Command, Instant][], rest: readonly [Command, Instant][]): void {
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
}

function play(history: readonly [Command, Instant][], advanceOften: boolean) {
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
  for (const [command, instant] of history) {
    if (advanceOften) for (const before of [1n, 0n]) advanceTo(instant - before);
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

test('one of them is looked at in full', () => {
  const bought = MIDNIGHT - LOT_LIFE;
  const { book, entries } = play(
    [...twoLots(bought, 1n), [spend(30_000n), MIDNIGHT - 1n], [takeBack(1n, 1n), MIDNIGHT]],
    true,
  );
  assertSoundJournal(entries, book);
  expect(
    entries.map(entry => `${entry.kind} ${(entry.bookedAt - MIDNIGHT) / MICROSECONDS_PER_SECOND}`),
  ).toEqual([
    'purchase -2592000',
    'purchase -2591999',
    'debit 0',
    'expiry 0',
    'renewal 0',
    'clawback 0',
    'expiry 0',
  ]);
});
