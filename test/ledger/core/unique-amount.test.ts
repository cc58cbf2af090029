import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { microusdOfWei, weiOfMicrousd } from '../../../ledger/core/amount.ts';
import {
  amountReservedUntil,
  UNIQUE_STEP_WEI,
  uniqueAmountCandidates,
} from '../../../ledger/core/unique-amount.ts';
import { SEED } from '../../support/histories.ts';
import { readInstant } from '../../support/scenario.ts';

const DOLLAR = 1_000_000n;

/** Wei in units of the 8th decimal of ETH. */
const units = (wei: bigint | undefined) => (wei ?? -1n) / UNIQUE_STEP_WEI;

test('the example of the file: $10 at $3,000, up to 5 cents more', () => {
  const answer = 300_000_000_000n;
  const quotedWei = weiOfMicrousd(10n * DOLLAR, answer);
  expect(quotedWei).toBe(3_333_333_333_333_334n);
  const candidates = uniqueAmountCandidates(quotedWei, answer);
  expect(units(candidates[0])).toBe(333_334n);
  // 5 cents are 0.00001666… ETH.
  expect(units(candidates.at(-1))).toBe(334_999n);
  // Each of the 1,667 units but the 16 that have 6 decimals only.
  expect(candidates).toHaveLength(1_650);
});

describe('how much is added at the most', () => {
  test.each([
    ['$1,000 at $2,000: 5 cents', 1_000n * DOLLAR, 200_000_000_000n, 2_500n],
    ['$5 at $2,000: 5 cents are 1 %', 5n * DOLLAR, 200_000_000_000n, 2_500n],
    ['$2 at $2,000: 1 %', 2n * DOLLAR, 200_000_000_000n, 1_000n],
    ['1 cent at $2,000: a hundred units', 10_000n, 200_000_000_000n, 100n],
    ['a micro-dollar at $2,000: a hundred units', 1n, 200_000_000_000n, 100n],
    ['$1,000,000 at $1: 5,000 units', 1_000_000n * DOLLAR, 100_000_000n, 5_000n],
  ])('%s', (_, amountMicrousd, answer, steps) => {
    const quotedWei = weiOfMicrousd(amountMicrousd, answer);
    const last = uniqueAmountCandidates(quotedWei, answer).at(-1) ?? 0n;
    expect(last <= quotedWei + steps * UNIQUE_STEP_WEI).toBe(true);
    expect(last > quotedWei + (steps - 2n) * UNIQUE_STEP_WEI).toBe(true);
  });
});

test('an amount is kept for 30 days beyond the deadline', () => {
  const deadline = readInstant('2026-03-01 15:10');
  expect(amountReservedUntil(deadline)).toBe(readInstant('2026-03-31 15:10'));
});

test(`seed ${SEED}: never less than was quoted, of 8 decimals, not round, in ascending order, at least 98 of them`, () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 10n ** 12n }),
      fc.bigInt({ min: 10n ** 8n, max: 10n ** 13n }),
      (amountMicrousd, answer) => {
        const quotedWei = weiOfMicrousd(amountMicrousd, answer);
        const candidates = uniqueAmountCandidates(quotedWei, answer);
        expect(candidates.length).toBeGreaterThanOrEqual(98);
        expect(candidates[0] !== undefined && candidates[0] >= quotedWei).toBe(true);
        for (const wei of candidates) {
          expect(wei % UNIQUE_STEP_WEI).toBe(0n);
          expect(units(wei) % 100n).not.toBe(0n);
        }
        expect(new Set(candidates).size).toBe(candidates.length);
        expect(candidates).toEqual([...candidates].sort((a, b) => (a < b ? -1 : 1)));
        // What is added is worth 5 cents at the most, or a hundred units.
        const added = (candidates.at(-1) ?? 0n) - quotedWei;
        expect(added <= 100n * UNIQUE_STEP_WEI || microusdOfWei(added, answer) <= 50_000n).toBe(true);
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
});
