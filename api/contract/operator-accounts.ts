/** What operators see and decide beside single receipts. */
import { z } from 'zod';
import { parseInstant } from '../../ledger/index.ts';
import { spentBy } from './account-history.ts';
import { getCredits } from './credits.ts';
import {
  account,
  accountOut,
  addressOut,
  credits,
  instant,
  pageQuery,
  positiveDecimal,
  reasonOf,
  usd,
  wei,
} from './fields.ts';
import { defineRoute } from './route.ts';

const GROUP = 'Operators';
export const accountParams = z.object({ account });
const next = z.string().nullable().describe('The `before` of the next page; null on the last.');

export const serviceName = z
  .string('must be a string with the name of a service')
  .regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 visible ASCII characters, such as "image-service"');

/** An instant that is asked about; undefined where that is none. */
export const atQuery = z.strictObject({
  at: z
    .string('must be given once')
    .transform((text, context) => {
      try {
        return parseInstant(text);
      } catch {
        context.addIssue('must be an instant in UTC, such as "2026-03-01T15:00:00Z"');
        return z.NEVER;
      }
    })
    .optional()
    .describe('The instant to look at, such as 2026-03-01T15:00:00Z; now when left out.'),
});

export const getAccount = defineRoute({
  name: 'getAccount',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/accounts/{account}',
  summary: 'An account: its credits, lots and debt, its keys, wallets and newest orders.',
  detail: 'No secret is in it: of a key only its last four characters.',
  caller: 'operator',
  params: accountParams,
  status: 200,
  answer: (getCredits.answer as NonNullable<typeof getCredits.answer>).extend({
    keys: z.array(
      z.strictObject({
        number: z.int(),
        label: z.string().nullable(),
        scope: z.enum(['manage', 'spend']),
        last_four: z.string(),
        created_at: instant,
        first_used_at: instant.nullable(),
        revoked_at: instant.nullable(),
      }),
    ),
    wallets: z.array(z.strictObject({ address: addressOut, linked_since: instant.nullable() })),
    orders: z
      .array(
        z.strictObject({
          id: z.string(),
          method: z.enum(['eth', 'card']),
          amount_usd: usd,
          created_at: instant,
          deadline: instant,
          claimed_at: instant.nullable(),
        }),
      )
      .describe('The newest 100.'),
  }),
  problems: ['not_found'],
});

export const getStatement = defineRoute({
  name: 'getStatement',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/accounts/{account}/statement',
  summary: 'The entries of an account with the balance after each, the newest first.',
  caller: 'operator',
  params: accountParams,
  query: pageQuery,
  status: 200,
  answer: z.strictObject({
    entries: z.array(
      z.strictObject({
        entry: z.string().describe('Its number in the book.'),
        kind: z.string(),
        effective_at: instant,
        booked_at: instant,
        amount: credits,
        available: credits.describe('After it.'),
        held: credits.describe('After it.'),
        debt: credits.describe('After it.'),
        key: spentBy,
        service_id: z.int().nullable().describe('0 is this system itself; null for what time made due.'),
        details: z.string().nullable().describe('The text that is sealed with it.'),
      }),
    ),
    next,
  }),
  problems: ['not_found'],
});

export const createAdjustment = defineRoute({
  name: 'createAdjustment',
  group: GROUP,
  method: 'POST',
  path: '/v1/operator/accounts/{account}/adjustments',
  summary: 'Gives credits to an account or takes some, with a reason, once per Idempotency-Key.',
  detail: 'What is given is a lot of 30 days and settles debt first. What is taken must be there.',
  caller: 'operator',
  idempotent: true,
  params: accountParams,
  body: z
    .strictObject({
      direction: z.enum(['give', 'take'], 'must be "give" or "take"'),
      amount: positiveDecimal('an amount in credits'),
      policy: z
        .enum(['refill', 'none', 'installments'], 'must be "refill", "none" or "installments"')
        .optional()
        .describe('What midnight does to credits that are given; "none" when left out.'),
      reason: reasonOf('why'),
    })
    .refine(body => body.direction === 'give' || body.policy === undefined, {
      path: ['policy'],
      error: 'is for credits that are given: leave it out',
    }),
  status: 201,
  answer: z.strictObject({
    id: z.string(),
    account: accountOut,
    direction: z.enum(['give', 'take']),
    amount: credits,
    available: credits,
    debt: credits,
    booked_at: instant,
  }),
  problems: ['not_found', 'account_unknown', 'insufficient_credits', 'overloaded', 'outcome_unknown'],
});

