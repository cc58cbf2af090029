import { z } from 'zod';
import { DECIMAL_8 } from '../amount-text.ts';
import { accountOut, confirm, eth, instant, orderId, pageQuery, reasonOf, usd, wei } from './fields.ts';
import { atQuery } from './operator-accounts.ts';
import { defineRoute } from './route.ts';

const receiptParams = z.object({
  id: z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be the id of a receipt'),
});

export const getTrialBalance = defineRoute({
  name: 'getTrialBalance',
  group: 'Operators',
  method: 'GET',
  path: '/v1/operator/trial-balance',
  summary: 'Every ledger account; each asset sums to zero.',
  caller: 'operator',
  query: atQuery,
  status: 200,
  answer: z.strictObject({
    at: instant,
    accounts: z.array(
      z.strictObject({
        account: z.string().meta({ examples: ['USD:deferred_revenue'] }),
        balance: z
          .string()
          .describe('Debits less credits in the smallest unit: microcredits, micro-dollars or wei.'),
      }),
    ),
  }),
});

export const listAlarms = defineRoute({
  name: 'listAlarms',
  group: 'Operators',
  method: 'GET',
  path: '/v1/operator/alarms',
  summary: 'What a person must look at, with what to do.',
  caller: 'operator',
  status: 200,
  answer: z.strictObject({
    alarms: z.array(
      z.strictObject({
        kind: z.string(),
        subject: z.string(),
        message: z.string(),
        advice: z.string(),
        raised_at: instant,
      }),
    ),
  }),
});

export const priceReceipt = defineRoute({
  name: 'priceReceipt',
  group: 'Operators',
  method: 'POST',
  path: '/v1/operator/receipts/{id}/price',
  summary: 'Gives a payment that has waited a day for its price one, with a reason.',
  caller: 'operator',
  params: receiptParams,
  body: z.strictObject({
    eth_usd: z
      .string('must be a string with dollars for an ETH, such as "2345.67"')
      .regex(DECIMAL_8, 'must be dollars in plain digits with at most 8 decimals, such as "2345.67"')
      .refine(text => /[1-9]/.test(text), 'must be more than 0'),
    reason: reasonOf('where the price is from, and why it is needed'),
    confirm,
  }),
  status: 200,
  answer: z.strictObject({ receipt: z.string(), eth_usd: z.string(), amount_usd: usd, decided_at: instant }),
  problems: [
    'not_found',
    'receipt_absent',
    'receipt_priced',
    'price_not_due',
    'earlier_unpriced',
    'price_unconfirmed',
  ],
});

export const listSuspense = defineRoute({
  name: 'listSuspense',
  group: 'Operators',
  method: 'GET',
  path: '/v1/operator/suspense',
  summary: 'Payments that are nobody’s yet, the newest first, each with why.',
  caller: 'operator',
  query: pageQuery,
  status: 200,
  answer: z.strictObject({
    receipts: z.array(
      z.strictObject({
        receipt: z.string(),
        transaction: z.string(),
        block: z.string(),
        paid_at: instant,
        sender: z.string(),
        amount_wei: wei,
        amount_eth: eth,
        amount_usd: usd.nullable(),
        since: instant,
        reason: z.string(),
        detail: z.string(),
        kept_back_from: z.strictObject({ account: accountOut, order: z.string().nullable() }).nullable(),
      }),
    ),
    next: z.string().nullable().describe('The `before` of the next page; null on the last.'),
  }),
});

export const assignReceipt = defineRoute({
  name: 'assignReceipt',
  group: 'Operators',
  method: 'POST',
  path: '/v1/operator/receipts/{id}/assign',
  summary: 'Gives a payment in suspense to an account or an order; asking again changes nothing.',
  caller: 'operator',
  params: receiptParams,
  body: z
    .strictObject({
      account: z.string('must be the name of an account, a string that begins with "acct_"').optional(),
      order: orderId.optional(),
      reason: reasonOf('why'),
    })
    .refine(body => (body.account === undefined) !== (body.order === undefined), {
      path: ['account'],
      error: 'must be there, or "order" instead of it',
    }),
  status: 200,
  answer: z.strictObject({
    receipt: z.string(),
    account: accountOut,
    assigned_at: instant,
    amount_usd: usd.nullable(),
  }),
  problems: [
    'not_found',
    'receipt_absent',
    'receipt_assigned',
    'account_unknown',
    'order_unknown',
    'worth_nothing',
  ],
});
