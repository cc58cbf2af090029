/** Card payments over HTTP, from the order to the last dispute: the API, its worker, and the simulator as Stripe. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { instantText } from '../../ledger/index.ts';
import { type CardApi, type CardOrder, sessionIdOf, startCardApi } from '../support/card-api.ts';

const HOUR = 3_600_000_000n;
const DAY = 24n * HOUR;

let cards: CardApi;
beforeAll(async () => {
  cards = await startCardApi({ takesWebhooks: true });
  cards.startWorker();
});
afterAll(() => cards?.stop());
beforeEach(() => {
  // Books never go back in time; each test has orders and accounts of its own.
  cards.api.now += DAY;
});

const checkout = ({ id, secret }: CardOrder) =>
  cards.api.call<{ url: string; expires_at: string; code?: string }>('POST', `/v1/orders/${id}/checkout`, {
    bearer: secret,
  });

/** An order that was paid and whose key was claimed. */
async function bought(amountUsd: string) {
  const order = await cards.order(amountUsd);
  cards.pay(order.sessionId);
  await cards.credited(order);
  const charge = cards.charge(order.sessionId);
  return { order, key: await cards.claim(order), charge, intentId: charge.payment_intent };
}

const spend = async (secureKey: string, credits: string) =>
  expect(
    (await cards.api.debit({ secureKey }, credits, `spend ${credits}`.replaceAll(' ', '-'))).status,
  ).toBe(201);

const progressOf = async (order: CardOrder) => {
  const response = await fetch(`http://127.0.0.1:${cards.api.port}/v1/orders/${order.id}/events`, {
    headers: { authorization: `Bearer ${order.secret}` },
  });
  for await (const text of (response.body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream(),
  )) {
    const status = /^event: status\ndata: (.*)$/m.exec(text)?.[1];
    if (status) return (JSON.parse(status) as { progress: string }).progress;
  }
  throw new Error('the stream ended without a status');
};

