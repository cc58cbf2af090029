import { type Request, Router } from 'express';
import { getAddress } from 'viem';
import {
  type Cards,
  instantText,
  type KeyHolder,
  type Ledger,
  microcreditsOf,
  type OrderRow,
  StripeAwayError,
} from '../../ledger/index.ts';
import { creditsText, millionthsOf } from '../amount-text.ts';
import { clientNetwork } from '../client-network.ts';
import { acknowledgeRequest, orderRequest } from '../contract.ts';
import { orderUnknown, receiptJson, receiptUnknown, statusJson, termsJson } from '../order-json.ts';
import type { OrderStreams } from '../order-streams.ts';
import { Problem } from '../problem.ts';
import { onlyMethods, readBearer, readBody } from '../request.ts';
import { currentPriceOncePerSecond } from './current-price.ts';

const SECOND = 1_000_000n;
const SECRET = "the order's secret";

/** Orders: made by anybody, or to top up an account by its key; seen and claimed by whoever holds the order's secret. */
export function orderRoutes(ledger: Ledger, streams: OrderStreams, publicUrl: string): Router {
  const router = Router();
  const currentPrice = currentPriceOncePerSecond(ledger);
  const chain = {
    chainId: ledger.installation.chainId,
    // With its checksum (EIP-55), so that wallets notice a typo.
    address: getAddress(ledger.installation.paymentAddress),
  };

  // Anybody, for a new account; the holder of a Secure Key of any scope, for the key's account.
  router
    .route('/')
    .post(async (request, response) => {
      const body = readBody(orderRequest, request);
      const holder = await keyHolderOf(ledger, request);
      const now = await ledger.now();
      const ordered = {
        amountMicrousd: millionthsOf(body.amount_usd),
        now,
        ...(holder && { accountId: holder.accountId }),
      };
      if (body.method === 'card') {
        const cards = takingCards(ledger);
        const { order, secret } = await ledger.createCardOrder(ordered);
        const checkout = await openCheckout(cards, order, publicUrl);
        response.status(201).json({ ...termsJson(order, chain), checkout, secret });
        return;
      }
      const wanted = { ...ordered, round: await quotableRound(currentPrice(now)) };
      const { order, secret } = body.unique_amount
        ? await uniqueAmountOrder(ledger, { ...wanted, address: clientNetwork(request) })
        : await ledger.createOrder(wanted);
      response.status(201).json({ ...termsJson(order, chain), secret });
    })
    .all(onlyMethods('POST'));

  // The holder of the order's secret.
  router
    .route('/:id')
    .get(async (request, response) => {
      const found = await ledger.lookUpOrder(request.params.id, readBearer(request, SECRET));
      if (!found) throw orderUnknown();
      response.json({ ...termsJson(found.order, chain), ...statusJson(found.order, found.status) });
    })
    .all(onlyMethods('GET'));

  // The holder of the order's secret: the page on which it is paid by card, a new one where the last has expired.
  router
    .route('/:id/checkout')
    .post(async (request, response) => {
      const found = await ledger.lookUpOrder(request.params.id, readBearer(request, SECRET));
      if (!found) throw orderUnknown();
      if (found.order.method !== 'card')
        throw new Problem('not_by_card', 'This order is paid in ETH: make one with the method "card".');
      if (found.status.credited) throw paidAlready();
      response.json(await openCheckout(takingCards(ledger), found.order, publicUrl));
    })
    .all(onlyMethods('POST'));

  // The holder of the order's secret, or of any Secure Key of its account: payment, lots, and what is left of them.
  router
    .route('/:id/receipt')
    .get(async (request, response) => {
      const credential = readBearer(request, "the order's secret or the account's Secure Key");
      const receipt = await ledger.orderReceipt(request.params.id, credential, await ledger.now());
      if (!receipt) throw receiptUnknown();
      response.json(receiptJson(receipt));
    })
    .all(onlyMethods('GET'));

  // The holder of the order's secret: the status as it changes, as server-sent events.
  router
    .route('/:id/events')
    .get(async (request, response) => {
      await streams.begin(request.params.id, readBearer(request, SECRET), response);
    })
    .all(onlyMethods('GET'));

  // The holder of the order's secret, until the key is acknowledged or used.
  router
    .route('/:id/claim')
    .post(async (request, response) => {
      const secret = readBearer(request, SECRET);
      await ledger.lookUpOrder(request.params.id, secret);
      const claim = await ledger.claimKey(request.params.id, secret, await ledger.now());
      switch (claim.status) {
        case 'claimed':
          response.json({ secure_key: claim.secureKey });
          return;
        case 'order_unknown':
          throw orderUnknown();
        case 'nothing_to_claim':
          throw nothingToClaim();
        case 'payment_pending':
          throw new Problem('payment_pending', 'No payment has been credited yet: pay, then claim the key.');
        case 'claim_closed':
          throw new Problem(
            'claim_closed',
            'The key was acknowledged, used, or first claimed more than 24 hours ago: it is not given out again.',
          );
      }
    })
    .all(onlyMethods('POST'));

  // The holder of the order's secret.
  router
    .route('/:id/acknowledge')
    .post(async (request, response) => {
      const secret = readBearer(request, SECRET);
      const { secure_key: secureKey } = readBody(acknowledgeRequest, request);
      const saved = { secret, secureKey };
      const result = await ledger.acknowledgeKey(request.params.id, saved, await ledger.now());
      if (result === 'order_unknown') throw orderUnknown();
      if (result === 'nothing_to_claim') throw nothingToClaim();
      if (result === 'not_claimed')
        throw new Problem('not_claimed', 'There is no key to acknowledge: claim it first.');
      if (result === 'key_superseded')
        throw new Problem(
          'key_superseded',
          'This is not the key that was claimed last: it is mistyped, or a later claim revoked it. Claim it again.',
          { field: 'secure_key' },
        );
      response.status(204).end();
    })
    .all(onlyMethods('POST'));

  return router;
}

