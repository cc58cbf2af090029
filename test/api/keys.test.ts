/** The Secure Key's way from an order to its holder, and what of it closes when. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiUnderTest, BEGINNING, startApi } from '../support/api.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../support/intake.ts';

const HOUR = 3_600_000_000n;

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());
beforeEach(() => {
  api.now = BEGINNING;
});

interface PaidOrder {
  readonly orderId: string;
  readonly secret: string;
}

async function paidOrder(): Promise<PaidOrder> {
  const order = payable(
    await api.ledger.createOrder({
      amountMicrousd: 1_000_000n,
      round: roundOf(ANSWER, api.now),
      now: api.now,
    }),
  );
  await api.intake.pay({ calldata: calldataOf(order.reference), amountWei: order.quotedWei });
  return order;
}

const claim = ({ orderId, secret }: PaidOrder) =>
  api.call<{ secure_key: string; code?: string }>('POST', `/v1/orders/${orderId}/claim`, { bearer: secret });
const acknowledge = ({ orderId, secret }: PaidOrder, secureKey: string) =>
  api.call('POST', `/v1/orders/${orderId}/acknowledge`, { bearer: secret, json: { secure_key: secureKey } });
const keyState = async ({ orderId, secret }: PaidOrder) =>
  (await api.call('GET', `/v1/orders/${orderId}`, { bearer: secret })).body.state;
const credits = (secureKey: string) => api.call('GET', '/v1/credits', { bearer: secureKey });

async function claimed(order: PaidOrder): Promise<string> {
  const { status, body } = await claim(order);
  expect(status).toBe(200);
  return body.secure_key;
}

describe('POST /v1/orders/:id/claim', () => {
  it('hands out the key of a paid order', async () => {
    const order = await paidOrder();
    expect(await keyState(order)).toMatchObject({ credited: true, key: 'unclaimed' });
    const { status, body, headers } = await claim(order);
    expect(status).toBe(200);
    expect(body).toEqual({ secure_key: expect.stringMatching(/^aisk_dev_[0-9A-Za-z]{38}$/) });
    expect(headers['cache-control']).toBe('no-store');
    expect(await keyState(order)).toMatchObject({ key: 'claimed' });
  });

  it('revokes the key before, so that only the last one opens the account', async () => {
    const order = await paidOrder();
    const first = await claimed(order);
    const second = await claimed(order);
    expect(second).not.toBe(first);
    expect(await credits(first)).toMatchObject({ status: 401, body: { code: 'credential_invalid' } });
    expect(await api.debit({ secureKey: first }, '1', 'old-key')).toMatchObject({
      status: 422,
      body: { code: 'secure_key_invalid' },
    });
    expect(await credits(second)).toMatchObject({ status: 200, body: { available: '10000' } });
  });

  it('leaves one key that works, however many claim at once', async () => {
    const order = await paidOrder();
    const answers = await Promise.all(Array.from({ length: 8 }, () => claim(order)));
    expect(answers.map(answer => answer.status)).toEqual(Array.from({ length: 8 }, () => 200));
    const statuses = [];
    for (const { body } of answers) statuses.push((await credits(body.secure_key)).status);
    expect(statuses.sort()).toEqual([200, 401, 401, 401, 401, 401, 401, 401]);
  });

  it('is over once the key is acknowledged', async () => {
    const order = await paidOrder();
    const key = await claimed(order);
    const first = await acknowledge(order, key);
    expect(first).toMatchObject({ status: 204, text: '' });
    expect(await keyState(order)).toMatchObject({ key: 'acknowledged' });
    expect(await claim(order)).toMatchObject({ status: 409, body: { code: 'claim_closed' } });
    expect((await acknowledge(order, key)).status).toBe(204);
    expect((await credits(key)).status).toBe(200);
  });

  it.each([
    ['looking at the credits', (secureKey: string) => credits(secureKey)],
    ['a debit', (secureKey: string) => api.debit({ secureKey }, '1', 'first-use')],
    ['a debit that is refused', (secureKey: string) => api.debit({ secureKey }, '99999', 'first-use')],
  ])('is over once the key is used: %s', async (_what, use) => {
    const order = await paidOrder();
    const key = await claimed(order);
    await use(key);
    expect(await claim(order)).toMatchObject({ status: 409, body: { code: 'claim_closed' } });
    expect((await credits(key)).status).toBe(200);
  });

  it('is over 24 hours after the first claim, whenever the last one was', async () => {
    const order = await paidOrder();
    await claimed(order);
    api.now += 12n * HOUR;
    await claimed(order);
    api.now += 12n * HOUR;
    const last = await claimed(order);
    api.now += 1n;
    expect(await claim(order)).toMatchObject({ status: 409, body: { code: 'claim_closed' } });
    expect((await credits(last)).status).toBe(200);
  });

  it('waits for the payment to be credited, not only seen', async () => {
    const order = payable(
      await api.ledger.createOrder({
        amountMicrousd: 1_000_000n,
        round: roundOf(ANSWER, api.now),
        now: api.now,
      }),
    );
    const pending = { status: 409, body: { code: 'payment_pending' } };
    expect(await claim(order)).toMatchObject(pending);
    const calldata = calldataOf(order.reference);
    const inclusion = await api.intake.record({ calldata, amountWei: order.quotedWei });
    expect(await claim(order)).toMatchObject(pending);
    await api.intake.price(inclusion);
    expect(await claim(order)).toMatchObject(pending);
    await api.intake.deliver();
    expect((await claim(order)).status).toBe(200);
  });

  it('is not over when a key is acknowledged that a later claim has revoked', async () => {
    const order = await paidOrder();
    const late = await claimed(order);
    const key = await claimed(order);
    expect(await acknowledge(order, late)).toMatchObject({ status: 409, body: { code: 'key_superseded' } });
    expect(await keyState(order)).toMatchObject({ key: 'claimed' });
    expect((await acknowledge(order, key)).status).toBe(204);
  });

  it('has nothing to acknowledge before it', async () => {
    expect(await acknowledge(await paidOrder(), 'aisk_dev_none')).toMatchObject({
      status: 409,
      body: { code: 'not_claimed' },
    });
  });
});

/** An acknowledgement says which key was saved. */
const saved = (tail: string) => (tail === '/acknowledge' ? { json: { secure_key: 'aisk_dev_none' } } : {});