describe('a purchase', () => {
  it('goes from the order over the hosted page and the webhook to the key', async () => {
    const { api } = cards;
    const ordered = await api.call('POST', '/v1/orders', { json: { amount_usd: '12.34', method: 'card' } });
    expect(ordered).toMatchObject({
      status: 201,
      body: { kind: 'new_key', method: 'card', amount_usd: '12.34', credits: '123400' },
    });
    const {
      id,
      secret,
      checkout: page,
    } = ordered.body as {
      id: string;
      secret: string;
      checkout: { url: string; expires_at: string };
    };
    const order = { id, secret, sessionId: sessionIdOf(page.url) };
    // Stripe's page, not ours: whatever is typed there never comes here.
    expect(new URL(page.url).origin).toBe(cards.simulator.url);
    expect(page.expires_at).toBe(instantText(api.now + DAY));
    expect(await cards.status(order)).toMatchObject({
      state: { amount: 'none', flags: [], credited: false, key: 'unclaimed' },
      payments: [],
    });
    expect(await progressOf(order)).toBe('waiting');
    const early = await api.call('POST', `/v1/orders/${id}/claim`, { bearer: secret });
    expect(early).toMatchObject({ status: 409, body: { code: 'payment_pending' } });

    const back = await cards.submit(order.sessionId, 'card');
    expect(back).toEqual({
      status: 303,
      location: `http://127.0.0.1:${api.port}/?order=${id}&checkout=done`,
    });
    const { payment_intent: intentId, receipt_url: receiptUrl } = cards.charge(order.sessionId);
    const payment = {
      receipt: `stripe:${String(intentId)}`,
      status: 'paid',
      paid_at: instantText(api.now),
      amount_usd: '12.34',
      credits: '123400',
      credited: true,
      kept_back: false,
      refunded_usd: '0',
      disputed_usd: '0',
      receipt_url: receiptUrl,
    };
    const status = await cards.credited(order);
    expect(status.state).toEqual({ amount: 'exact', flags: [], credited: true, key: 'unclaimed' });
    expect(status.payments).toEqual([payment]);
    expect(await progressOf(order)).toBe('credited');

    const key = await cards.claim(order);
    expect(await cards.credits(key)).toEqual({ available: '123400', debt: '0' });
    await spend(key, '3400.5');
    const lot = {
      id: '1',
      added_by: 'purchase',
      paid_usd: '12.34',
      returned_usd: '0',
      face: '123400',
      available: '119999.5',
      held: '0',
      debt: '0',
      added_at: instantText(api.now),
      expires_at: instantText(api.now + 30n * DAY),
      renewals_left: 30,
      live: true,
    };
    const receipt = {
      order: id,
      kind: 'new_key',
      method: 'card',
      amount_usd: '12.34',
      ordered_at: instantText(api.now),
      at: instantText(api.now),
      payments: [{ ...payment, lots: [lot] }],
      remaining: '119999.5',
      held: '0',
      debt: '0',
    };
    expect(await cards.receipt(order)).toMatchObject({ status: 200, body: receipt });
    expect((await cards.receipt(order, key)).body).toEqual(receipt);
    expect((await fetch(String(receiptUrl))).status).toBe(200);
  });

  it('has one page, however often and at once it is asked for, until that ends', async () => {
    const order = await cards.order('10');
    const pages = await Promise.all(Array.from({ length: 3 }, () => checkout(order)));
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(pages.map(({ body }) => sessionIdOf(body.url)))).toEqual(new Set([order.sessionId]));
    // The buyer comes back without paying and goes there again.
    cards.api.now += DAY - 4n * 60_000_000n;
    const next = await Promise.all([checkout(order), checkout(order)]);
    const [renewed] = new Set(next.map(({ body }) => sessionIdOf(body.url)));
    expect(new Set(next.map(({ body }) => body.url)).size).toBe(1);
    expect(renewed).not.toBe(order.sessionId);
    cards.api.now += HOUR;
    expect((await cards.submit(order.sessionId, 'card')).status).toBe(400);
    expect(cards.simulator.records.find('checkout.session', order.sessionId)?.status).toBe('expired');
    expect(await cards.status(order)).toMatchObject({ state: { amount: 'none', flags: [] }, payments: [] });
    expect((await cards.submit(String(renewed), 'card')).status).toBe(303);
    expect((await cards.credited(order)).state.amount).toBe('exact');
    expect(await checkout(order)).toMatchObject({ status: 409, body: { code: 'paid_already' } });
  });

  it('whose page was ended at Stripe gets another', async () => {
    const order = await cards.order('10');
    const session = cards.simulator.records.find('checkout.session', order.sessionId);
    if (session) cards.simulator.bank.expire(session);
    const { status, body } = await checkout(order);
    expect(status).toBe(200);
    expect(sessionIdOf(body.url)).not.toBe(order.sessionId);
  });

  it('that is declined says so, and is paid with another card', async () => {
    const order = await cards.order('10');
    expect((await cards.submit(order.sessionId, 'card_declined')).status).toBe(402);
    const declined = await cards.statusOnce(order, ({ payments }) => payments.length === 1);
    expect(declined).toMatchObject({
      state: { amount: 'none', flags: ['failed'], credited: false },
      payments: [{ status: 'failed', credits: '0', credited: false, receipt_url: expect.any(String) }],
    });
    expect(await progressOf(order)).toBe('failed');
    expect(sessionIdOf((await checkout(order)).body.url)).toBe(order.sessionId);
    expect((await cards.submit(order.sessionId, 'card')).status).toBe(303);
    expect((await cards.credited(order)).state).toMatchObject({ amount: 'exact', flags: [] });
    expect(await cards.credits(await cards.claim(order))).toEqual({ available: '100000', debt: '0' });
  });

  it('tops up the account of a key, and its secret gives no key', async () => {
    const { key } = await bought('1');
    const order = await cards.order('2', key);
    cards.pay(order.sessionId);
    await cards.credited(order);
    expect(await cards.credits(key)).toEqual({ available: '30000', debt: '0' });
    const claim = await cards.api.call('POST', `/v1/orders/${order.id}/claim`, { bearer: order.secret });
    expect(claim).toMatchObject({ status: 409, body: { code: 'nothing_to_claim' } });
    expect((await cards.receipt(order)).body).toMatchObject({ kind: 'top_up', remaining: '20000' });
    expect((await cards.receipt(order, key)).body).toMatchObject({ remaining: '20000' });
  });

  it('is told to nobody else', async () => {
    const { order } = await bought('1');
    const { key: strangersKey, order: strangersOrder } = await bought('1');
    for (const bearer of [strangersKey, strangersOrder.secret, 'aisk_dev_nonsense'])
      expect(await cards.receipt(order, bearer)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    const path = `/v1/orders/${order.id}/receipt`;
    expect(await cards.api.call('GET', path)).toMatchObject({
      status: 401,
      body: { code: 'credential_missing' },
    });
  });
});

