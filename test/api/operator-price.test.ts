/** A price by an operator, over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import { installFeeds } from '../../dev/price-feeds.ts';
import type { Included } from '../../ledger/intake/receipt-facts.ts';
import { type ApiUnderTest, BEGINNING, startApi } from '../support/api.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../support/intake.ts';

const DAY = 86_400_000_000n;

let chain: LocalChain;
let api: ApiUnderTest;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE, price: ANSWER });
  api = await startApi({ rpcUrl: chain.rpcUrl });
});
afterAll(async () => {
  await api?.stop();
  await chain?.kill();
});
beforeEach(() => {
  api.now = BEGINNING;
});

/** Somebody's payment of a dollar, which has no price when a day is over. */
async function waiting() {
  const round = roundOf(ANSWER, api.now);
  const order = payable(await api.ledger.createOrder({ amountMicrousd: 1_000_000n, round, now: api.now }));
  const payment = await api.intake.record({
    calldata: calldataOf(order.reference),
    amountWei: order.quotedWei,
  });
  api.now += DAY;
  return { order, payment };
}

function price({ receiptId }: Pick<Included, 'receiptId'>, json: unknown, bearer = api.operatorToken) {
  return api.call('POST', `/v1/operator/receipts/${receiptId}/price`, { bearer, json });
}

const wanted = { eth_usd: '2345.12345678', reason: 'Coinbase, the feed is down' };

describe('POST /v1/operator/receipts/:id/price', () => {
  it('prices the payment and credits it at once, the same when asked again', async () => {
    const { order, payment } = await waiting();
    const answer = await price(payment, wanted);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      receipt: payment.receiptId,
      eth_usd: '2345.12345678',
      // 0.0005 ETH.
      amount_usd: '1.172561',
      decided_at: '2026-03-02T15:00:00.000000Z',
    });
    const status = await api.call('GET', `/v1/orders/${order.orderId}`, { bearer: order.secret });
    expect(status.body).toMatchObject({ state: { credited: true }, payments: [{ credits: '11725.61' }] });
    api.now += 1n;
    expect((await price(payment, wanted)).body).toEqual(answer.body);
    const rows = await api.query('select operator, reason from credits.price_records where receipt_id = $1', [
      payment.receiptId,
    ]);
    expect(rows).toEqual([{ operator: 'ops', reason: wanted.reason }]);
  });

  it('tells from when it is possible', async () => {
    const { payment } = await waiting();
    api.now -= 1n;
    expect(await price(payment, wanted)).toMatchObject({
      status: 409,
      body: { code: 'price_not_due', possible_from: '2026-03-02T15:00:00.000000Z' },
    });
  });

  it('wants a price far from the latest confirmed', async () => {
    const { payment } = await waiting();
    const far = { ...wanted, eth_usd: '4000.00000001' };
    expect(await price(payment, far)).toMatchObject({
      status: 422,
      body: { code: 'price_unconfirmed', field: 'eth_usd', latest_eth_usd: '2000' },
    });
    expect((await price(payment, { ...far, confirm: false })).status).toBe(422);
    expect((await price(payment, { ...far, confirm: true })).body).toMatchObject({
      eth_usd: '4000.00000001',
    });
  });

  it.each([
    ['eth_usd', { eth_usd: 2345 }],
    ['eth_usd', { eth_usd: '2,345.12' }],
    ['eth_usd', { eth_usd: '2345.123456789' }],
    ['eth_usd', { eth_usd: '0.00000000' }],
    ['eth_usd', { eth_usd: '-1' }],
    ['eth_usd', { eth_usd: '1e3' }],
    ['reason', { reason: undefined }],
    ['reason', { reason: '   ' }],
    ['reason', { reason: 'x'.repeat(501) }],
    ['reason', { reason: 'a\0b' }],
    ['reason', { reason: 'half a \ud83d' }],
    ['confirm', { confirm: 'yes' }],
    ['amount', { amount: '1' }],
  ])('refuses a body with a wrong %s: %j', async (field, change) => {
    const answer = await price({ receiptId: 'eth:8453:0x00:0' }, { ...wanted, ...change });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_field', field } });
  });

  it.each(['eth:8453:0x00:0', 'nonsense', '%00', 'x'.repeat(3000)])(
    'knows no receipt %s',
    async receiptId => {
      expect(await price({ receiptId }, wanted)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    },
  );

  it('is for operators only', async () => {
    const { payment } = await waiting();
    for (const bearer of [api.serviceToken, (await api.customer()).secureKey])
      expect((await price(payment, wanted, bearer)).status).toBe(401);
    const rows = await api.query('select from credits.price_records where receipt_id = $1', [
      payment.receiptId,
    ]);
    expect(rows).toEqual([]);
  });
});
