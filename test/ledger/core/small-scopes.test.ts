/**
 * Small histories, every one of them, each on the core and on the rules told plainly (test/support/plain-book.ts).
 *
 * Three lots of 1, 2 and 3 micro-dollars, of any policy, end a microsecond before a midnight, at it, a microsecond after
 * it, or at the next midnight. Then come up to four commands, each at one of the instants at which a lot may end, renew or
 * release, or a hold may end, or a microsecond before them all, in every order and also several at one instant: debits,
 * holds until that midnight and the microsecond after it, captures, releases, reversals whole and in part, payments taken
 * back whole and in part, money that comes again, another purchase (noticed late), credits that the operator takes. After
 * every one of them the books are followed on to the next midnight and past it.
 *
 * - four commands out of 14, for four sets of lots: 425,000 histories;
 * - three out of 14, for the 24 in which each lot has another end and another policy: 235,000;
 * - two out of 14, for all 364 sets of three such lots: 196,000.
 *
 * What is refused ends its history, as what might follow is tried without it. In all of them the same must come out
 * whether the book was advanced to every instant in between or to none. Of a thousand, one is decided again alone.
 */
import { describe, expect, test, vi } from 'vitest';
import { ENTRY_KINDS } from '../../../ledger/core/journal.ts';
import { tryAllHistories } from '../../support/history-tree.ts';
import { everyThree, LOT_KINDS, scopeOf, type ThreeLots } from '../../support/small-scopes.ts';

// Half a minute of computing in all, which takes longer on a machine that is busy.
vi.setConfig({ testTimeout: 400_000 });

/** All that can stand in a customer's book. */
const KINDS = ENTRY_KINDS.slice(0, ENTRY_KINDS.indexOf('receipt')).toSorted();
const THREES = everyThree(LOT_KINDS);

/** Tries every history of each three lots. Returns how many there were; each kind of entry must have come up. */
function tryAll(threes: readonly ThreeLots[], length: number): number {
  const tried = threes.map(lots => tryAllHistories(scopeOf(lots, length)));
  const kinds = new Set(tried.flatMap(({ kinds }) => [...kinds]));
  expect([...kinds].toSorted()).toEqual(KINDS);
  return tried.reduce((sum, { histories }) => sum + histories, 0);
}

describe('four commands', () => {
  test.each<[...ThreeLots, number]>([
    ['at refill', 'after refill', 'later refill', 80_000],
    ['at none', 'at refill', 'later installments', 70_000],
    ['after installments', 'after none', 'later refill', 80_000],
    ['before refill', 'at refill', 'later none', 190_000],
  ])('of lots that end %s, %s, %s: more than %i histories', (first, second, third, count) => {
    expect(tryAll([[first, second, third]], 4)).toBeGreaterThan(count);
  });
});

test('three commands, of lots that all have another end and another policy', () => {
  const threes = THREES.filter(lots =>
    [0, 1].every(part => new Set(lots.map(lot => lot.split(' ')[part])).size === 3),
  );
  expect(threes).toHaveLength(24);
  expect(tryAll(threes, 3)).toBeGreaterThan(230_000);
});

test('two commands, of every three lots', () => {
  expect(THREES).toHaveLength(364);
  expect(tryAll(THREES, 2)).toBeGreaterThan(190_000);
});
