/** Fields that several routes have. In what is asked, a description is what the error message goes on to say. */
import { isAddress } from 'viem';
import { z } from 'zod';
import { DECIMAL_6 } from '../amount-text.ts';

export const positiveDecimal = (what: string) =>
  z
    .string(`must be a string with ${what}, such as "12.5"`)
    .regex(DECIMAL_6, `must be ${what} in plain digits with at most 6 decimals, such as "12.5"`)
    .refine(text => /[1-9]/.test(text), 'must be more than 0')
    .meta({ examples: ['12.5'] });

/** In lower case afterwards. Mixed case must have the right checksum (EIP-55). */
export const walletAddress = z
  .string('must be the address of a wallet, a string that begins with "0x"')
  .refine(
    text => isAddress(text),
    'must be an address: 0x and 40 hex digits, with its checksum or in lower case',
  )
  .transform(text => text.toLowerCase());

export const orderId = z
  .string('must be the order\'s id, a string that begins with "ord_"')
  .regex(/^[\x21-\x7e]{1,100}$/, "must be the order's id");

export const transactionHash = z
  .string('must be the hash of a transaction, a string that begins with "0x"')
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be the hash of a transaction: 0x and 64 hex digits')
  .transform(text => text.toLowerCase());

export const account = z
  .string('must be the name of an account')
  .regex(/^acct_[0-7][0-9a-f]{15}$/, 'must be the name of an account: acct_ and 16 hex digits');

/** What a service says that it spends for. */
export const description = z
  .string('must be a string')
  .min(1, 'must not be empty; leave it out instead')
  .max(200, 'must have at most 200 characters')
  .optional();

/** Why an operator does something: sealed, shown, and never empty. */
export const reasonOf = (what: string) =>
  z
    .string(`must be a string: ${what}`)
    .trim()
    .min(1, `must say ${what}`)
    .max(500, 'must have at most 500 characters')
    .refine(
      text => !/\p{Cc}/u.test(text) && text.isWellFormed(),
      'must be plain text without control characters',
    );

export const confirm = z
  .boolean('must be true or false')
  .optional()
  .describe('That a price far from the latest of the feed is meant.');

const PAGE_MAX = 200;

export const pageQuery = z.strictObject({
  limit: z
    .string('must be given once')
    .regex(/^[1-9]\d{0,2}$/, `must be a whole number from 1 to ${PAGE_MAX}`)
    .transform(Number)
    .refine(limit => limit <= PAGE_MAX, `must be a whole number from 1 to ${PAGE_MAX}`)
    .default(50)
    .describe(`How many, from 1 to ${PAGE_MAX}.`),
  before: z.string('must be given once').optional().describe('The `next` of the page before.'),
});

const INSTANT = /^[1-9]\d{3}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)?$/;

/** A date stands for its first instant, 00:00:00 UTC. */
export const instantIn = z
  .string('must be an instant, such as "2026-03-01T15:00:00Z"')
  .regex(INSTANT, 'must be an instant in UTC, such as "2026-03-01T15:00:00Z", or a date')
  .refine(isOnCalendar, 'must be an instant that there is')
  .transform(text => (text.includes('T') ? text : `${text}T00:00:00Z`))
  .meta({ examples: ['2026-03-01T15:00:00Z'] });

/** Date makes another one of a date that does not exist. */
function isOnCalendar(text: string): boolean {
  const date = new Date(text.replace(/\.\d+Z$/, 'Z'));
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text.slice(0, 19).replace('Z', ''));
}

/** Visible ASCII, as in Stripe's API. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters');

// Of answers.

export const instant = z
  .string()
  .describe('An instant in UTC, to the microsecond.')
  .meta({ examples: ['2026-03-01T15:00:00.000000Z'] });
export const credits = z
  .string()
  .describe('Credits, a decimal string with at most 6 decimals.')
  .meta({ examples: ['12.5'] });
export const usd = z
  .string()
  .describe('Dollars, a decimal string with at most 6 decimals.')
  .meta({ examples: ['1.25'] });
export const wei = z.string().describe('Wei, an integer in a string.');
export const eth = z.string().describe('ETH, a decimal string with at most 18 decimals.');
export const accountOut = z
  .string()
  .describe('The name of an account.')
  .meta({ examples: ['acct_0123456789abcdef'] });
export const addressOut = z.string().describe('An address with its checksum (EIP-55).');
