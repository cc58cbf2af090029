import { z } from 'zod';
import { addressOut, eth, instant, transactionHash, wei } from './fields.ts';
import { defineRoute } from './route.ts';

export const getPrice = defineRoute({
  name: 'getPrice',
  group: 'Orders',
  method: 'GET',
  path: '/v1/price',
  summary: 'The ETH/USD price by which an order would be quoted now.',
  detail: 'A quote holds for its own deadline; this is to show what an amount comes to before there is one.',
  caller: 'anybody',
  // Read once a second however many ask; whatever goes wrong, there is no price.
  standalone: true,
  status: 200,
  answer: z.strictObject({
    eth_usd: z.string().describe('Dollars for one ETH.'),
    source: z.string().describe('Where the price is from.'),
    round_id: z.string().describe('The round of Chainlink’s ETH/USD feed on Base.'),
    updated_at: instant.describe('When the feed was given this price.'),
    at: instant.describe('When this was asked, by the clock that quotes.'),
    quote_seconds: z.int().describe('How long a quote holds from the order on.'),
  }),
  problems: ['price_unavailable'],
});

const standing = z
  .enum([
    ...(['unknown', 'seen', 'failed', 'unread', 'elsewhere'] as const),
    ...(['confirmed', 'price_pending', 'credited', 'in_suspense', 'reorged', 'worth_nothing'] as const),
  ])
  .describe('Where it stands: `detail` says what that means.');
const reason = z
  .enum(['no_match', 'not_a_payment', 'reference_unknown', 'kept_back'])
  .nullable()
  .describe('Why it is in suspense, as far as that is public: `kept_back` has other reasons.');

export const getPayment = defineRoute({
  name: 'getPayment',
  group: 'Orders',
  method: 'GET',
  path: '/v1/payments/{transaction}',
  summary: 'Where a payment in ETH stands, by the hash of its transaction, and what to do.',
  detail:
    'For whoever looks for credits that have not arrived. It tells what is public of a transaction and nothing of orders, accounts or keys.',
  caller: 'anybody',
  // Asks the RPC.
  scarce: true,
  params: z.object({ transaction: transactionHash }),
  status: 200,
  answer: z.strictObject({
    transaction: z.string(),
    standing,
    reason,
    detail: z.string().describe('What that means, for a person.'),
    advice: z.string().describe('What to do, for a person.'),
    explorer_url: z.string().nullable().describe('Where the whole network’s view of it is shown, in live.'),
    payment_address: addressOut.describe('Where payments go.'),
    block: z.string().nullable(),
    confirmations: z.string().nullable().describe('How many blocks there are from its own on.'),
    finality: z.enum(['latest', 'safe', 'finalized']).nullable(),
    payments: z.array(
      z.strictObject({ standing, reason, amount_wei: wei.nullable(), amount_eth: eth.nullable() }),
    ),
  }),
  problems: ['not_found'],
});
