/** What the use of a model costs: by which version, to the microcredit. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide } from '../../../ledger/core/commands.ts';
import { usageDetails } from '../../../ledger/core/metered.ts';
import {
  priceUsage,
  QUANTITY_PER_PRICE,
  type RateCard,
  rateCardInForce,
  USAGE_UNITS,
  type UsageUnit,
} from '../../../ledger/core/rate-card.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { SEED } from '../../support/histories.ts';

const SPRING = parseInstant('2026-03-01T00:00:00Z');
const SUMMER = parseInstant('2026-06-01T00:00:00Z');
const AUTUMN = parseInstant('2026-09-01T00:00:00Z');

type Quantities = Partial<Record<UsageUnit, bigint>>;

const card = (version: number, effectiveAt: bigint, prices: Record<string, Quantities> = {}): RateCard => ({
  version,
  effectiveAt,
  prices: Object.entries(prices).map(([model, microcredits]) => ({ model, microcredits })),
});

describe('the version in force', () => {
  // Version 3 was published after 2 and comes before it: 2 is never in force.
  const cards = [card(1, SPRING), card(2, AUTUMN), card(3, SUMMER)];
  test.each([
    ['a microsecond before the first', SPRING - 1n, undefined],
    ['from its instant on', SPRING, 1],
    ['up to the microsecond before the next', SUMMER - 1n, 1],
    ['the next, from its instant on', SUMMER, 3],
    ['not a lower number whose instant comes later', AUTUMN, 3],
  ])('%s', (_, instant, version) => {
    for (const order of [cards, [...cards].reverse()])
      expect(rateCardInForce(order, instant)?.version).toBe(version);
  });
});

/** In microcredits: 2.5 and 10 credits for a million tokens, 0.3 for an image, 0.05 for a second. */
const LARGE = { input_tokens: 2_500_000n, output_tokens: 10_000_000n, images: 300_000n, seconds: 50_000n };
const CACHING = { input_tokens: 3n, cached_input_tokens: 1n };
const PRICES = {
  large: LARGE,
  caching: CACHING,
  tiny: { input_tokens: 1n },
  free: { seconds: 0n, images: 1n },
};
const LIST = [card(7, SPRING, PRICES)];

const price = (model: string, quantities: Quantities) => {
  const priced = priceUsage(LIST, { model, quantities }, SUMMER);
  return 'refusal' in priced ? priced.refusal : priced.amountMicrocredits;
};

describe('what is used costs', () => {
  test.each<[string, string, Quantities, bigint]>([
    ['a million tokens: the price itself', 'large', { input_tokens: 1_000_000n }, 2_500_000n],
    ['a token: its millionth, rounded up', 'large', { input_tokens: 1n }, 3n],
    ['two tokens: exactly', 'large', { input_tokens: 2n }, 5n],
    ['rounded once, over the sum', 'large', { input_tokens: 1n, output_tokens: 1n }, 13n],
    ['the worked example', 'large', { input_tokens: 1000n, output_tokens: 333n }, 5_830n],
    ['images', 'large', { images: 3n }, 900_000n],
    ['seconds, to the microsecond', 'large', { seconds: 1_500_000n }, 75_000n],
    ['a microsecond, rounded up', 'large', { seconds: 1n }, 1n],
    ['the least that there is', 'tiny', { input_tokens: 1n }, 1n],
    ['a millionth more than a microcredit: two', 'tiny', { input_tokens: 1_000_001n }, 2n],
    ['cached tokens by their own price', 'caching', { cached_input_tokens: 2_000_000n }, 2n],
    ['cached tokens as input where there is none', 'large', { cached_input_tokens: 2n }, 5n],
    ['more than 64 bits', 'large', { output_tokens: 10n ** 24n }, 10n ** 25n],
    ['free units beside others: the others', 'free', { seconds: 60_000_000n, images: 2n }, 2n],
  ])('%s', (_, model, quantities, amount) => {
    expect(price(model, quantities)).toBe(amount);
  });

  test.each<[string, string, Quantities, object]>([
    [
      'a model that is not there',
      'larger',
      { images: 1n },
      { code: 'model_unknown', version: 7, models: Object.keys(PRICES) },
    ],
    [
      'a unit without a price',
      'tiny',
      { images: 1n },
      { code: 'usage_unpriced', version: 7, unit: 'images', units: ['input_tokens'] },
    ],
    ['only what is free', 'free', { seconds: 1n }, { code: 'usage_free', version: 7 }],
    ['nothing', 'large', {}, { code: 'usage_free', version: 7 }],
  ])('refused: %s', (_, model, quantities, refusal) => {
    expect(price(model, quantities)).toEqual(refusal);
  });

  test('nothing before the first version, which is named', () => {
    const usage = { model: 'large', quantities: { images: 1n } };
    expect(priceUsage(LIST, usage, SPRING - 1n)).toEqual({
      refusal: { code: 'rate_card_missing', effectiveFrom: SPRING },
    });
    expect(priceUsage([], usage, SPRING)).toEqual({
      refusal: { code: 'rate_card_missing', effectiveFrom: null },
    });
  });
});

