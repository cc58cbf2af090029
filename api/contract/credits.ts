import { z } from 'zod';
import { accountOut, credits, instant, instantIn, usd } from './fields.ts';
import { defineRoute } from './route.ts';

export const getCredits = defineRoute({
  name: 'getCredits',
  group: 'Account',
  method: 'GET',
  path: '/v1/credits',
  summary: 'What is available, and every lot with its expiry and renewals.',
  detail: 'Any key may ask. With `at` it is what was there at an instant of the past, to the microsecond.',
  caller: 'key',
  query: z.strictObject({ at: instantIn.optional().describe('Now when left out; not later than now.') }),
  status: 200,
  answer: z.strictObject({
    account: accountOut,
    at: instant,
    available: credits,
    held: credits,
    debt: credits,
    renews_at: instant.nullable(),
    lots: z.array(
      z.strictObject({
        id: z.string(),
        face: credits,
        available: credits,
        held: credits,
        paid_usd: usd,
        policy: z.enum(['refill', 'none', 'installments']),
        added_at: instant,
        expires_at: instant,
        renewals_left: z.int(),
      }),
    ),
  }),
});
