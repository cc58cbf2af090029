import { z } from 'zod';
import { DECIMAL_6 } from '../amount-text.ts';
import { accountOut, credits, description, instant } from './fields.ts';
import { defineRoute } from './route.ts';
import { model, OF_SPENDERS, spender } from './spender.ts';

const COUNT_MAX = 1_000_000_000_000;

const count = z
  .int('must be a whole number')
  .min(0, 'must not be negative')
  .max(COUNT_MAX, `must be at most ${COUNT_MAX}`);

/** What was used of a model. */
export const usageFields = {
  model,
  input_tokens: count.optional().describe('Without those that are counted as cached.'),
  cached_input_tokens: count
    .optional()
    .describe('Charged as input tokens where the model has no price for them.'),
  output_tokens: count.optional(),
  images: count.optional(),
  seconds: z
    .string('must be a string with seconds, such as "12.5"')
    .regex(DECIMAL_6, 'must be seconds in plain digits with at most 6 decimals, such as "12.5"')
    .optional(),
};

/** A type of its own, so that the fields' names need not be said again. */
type UsageFields = z.output<z.ZodObject<typeof usageFields>>;

export function usesSomething(usage: Omit<UsageFields, 'model'>): boolean {
  const { input_tokens, cached_input_tokens, output_tokens, images, seconds = '' } = usage;
  return [input_tokens, cached_input_tokens, output_tokens, images].some(Boolean) || /[1-9]/.test(seconds);
}

export const NOTHING_USED = {
  path: ['model'],
  error: 'comes with what was used of it: tokens, images or seconds, one of them more than 0',
};

export const usageObject = z.strictObject(usageFields).refine(usesSomething, NOTHING_USED);

export const createUsage = defineRoute({
  name: 'createUsage',
  group: 'Spending',
  method: 'POST',
  path: '/v1/usage',
  summary: 'Debits what was used of a model, by the operator’s price list, once per Idempotency-Key.',
  detail:
    'The version of the price list counts that is in force when it is booked; it is kept with the entry, and a replay ' +
    'answers with the first price. The sum over all that was used is rounded up, once, to a whole microcredit. For an ' +
    'amount of your own use POST /v1/debits.',
  caller: 'service',
  idempotent: true,
  body: z.strictObject({ ...spender, ...usageFields, description }).refine(usesSomething, NOTHING_USED),
  status: 201,
  answer: z.strictObject({
    id: z.string(),
    account: accountOut,
    model: z.string(),
    price_version: z.int(),
    amount: credits,
    available: credits.describe('What the customer has left.'),
    held: credits,
    booked_at: instant,
  }),
  problems: [
    ...(['insufficient_credits', 'debt_open', ...OF_SPENDERS, 'overloaded', 'outcome_unknown'] as const),
    ...(['rate_card_missing', 'model_unknown', 'usage_unpriced', 'usage_free'] as const),
  ],
});
