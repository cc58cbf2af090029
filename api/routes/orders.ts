import type { Router } from 'express';
import { getAddress } from 'viem';
import {
  type Cards,
  instantText,
  type Ledger,
  microcreditsOf,
  type OrderRow,
  StripeAwayError,
} from '../../ledger/index.ts';
import { leaveAdmission } from '../admission.ts';
import { creditsText, millionthsOf } from '../amount-text.ts';
import { clientNetwork } from '../client-network.ts';
import {
  acknowledgeKey,
  claimKey,
  createOrder,
  getOrder,
  getOrderReceipt,
  openOrderCheckout,
  orderParams,
  watchOrder,
} from '../contract/orders.ts';
import { CALLERS, rateLimitOf } from '../contract/route.ts';
import {
  cardTermsJson,
  ethTermsJson,
  orderJson,
  orderUnknown,
  receiptJson,
  receiptUnknown,
} from '../order-json.ts';
import type { OrderStreams } from '../order-streams.ts';
import { Problem } from '../problem.ts';
import { quotableRound } from '../quotable-round.ts';
import { countRequest } from '../rate-limits.ts';
import { readBearer, readParams } from '../request.ts';
import { Serving } from '../serve.ts';
import { currentPriceOncePerSecond } from './current-price.ts';

const SECOND = 1_000_000n;

/** Orders: made by anybody, or to top up an account by its key; seen and claimed by whoever holds the order's secret. */
export function orderRoutes(ledger: Ledger, streams: OrderStreams, publicUrl: string): Router {
  const currentPrice = currentPriceOncePerSecond(ledger);
  const chain = {
    chainId: ledger.installation.chainId,
    // With its checksum (EIP-55), so that wallets notice a typo.
    address: getAddress(ledger.installation.paymentAddress),
  };

  return (
    new Serving(ledger)
      .on(createOrder, async ({ caller: holder, body, request }) => {
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
          return { ...cardTermsJson(order), checkout, secret };
        }
        const wanted = { ...ordered, round: await quotableRound(currentPrice(now)) };
        const { order, secret } = body.unique_amount
          ? await uniqueAmountOrder(ledger, { ...wanted, address: clientNetwork(request) })
          : await ledger.createOrder(wanted);
        return { ...ethTermsJson(order, chain), secret };
      })
      .on(getOrder, async ({ caller: secret, params }) => {
        const found = await ledger.lookUpOrder(params.id, secret);
        if (!found) throw orderUnknown();
        return orderJson(found.order, found.status, chain);
      })
      .on(openOrderCheckout, async ({ caller: secret, params }) => {
        const found = await ledger.lookUpOrder(params.id, secret);
        if (!found) throw orderUnknown();
        if (found.order.method !== 'card')
          throw new Problem('not_by_card', 'This order is paid in ETH: make one with the method "card".');
        if (found.status.credited) throw paidAlready();
        return await openCheckout(takingCards(ledger), found.order, publicUrl);
      })
      .on(getOrderReceipt, async ({ caller: credential, params }) => {
        const receipt = await ledger.orderReceipt(params.id, credential, await ledger.now());
        if (!receipt) throw receiptUnknown();
        return receiptJson(receipt);
      })
      .handle(watchOrder, async (request, response) => {
        const secret = readBearer(request, CALLERS.order_secret);
        await countRequest(rateLimitOf(watchOrder), null, request, response);
        const { id: orderId } = readParams(orderParams, request);
        await streams.begin({ orderId, secret, network: clientNetwork(request) }, response);
        leaveAdmission(response);
      })
      // Until the key is acknowledged or used.
      .on(claimKey, async ({ caller: secret, params }) => {
        await ledger.lookUpOrder(params.id, secret);
        const claim = await ledger.claimKey(params.id, secret, await ledger.now());
        switch (claim.status) {
          case 'claimed':
            return { secure_key: claim.secureKey };
          case 'order_unknown':
            throw orderUnknown();
          case 'nothing_to_claim':
            throw nothingToClaim();
          case 'payment_pending':
            throw new Problem(
              'payment_pending',
              'No payment has been credited yet: pay, then claim the key.',
            );
          case 'claim_closed':
            throw new Problem(
              'claim_closed',
              'The key was acknowledged, used, or first claimed more than 24 hours ago: it is not given out again.',
            );
        }
      })
      .on(acknowledgeKey, async ({ caller: secret, params, body }) => {
        const saved = { secret, secureKey: body.secure_key };
        const result = await ledger.acknowledgeKey(params.id, saved, await ledger.now());
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
        return undefined;
      })
      .refuseOtherMethods()
  );
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
