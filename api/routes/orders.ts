import { Router } from 'express';
import { getAddress } from 'viem';
import type { Ledger } from '../../ledger/index.ts';
import { millionthsOf } from '../amount-text.ts';
import { acknowledgeRequest, orderRequest } from '../contract.ts';
import { orderUnknown, statusJson, termsJson } from '../order-json.ts';
import type { OrderStreams } from '../order-streams.ts';
import { Problem } from '../problem.ts';
import { onlyMethods, readBearer, readBody } from '../request.ts';
import { currentPriceOncePerSecond } from './current-price.ts';

const SECRET = "the order's secret";

/** Orders: made by anybody, seen and claimed by whoever holds the order's secret. */
export function orderRoutes(ledger: Ledger, streams: OrderStreams): Router {
  const router = Router();
  const currentPrice = currentPriceOncePerSecond(ledger);
  const chain = {
    chainId: ledger.installation.chainId,
    // With its checksum (EIP-55), so that wallets notice a typo.
    address: getAddress(ledger.installation.paymentAddress),
  };

  // Anybody may order.
  router
    .route('/')
    .post(async (request, response) => {
      const body = readBody(orderRequest, request);
      const now = await ledger.now();
      const round = await quotableRound(currentPrice(now));
      const { order, secret } = await ledger.createOrder({
        amountMicrousd: millionthsOf(body.amount_usd),
        round,
        now,
      });
      response.status(201).json({ ...termsJson(order, chain), secret });
    })
    .all(onlyMethods('POST'));

  // The holder of the order's secret.
  router
    .route('/:id')
    .get(async (request, response) => {
      const now = await ledger.now();
      const found = await ledger.orderStatus(request.params.id, readBearer(request, SECRET), now);
      if (!found) throw orderUnknown();
      response.json({ ...termsJson(found.order, chain), ...statusJson(found.order, found.status) });
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
      const claim = await ledger.claimKey(request.params.id, secret, await ledger.now());
      switch (claim.status) {
        case 'claimed':
          response.json({ secure_key: claim.secureKey });
          return;
        case 'order_unknown':
          throw orderUnknown();
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
