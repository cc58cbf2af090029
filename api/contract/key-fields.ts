/** Fields of keys, grants and what they may spend. In what is asked, a description is what the error message goes on to say. */
import { z } from 'zod';
import { credits, instant, pageQuery, positiveDecimal } from './fields.ts';

export const PERIODS = ['day', 'week', 'month', 'lifetime'] as const;

const LABEL_LENGTH_MAX = 100;

export const labelIn = z
  .string('must be a string')
  .trim()
  .min(1, 'must not be empty; leave it out instead')
  .max(LABEL_LENGTH_MAX, `must have at most ${LABEL_LENGTH_MAX} characters`)
  .refine(
    text => !/\p{Cc}/u.test(text) && text.isWellFormed(),
    'must be plain text without control characters',
  );

/** Credits, without decimals: more than can ever be sold. */
const LIMIT_DIGITS_MAX = 12;

export const limitIn = z.strictObject(
  {
    amount: positiveDecimal('an amount in credits').refine(
      text => (text.split('.')[0]?.length ?? 0) <= LIMIT_DIGITS_MAX,
      `must be less than 10^${LIMIT_DIGITS_MAX} credits`,
    ),
    period: z.enum(PERIODS, `must be one of ${PERIODS.map(period => `"${period}"`).join(', ')}`),
  },
  'must be an object with "amount" and "period"',
);

/** What is left out stays as it is. */
export const changeIn = z
  .strictObject({
    label: labelIn.nullable().optional().describe('Null takes it away.'),
    limit: limitIn.nullable().optional().describe('In place of the one that it has; null takes it away.'),
  })
  .refine(change => Object.keys(change).length > 0, {
    error: 'or "limit" must be there',
    path: ['label'],
  });

export const keyNumber = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'must be the number of a key')
  .transform(Number);

/** Pages of what has numbers. */
export const numberedPage = pageQuery.extend({
  before: z
    .string('must be given once')
    .regex(/^[1-9]\d{0,17}$/, 'must be the "next" of the page before')
    .optional()
    .describe('The `next` of the page before.'),
});

/** The same for keys and grants, whose numbers are small. */
export const keyPage = pageQuery.extend({
  before: z
    .string('must be given once')
    .regex(/^[1-9]\d{0,8}$/, 'must be the "next" of the page before')
    .transform(Number)
    .optional()
    .describe('The `next` of the page before.'),
});

export const nextOut = z.string().nullable().describe('`before` of the next page; null for the last.');

export const limitOut = z
  .strictObject({
    amount: credits,
    period: z.enum(PERIODS),
    remaining: credits.describe('What else may be spent now; what is on hold counts as used.'),
    resets_at: instant.nullable().describe('When the period ends, in UTC; null for a lifetime.'),
  })
  .nullable();