describe('while no webhook comes', () => {
  beforeAll(() => {
    cards.simulator.webhooks.paused = true;
  });
  afterAll(() => {
    cards.simulator.webhooks.paused = false;
  });

  it('the key is there as soon as the buyer is back: the order is looked up', async () => {
    const order = await cards.order('10');
    await cards.submit(order.sessionId, 'card');
    // One look: the very first answer has it.
    expect(await cards.status(order)).toMatchObject({ state: { amount: 'exact', credited: true } });
    expect(await cards.credits(await cards.claim(order))).toEqual({ available: '100000', debt: '0' });
  });

  it('a claim looks too, and so does a page that follows the order', async () => {
    const claimed = await cards.order('10');
    await cards.submit(claimed.sessionId, 'card');
    expect(await cards.claim(claimed)).toMatch(/^aisk_dev_/);
    const followed = await cards.order('10');
    await cards.submit(followed.sessionId, 'card');
    expect(await progressOf(followed)).toBe('credited');
  });

  it('nothing is lost while Stripe cannot be asked either', async () => {
    const order = await cards.order('10');
    await cards.submit(order.sessionId, 'card');
    const { records } = cards.simulator;
    const session = records.find('checkout.session', order.sessionId);
    const sessions = records.all('checkout.session');
    // Stripe answers with an error for a moment.
    sessions.splice(sessions.indexOf(session as never), 1);
    expect((await cards.api.call('GET', `/v1/orders/${order.id}`, { bearer: order.secret })).status).not.toBe(
      200,
    );
    sessions.push(session as never);
    expect((await cards.credited(order)).state.amount).toBe('exact');
  });
});

describe('a payment by bank debit', () => {
  it('is processing until it has succeeded, and lives 30 days from then', async () => {
    const order = await cards.order('10');
    expect((await cards.submit(order.sessionId, 'bank_debit')).status).toBe(303);
    const under = await cards.statusOnce(order, ({ payments }) => payments.length === 1);
    expect(under).toMatchObject({
      state: { amount: 'none', flags: ['processing'], credited: false },
      payments: [{ status: 'processing', paid_at: null, amount_usd: '0', credited: false }],
    });
    expect(await progressOf(order)).toBe('processing');
    expect(await checkout(order)).toMatchObject({ status: 409, body: { code: 'payment_processing' } });
    cards.api.now += 4n * DAY;
    await cards.dashboard(`charges/${cards.charge(order.sessionId).id}/succeed`);
    expect((await cards.credited(order)).state).toMatchObject({ amount: 'exact', flags: [] });
    const key = await cards.claim(order);
    expect((await cards.api.call('GET', '/v1/credits', { bearer: key })).body).toMatchObject({
      available: '100000',
      lots: [{ added_at: instantText(cards.api.now), expires_at: instantText(cards.api.now + 30n * DAY) }],
    });
  });

  it('that fails in the end credits nothing, costs a fee, and the order can be paid on another page', async () => {
    const order = await cards.order('10');
    await cards.submit(order.sessionId, 'bank_debit');
    await cards.statusOnce(order, ({ state }) => state.flags.includes('processing'));
    await cards.takenIn();
    const before = await cards.balances();
    cards.api.now += 4n * DAY;
    await cards.dashboard(`charges/${cards.charge(order.sessionId).id}/fail`);
    const failed = await cards.statusOnce(order, ({ state }) => state.flags.includes('failed'));
    expect(failed).toMatchObject({
      state: { amount: 'none', flags: ['failed'] },
      payments: [{ credits: '0' }],
    });
    expect(await progressOf(order)).toBe('failed');
    await cards.takenIn();
    const after = await cards.balances();
    // $4 for the failure; the 80 cents for the payment came back.
    expect((after['USD:fees'] ?? 0n) - (before['USD:fees'] ?? 0n)).toBe(4_000_000n);
    expect((after['USD:cash:stripe'] ?? 0n) - (before['USD:cash:stripe'] ?? 0n)).toBe(-4_000_000n);
    const { status, body } = await checkout(order);
    expect(status).toBe(200);
    expect(sessionIdOf(body.url)).not.toBe(order.sessionId);
    await cards.submit(sessionIdOf(body.url), 'card');
    expect((await cards.credited(order)).state.amount).toBe('exact');
  });
});

