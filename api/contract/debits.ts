import { z } from 'zod';
import { accountOut, credits, description, idempotencyKey, instant, positiveDecimal } from './fields.ts';
import { problemAnswer } from './problem-codes.ts';
import { defineRoute } from './route.ts';
import { model, OF_SPENDERS, spender } from './spender.ts';

/** As many debits as one batch takes at the most. */
export const BATCH_ITEMS_MAX = 1000;

/** A thousand items, the longest of them with their descriptions in any script. */
const BATCH_BYTES_MAX = 1536 * 1024;

const debitFields = {
  ...spender,
  amount: positiveDecimal('an amount in credits'),
  description,
  model: model.optional().describe('Which model was used: usage reports tell by it.'),
};

const debit = z.strictObject({
  id: z.string(),
  account: accountOut,
  amount: credits,
  available: credits.describe('What the customer has left.'),
  held: credits,
  booked_at: instant,
});

export const createDebit = defineRoute({
  name: 'createDebit',
  group: 'Spending',
  method: 'POST',
  path: '/v1/debits',
  summary: 'Spends a customer’s credits, once per Idempotency-Key.',
  caller: 'service',
  idempotent: true,
  body: z.strictObject(debitFields),
  status: 201,
  answer: debit,
  detail: 'Send either `secure_key` or `grant`. A limit of theirs is a 403, as no top-up changes it.',
  problems: ['insufficient_credits', 'debt_open', 'outcome_unknown', ...OF_SPENDERS],
});

export const batchItem = z.strictObject({
  ...debitFields,
  idempotency_key: idempotencyKey.describe('As the header of a single debit, and in the same scope.'),
});

/** Each item is judged by itself, so that one that is wrong is answered in its place: the schema is only told here. */
const { $schema: _, ...itemSchema } = z.toJSONSchema(batchItem, { io: 'input' });

export const createDebitBatch = defineRoute({
  name: 'createDebitBatch',
  group: 'Spending',
  method: 'POST',
  path: '/v1/debits/batch',
  bodyBytesMax: BATCH_BYTES_MAX,
  summary: `Up to ${BATCH_ITEMS_MAX.toLocaleString('en')} debits at once, each with its own customer, key and result.`,
  detail:
    'The results are in the order of the items. Each item is a debit of its own: one that is refused, or is no debit at ' +
    'all, harms no other, and has in its place the problem that POST /v1/debits would have answered. Items of one ' +
    'customer are decided in their order. To be safe, send the same items again, with the same keys.',
  caller: 'service',
  body: z.strictObject({
    debits: z
      .array(z.unknown().meta(itemSchema), `must be an array of 1 to ${BATCH_ITEMS_MAX} debits`)
      .min(1, `must have 1 to ${BATCH_ITEMS_MAX} debits`)
      .max(
        BATCH_ITEMS_MAX,
        `must have at most ${BATCH_ITEMS_MAX} debits: send the others in a further batch`,
      ),
  }),
  status: 200,
  answer: z.strictObject({
    results: z.array(
      z.union([
        z.strictObject({
          status: z.literal(201),
          replayed: z.boolean().describe('That an earlier request had debited it already.'),
          debit,
        }),
        z.strictObject({
          status: z.int().describe('What a single debit would have been answered with.'),
          problem: problemAnswer,
        }),
      ]),
    ),
  }),
});

export const reverseDebit = defineRoute({
  name: 'reverseDebit',
  group: 'Spending',
  method: 'POST',
  path: '/v1/debits/{id}/reverse',
  summary: 'Gives a debit or capture of yours back, in whole or in part.',
  detail:
    'Reversals of one debit add up to no more than it. Credits go back into the lots they came from while those live; what ' +
    'would have renewed meanwhile lapses. The customer’s key is not needed again.',
  caller: 'service',
  idempotent: true,
  params: z.object({ id: z.string() }),
  body: z.strictObject({
    amount: positiveDecimal('an amount in credits')
      .optional()
      .describe('All that is left of it when left out.'),
  }),
  status: 201,
  answer: z.strictObject({
    id: z.string(),
    account: accountOut,
    reverses: z.string().describe('The debit or capture.'),
    amount: credits,
    available: credits,
    held: credits,
    booked_at: instant,
  }),
  problems: ['spend_unknown', 'reversal_above_spend', 'overloaded', 'outcome_unknown'],
});
