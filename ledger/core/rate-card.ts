/**
 * What the use of a model costs. The operator's price list has versions, numbered from 1, each with an instant from
 * which it is effective; in force is the highest number whose instant has come. So a new version replaces whatever was
 * planned for after it, and what was in force at any time can be told again.
 *
 * Worked example: input tokens at 2.5 credits per million, output tokens at 10. Use of 1,000 and 333 tokens costs
 * 0.0025 + 0.00333 = 0.00583 credits. The sum is rounded, once, up to the next whole microcredit.
 */
import { ceilingOf } from './amount.ts';
import type { Instant } from './instant.ts';
import type { Refusal } from './refusal.ts';

/** How much of what is counted a price is for. Seconds are counted in microseconds, their price is for a second. */
export const QUANTITY_PER_PRICE = {
  input_tokens: 1_000_000n,
  cached_input_tokens: 1_000_000n,
  output_tokens: 1_000_000n,
  images: 1n,
  seconds: 1_000_000n,
} as const;
export type UsageUnit = keyof typeof QUANTITY_PER_PRICE;
export const USAGE_UNITS = Object.keys(QUANTITY_PER_PRICE) as readonly UsageUnit[];

/** What was used of a model: nothing twice, so cached input tokens are not among the input tokens. */
export interface Usage {
  readonly model: string;
  /** Each more than 0; seconds in microseconds. */
  readonly quantities: Readonly<Partial<Record<UsageUnit, bigint>>>;
}

export interface ModelPrices {
  readonly model: string;
  /** In microcredits, at least 0, for QUANTITY_PER_PRICE of the unit. What has no price cannot be used. */
  readonly microcredits: Readonly<Partial<Record<UsageUnit, bigint>>>;
}

export interface RateCard {
  readonly version: number;
  readonly effectiveAt: Instant;
  /** Each model once. */
  readonly prices: readonly ModelPrices[];
}

/** The version in force at `instant`; null before the first. `cards` in any order. */
export function rateCardInForce<Card extends RateCard>(
  cards: readonly Card[],
  instant: Instant,
): Card | null {
  let inForce: Card | null = null;
  for (const card of cards)
    if (card.effectiveAt <= instant && (inForce === null || card.version > inForce.version)) inForce = card;
  return inForce;
}

export interface PricedUsage {
  readonly version: number;
  /** More than 0. */
  readonly amountMicrocredits: bigint;
}

/**
 * What `usage` costs by the version in force at `instant`, rounded up once to a whole microcredit; or why it has no
 * price there. Cached input tokens of a model that has no price for them cost what its input tokens do.
 */
export function priceUsage(
  cards: readonly RateCard[],
  { model, quantities }: Usage,
  instant: Instant,
): PricedUsage | { readonly refusal: Refusal } {
  const card = rateCardInForce(cards, instant);
  if (!card) return { refusal: { code: 'rate_card_missing', effectiveFrom: firstOf(cards) } };
  const { version } = card;
  const prices = card.prices.find(one => one.model === model)?.microcredits;
  if (!prices)
    return { refusal: { code: 'model_unknown', version, models: card.prices.map(one => one.model) } };
  // In millionths of a microcredit, so that nothing is rounded before the end.
  let millionths = 0n;
  for (const unit of USAGE_UNITS) {
    const quantity = quantities[unit] ?? 0n;
    if (quantity < 0n) throw new Error(`a negative quantity of ${unit} cannot be used`);
    if (quantity === 0n) continue;
    const price = prices[unit] ?? (unit === 'cached_input_tokens' ? prices.input_tokens : undefined);
    if (price === undefined) {
      const units = USAGE_UNITS.filter(one => prices[one] !== undefined);
      return { refusal: { code: 'usage_unpriced', version, unit, units } };
    }
    millionths += quantity * price * (MILLION / QUANTITY_PER_PRICE[unit]);
  }
  const amountMicrocredits = ceilingOf(millionths, MILLION);
  return amountMicrocredits === 0n
    ? { refusal: { code: 'usage_free', version } }
    : { version, amountMicrocredits };
}

const MILLION = 1_000_000n;

function firstOf(cards: readonly RateCard[]): Instant | null {
  let first: Instant | null = null;
  for (const { effectiveAt } of cards) if (first === null || effectiveAt < first) first = effectiveAt;
  return first;
}
