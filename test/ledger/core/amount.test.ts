import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { microcreditsOf, microusdOfWei, weiOfMicrousd } from '../../../ledger/core/amount.ts';
import { SEED } from '../../support/histories.ts';

const ETH = 10n ** 18n;
/** $0.01 to $10 million for an ETH, in the feed's 8 decimals. */
const answers = fc.bigInt({ min: 10n ** 6n, max: 10n ** 15n });
const RUNS = { seed: SEED, numRuns: 2000 };

test.each([
  { wei: ETH, answer: 200_000_000_000n, microusd: 2_000_000_000n },
  { wei: 10n * ETH, answer: 345_678_901_234n, microusd: 34_567_890_123n },
  // A micro-dollar at $2,000 is exactly 500,000,000 wei: one wei less is worth nothing.
  { wei: 500_000_000n, answer: 200_000_000_000n, microusd: 1n },
  { wei: 499_999_999n, answer: 200_000_000_000n, microusd: 0n },
  { wei: 0n, answer: 200_000_000_000n, microusd: 0n },
  { wei: 1n, answer: 1n, microusd: 0n },
  // All the ETH there will ever be at a million dollars: no overflow, no float.
  { wei: 200_000_000n * ETH, answer: 10n ** 14n, microusd: 200_000_000_000_000_000_000n },
])('$wei wei at $answer are $microusd micro-dollars', ({ wei, answer, microusd }) => {
  expect(microusdOfWei(wei, answer)).toBe(microusd);
});

test('one dollar buys 10,000 credits, one micro-dollar 10,000 microcredits', () => {
  expect(microcreditsOf(1_000_000n)).toBe(10_000_000_000n);
  expect(microcreditsOf(1n)).toBe(10_000n);
});

describe(`seed ${SEED}`, () => {
  test('dollars to wei and back is the very same amount, and one wei less is worth less', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), answers, (microusd, answer) => {
        const wei = weiOfMicrousd(microusd, answer);
        expect(microusdOfWei(wei, answer)).toBe(microusd);
        expect(microusdOfWei(wei - 1n, answer)).toBe(microusd - 1n);
      }),
      RUNS,
    );
  });

  test('the value is rounded down, by less than a micro-dollar', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 24n }), answers, (wei, answer) => {
        const microusd = microusdOfWei(wei, answer);
        const exact = wei * answer;
        expect(microusd * 10n ** 20n <= exact).toBe(true);
        expect(exact < (microusd + 1n) * 10n ** 20n).toBe(true);
      }),
      RUNS,
    );
  });

  test('paying in parts is never worth more than paying at once', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: ETH }), { maxLength: 10 }), answers, (parts, answer) => {
        const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n);
        const inParts = sum(parts.map(wei => microusdOfWei(wei, answer)));
        expect(inParts <= microusdOfWei(sum(parts), answer)).toBe(true);
      }),
      RUNS,
    );
  });
});
