import { z } from 'zod';
import { addressOut, credits, eth, instant, orderId, positiveDecimal, usd, wei } from './fields.ts';
import { defineRoute } from './route.ts';

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
      unique_amount: z
        .boolean('must be true or false')
        .optional()
        .describe('An amount that tells by itself that a payment is this order’s, for exchanges.'),
    }),
    z.strictObject({ amount_usd: cardAmountUsd, method: z.literal('card') }),
  ],
  { error: 'must be "eth" or "card"' },
);

const ordered = {
  id: z.string(),
  kind: z.enum(['top_up', 'new_key']),
  amount_usd: usd,
  credits,
  created_at: instant,
};
const secret = z.string().describe('Shown here only. Keep it: it opens the order and, once paid, its key.');
const checkout = z.strictObject({
  url: z.string().describe('Stripe’s page for this order.'),
  expires_at: instant,
});

const ethOrder = z.strictObject({
  ...ordered,
  method: z.literal('eth'),
  quote: z.strictObject({
    eth_usd: z.string(),
    round_id: z.string().describe('The round of Chainlink’s ETH/USD feed on Base.'),
    guaranteed_wei: wei.describe('Up to so many wei the quoted price holds until the deadline.'),
    deadline: instant,
  }),
  payment: z.strictObject({
    chain_id: z.int(),
    address: addressOut,
    amount_wei: wei,
    amount_eth: eth,
    unique_amount_until: instant
      .nullable()
      .describe('Until then a payment of exactly this amount is known by it.'),
    calldata: z.string().describe('The reference: send it as the data of the payment.'),
    transaction: z
      .strictObject({ to: addressOut, value: z.string(), data: z.string() })
      .describe('As eth_sendTransaction takes it: add the sender.'),
  }),
});
const cardOrder = z.strictObject({ ...ordered, method: z.literal('card') });

const key = z.enum(['unclaimed', 'claimed', 'acknowledged', 'closed']).nullable();

const keptBack = z.strictObject({ reason: z.string(), detail: z.string() }).nullable();

const ethPayment = z.strictObject({
  receipt: z.string(),
  transaction: z.string(),
  block: z.string(),
  paid_at: instant,
  amount_wei: wei,
  amount_usd: usd.nullable(),
  credits: credits.nullable(),
  credited: z.boolean(),
  reorged: z.boolean(),
  finality: z.string(),
  kept_back: keptBack,
});

const ethStatus = {
  progress: z
    .enum(['waiting', 'seen', 'confirmed', 'credited', 'kept_back', 'reorged'])
    .describe(
      'The furthest that any payment has come; `seen`, in no block yet, is told by the events alone.',
    ),
  state: z.strictObject({
    amount: z.string().describe('none, under, exact or over.'),
    quote: z.string().describe('live or expired.'),
    flags: z.array(z.string()),
    credited: z.boolean(),
    key,
  }),
  payments: z.array(ethPayment),
};
const cardPayment = z.strictObject({
  receipt: z.string(),
  status: z.string(),
  paid_at: instant.nullable(),
  amount_usd: usd,
  credits,
  credited: z.boolean(),
  kept_back: z.boolean(),
  refunded_usd: usd,
  disputed_usd: usd,
  receipt_url: z.string().nullable(),
});
const cardStatus = {
  progress: z
    .enum(['waiting', 'processing', 'credited', 'failed', 'kept_back', 'returned'])
    .describe('The furthest that any payment has come.'),
  state: z.strictObject({ amount: z.string(), flags: z.array(z.string()), credited: z.boolean(), key }),
  payments: z.array(cardPayment),
};

const lot = z.strictObject({
  id: z.string(),
  added_by: z.enum(['purchase', 'restoration']),
  paid_usd: usd,
  returned_usd: usd,
  face: credits,
  available: credits,
  held: credits,
  debt: credits,
  added_at: instant,
  expires_at: instant,
  renewals_left: z.int(),
  live: z.boolean(),
});
const lots = z
  .array(lot)
  .describe('Which came of the payment: bought, or given back after it had been taken back.');
const receipt = {
  order: z.string(),
  kind: ordered.kind,
  amount_usd: usd,
  ordered_at: instant,
  at: instant,
  remaining: credits,
  held: credits,
  debt: credits,
};

export const orderParams = z.object({ id: orderId });

