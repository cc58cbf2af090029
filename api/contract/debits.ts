import { z } from 'zod';
import { accountOut, credits, instant, positiveDecimal } from './fields.ts';
import { defineRoute } from './route.ts';

export const createDebit = defineRoute({
  name: 'createDebit',
  group: 'Spending',
  method: 'POST',
  path: '/v1/debits',
  summary: 'Spends a customer’s credits, once per Idempotency-Key.',
  caller: 'service',
  idempotent: true,
  body: z.strictObject({
    secure_key: z.string('must be the customer\'s Secure Key, a string that begins with "aisk_"'),
    amount: positiveDecimal('an amount in credits'),
    description: z
      .string('must be a string')
      .min(1, 'must not be empty; leave it out instead')
      .max(200, 'must have at most 200 characters')
      .optional(),
  }),
  status: 201,
  answer: z.strictObject({
    id: z.string(),
    account: accountOut,
    amount: credits,
    available: credits.describe('What the customer has left.'),
    held: credits,
    booked_at: instant,
  }),
  problems: ['insufficient_credits', 'debt_open', 'secure_key_invalid', 'outcome_unknown'],
});
