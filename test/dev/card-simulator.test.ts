/** The card simulator, asked by Stripe's own SDK, and its webhooks checked by it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CardSimulator, startCardSimulator } from '../../dev/card-simulator/start-card-simulator.ts';
import { freePort } from '../../dev/free-port.ts';

const secretKey = 'sk_test_simulator';
const webhookSecret = 'whsec_simulator';

let folder: string;
let port: number;
let hook: Server;
let answer = 200;
const received: Stripe.Event[] = [];
let nowSeconds = 1_772_377_200;
let simulator: CardSimulator;
let stripe: Stripe;

const start = () =>
  startCardSimulator({
    port,
    file: join(folder, 'cards.json'),
    secretKey,
    webhook: { url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook`, secret: webhookSecret },
    nowSeconds: () => nowSeconds,
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credits-cards-'));
  port = await freePort();
  hook = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', chunk => {
      body += chunk;
    });
    request.on('end', () => {
      const signature = String(request.headers['stripe-signature']);
      if (answer === 200) received.push(stripe.webhooks.constructEvent(body, signature, webhookSecret));
      response.writeHead(answer).end();
    });
  });
  await new Promise<void>(resolve => hook.listen(0, '127.0.0.1', resolve));
  simulator = await start();
  stripe = new Stripe(secretKey, { host: '127.0.0.1', port, protocol: 'http', maxNetworkRetries: 0 });
});
afterAll(async () => {
  await simulator?.stop();
  await new Promise<void>(resolve => hook.close(() => resolve()));
  await rm(folder, { recursive: true, force: true });
});

const TERMS: Stripe.Checkout.SessionCreateParams = {
  mode: 'payment',
  line_items: [
    { quantity: 1, price_data: { currency: 'usd', unit_amount: 1_234, product_data: { name: 'Credits' } } },
  ],
  success_url: 'http://127.0.0.1:3000/?session={CHECKOUT_SESSION_ID}',
  cancel_url: 'http://127.0.0.1:3000/',
  client_reference_id: 'ord_1',
  metadata: { order: 'ord_1' },
  payment_intent_data: { metadata: { order: 'ord_1' }, capture_method: 'automatic' },
  adaptive_pricing: { enabled: false },
};

const form = (path: string, fields: Record<string, string> = {}, headers: Record<string, string> = {}) =>
  fetch(`${simulator.url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    redirect: 'manual',
    headers,
  });

async function paid(choice = 'card') {
  const session = await stripe.checkout.sessions.create(TERMS);
  const answered = await form(`/pay/${session.id}`, { choice });
  return { answered, session: await stripe.checkout.sessions.retrieve(session.id) };
}

async function chargeOf(session: Stripe.Checkout.Session) {
  const intent = await stripe.paymentIntents.retrieve(String(session.payment_intent), {
    expand: ['latest_charge.balance_transaction', 'latest_charge.refunds'],
  });
  return { intent, charge: intent.latest_charge as Stripe.Charge };
}

const typesSince = (position: number) =>
  received
    .slice(position)
    .map(({ type }) => type)
    .sort();

describe('a checkout', () => {
  it('is paid on its page, which says that it is a simulator', async () => {
    const session = await stripe.checkout.sessions.create(TERMS);
    expect(session).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      amount_total: 1_234,
      livemode: false,
    });
    const page = await (await fetch(String(session.url))).text();
    expect(page).toContain('This is a simulator');
    expect(page).toContain('$12.34');
    expect(page).not.toMatch(/<input/);

    const before = received.length;
    const answered = await form(`/pay/${session.id}`, { choice: 'card' });
    expect(answered.status).toBe(303);
    expect(answered.headers.get('location')).toBe(`http://127.0.0.1:3000/?session=${session.id}`);
    const done = await stripe.checkout.sessions.retrieve(session.id);
    expect(done).toMatchObject({ status: 'complete', payment_status: 'paid' });
    const { intent, charge } = await chargeOf(done);
    expect(intent).toMatchObject({
      status: 'succeeded',
      amount_received: 1_234,
      metadata: { order: 'ord_1' },
    });
    expect(charge).toMatchObject({ status: 'succeeded', amount_captured: 1_234, amount_refunded: 0 });
    // 2.9 % and 30 cents.
    expect(charge.balance_transaction).toMatchObject({ amount: 1_234, fee: 66, net: 1_168, type: 'charge' });
    await expect
      .poll(() => typesSince(before))
      .toEqual(['charge.succeeded', 'checkout.session.completed', 'payment_intent.succeeded']);
    const again = await form(`/pay/${session.id}`, { choice: 'card' });
    expect(again.status).toBe(400);
  });

  it('is declined and can be paid after all', async () => {
    const { answered, session } = await paid('card_declined');
    expect(answered.status).toBe(402);
    expect(session).toMatchObject({ status: 'open', payment_status: 'unpaid' });
    expect((await form(`/pay/${session.id}`, { choice: 'card' })).status).toBe(303);
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
  });

  it.each(['succeed', 'fail'])('is paid by a debit that will %s', async outcome => {
    const { answered, session } = await paid('bank_debit');
    expect(answered.status).toBe(303);
    expect(session).toMatchObject({ status: 'complete', payment_status: 'unpaid' });
    const { charge } = await chargeOf(session);
    const begun = nowSeconds;
    // There before the bank has said anything, as at Stripe.
    const moved = { amount: 1_234, type: 'payment', created: begun };
    expect(charge).toMatchObject({ status: 'pending', balance_transaction: moved });
    const before = received.length;
    nowSeconds += 3 * 86_400;
    await form(`/dashboard/charges/${charge.id}/${outcome}`);
    const settled = await stripe.checkout.sessions.retrieve(session.id);
    expect(settled.payment_status).toBe(outcome === 'succeed' ? 'paid' : 'unpaid');
    const after = (await chargeOf(settled)).charge;
    expect(after.balance_transaction).toMatchObject(moved);
    expect(after.failure_balance_transaction === null).toBe(outcome === 'succeed');
    const ending = outcome === 'succeed' ? 'succeeded' : 'failed';
    await expect.poll(() => typesSince(before)).toContain(`checkout.session.async_payment_${ending}`);
  });

  it('expires when it is told to, and after a day', async () => {
    const told = await stripe.checkout.sessions.create(TERMS);
    expect((await stripe.checkout.sessions.expire(told.id)).status).toBe('expired');
    const left = await stripe.checkout.sessions.create(TERMS);
    nowSeconds += 86_400;
    expect((await form(`/pay/${left.id}`, { choice: 'card' })).status).toBe(400);
    expect((await stripe.checkout.sessions.retrieve(left.id)).status).toBe('expired');
  });
});

describe('money back', () => {
  it('is refunded in parts, up to what was paid, and less when a refund fails', async () => {
    const { session } = await paid();
    const { charge } = await chargeOf(session);
    const first = await stripe.refunds.create({ charge: charge.id, amount: 1_000 });
    await stripe.refunds.create({ payment_intent: String(session.payment_intent), amount: 234 });
    await expect(stripe.refunds.create({ charge: charge.id, amount: 1 })).rejects.toThrow('0 cents are left');
    expect((await chargeOf(session)).charge).toMatchObject({ amount_refunded: 1_234, refunded: true });
    await form(`/dashboard/refunds/${first.id}/fail`);
    const failed = (await chargeOf(session)).charge;
    expect(failed).toMatchObject({ amount_refunded: 234, refunded: false });
    expect(failed.refunds?.data.map(({ amount, status }) => [amount, status])).toEqual([
      [234, 'succeeded'],
      [1_000, 'failed'],
    ]);
  });

  it('is disputed, withdrawn, and reinstated when the dispute is won', async () => {
    const { session } = await paid();
    const { charge } = await chargeOf(session);
    await form(`/dashboard/charges/${charge.id}/dispute`, { amount_cents: '500' });
    const [dispute] = (await stripe.disputes.list({ charge: charge.id })).data;
    expect(dispute?.balance_transactions).toMatchObject([{ amount: -500, fee: 1_500, type: 'adjustment' }]);
    await form(`/dashboard/disputes/${dispute?.id}/win`);
    expect(await stripe.disputes.retrieve(String(dispute?.id))).toMatchObject({
      status: 'won',
      balance_transactions: [{ amount: -500 }, { amount: 500, reporting_category: 'dispute_reversal' }],
    });
    expect((await form(`/dashboard/disputes/${dispute?.id}/lose`)).status).toBe(400);
  });

  it('is warned of', async () => {
    const { session } = await paid();
    const { charge } = await chargeOf(session);
    await form(`/dashboard/charges/${charge.id}/warn`);
    expect((await stripe.radar.earlyFraudWarnings.list({ charge: charge.id })).data).toHaveLength(1);
  });
});

describe('as Stripe', () => {
  it('refuses what it does not know, and names it', async () => {
    const strange = { ...TERMS, locale: 'de' } as Stripe.Checkout.SessionCreateParams;
    await expect(stripe.checkout.sessions.create(strange)).rejects.toMatchObject({
      type: 'StripeInvalidRequestError',
      code: 'parameter_unknown',
      param: 'locale',
    });
    await expect(
      stripe.checkout.sessions.list({ charge: 'ch_1' } as Stripe.Checkout.SessionListParams),
    ).rejects.toMatchObject({ code: 'parameter_unknown', param: 'charge' });
    const cheap = structuredClone(TERMS);
    if (cheap.line_items?.[0]?.price_data) cheap.line_items[0].price_data.unit_amount = 49;
    await expect(stripe.checkout.sessions.create(cheap)).rejects.toMatchObject({ code: 'amount_too_small' });
    await expect(stripe.charges.retrieve('ch_none')).rejects.toMatchObject({ code: 'resource_missing' });
    const stranger = new Stripe('sk_test_other', { host: '127.0.0.1', port, protocol: 'http' });
    await expect(stranger.charges.list()).rejects.toMatchObject({ type: 'StripeAuthenticationError' });
  });

  it('answers an idempotency key once and the same again, but not another request', async () => {
    const options = { idempotencyKey: 'once' };
    const first = await stripe.checkout.sessions.create(TERMS, options);
    expect((await stripe.checkout.sessions.create(TERMS, options)).id).toBe(first.id);
    await expect(
      stripe.checkout.sessions.create({ ...TERMS, client_reference_id: 'ord_2' }, options),
    ).rejects.toMatchObject({ type: 'StripeIdempotencyError' });
  });

  it('lists the newest first, in pages, from an instant on', async () => {
    const since = nowSeconds + 1;
    nowSeconds += 10;
    const ids: string[] = [];
    for (let made = 0; made < 5; made += 1) ids.push((await stripe.checkout.sessions.create(TERMS)).id);
    const page = await stripe.checkout.sessions.list({ limit: 2, created: { gte: since } });
    expect(page.data.map(({ id }) => id)).toEqual([ids[4], ids[3]]);
    expect(page.has_more).toBe(true);
    const all: string[] = [];
    for await (const { id } of stripe.checkout.sessions.list({ limit: 2, created: { gte: since } }))
      all.push(id);
    expect(all).toEqual(ids.toReversed());
  });

  it('sends an event until it is taken, and keeps it over a restart', async () => {
    answer = 500;
    const before = received.length;
    const { session } = await paid();
    await simulator.stop();
    answer = 200;
    simulator = await start();
    expect((await stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
    await expect.poll(() => typesSince(before)).toContain('checkout.session.completed');
  });

  it('moves nothing on the word of another page', async () => {
    const session = await stripe.checkout.sessions.create(TERMS);
    const answered = await form(`/pay/${session.id}`, { choice: 'card' }, { origin: 'https://evil.example' });
    expect(answered.status).toBe(403);
    expect((await stripe.checkout.sessions.retrieve(session.id)).status).toBe('open');
  });
});
