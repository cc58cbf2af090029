/**
 * Small histories, every one of them: two lots, with a hold or without, and three commands, in every order around a
 * midnight, an expiry and a deadline.
 */
import { describe, expect, test } from 'vitest';
import type { Command } from '../../../ledger/core/commands.ts';
import { DAY, HOUR, type Instant, MICROSECONDS_PER_SECOND, SECOND } from '../../../ledger/core/instant.ts';
import { LOT_LIFE } from '../../../ledger/core/lot.ts';
import {
  type Asked,
  buy,
  captureLast,
  checkHistory,
  type History,
  hold,
  MIDNIGHT,
  play,
  releaseLast,
  reverseLast,
  spend,
  takeBack,
  triplesInOrder,
  twoLots,
} from '../../support/small-scopes.ts';
import { assertSoundJournal } from '../../support/sound-journal.ts';

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
            const rest: History = [
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

/** A hold of what is in both lots ends at the midnight, or after it. */
const deadlines = [MIDNIGHT, MIDNIGHT + HOUR];
const ofHolds: readonly ((instant: Instant) => Asked)[] = [
  () => spend(20_000n),
  () => hold(1n, HOUR),
  () => captureLast(25_000n),
  () => releaseLast,
  () => reverseLast(null),
  () => reverseLast(1n),
  () => takeBack(1n, 2n),
  instant => buy(1n, instant),
];

describe.each(expiries)('the first lot ends at %s', expiry => {
  test.each(deadlines)('and a hold at %s', deadline => {
    const instants = [MIDNIGHT - 2n, MIDNIGHT - 1n, MIDNIGHT, MIDNIGHT + HOUR];
    const placed = MIDNIGHT - SECOND;
    const start: History = [
      ...twoLots(expiry - LOT_LIFE, 2n * DAY),
      [hold(30_000n, deadline - placed), placed],
    ];
    let tried = 0;
    for (const [first, second, third] of triplesInOrder(instants)) {
      for (const a of ofHolds)
        for (const b of ofHolds)
          for (const c of ofHolds) {
            checkHistory(start, [
              [a(first), first],
              [b(second), second],
              [c(third), third],
            ]);
            tried += 1;
          }
    }
    expect(tried).toBe(20 * ofHolds.length ** 3);
  });
});

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
