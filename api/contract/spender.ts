/** Whom a service spends for, as every body that spends names it; api/spender.ts finds it out. */
import { z } from 'zod';
import type { ProblemCode } from './problem-codes.ts';

/** Exactly one of the two. */
export const spender = {
  secure_key: z.string('must be the customer\'s Secure Key, a string that begins with "aisk_"').optional(),
  grant: z
    .string('must be the id of a grant to this service, a string that begins with "grant_"')
    .max(100, 'must be the id of a grant')
    .optional()
    .describe('Instead of `secure_key`.'),
};

/** What a route that spends may answer because of whom it spends for. */
export const OF_SPENDERS = [
  'secure_key_invalid',
  'grant_invalid',
  'key_limit_exceeded',
] as const satisfies readonly ProblemCode[];

/** As in the price list and in usage reports. */
export const model = z
  .string('must be the name of a model, a string')
  .regex(/^[\x21-\x7e]{1,100}$/, 'must be the name of a model: 1 to 100 visible ASCII characters')
  .meta({ examples: ['chat-large'] });
