import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, type Instant, midnightAfter } from '../../../ledger/core/instant.ts';
import {
  compareBurnOrder,
  LOT_LIFE,
  type Lot,
  midnightsLeft,
  nextMidnightOfLife,
} from '../../../ledger/core/lot.ts';
import { SEED } from '../../support/histories.ts';
import { readInstant } from '../../support/scenario.ts';

test.each([
  { added: '2026-03-01 15:00', at: '2026-03-01 15:00', left: 30 },
  { added: '2026-03-01 15:00', at: '2026-03-01 14:59', left: 30 },
  { added: '2026-03-01 15:00', at: '2026-03-01 23:59:59.999999', left: 30 },
  { added: '2026-03-01 15:00', at: '2026-03-02 00:00', left: 29 },
  { added: '2026-03-01 15:00', at: '2026-03-30 23:59:59.999999', left: 1 },
  { added: '2026-03-01 15:00', at: '2026-03-31 00:00', left: 0 },
  { added: '2026-03-01 15:00', at: '2026-03-31 15:00', left: 0 },
  { added: '2026-03-01 15:00', at: '2027-01-01 00:00', left: 0 },
  { added: '2026-03-01 00:00', at: '2026-03-01 00:00', left: 29 },
  { added: '2026-03-01 00:00', at: '2026-03-30 00:00', left: 0 },
  { added: '2026-03-01 00:00', at: '2026-03-29 23:59:59.999999', left: 1 },
  { added: '2026-03-01 00:00:00.000001', at: '2026-03-01 00:00:00.000001', left: 30 },
  { added: '2026-03-01 23:59:59.999999', at: '2026-03-01 23:59:59.999999', left: 30 },
  { added: '2028-02-28 06:00', at: '2028-02-28 06:00', left: 30 },
])('added $added, at $at: $left midnights left', ({ added, at, left }) => {
  expect(midnightsLeft(lotOf(readInstant(added)), readInstant(at))).toBe(left);
});

test.each([
  ['1969-12-31 23:59:59.999999', '1970-01-01 00:00'],
  ['1969-12-31 00:00', '1970-01-01 00:00'],
  ['2026-03-01 00:00', '2026-03-02 00:00'],
  ['2026-03-01 23:59:59.999999', '2026-03-02 00:00'],
  ['2028-02-28 12:00', '2028-02-29 00:00'],
  ['2026-12-31 12:00', '2027-01-01 00:00'],
])('the midnight after %s is %s', (instant, midnight) => {
  expect(midnightAfter(readInstant(instant))).toBe(readInstant(midnight));
});

describe(`seed ${SEED}`, () => {
  const instant = fc.bigInt({ min: 0n, max: 40n * DAY }).map(offset => 1_772_377_200_000_000n + offset);

  test('midnights left are those that are met when walking from one to the next', () => {
    fc.assert(
      fc.property(instant, instant, (added, at) => {
        const lot = lotOf(added);
        let met = 0;
        for (let next = nextMidnightOfLife(lot, at); next !== null; next = nextMidnightOfLife(lot, next)) {
          expect(next % DAY).toBe(0n);
          expect(next > lot.addedAt && next < lot.expiresAt && next > at).toBe(true);
          met += 1;
        }
        expect(midnightsLeft(lot, at)).toBe(met);
      }),
      { seed: SEED, numRuns: 1000 },
    );
  });

  test('burn order is one total order, however the lots are mixed', () => {
    const lots = fc.uniqueArray(
      fc.record({
        id: fc.bigInt({ min: 1n, max: 9n }),
        added: fc.bigInt({ min: 0n, max: 3n }),
        life: fc.bigInt({ min: 5n, max: 7n }),
      }),
      { selector: lot => lot.id },
    );
    fc.assert(
      fc.property(lots, fc.infiniteStream(fc.nat()), (drawn, dice) => {
        const made = drawn.map(({ id, added, life }) => ({ ...lotOf(added), id, expiresAt: added + life }));
        const shuffled = made
          .map(lot => ({ lot, place: dice.next().value ?? 0 }))
          .sort((a, b) => a.place - b.place)
          .map(({ lot }) => lot);
        expect(shuffled.sort(compareBurnOrder)).toEqual(made.sort(compareBurnOrder));
        for (const [index, next] of made.entries()) {
          const before = made[index - 1];
          if (before) expect(orderText(before) < orderText(next)).toBe(true);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

/** Soonest expiry, then earliest added, then lowest id: the numbers of this test have one digit. */
function orderText({ expiresAt, addedAt, id }: Lot): string {
  return [expiresAt, addedAt, id].map(value => String(value).padStart(2, '0')).join(' ');
}

function lotOf(addedAt: Instant): Lot {
  return {
    id: 1n,
    addedAt,
    expiresAt: addedAt + LOT_LIFE,
    policy: 'refill',
    faceMicrocredits: 1n,
    availableMicrocredits: 0n,
    heldMicrocredits: 0n,
    unreleasedMicrocredits: 0n,
    settledMicrocredits: 0n,
    paidMicrousd: 1n,
    returnedMicrousd: 0n,
    deferredMicrousd: 1n,
    deferredAt: addedAt,
    debtMicrocredits: 0n,
    restoresLotId: null,
    open: true,
  };
}
