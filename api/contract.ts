/** The requests that the API takes: what is not in these schemas is refused with the field's name. */
import { z } from 'zod';
import { DECIMAL_6, DECIMAL_8 } from './amount-text.ts';

const positiveDecimal = (what: string) =>
  z
    .string(`must be a string with ${what}, such as "12.5"`)
    .regex(DECIMAL_6, `must be ${what} in plain digits with at most 6 decimals, such as "12.5"`)
    .refine(text => /[1-9]/.test(text), 'must be more than 0');

const USD_MAX = 1_000_000;

export const orderRequest = z.strictObject({
  amount_usd: positiveDecimal('an amount in dollars').refine(
    text => Number(text) <= USD_MAX,
    `must be at most ${USD_MAX}; make several orders for more`,
  ),
  method: z.literal('eth', 'must be "eth"'),
});

export const acknowledgeRequest = z.strictObject({
  secure_key: z.string('must be the Secure Key that was saved'),
});

export const debitRequest = z.strictObject({
  secure_key: z.string('must be the customer\'s Secure Key, a string that begins with "aisk_"'),
  amount: positiveDecimal('an amount in credits'),
  description: z
    .string('must be a string')
    .min(1, 'must not be empty; leave it out instead')
    .max(200, 'must have at most 200 characters')
    .optional(),
});

export const operatorPriceRequest = z.strictObject({
  eth_usd: z
    .string('must be a string with dollars for an ETH, such as "2345.67"')
    .regex(DECIMAL_8, 'must be dollars in plain digits with at most 8 decimals, such as "2345.67"')
    .refine(text => /[1-9]/.test(text), 'must be more than 0'),
  reason: z
    .string('must be a string: where the price is from, and why it is needed')
    .trim()
    .min(1, 'must say where the price is from, and why it is needed')
    .max(500, 'must have at most 500 characters')
    .refine(
      text => !/\p{Cc}/u.test(text) && text.isWellFormed(),
      'must be plain text without control characters',
    ),
  /** That a price far from the feed's latest is meant. */
  confirm: z.boolean('must be true or false').optional(),
});

/** Visible ASCII, as in Stripe's API. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters');
