import { z } from 'zod';
import { accountOut, credits, description, instant, positiveDecimal } from './fields.ts';
import { defineRoute } from './route.ts';
import { model, OF_SPENDERS, spender } from './spender.ts';
import { usageObject } from './usage.ts';

const SECONDS_MAX = 86_400;

const params = z.object({ id: z.string() });

const settled = {
  id: z.string(),
  account: accountOut,
  hold: z.string(),
  amount: credits,
  available: credits.describe('What the customer has left.'),
  held: credits,
  booked_at: instant,
};

export const createHold = defineRoute({
  name: 'createHold',
  group: 'Spending',
  method: 'POST',
  path: '/v1/holds',
  summary: 'Reserves a customer’s credits until you know what to charge.',
  detail:
    'They are gone from what others can spend at once. Capture what was used: the rest is given back. A hold that is ' +
    'neither captured nor released ends by itself.',
  caller: 'service',
  idempotent: true,
  body: z.strictObject({
    ...spender,
    amount: positiveDecimal('an amount in credits'),
    expires_in_seconds: z
      .int(`must be a whole number from 1 to ${SECONDS_MAX}`)
      .min(1, `must be from 1 to ${SECONDS_MAX}`)
      .max(SECONDS_MAX, `must be at most ${SECONDS_MAX}, which is 24 hours`)
      .optional()
      .describe('15 minutes when left out. The operator may allow less than 24 hours.'),
    description,
  }),
  status: 201,
  answer: z.strictObject({
    id: z.string(),
    account: accountOut,
    amount: credits,
    available: credits.describe('What the customer has left.'),
    held: credits,
    booked_at: instant,
    expires_at: instant,
  }),
  problems: [
    ...(['insufficient_credits', 'debt_open', ...OF_SPENDERS, 'overloaded', 'outcome_unknown'] as const),
    'too_many_holds',
  ],
});

export const getHold = defineRoute({
  name: 'getHold',
  group: 'Spending',
  method: 'GET',
  path: '/v1/holds/{id}',
  summary: 'Where a hold of yours stands.',
  caller: 'service',
  params,
  status: 200,
  answer: z.strictObject({
    id: z.string(),
    account: accountOut,
    amount: credits,
    status: z.enum(['open', 'captured', 'released', 'expired']),
    captured: credits,
    booked_at: instant,
    expires_at: instant,
    closed_at: instant.nullable(),
  }),
  problems: ['hold_unknown'],
});

export const captureHold = defineRoute({
  name: 'captureHold',
  group: 'Spending',
  method: 'POST',
  path: '/v1/holds/{id}/capture',
  summary: 'Spends what is held, up to all of it, gives the rest back and closes the hold.',
  detail:
    'Send an `amount`, or what was used as `usage`, which the price list turns into one (see POST /v1/usage). Also while ' +
    'the customer owes credits. The customer’s key is not needed again.',
  caller: 'service',
  idempotent: true,
  params,
  body: z
    .strictObject({
      amount: positiveDecimal('an amount in credits').optional(),
      model: model.optional().describe('With an amount: which model was used.'),
      usage: usageObject.optional(),
    })
    .refine(body => (body.amount === undefined) !== (body.usage === undefined), {
      path: ['amount'],
      error: 'must be there, or "usage" instead of it',
    })
    .refine(body => body.model === undefined || body.usage === undefined, {
      path: ['model'],
      error: 'is in "usage" already: leave it out here',
    }),
  status: 201,
  answer: z.strictObject({
    ...settled,
    model: z.string().optional(),
    price_version: z.int().optional().describe('Where the amount came from the price list.'),
  }),
  problems: [
    ...(['hold_unknown', 'hold_closed', 'capture_above_hold', 'overloaded', 'outcome_unknown'] as const),
    ...(['rate_card_missing', 'model_unknown', 'usage_unpriced', 'usage_free'] as const),
  ],
});

export const releaseHold = defineRoute({
  name: 'releaseHold',
  group: 'Spending',
  method: 'POST',
  path: '/v1/holds/{id}/release',
  summary: 'Gives all that is held back and closes the hold. There is no body.',
  caller: 'service',
  idempotent: true,
  params,
  status: 201,
  answer: z.strictObject(settled),
  problems: ['hold_unknown', 'hold_closed', 'overloaded', 'outcome_unknown'],
});
