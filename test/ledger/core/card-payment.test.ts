/** What follows for the books from where Stripe says a payment stands. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  type CardPaymentState,
  changeOfCardPayment,
  clawbackTargetMicrousd,
  NO_CARD_PAYMENT,
} from '../../../ledger/core/card-payment.ts';
import { parseInstant } from '../../../ledger/index.ts';

const PAID_AT = parseInstant('2026-03-01T15:00:00Z');
const DOLLAR = 1_000_000n;

/** In dollars: paid, fee, refunded, withdrawn, reinstated. */
type Dollars = readonly [bigint, bigint, bigint, bigint, bigint];

function state([paid, fee, refunded, withdrawn, reinstated]: Dollars): CardPaymentState {
  if (paid === 0n) return NO_CARD_PAYMENT;
  return {
    status: 'paid',
    paidAt: PAID_AT,
    movedAt: PAID_AT,
    paidMicrousd: paid * DOLLAR,
    feeMicrousd: fee * DOLLAR,
    refundedMicrousd: refunded * DOLLAR,
    withdrawnMicrousd: withdrawn * DOLLAR,
    reinstatedMicrousd: reinstated * DOLLAR,
  };
}

const NOTHING: Dollars = [0n, 0n, 0n, 0n, 0n];

/** How much, in dollars, each account has more after it: debits less credits. */
function moved(before: Dollars, after: Dollars, isAssigned = true): Record<string, bigint> {
  const sums: Record<string, bigint> = {};
  for (const { from, to, amount } of changeOfCardPayment(state(before), state(after), isAssigned).postings) {
    sums[from] = (sums[from] ?? 0n) - amount / DOLLAR;
    sums[to] = (sums[to] ?? 0n) + amount / DOLLAR;
  }
  return Object.fromEntries(
    Object.entries(sums)
      .filter(([, sum]) => sum !== 0n)
      .map(([account, sum]) => [account.replace('USD:', ''), sum]),
  );
}

test.each<[string, Dollars, Dollars, Record<string, bigint>, bigint, bigint]>([
  [
    'a payment of $10, of which Stripe keeps $1',
    NOTHING,
    [10n, 1n, 0n, 0n, 0n],
    { 'cash:stripe': 9n, clearing: -10n, fees: 1n },
    10n,
    0n,
  ],
  [
    'a first part goes back',
    [10n, 1n, 0n, 0n, 0n],
    [10n, 1n, 3n, 0n, 0n],
    { 'cash:stripe': -3n, clearing: 3n },
    0n,
    3n,
  ],
  [
    'the rest goes back',
    [10n, 1n, 3n, 0n, 0n],
    [10n, 1n, 10n, 0n, 0n],
    { 'cash:stripe': -7n, clearing: 7n },
    0n,
    7n,
  ],
  [
    'that refund fails',
    [10n, 1n, 10n, 0n, 0n],
    [10n, 1n, 3n, 0n, 0n],
    { 'cash:stripe': 7n, clearing: -7n },
    0n,
    -7n,
  ],
  [
    'a dispute withdraws it, for a fee',
    [10n, 1n, 0n, 0n, 0n],
    [10n, 16n, 0n, 10n, 0n],
    { 'cash:stripe': -25n, clearing: 10n, fees: 15n },
    0n,
    10n,
  ],
  [
    'it is won',
    [10n, 16n, 0n, 10n, 0n],
    [10n, 16n, 0n, 10n, 10n],
    { 'cash:stripe': 10n, clearing: -10n },
    0n,
    -10n,
  ],
  [
    'all of it at once: bought, refunded in part',
    NOTHING,
    [10n, 1n, 4n, 0n, 0n],
    { 'cash:stripe': 5n, clearing: -6n, fees: 1n },
    10n,
    4n,
  ],
  [
    'refunded, then disputed as well: no credits are left to take',
    [10n, 1n, 10n, 0n, 0n],
    [10n, 16n, 10n, 10n, 0n],
    { 'cash:stripe': -25n, suspense: 10n, fees: 15n },
    0n,
    0n,
  ],
  [
    'that dispute is won',
    [10n, 16n, 10n, 10n, 0n],
    [10n, 16n, 10n, 10n, 10n],
    { 'cash:stripe': 10n, suspense: -10n },
    0n,
    0n,
  ],
])('%s', (_title, before, after, expected, purchase, clawback) => {
  expect(moved(before, after)).toEqual(expected);
  const change = changeOfCardPayment(state(before), state(after), true);
  expect([change.purchaseMicrousd / DOLLAR, change.clawbackMicrousd / DOLLAR]).toEqual([purchase, clawback]);
});

describe("a payment that is nobody's", () => {
  it('waits in suspense, and goes back from there', () => {
    const paid: Dollars = [10n, 1n, 0n, 0n, 0n];
    expect(moved(NOTHING, paid, false)).toEqual({ 'cash:stripe': 9n, suspense: -10n, fees: 1n });
    const refunded: Dollars = [10n, 1n, 10n, 0n, 0n];
    expect(moved(paid, refunded, false)).toEqual({ 'cash:stripe': -10n, suspense: 10n });
    const change = changeOfCardPayment(state(paid), state(refunded), false);
    expect([change.purchaseMicrousd, change.clawbackMicrousd]).toEqual([0n, 0n]);
  });
});

it('never changes what was paid', () => {
  expect(() => changeOfCardPayment(state([10n, 0n, 0n, 0n, 0n]), state([11n, 0n, 0n, 0n, 0n]), true)).toThrow(
    'became one of',
  );
});

describe('however many looks there are between the first and the last', () => {
  const dollars = fc.bigInt({ min: 0n, max: 30n });
  const looks = fc.array(fc.tuple(dollars, dollars, dollars, dollars), { minLength: 1, maxLength: 6 });

  it('the sums are the same, between nothing and what was paid', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 20n }), looks, fc.boolean(), (paid, seen, isAssigned) => {
        const states = seen.map(
          ([fee, refunded, withdrawn, reinstated]): Dollars => [paid, fee, refunded, withdrawn, reinstated],
        );
        const last = states.at(-1) ?? NOTHING;
        const stepwise: Record<string, bigint> = {};
        let before = NOTHING;
        let clawedBack = 0n;
        for (const after of states) {
          for (const [account, sum] of Object.entries(moved(before, after, isAssigned)))
            stepwise[account] = (stepwise[account] ?? 0n) + sum;
          clawedBack += changeOfCardPayment(state(before), state(after), isAssigned).clawbackMicrousd;
          before = after;
        }
        const standing = Object.fromEntries(Object.entries(stepwise).filter(([, sum]) => sum !== 0n));
        expect(standing).toEqual(moved(NOTHING, last, isAssigned));
        expect(clawedBack).toBe(isAssigned ? clawbackTargetMicrousd(state(last)) : 0n);
        expect(clawbackTargetMicrousd(state(last))).toBeGreaterThanOrEqual(0n);
        expect(clawbackTargetMicrousd(state(last))).toBeLessThanOrEqual(paid * DOLLAR);
      }),
      { seed: 20260301 },
    );
  });
});
