import { z } from 'zod';
import { credits, instant, instantIn, pageQuery, usd } from './fields.ts';
import { nextOut, numberedPage } from './key-fields.ts';
import { defineRoute } from './route.ts';

const POLICIES = ['refill', 'none', 'installments'] as const;

const lotOut = z.strictObject({
  id: z.string(),
  face: credits,
  remaining: credits.describe('What of it can be spent now.'),
  held: credits,
  unreleased: credits.describe('Installments still to come.'),
  policy: z.enum(POLICIES),
  added_at: instant,
  expires_at: instant,
  live: z.boolean(),
  renewals_left: z.int(),
  paid_usd: usd,
  price: z
    .strictObject({
      eth_usd: z.string().describe('Dollars for an ETH, as the oracle had it.'),
      round_id: z.string().nullable().describe('Chainlink’s round; null for the price of an operator.'),
    })
    .nullable()
    .describe('Of a payment in ETH.'),
  source: z.strictObject({
    kind: z.enum(['purchase', 'adjustment', 'restoration']),
    order: z.string().nullable(),
    receipt: z.string().nullable(),
    transaction: z.string().nullable().describe('The hash of the transaction on the chain.'),
    stripe_receipt_url: z.string().nullable(),
  }),
});

export const listLots = defineRoute({
  name: 'listLots',
  group: 'Account',
  method: 'GET',
  path: '/v1/lots',
  summary: 'Every lot, the newest first: what is left, until when, and where it is from.',
  detail: 'Needs a managing key, as it tells of payments; any key sees the live lots at /v1/credits.',
  caller: 'managing_key',
  query: numberedPage,
  status: 200,
  answer: z.strictObject({ lots: z.array(lotOut), next: nextOut }),
});

export const getLot = defineRoute({
  name: 'getLot',
  group: 'Account',
  method: 'GET',
  path: '/v1/lots/{id}',
  summary: 'A lot with everything that was posted of it, the oldest first.',
  detail: 'Needs a managing key, as it tells of payments and of what was spent with other keys.',
  caller: 'managing_key',
  params: z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/, 'must be the number of a lot') }),
  query: pageQuery.omit({ before: true }).extend({
    after: z
      .string('must be given once')
      .regex(/^[1-9]\d{0,17}-[1-9]\d{0,3}$/, 'must be the "next" of the page before')
      .optional()
      .describe('The `next` of the page before.'),
  }),
  status: 200,
  answer: z.strictObject({
    lot: lotOut,
    movements: z.array(
      z.strictObject({
        transaction: z.string(),
        kind: z.string(),
        booked_at: instant,
        from: z.string().meta({ examples: ['CREDIT:available'] }),
        to: z.string(),
        amount: z.string().describe('In the accounts’ asset: credits or dollars.'),
        remaining: credits,
        held: credits,
        unreleased: credits,
      }),
    ),
    next: z.string().nullable().describe('`after` of the next page; null for the last.'),
  }),
  problems: ['not_found'],
});

export const spentBy = z
  .strictObject({
    number: z.int(),
    kind: z.enum(['key', 'grant']),
    label: z.string().nullable(),
  })
  .nullable()
  .describe('What authorised it; of a capture, what placed the hold.');

export const listTransactions = defineRoute({
  name: 'listTransactions',
  group: 'Account',
  method: 'GET',
  path: '/v1/transactions',
  summary: 'Every entry of the account with the balance after it, the newest first.',
  detail: 'Needs a managing key, as it tells what was spent with all keys.',
  caller: 'managing_key',
  query: numberedPage,
  status: 200,
  answer: z.strictObject({
    transactions: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.string().meta({ examples: ['debit'] }),
        booked_at: instant,
        effective_at: instant,
        amount: credits,
        available: credits.describe('After it.'),
        held: credits,
        debt: credits,
        service: z.string().nullable(),
        key: spentBy,
        model: z.string().nullable(),
        description: z.string().nullable(),
      }),
    ),
    next: nextOut,
  }),
});

export const getUsage = defineRoute({
  name: 'getUsage',
  group: 'Account',
  method: 'GET',
  path: '/v1/usage',
  summary: 'What was used from one instant to another, by day, service, model or key.',
  detail:
    'From `from` up to, and without, `to`, which are 92 days apart at the most; the 30 days up to now when left out. What ' +
    'was reversed is taken off where it had been spent. Needs a managing key, as it tells what was spent with all keys.',
  caller: 'managing_key',
  query: z.strictObject({
    from: instantIn.optional(),
    to: instantIn.optional(),
    group_by: z
      .enum(['day', 'service', 'model', 'key'], 'must be "day", "service", "model" or "key"')
      .default('day'),
  }),
  status: 200,
  answer: z.strictObject({
    from: instant,
    to: instant,
    group_by: z.enum(['day', 'service', 'model', 'key']),
    usage: z.array(
      z.strictObject({
        group: z
          .string()
          .nullable()
          .describe(
            'The day as YYYY-MM-DD, the service, the model, or the number of key or grant; null: not told.',
          ),
        label: z.string().nullable().describe('Of a key or grant.'),
        credits,
        count: z.int().describe('How many debits and captures.'),
      }),
    ),
  }),
});