describe('money back', () => {
  it('by refunds in parts, from the dashboard, takes as many credits; what was spent is owed', async () => {
    const { order, key, charge } = await bought('10');
    await spend(key, '40000');
    const refund = (cents: string) => cards.dashboard(`charges/${charge.id}/refund`, { amount_cents: cents });
    const refunded = async (usd: string) =>
      await cards.statusOnce(order, ({ payments }) => payments[0]?.refunded_usd === usd);
    await refund('300');
    expect((await refunded('3')).state.flags).toEqual(['refunded']);
    await cards.takenIn();
    expect(await cards.credits(key)).toEqual({ available: '30000', debt: '0' });
    await refund('250');
    await refunded('5.5');
    await cards.takenIn();
    expect(await cards.credits(key)).toEqual({ available: '5000', debt: '0' });
    await refund('450');
    await refunded('10');
    await cards.takenIn();
    expect(await cards.credits(key)).toEqual({ available: '0', debt: '40000' });
    expect(await progressOf(order)).toBe('returned');
    expect((await cards.receipt(order)).body).toMatchObject({
      payments: [
        { refunded_usd: '10', lots: [{ face: '0', available: '0', returned_usd: '10', live: false }] },
      ],
      remaining: '0',
      debt: '40000',
    });
    expect(await cards.api.debit({ secureKey: key }, '1', 'in-debt')).toMatchObject({
      status: 402,
      body: { code: 'debt_open' },
    });
  });

  it('that comes again, as the refund failed, is forgiven and given back', async () => {
    const { order, key, charge } = await bought('10');
    await spend(key, '40000');
    await cards.dashboard(`charges/${charge.id}/refund`);
    await cards.statusOnce(order, ({ payments }) => payments[0]?.refunded_usd === '10');
    const [refund] = cards.simulator.records.all('refund').filter(each => each.charge === charge.id);
    await cards.dashboard(`refunds/${refund?.id}/fail`);
    await cards.statusOnce(order, ({ payments }) => payments[0]?.refunded_usd === '0');
    await cards.takenIn();
    expect(await cards.credits(key)).toEqual({ available: '60000', debt: '0' });
    expect((await cards.receipt(order)).body).toMatchObject({
      payments: [
        {
          lots: [
            { added_by: 'purchase', live: false },
            { added_by: 'restoration', available: '60000' },
          ],
        },
      ],
      remaining: '60000',
    });
  });

  it('by a dispute is withdrawn with an alarm, and reinstated when it is won', async () => {
    const { order, key, charge, intentId } = await bought('10');
    await cards.dashboard(`charges/${charge.id}/dispute`, { amount_cents: '700' });
    const open = await cards.statusOnce(order, ({ payments }) => payments[0]?.disputed_usd === '7');
    expect(open.state.flags).toEqual(['disputed']);
    await cards.takenIn();
    expect(await cards.credits(key)).toEqual({ available: '30000', debt: '0' });
    expect(await cards.alarms(intentId)).toEqual(['card_dispute_open']);
    const [dispute] = cards.simulator.records.all('dispute').filter(each => each.charge === charge.id);
    await cards.dashboard(`disputes/${dispute?.id}/win`);
    await cards.statusOnce(order, ({ payments }) => payments[0]?.disputed_usd === '0');
    await cards.takenIn();
    expect(await cards.credits(key)).toEqual({ available: '100000', debt: '0' });
    expect(await cards.alarms(intentId)).toEqual([]);
  });

  it('by a dispute that is lost stays with the payer', async () => {
    const { order, key, charge, intentId } = await bought('10');
    // A third of it has been earned by then.
    cards.api.now += 10n * DAY;
    await spend(key, '60000');
    await cards.dashboard(`charges/${charge.id}/dispute`);
    await cards.statusOnce(order, ({ payments }) => payments[0]?.disputed_usd === '10');
    const [dispute] = cards.simulator.records.all('dispute').filter(each => each.charge === charge.id);
    await cards.dashboard(`disputes/${dispute?.id}/lose`);
    await cards.takenIn();
    expect(await cards.alarms(intentId)).toEqual([]);
    expect(await cards.credits(key)).toEqual({ available: '0', debt: '60000' });
    expect((await cards.status(order)).state).toMatchObject({ amount: 'exact', flags: ['disputed'] });
  });

  it('is not taken by an inquiry, which is an alarm', async () => {
    const { key, charge, intentId } = await bought('10');
    const since = cards.events().length;
    await cards.dashboard(`charges/${charge.id}/inquiry`);
    await cards.takenIn();
    await expect.poll(() => cards.alarms(intentId), { timeout: 60_000 }).toEqual(['card_dispute_open']);
    expect(await cards.credits(key)).toEqual({ available: '100000', debt: '0' });
    expect(cards.events(since).map(({ type }) => type)).toEqual(['charge.dispute.created']);
  });

  it('is expected after a warning of fraud, which is an alarm', async () => {
    const { key, charge, intentId } = await bought('10');
    await cards.dashboard(`charges/${charge.id}/warn`);
    await expect.poll(() => cards.alarms(intentId), { timeout: 60_000 }).toEqual(['card_fraud_warning']);
    expect(await cards.credits(key)).toEqual({ available: '100000', debt: '0' });
  });
});

