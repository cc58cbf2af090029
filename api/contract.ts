/** The requests that the API takes: what is not in these schemas is refused with the field's name. */
import { isAddress } from 'viem';
import { z } from 'zod';
import { DECIMAL_6, DECIMAL_8 } from './amount-text.ts';

const positiveDecimal = (what: string) =>
  z
    .string(`must be a string with ${what}, such as "12.5"`)
    .regex(DECIMAL_6, `must be ${what} in plain digits with at most 6 decimals, such as "12.5"`)
    .refine(text => /[1-9]/.test(text), 'must be more than 0');

const USD_MAX = 1_000_000;

const amountUsd = positiveDecimal('an amount in dollars').refine(
  text => Number(text) <= USD_MAX,
  `must be at most ${USD_MAX}; make several orders for more`,
);

/** Stripe charges whole cents, and at least 50 of them. */
const cardAmountUsd = amountUsd
  .regex(/^\d+(\.\d{1,2}0*)?$/, 'must be in whole cents for a card, such as "12.50"')
  .refine(text => Number(text) >= 0.5, 'must be at least "0.50" for a card');

export const orderRequest = z.discriminatedUnion(
  'method',
  [
    z.strictObject({
      amount_usd: amountUsd,
      method: z.literal('eth'),
      unique_amount: z.boolean('must be true or false').optional(),
    }),
    z.strictObject({ amount_usd: cardAmountUsd, method: z.literal('card') }),
  ],
  { error: 'must be "eth" or "card"' },
);

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
/** In lower case afterwards. Mixed case must have the right checksum (EIP-55). */
export const walletAddress = z
  .string('must be the address of a wallet, a string that begins with "0x"')
  .refine(
    text => isAddress(text),
    'must be an address: 0x and 40 hex digits, with its checksum or in lower case',
  )
  .transform(text => text.toLowerCase());

const orderId = z
  .string('must be the order\'s id, a string that begins with "ord_"')
  .max(100, "must be the order's id");

const transactionHash = z
  .string('must be the hash of a transaction, a string that begins with "0x"')
  .regex(/^0x[0-9a-fA-F]{64}$/, 'must be the hash of a transaction: 0x and 64 hex digits')
  .transform(text => text.toLowerCase());

const account = z
  .string('must be the name of an account')
  .regex(/^acct_[0-7][0-9a-f]{15}$/, 'must be the name of an account: acct_ and 16 hex digits');

/** What a challenge is for; the same fields come again with the signature. */
const linkFields = { address: walletAddress, order: orderId.optional() };
const claimFields = { address: walletAddress, transaction: transactionHash, order: orderId.optional() };
const recoveryFields = { address: walletAddress, account: account.optional() };

/** Longer than any message of ours. */
const MESSAGE_LENGTH_MAX = 2000;

const signedFields = {
  message: z
    .string('must be the message that was signed')
    .max(MESSAGE_LENGTH_MAX, 'is longer than any message that was given out'),
  signature: z
    .string('must be the signature, a string that begins with "0x"')
    .regex(/^0x(?:[0-9a-fA-F]{2})*$/, 'must be bytes in hex that begin with "0x"')
    .transform(text => text.toLowerCase() as `0x${string}`),
};

const ACTIONS = '"link", "unlink", "claim" or "recover"';

export const challengeRequest = z.discriminatedUnion(
  'action',
  [
    z.strictObject({ action: z.literal('link'), ...linkFields }),
    z.strictObject({ action: z.literal('unlink'), ...linkFields }),
    z.strictObject({ action: z.literal('claim'), ...claimFields }),
    z.strictObject({ action: z.literal('recover'), ...recoveryFields }),
  ],
  `must be ${ACTIONS}`,
);

export const signedLinkRequest = z.strictObject({ ...linkFields, ...signedFields });
export const signedClaimRequest = z.strictObject({ ...claimFields, ...signedFields });
export const signedRecoveryRequest = z.strictObject({ ...recoveryFields, ...signedFields });

export const assignRequest = z
  .strictObject({
    account: z.string('must be the name of an account, a string that begins with "acct_"').optional(),
    order: z.string('must be the id of an order, a string that begins with "ord_"').optional(),
    reason: z
      .string('must be a string that says why')
      .trim()
      .min(1, 'must say why')
      .max(500, 'must have at most 500 characters')
      // The database takes no others.
      .refine(text => text.isWellFormed() && !text.includes('\0'), 'must be plain text'),
  })
  .refine(body => (body.account === undefined) !== (body.order === undefined), {
    path: ['account'],
    error: 'must be there, or "order" instead of it',
  });

const PAGE_MAX = 200;

export const pageQuery = z.strictObject({
  limit: z
    .string('must be given once')
    .regex(/^[1-9]\d{0,2}$/, `must be a whole number from 1 to ${PAGE_MAX}`)
    .transform(Number)
    .refine(limit => limit <= PAGE_MAX, `must be a whole number from 1 to ${PAGE_MAX}`)
    .default(50),
  before: z.string('must be given once').optional(),
});

/** Visible ASCII, as in Stripe's API. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters');
