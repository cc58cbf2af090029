import { type Request, type Response, Router } from 'express';
import { getAddress } from 'viem';
import {
  type Instant,
  instantText,
  type Ledger,
  microcreditsOf,
  type OrderRow,
  type OrderStatus,
  referenceCalldata,
} from '../../ledger/index.ts';
import { creditsText, decimalText, millionthsOf, usdText } from '../amount-text.ts';
import { orderRequest } from '../contract.ts';
import { Problem } from '../problem.ts';
import { readBearer, readBody } from '../request.ts';

const SECRET = "the order's secret";

/** Orders: made by anybody, seen and claimed by whoever holds the order's secret. */
export function orderRoutes(ledger: Ledger): Router {
  const router = Router();
  const { chainId, paymentAddress } = ledger.installation;
  // With its checksum (EIP-55), so that wallets notice a typo.
  const address = getAddress(paymentAddress);

  // Anybody may order.
  router.post('/', async (request, response) => {
    const body = readBody(orderRequest, request);
    const amountMicrousd = millionthsOf(body.amount_usd);
    const now = await ledger.now();
    const round = await quotableRound(ledger, now);
    const order = await ledger.createOrder({ amountMicrousd, round, now });
    response.status(201).json({
      id: order.orderId,
      secret: order.secret,
      method: 'eth',
      amount_usd: usdText(amountMicrousd),
      credits: creditsText(microcreditsOf(amountMicrousd)),
      quote: {
        eth_usd: decimalText(round.answer, 8),
        round_id: round.roundId.toString(),
        guaranteed_wei: order.guaranteedWei.toString(),
        deadline: instantText(order.deadline),
      },
      payment: {
        chain_id: chainId,
        address,
        amount_wei: order.quotedWei.toString(),
        amount_eth: decimalText(order.quotedWei, 18),
        calldata: referenceCalldata(order.reference),
        // As eth_sendTransaction takes it: add the sender.
        transaction: {
          to: address,
          value: `0x${order.quotedWei.toString(16)}`,
          data: referenceCalldata(order.reference),
        },
      },
    });
  });

  // The holder of the order's secret.
  router.get('/:id', async (request, response) => {
    const now = await ledger.now();
    const found = await ledger.orderStatus(request.params.id, readBearer(request, SECRET), now);
    if (!found) throw orderUnknown();
    response.json(orderJson(found.order, found.status));
  });

  // The holder of the order's secret, until the key is acknowledged or used.
  router.post('/:id/claim', async (request: Request<{ id: string }>, response: Response) => {
    const claim = await ledger.claimKey(request.params.id, readBearer(request, SECRET), await ledger.now());
    switch (claim.status) {
      case 'claimed':
        response.set('Cache-Control', 'no-store').json({ secure_key: claim.secureKey });
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
  });

  // The holder of the order's secret.
  router.post('/:id/acknowledge', async (request: Request<{ id: string }>, response: Response) => {
    const secret = readBearer(request, SECRET);
    const result = await ledger.acknowledgeKey(request.params.id, secret, await ledger.now());
    if (result === 'order_unknown') throw orderUnknown();
    if (result === 'not_claimed')
      throw new Problem('not_claimed', 'There is no key to acknowledge: claim it first.');
    response.status(204).end();
  });

  return router;
}

async function quotableRound(ledger: Ledger, now: Instant) {
  const price = await ledger.currentEthPrice(now).catch((cause: unknown) => {
    throw new Problem('price_unavailable', 'The ETH price cannot be read just now: try again shortly.', {
      cause: cause instanceof Error ? cause.name : 'unknown',
    });
  });
  if (price.round) return price.round;
  throw new Problem('price_unavailable', 'There is no valid ETH price just now: try again shortly.', {
    cause: price.problem,
  });
}

/** The same answer for no such order and a wrong secret: nobody learns which orders exist. */
function orderUnknown(): Problem {
  return new Problem(
    'not_found',
    'There is no order with this id and secret: check both, they were shown when it was made.',
  );
}

function orderJson(order: OrderRow, status: OrderStatus) {
  return {
    id: order.order_id,
    method: order.method,
    amount_usd: usdText(order.amount_microusd),
    created_at: instantText(order.created_at),
    state: {
      amount: status.amount,
      quote: status.quote,
      flags: status.flags,
      credited: status.credited,
      key: keyState(order),
    },
    payments: status.payments.map(payment => ({
      receipt: payment.receiptId,
      transaction: payment.transactionHash,
      block: payment.blockNumber.toString(),
      paid_at: instantText(payment.blockAt),
      amount_wei: payment.amountWei.toString(),
      amount_usd: payment.amountMicrousd === null ? null : usdText(payment.amountMicrousd),
      credits: payment.amountMicrousd === null ? null : creditsText(microcreditsOf(payment.amountMicrousd)),
      credited: payment.credited,
      reorged: payment.reversed,
    })),
  };
}

function keyState(order: OrderRow): 'unclaimed' | 'claimed' | 'acknowledged' {
  if (order.acknowledged_at !== null) return 'acknowledged';
  return order.claimed_at === null ? 'unclaimed' : 'claimed';
}