describe('a payment that does not fit its order', () => {
  /** As if the session had been changed at Stripe. */
  async function changed(change: (objects: { amount: number; currency: string }) => void) {
    const order = await cards.order('10');
    const { records } = cards.simulator;
    const intent = records.find('payment_intent', records.intentIds[order.sessionId] ?? '');
    if (!intent) throw new Error('the session has no intent');
    change(intent);
    cards.pay(order.sessionId);
    const status = await cards.statusOnce(order, ({ payments }) => payments.length === 1);
    await cards.takenIn();
    return { order, status, charge: cards.charge(order.sessionId), intentId: intent.id };
  }

  it('in its amount waits in suspense with an alarm, until it is refunded', async () => {
    const before = await cards.balances();
    const { order, status, charge, intentId } = await changed(intent => {
      intent.amount = 900;
    });
    expect(status).toMatchObject({
      state: { amount: 'none', flags: ['kept_back'], credited: false },
      payments: [{ status: 'paid', amount_usd: '9', credited: false, kept_back: true }],
    });
    expect(await progressOf(order)).toBe('kept_back');
    expect(await cards.alarms(intentId)).toEqual(['card_payment_in_suspense']);
    const during = await cards.balances();
    expect((during['USD:suspense'] ?? 0n) - (before['USD:suspense'] ?? 0n)).toBe(-9_000_000n);
    expect((await cards.receipt(order)).body).toMatchObject({ payments: [{ lots: [] }], remaining: '0' });
    await cards.dashboard(`charges/${charge.id}/refund`);
    await expect.poll(() => cards.alarms(intentId), { timeout: 60_000 }).toEqual([]);
    expect((await cards.balances())['USD:suspense'] ?? 0n).toBe(before['USD:suspense'] ?? 0n);
  });

  it('in its currency is no dollars of ours, with an alarm, until it is refunded', async () => {
    const before = await cards.balances();
    const { status, charge, intentId } = await changed(intent => {
      intent.currency = 'eur';
    });
    expect(status).toMatchObject({
      state: { amount: 'none', flags: ['kept_back'], credited: false },
      payments: [{ amount_usd: '0', credited: false, kept_back: true }],
    });
    expect(await cards.alarms(intentId)).toEqual(['card_payment_in_suspense']);
    expect(await cards.balances()).toEqual(before);
    await cards.dashboard(`charges/${charge.id}/refund`);
    await expect.poll(() => cards.alarms(intentId), { timeout: 60_000 }).toEqual([]);
  });
});

describe('in the end', () => {
  it('an auditor finds every dollar of Stripe in the books', async () => {
    await cards.takenIn();
    const inEuro = cards.simulator.records
      .all('balance_transaction')
      .filter(({ currency }) => currency !== 'usd');
    const sumOf = (amounts: number[]) => amounts.reduce((sum, cents) => sum + BigInt(cents) * 10_000n, 0n);
    const { net, fee } = cards.stripeFigures();
    const books = await cards.balances();
    const of = (account: string) => books[account] ?? 0n;
    expect(of('USD:cash:stripe')).toBe(net - sumOf(inEuro.map(move => move.net)));
    expect(of('USD:fees')).toBe(fee - sumOf(inEuro.map(move => move.fee)));
    expect(of('USD:clearing')).toBe(0n);
    // Everything that was paid is deferred, earned, or given back.
    expect(
      of('USD:cash:stripe') +
        of('USD:fees') +
        of('USD:refunds') +
        of('USD:deferred_revenue') +
        of('USD:revenue') +
        of('USD:suspense'),
    ).toBe(0n);
    expect(of('USD:refunds')).toBeGreaterThan(0n);
    expect(of('USD:deferred_revenue')).toBeLessThan(0n);
  });
});