function takingCards(ledger: Ledger): Cards {
  if (ledger.cards) return ledger.cards;
  throw new Problem('method_unavailable', 'Cards are not taken here: order with the method "eth".', {
    field: 'method',
  });
}

async function openCheckout(cards: Cards, order: OrderRow, publicUrl: string) {
  const back = `${publicUrl}/?order=${order.order_id}`;
  try {
    const checkout = await cards.ensureCheckout(order, {
      name: `${creditsText(microcreditsOf(order.amount_microusd))} credits`,
      successUrl: `${back}&checkout=done`,
      cancelUrl: `${back}&checkout=cancelled`,
    });
    if (checkout.status === 'paid') throw paidAlready();
    if (checkout.status === 'processing')
      throw new Problem(
        'payment_processing',
        'This order is being paid, which takes a bank some days: it is credited as soon as the money is there.',
      );
    return { url: checkout.page.url, expires_at: instantText(checkout.page.expires_at) };
  } catch (error) {
    if (error instanceof StripeAwayError)
      throw new Problem('card_unavailable', 'Stripe cannot be reached just now: try again shortly.');
    throw error;
  }
}

function paidAlready(): Problem {
  return new Problem('paid_already', 'This order is paid: make another one to buy more.');
}

/** Who shows a Secure Key; null for who shows nothing. A key that is not valid never makes a new account. */
async function keyHolderOf(ledger: Ledger, request: Request): Promise<KeyHolder | null> {
  if (request.get('authorization') === undefined) return null;
  const holder = await ledger.authenticateKey(readBearer(request, 'your Secure Key'));
  if (holder) return holder;
  throw new Problem(
    'credential_invalid',
    'This Secure Key is not valid: it is mistyped or revoked. Without one, the order is for a new account.',
  );
}

async function uniqueAmountOrder(ledger: Ledger, wanted: Parameters<Ledger['createUniqueAmountOrder']>[0]) {
  const outcome = await ledger.createUniqueAmountOrder(wanted);
  if (outcome.status === 'made') return outcome;
  const { reason, askAgainAt } = outcome;
  throw new Problem(
    'unique_amounts_taken',
    reason === 'all_taken'
      ? 'All amounts near this one are taken: order a few cents more, or without "unique_amount".'
      : 'Too many orders with an amount of their own are not paid yet: pay one, or order without "unique_amount".',
    {
      retry_at: instantText(askAgainAt),
      retry_after_seconds: Number((askAgainAt - wanted.now + SECOND - 1n) / SECOND),
    },
  );
}

function nothingToClaim(): Problem {
  return new Problem(
    'nothing_to_claim',
    'This order tops up an account: its credits are for the key it was made with, and there is no other.',
  );
}

async function quotableRound(reading: ReturnType<Ledger['currentEthPrice']>) {
  const price = await reading.catch(() => {
    throw new Problem('price_unavailable', 'The ETH price cannot be read just now: try again shortly.', {
      cause: 'rpc_unavailable',
    });
  });
  if (price.round) return price.round;
  throw new Problem('price_unavailable', 'There is no valid ETH price just now: try again shortly.', {
    cause: price.problem,
  });
}
