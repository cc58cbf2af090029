import type { Router } from 'express';
import type { z } from 'zod';
import {
  instantText,
  type Ledger,
  type ModelPrices,
  type PublishedRateCard,
  parseInstant,
  type RateCard,
  type RateCardRefusal,
  type UsageUnit,
} from '../../ledger/index.ts';
import { creditsText, millionthsOf } from '../amount-text.ts';
import { createRateCard, getRateCard, listRateCards } from '../contract/rate-cards.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';
import { rateCardMissing } from '../spending.ts';

/** The operator's price list. */
export function rateCardRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .on(getRateCard, async () => {
      const { inForce, next } = await ledger.rates.current(await ledger.now());
      if (!inForce) throw rateCardMissing(next && instantText(next.effectiveAt));
      return {
        ...cardJson(inForce),
        next: next && { version: next.version, effective_at: instantText(next.effectiveAt) },
      };
    })
    .on(createRateCard, async ({ caller: operator, body }) => {
      const { version, effective_at, reason } = body;
      const published = await ledger.rates.publish({
        ...{ version, operator, reason },
        effectiveAt: effective_at === undefined ? undefined : parseInstant(effective_at),
        prices: body.prices.map(pricesOf),
      });
      if ('refusal' in published) throw refusalProblem(published.refusal);
      return publishedJson(published);
    })
    .on(listRateCards, async ({ query: { limit, before } }) => {
      const cards = await ledger.rates.versions({ before, limit: limit + 1 });
      const page = cards.slice(0, limit);
      const last = page.at(-1);
      const next = cards.length > limit && last !== undefined ? String(last.version) : null;
      return { rate_cards: page.map(publishedJson), next };
    })
    .refuseOtherMethods();
}

const PRICE_FIELDS = {
  input_tokens: 'per_million_input_tokens',
  cached_input_tokens: 'per_million_cached_input_tokens',
  output_tokens: 'per_million_output_tokens',
  images: 'per_image',
  seconds: 'per_second',
} as const satisfies Record<UsageUnit, string>;
type PriceField = (typeof PRICE_FIELDS)[UsageUnit];
const FIELD_OF_UNIT = Object.entries(PRICE_FIELDS) as readonly (readonly [UsageUnit, PriceField])[];

type PricesJson = z.output<typeof createRateCard.body & object>['prices'][number];

function pricesOf(json: PricesJson): ModelPrices {
  const microcredits: Partial<Record<UsageUnit, bigint>> = {};
  for (const [unit, field] of FIELD_OF_UNIT) {
    const price = json[field];
    if (price !== undefined) microcredits[unit] = millionthsOf(price);
  }
  return { model: json.model, microcredits };
}

function pricesJson({ model, microcredits }: ModelPrices) {
  const json: Partial<Record<PriceField, string>> = {};
  for (const [unit, field] of FIELD_OF_UNIT) {
    const price = microcredits[unit];
    if (price !== undefined) json[field] = creditsText(price);
  }
  return { model, ...json };
}

function cardJson({ version, effectiveAt, prices }: RateCard) {
  return { version, effective_at: instantText(effectiveAt), prices: prices.map(pricesJson) };
}

function publishedJson(card: PublishedRateCard) {
  const { operator, reason, recordedAt } = card;
  return { ...cardJson(card), operator, reason, recorded_at: instantText(recordedAt) };
}

function refusalProblem(refusal: RateCardRefusal): Problem {
  switch (refusal.code) {
    case 'version_taken':
      return new Problem(
        'rate_card_version_taken',
        `The next version is ${refusal.nextVersion}: look at GET /v1/operator/rate-cards for what there is before you publish it.`,
        { field: 'version', next_version: refusal.nextVersion },
      );
    case 'effective_too_early': {
      const earliest = instantText(refusal.earliest);
      return new Problem(
        'rate_card_too_early',
        `A version may take effect from ${earliest} on: leave "effective_at" out for as soon as it may.`,
        { field: 'effective_at', earliest },
      );
    }
  }
}
