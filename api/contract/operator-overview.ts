/** What an operator looks at first. */
import { z } from 'zod';
import { accountOut, credits, eth, instant, pageQuery, usd } from './fields.ts';
import { defineRoute } from './route.ts';

const GROUP = 'Operators';
const limitQuery = pageQuery.pick({ limit: true });

export const getOverview = defineRoute({
  name: 'getOverview',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/overview',
  summary: 'Whether everything keeps up: lags, suspense, debts and alarms at once.',
  detail: 'The same figures as the metrics, for people.',
  caller: 'operator',
  status: 200,
  answer: z.strictObject({
    at: instant,
    indexer_lag_seconds: z
      .number()
      .nullable()
      .describe('The age of the newest block that the indexer has; null while it has none.'),
    indexer_lag_blocks: z
      .int()
      .nullable()
      .describe('How many blocks the chain has beyond it, as the worker last saw it; null while not known.'),
    sweep_lag_seconds: z.number().describe('How far the midnight sweep is behind the newest midnight.'),
    seal_age_seconds: z
      .number()
      .nullable()
      .describe('How long ago the newest seal was through; null while there is none.'),
    suspense: z.strictObject({
      receipts: z.int().describe('Payments on the chain that are nobody’s yet.'),
      amount_eth: eth,
    }),
    debt: credits.describe('What all customers owe together.'),
    alarms: z.int().describe('How many things a person must look at.'),
  }),
});

export const listDebts = defineRoute({
  name: 'listDebts',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/debts',
  summary: 'The accounts that owe most, since a payment was taken back after its credits were used.',
  caller: 'operator',
  query: limitQuery,
  status: 200,
  answer: z.strictObject({ accounts: z.array(z.strictObject({ account: accountOut, debt: credits })) }),
});

export const listReceipts = defineRoute({
  name: 'listReceipts',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/receipts',
  summary: 'The newest payments, by card and on the chain, with how far each has come into the books.',
  caller: 'operator',
  query: limitQuery,
  status: 200,
  answer: z.strictObject({
    receipts: z.array(
      z.strictObject({
        receipt: z.string(),
        rail: z.enum(['chain', 'stripe']),
        recorded_at: instant,
        amount_eth: eth.nullable(),
        amount_usd: usd.nullable().describe('Null while it has no price.'),
        account: accountOut.nullable(),
        order: z.string().nullable(),
        standing: z.enum(['credited', 'crediting', 'price_pending', 'suspense', 'reorged', 'unpaid']),
      }),
    ),
  }),
});
