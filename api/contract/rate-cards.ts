import { z } from 'zod';
import { DECIMAL_6 } from '../amount-text.ts';
import { instant, pageQuery, reasonOf } from './fields.ts';
import { defineRoute } from './route.ts';
import { model } from './spender.ts';

const MODELS_MAX = 200;

const price = z
  .string('must be a string with credits, such as "2.5"')
  .regex(DECIMAL_6, 'must be credits in plain digits with at most 6 decimals, such as "2.5"')
  .optional()
  .meta({ examples: ['2.5'] });

/** Credits, each for what its name says. */
const modelPrices = z
  .strictObject({
    model,
    per_million_input_tokens: price,
    per_million_cached_input_tokens: price,
    per_million_output_tokens: price,
    per_image: price,
    per_second: price,
  })
  .refine(({ model: _, ...prices }) => Object.values(prices).some(one => one !== undefined), {
    path: ['model'],
    error: 'must have a price for tokens, images or seconds',
  });

const AN_INSTANT = 'must be an instant with a zone, such as "2026-03-01T15:00:00Z"';

/** Of this millennium, which is as far as a plan goes and as the database reads a year. */
const plannedInstant = z.iso
  .datetime({ offset: true, error: AN_INSTANT })
  .regex(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)$/, AN_INSTANT);

const rateCard = {
  version: z.int(),
  effective_at: instant,
  prices: z.array(
    z.strictObject({
      model: z.string(),
      per_million_input_tokens: z.string().optional(),
      per_million_cached_input_tokens: z.string().optional(),
      per_million_output_tokens: z.string().optional(),
      per_image: z.string().optional(),
      per_second: z.string().optional(),
    }),
  ),
};
const published = z.strictObject({
  ...rateCard,
  operator: z.string(),
  reason: z.string(),
  recorded_at: instant,
});

export const getRateCard = defineRoute({
  name: 'getRateCard',
  group: 'Spending',
  method: 'GET',
  path: '/v1/rate-card',
  summary: 'The price list that is in force, in credits, and when the next one takes its place.',
  caller: 'service_or_key',
  status: 200,
  answer: z.strictObject({
    ...rateCard,
    next: z.strictObject({ version: z.int(), effective_at: instant }).nullable(),
  }),
  problems: ['rate_card_missing'],
});

export const createRateCard = defineRoute({
  name: 'createRateCard',
  group: 'Operators',
  method: 'POST',
  path: '/v1/operator/rate-cards',
  bodyBytesMax: 128 * 1024,
  summary: 'Publishes a version of the price list, all of it, for good.',
  detail:
    'The highest version whose instant has come is in force, so a new version also replaces what was planned for later. ' +
    'The first may take effect at once, every other a minute after it is recorded at the earliest, so that all processes ' +
    'know of it by then.',
  caller: 'operator',
  body: z.strictObject({
    version: z
      .int('must be a whole number')
      .min(1, 'must be at least 1')
      .max(2_147_483_647, 'must be one more than the newest version')
      .describe('One more than the newest, so that asking again makes no second one.'),
    effective_at: plannedInstant.optional().describe('As soon as it may when left out.'),
    prices: z
      .array(modelPrices, 'must be an array of the prices of each model')
      .min(1, 'must have the prices of a model')
      .max(MODELS_MAX, `must have at most ${MODELS_MAX} models`)
      .refine(
        prices => new Set(prices.map(one => one.model)).size === prices.length,
        'must have each model once',
      ),
    reason: reasonOf('why'),
  }),
  status: 201,
  answer: published,
  problems: ['rate_card_version_taken', 'rate_card_too_early'],
});

export const listRateCards = defineRoute({
  name: 'listRateCards',
  group: 'Operators',
  method: 'GET',
  path: '/v1/operator/rate-cards',
  summary: 'Every version of the price list, the newest first.',
  caller: 'operator',
  query: pageQuery.extend({
    before: z
      .string('must be given once')
      .regex(/^[1-9]\d{0,8}$/, 'must be the "next" of the page before')
      .transform(Number)
      .optional()
      .describe('The `next` of the page before.'),
  }),
  status: 200,
  answer: z.strictObject({
    rate_cards: z.array(published),
    next: z.string().nullable().describe('The `before` of the next page; null on the last.'),
  }),
});