export const listPrices = defineRoute({
  name: 'listPrices',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/prices',
  summary: 'The prices that payments were given, the newest first, each with where it is from.',
  caller: 'operator',
  query: pageQuery,
  status: 200,
  answer: z.strictObject({
    prices: z.array(
      z.strictObject({
        receipt: z.string(),
        version: z.int(),
        source: z.enum(['chainlink', 'operator']),
        eth_usd: z.string(),
        feed: addressOut.nullable(),
        round_id: z.string().nullable(),
        round_updated_at: instant.nullable(),
        quoted_eth_usd: z.string().nullable(),
        quoted_wei: wei,
        amount_usd: usd,
        operator: z.string().nullable(),
        reason: z.string().nullable(),
        decided_at: instant,
      }),
    ),
    next,
  }),
});

export const listOperatorActions = defineRoute({
  name: 'listOperatorActions',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/actions',
  summary: 'What operators did, the newest first: each is sealed in the journal with who and why.',
  caller: 'operator',
  query: pageQuery,
  status: 200,
  answer: z.strictObject({
    actions: z.array(
      z.strictObject({
        entry: z.string().describe('The book and the number of the entry that seals it.'),
        at: instant,
        operator: z.string().nullable(),
        action: z.string(),
        subject: z.string(),
        reason: z.string(),
        decided: z.record(z.string(), z.unknown()).describe('What else is sealed with it.'),
      }),
    ),
    next,
  }),
});

const tokenOnce = z.string().describe('Shown here once, never again.');

export const listOperatorServices = defineRoute({
  name: 'listOperatorServices',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/services',
  summary: 'The AI services that may debit.',
  caller: 'operator',
  status: 200,
  answer: z.strictObject({
    services: z.array(
      z.strictObject({
        id: z.int(),
        name: z.string(),
        created_at: instant,
        tokens: z.int().describe('How many are valid.'),
      }),
    ),
  }),
});

export const createService = defineRoute({
  name: 'createService',
  group: GROUP,
  method: 'POST',
  path: '/v1/operator/services',
  summary: 'Registers an AI service and makes its first token.',
  caller: 'operator',
  body: z.strictObject({ name: serviceName, reason: reasonOf('why') }),
  status: 201,
  answer: z.strictObject({
    id: z.int(),
    name: z.string(),
    token_id: z.string(),
    token: tokenOnce,
    created_at: instant,
  }),
  problems: ['service_exists'],
});

export const createServiceToken = defineRoute({
  name: 'createServiceToken',
  group: GROUP,
  method: 'POST',
  path: '/v1/operator/services/{name}/tokens',
  summary: 'Makes a further token of an AI service.',
  caller: 'operator',
  params: z.object({ name: serviceName }),
  body: z.strictObject({ reason: reasonOf('why') }),
  status: 201,
  answer: z.strictObject({ name: z.string(), token_id: z.string(), token: tokenOnce, created_at: instant }),
  problems: ['not_found'],
});

export const listTokens = defineRoute({
  name: 'listTokens',
  group: GROUP,
  method: 'GET',
  path: '/v1/operator/tokens',
  summary: 'Every token of services and operators, the newest first, never the token itself.',
  caller: 'operator',
  status: 200,
  answer: z.strictObject({
    tokens: z.array(
      z.strictObject({
        id: z.string(),
        role: z.enum(['service', 'operator']),
        name: z.string(),
        last_four: z.string(),
        created_at: instant,
        revoked_at: instant.nullable(),
      }),
    ),
  }),
});

export const revokeToken = defineRoute({
  name: 'revokeToken',
  group: GROUP,
  method: 'DELETE',
  path: '/v1/operator/tokens/{id}',
  summary: 'Ends a token of a service or an operator at once; asking again changes nothing.',
  caller: 'operator',
  params: z.object({
    id: z.string().regex(/^tok_[0-9a-f]{16}$/, 'must be the id of a token: tok_ and 16 hex digits'),
  }),
  query: z.strictObject({ reason: reasonOf('why').describe('Why, sealed and shown.') }),
  status: 200,
  answer: z.strictObject({ id: z.string(), revoked_at: instant }),
  problems: ['not_found'],
});
