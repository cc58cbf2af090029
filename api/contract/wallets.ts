import { z } from 'zod';
import {
  account,
  accountOut,
  addressOut,
  credits,
  instant,
  orderId,
  transactionHash,
  usd,
  walletAddress,
} from './fields.ts';
import type { ProblemCode } from './problem-codes.ts';
import { defineRoute } from './route.ts';

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

const OF_SIGNATURES = [
  'challenge_invalid',
  'challenge_expired',
  'challenge_used',
  'signature_invalid',
  'wallet_not_deployed',
] as const satisfies readonly ProblemCode[];
const OF_SENDERS = ['sender_pooled', 'sender_blocked'] as const satisfies readonly ProblemCode[];

export const createChallenge = defineRoute({
  name: 'createChallenge',
  group: 'Wallets',
  method: 'POST',
  path: '/v1/wallets/challenges',
  summary: 'A message for a wallet to sign, which says what that brings about.',
  detail: 'To link, unlink or claim, show a Secure Key or an order’s secret; anybody may ask for a recovery.',
  caller: 'anybody_or_holder',
  body: z.discriminatedUnion(
    'action',
    [
      z.strictObject({ action: z.literal('link'), ...linkFields }),
      z.strictObject({ action: z.literal('unlink'), ...linkFields }),
      z.strictObject({ action: z.literal('claim'), ...claimFields }),
      z.strictObject({ action: z.literal('recover'), ...recoveryFields }),
    ],
    `must be ${ACTIONS}`,
  ),
  status: 201,
  answer: z.strictObject({
    message: z.string(),
    expires_at: instant,
    session: z.string().optional().describe('For a recovery: to be shown with the signature.'),
  }),
  problems: ['scope_insufficient', 'order_claimed', ...OF_SENDERS],
});

export const listWallets = defineRoute({
  name: 'listWallets',
  group: 'Wallets',
  method: 'GET',
  path: '/v1/wallets',
  summary: 'The account’s wallets, and its recoveries.',
  caller: 'managing_key',
  status: 200,
  answer: z.strictObject({
    account: accountOut,
    wallets: z.array(
      z.strictObject({
        address: addressOut,
        linked_at: instant.nullable(),
        recovers_from: instant,
        recovers_until: instant.nullable(),
      }),
    ),
    recoveries: z.array(z.strictObject({ address: addressOut, at: instant })),
  }),
});

export const linkWallet = defineRoute({
  name: 'linkWallet',
  group: 'Wallets',
  method: 'POST',
  path: '/v1/wallets',
  summary: 'Links a wallet: what it pays goes to the account, and after 72 hours it can recover it.',
  caller: 'key_or_order_secret',
  body: z.strictObject({ ...linkFields, ...signedFields }),
  status: 201,
  answer: z.strictObject({
    address: addressOut,
    account: accountOut,
    linked_at: instant,
    recovers_from: instant,
  }),
  problems: ['scope_insufficient', 'order_claimed', 'wallet_links_full', ...OF_SIGNATURES, ...OF_SENDERS],
});

export const withdrawWallet = defineRoute({
  name: 'withdrawWallet',
  group: 'Wallets',
  method: 'POST',
  path: '/v1/wallets/unlinkings',
  summary: 'Unlinks a wallet by its own signature, with all that it could do.',
  caller: 'key_or_order_secret',
  body: z.strictObject({ ...linkFields, ...signedFields }),
  status: 201,
  answer: z.strictObject({ address: addressOut, account: accountOut, recovers_until: z.null() }),
  problems: ['scope_insufficient', 'order_claimed', 'wallet_not_linked', ...OF_SIGNATURES],
});

export const claimPayments = defineRoute({
  name: 'claimPayments',
  group: 'Wallets',
  method: 'POST',
  path: '/v1/wallets/claims',
  summary: 'Credits what the wallet paid without a reference.',
  caller: 'key_or_order_secret',
  body: z.strictObject({ ...claimFields, ...signedFields }),
  status: 201,
  answer: z.strictObject({
    account: accountOut,
    order: z.string().nullable(),
    payments: z.array(
      z.strictObject({ receipt: z.string(), amount_usd: usd.nullable(), credits: credits.nullable() }),
    ),
  }),
  problems: [
    ...(['not_found', 'payment_not_safe', 'payment_assigned', 'payment_unclaimable'] as const),
    ...OF_SIGNATURES,
    ...OF_SENDERS,
  ],
});

export const recoverAccount = defineRoute({
  name: 'recoverAccount',
  group: 'Wallets',
  method: 'POST',
  path: '/v1/wallets/recoveries',
  summary: 'A new Secure Key in place of all others, by a wallet that has been linked for 72 hours.',
  caller: 'wallet_session',
  body: z.strictObject({ ...recoveryFields, ...signedFields }),
  status: 201,
  answer: z.strictObject({
    account: accountOut,
    secure_key: z.string(),
    revoked_wallets: z.array(addressOut),
  }),
  problems: [
    ...(['wallet_not_linked', 'account_ambiguous', 'recovery_too_early'] as const),
    ...OF_SIGNATURES,
    ...OF_SENDERS,
  ],
});

export const unlinkWallet = defineRoute({
  name: 'unlinkWallet',
  group: 'Wallets',
  method: 'DELETE',
  path: '/v1/wallets/{address}',
  summary: 'Unlinks a wallet; it may recover the account for another 72 hours.',
  caller: 'managing_key',
  params: z.object({ address: walletAddress }),
  status: 200,
  answer: z.strictObject({ address: addressOut, recovers_until: instant.nullable() }),
  problems: ['not_found', 'wallet_not_linked'],
});