export const getPaymentMethods = defineRoute({
  name: 'getPaymentMethods',
  group: 'Orders',
  method: 'GET',
  path: '/v1/payment-methods',
  summary: 'How an order can be paid here.',
  caller: 'anybody',
  standalone: true,
  status: 200,
  answer: z.strictObject({
    methods: z.array(z.string()),
    walletconnect_project_id: z
      .string()
      .nullable()
      .describe('The operator’s project of WalletConnect; null: it is not offered.'),
    walletconnect_relay_url: z.string().nullable().describe('Where its relay is.'),
    development_wallet: z
      .boolean()
      .describe('Whether pages offer a wallet of the local chain: in development only.'),
  }),
});

export const createOrder = defineRoute({
  name: 'createOrder',
  group: 'Orders',
  method: 'POST',
  path: '/v1/orders',
  summary: 'Quotes an amount of dollars, for a new key or to top up the account of a key.',
  detail:
    'Made with a Secure Key, or in a browser with the cookie of a session, it tops up that account. Pages that want a new key ' +
    'for somebody who is signed in send neither.',
  caller: 'anybody_or_key',
  bySession: true,
  body: orderRequest,
  status: 201,
  answer: z.union([ethOrder.extend({ secret }), cardOrder.extend({ checkout, secret })]),
  problems: ['method_unavailable', 'price_unavailable', 'card_unavailable', 'unique_amounts_taken'],
});

export const getOrder = defineRoute({
  name: 'getOrder',
  group: 'Orders',
  method: 'GET',
  path: '/v1/orders/{id}',
  summary: 'Where an order stands, with its payments.',
  caller: 'order_secret',
  params: orderParams,
  status: 200,
  answer: z.union([ethOrder.extend(ethStatus), cardOrder.extend(cardStatus)]),
  problems: ['not_found'],
});

export const openOrderCheckout = defineRoute({
  name: 'openOrderCheckout',
  group: 'Orders',
  method: 'POST',
  path: '/v1/orders/{id}/checkout',
  summary: 'The page on which an order by card is paid; a new one where the last has expired.',
  caller: 'order_secret',
  params: orderParams,
  status: 200,
  answer: checkout,
  problems: [
    'not_found',
    'not_by_card',
    'paid_already',
    'payment_processing',
    'method_unavailable',
    'card_unavailable',
  ],
});

export const getOrderReceipt = defineRoute({
  name: 'getOrderReceipt',
  group: 'Orders',
  method: 'GET',
  path: '/v1/orders/{id}/receipt',
  summary: 'What was paid, which lots came of it, and what is left of them.',
  caller: 'account_or_order_secret',
  params: orderParams,
  status: 200,
  answer: z.discriminatedUnion('method', [
    z.strictObject({
      ...receipt,
      method: z.literal('eth'),
      payments: z.array(ethPayment.extend({ lots })),
    }),
    z.strictObject({
      ...receipt,
      method: z.literal('card'),
      payments: z.array(cardPayment.extend({ lots })),
    }),
  ]),
  problems: ['not_found'],
});

export const watchOrder = defineRoute({
  name: 'watchOrder',
  group: 'Orders',
  method: 'GET',
  path: '/v1/orders/{id}/events',
  summary: 'The order’s state as it changes, from the pending block on, as server-sent events.',
  detail:
    'An order has five streams at a time, a network 20: where there are more, ask for the order itself every few seconds.',
  caller: 'order_secret',
  params: orderParams,
  status: 200,
  mediaType: 'text/event-stream',
  problems: ['not_found', 'too_many_streams'],
});

export const claimKey = defineRoute({
  name: 'claimKey',
  group: 'Orders',
  method: 'POST',
  path: '/v1/orders/{id}/claim',
  summary: 'The Secure Key of a paid order; again, until it is acknowledged or used.',
  caller: 'order_secret',
  params: orderParams,
  status: 200,
  answer: z.strictObject({ secure_key: z.string() }),
  problems: ['not_found', 'nothing_to_claim', 'payment_pending', 'claim_closed'],
});

export const acknowledgeKey = defineRoute({
  name: 'acknowledgeKey',
  group: 'Orders',
  method: 'POST',
  path: '/v1/orders/{id}/acknowledge',
  summary: 'Says that the key is saved: none is given out any more.',
  caller: 'order_secret',
  params: orderParams,
  body: z.strictObject({ secure_key: z.string('must be the Secure Key that was saved') }),
  status: 204,
  problems: ['not_found', 'nothing_to_claim', 'not_claimed', 'key_superseded'],
});
