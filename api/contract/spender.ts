/**
 * Whom a service spends for, as every body that spends names it. A grant is to stand here beside the key, exactly one of
 * both; api/spender.ts is where it is found out.
 */
import { z } from 'zod';

export const spender = {
  secure_key: z.string('must be the customer\'s Secure Key, a string that begins with "aisk_"'),
};

/** As in the price list and in usage reports. */
export const model = z
  .string('must be the name of a model, a string')
  .regex(/^[\x21-\x7e]{1,100}$/, 'must be the name of a model: 1 to 100 visible ASCII characters')
  .meta({ examples: ['chat-large'] });