const quantity = fc.bigInt({ min: 0n, max: 10n ** 13n });
const anyUnits = fc.record(
  Object.fromEntries(USAGE_UNITS.map(unit => [unit, quantity])) as Record<UsageUnit, typeof quantity>,
);

test(`seed ${SEED}: the amount is the least that covers the sum, and splitting the use never makes it cheaper`, () => {
  const sumOf = (prices: Quantities, used: Quantities) => {
    // Told a second time, as one fraction with the denominator of all units.
    let numerator = 0n;
    for (const unit of USAGE_UNITS)
      numerator += ((used[unit] ?? 0n) * (prices[unit] ?? 0n) * 1_000_000n) / QUANTITY_PER_PRICE[unit];
    return numerator;
  };
  fc.assert(
    fc.property(anyUnits, anyUnits, anyUnits, (prices, used, more) => {
      const list = [card(1, 0n, { any: prices })];
      const amountOf = (quantities: Quantities) => {
        const priced = priceUsage(list, { model: 'any', quantities }, 0n);
        return 'refusal' in priced ? 0n : priced.amountMicrocredits;
      };
      const amount = amountOf(used);
      const exact = sumOf(prices, used);
      expect(amount * 1_000_000n >= exact && (amount === 0n || (amount - 1n) * 1_000_000n < exact)).toBe(
        true,
      );
      const both = Object.fromEntries(USAGE_UNITS.map(unit => [unit, used[unit] + more[unit]]));
      const together = amountOf(both);
      expect(together <= amount + amountOf(more) && together >= amount).toBe(true);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test('seconds are told as they were sent', () => {
  const told = (seconds: bigint) => usageDetails({ model: 'm', quantities: { seconds } }).seconds;
  expect([1n, 1_500_000n, 60_000_000n, 100_000_000n, 12_345_678n].map(told)).toEqual([
    '0.000001',
    '1.5',
    '60',
    '100',
    '12.345678',
  ]);
});

describe('a command that is priced when it is decided', () => {
  const list = [card(1, SPRING, { large: LARGE }), card(2, SUMMER, { large: { images: 1n } })];
  const identity = { serviceId: 1, keyNumber: 1, keyDigest: '1'.repeat(32), payloadDigest: '2'.repeat(32) };
  const usage = { model: 'large', quantities: { images: 3n } };
  const bought = (at: bigint) => {
    const decision = decide(
      { seq: 0n, bookedAt: 0n, debtMicrocredits: 0n, lots: [], holds: [], limits: [] },
      { type: 'adjustment', identity, amountMicrocredits: 1_000_000n, policy: 'none', details: 'a gift' },
      at,
    );
    if (!decision.accepted) throw new Error('an adjustment was refused');
    return decision.step.book;
  };

  test.each([
    ['the microsecond before', SUMMER - 1n, 900_000n, 1],
    ['the instant of the next version', SUMMER, 3n, 2],
  ])('takes the version of %s, and seals it', (_, instant, amount, version) => {
    const book = bought(instant);
    const metered = decide(
      book,
      { type: 'metered_debit', identity, usage, rateCards: list, details: { description: 'a job' } },
      instant,
    );
    const details = `{"description":"a job","model":"large","price_version":${version},"usage":{"images":3}}`;
    // Nothing else differs from a debit of the amount.
    const plain = decide(book, { type: 'debit', identity, amountMicrocredits: amount, details }, instant);
    expect(metered).toEqual(plain);
    expect(metered.accepted && metered.step.entries.at(-1)).toMatchObject({
      amountMicrocredits: amount,
      details,
    });
  });

  test('captures what it costs, and refuses what the hold has not', () => {
    const limits = { ofAccount: 9, ofService: 9 };
    const held = decide(
      bought(SPRING),
      { type: 'hold', identity, amountMicrocredits: 900_000n, life: 1_000_000n, limits, details: null },
      SPRING,
    );
    if (!held.accepted) throw new Error('a hold was refused');
    const captured = (images: bigint) =>
      decide(
        held.step.book,
        {
          ...{ type: 'metered_capture', identity, holdId: 2n, rateCards: list, details: { hold: '2' } },
          usage: { model: 'large', quantities: { images } },
        },
        SPRING,
      );
    expect(captured(3n)).toMatchObject({ accepted: true });
    expect(captured(4n)).toEqual({
      accepted: false,
      refusal: { code: 'capture_above_hold', heldMicrocredits: 900_000n, requiredMicrocredits: 1_200_000n },
    });
  });
});