describe('a secret opens its own order only', () => {
  const doors = ['GET ', 'POST /claim', 'POST /acknowledge'].map(door => door.split(' '));

  it.each(doors)('%s /v1/orders/:id%s', async (method = '', tail = '') => {
    const [mine, other] = [await paidOrder(), await paidOrder()];
    const path = `/v1/orders/${mine.orderId}${tail}`;
    const withOther = await api.call(method, path, { bearer: other.secret, ...saved(tail) });
    const unknown = await api.call(method, `/v1/orders/ord_${'0'.repeat(24)}${tail}`, {
      bearer: mine.secret,
      ...saved(tail),
    });
    expect(withOther).toMatchObject({ status: 404, body: { code: 'not_found' } });
    // Nobody learns which orders exist.
    expect(withOther.body.detail).toBe(unknown.body.detail);
    const strangers = [
      await claimed(mine),
      api.serviceToken,
      api.operatorToken,
      mine.orderId,
      mine.secret.replace('_dev_', '_live_'),
      mine.secret.slice(0, -1),
      `${mine.secret}0`,
      mine.secret.toLowerCase(),
    ];
    for (const bearer of strangers)
      expect((await api.call(method, path, { bearer, ...saved(tail) })).status, bearer.slice(0, 9)).toBe(404);
    expect((await api.call(method, path)).body).toMatchObject({ status: 401, code: 'credential_missing' });
    expect(await keyState(mine)).toMatchObject({ key: 'claimed' });
  });
});

describe('GET /v1/credits', () => {
  it("shows the lots of the key's own account", async () => {
    const [customer, other] = [await api.customer(2_500_000n), await api.customer(7_000_000n)];
    expect((await credits(customer.secureKey)).body).toEqual({
      account: expect.stringMatching(/^acct_[0-7][0-9a-f]{15}$/),
      at: '2026-03-01T15:00:00.000000Z',
      available: '25000',
      held: '0',
      debt: '0',
      renews_at: '2026-03-02T00:00:00.000000Z',
      lots: [
        {
          id: '1',
          face: '25000',
          available: '25000',
          held: '0',
          paid_usd: '2.5',
          policy: 'refill',
          added_at: '2026-03-01T15:00:00.000000Z',
          expires_at: '2026-03-31T15:00:00.000000Z',
          renewals_left: 30,
        },
      ],
    });
    expect((await credits(other.secureKey)).body).toMatchObject({ available: '70000' });
  });

  it('renews at midnight and ends after 30 days, without anybody posting it', async () => {
    const customer = await api.customer();
    await api.debit(customer, '9999.5', 'spent');
    expect((await credits(customer.secureKey)).body).toMatchObject({ available: '0.5' });
    api.now = BEGINNING + 9n * HOUR;
    expect((await credits(customer.secureKey)).body).toMatchObject({
      available: '10000',
      renews_at: '2026-03-03T00:00:00.000000Z',
      lots: [{ renewals_left: 29 }],
    });
    api.now = BEGINNING + 720n * HOUR - 1n;
    expect((await credits(customer.secureKey)).body).toMatchObject({ available: '10000', renews_at: null });
    api.now += 1n;
    expect((await credits(customer.secureKey)).body).toMatchObject({
      at: '2026-03-31T15:00:00.000000Z',
      available: '0',
      renews_at: null,
      lots: [],
    });
  });

  it('shows the debt of a payment that the chain took back', async () => {
    const customer = await api.customer();
    await api.debit(customer, '4000', 'before');
    await api.intake.vanish(customer.payment);
    expect((await credits(customer.secureKey)).body).toMatchObject({
      available: '0',
      debt: '4000',
      lots: [],
    });
  });
});
