import type { ApiUnderTest, Call, Customer } from '../api.ts';
import type { Answer, AnyBody } from '../http.ts';
import { ANSWER, payable, roundOf } from '../intake.ts';
import { onAnotherApi, STRIPE_AWAY } from './another-api.ts';
import type { Prepared, RouteCases } from './route-case.ts';
import type { Stage } from './stage.ts';

interface Order {
  readonly id: string;
  readonly secret: string;
}

export const ORDERS_CASES: RouteCases = {
  getPaymentMethods: { succeeds: async () => ({ path: '/v1/payment-methods' }) },
  createOrder: {
    succeeds: async () => ({ path: '/v1/orders', json: IN_ETH }),
    problems: {
      method_unavailable: stage => onAnotherApi(stage, {}, api => order(api, { json: BY_CARD })),
      price_unavailable: stage => onAnotherApi(stage, {}, api => order(api, { json: IN_ETH })),
      card_unavailable: stage => onAnotherApi(stage, STRIPE_AWAY, api => order(api, { json: BY_CARD })),
      unique_amounts_taken: async ({ api }) => {
        const call = { bearer: (await api.customer()).secureKey, json: { ...IN_ETH, unique_amount: true } };
        for (let count = 0; count < 10; count += 1) await order(api, call);
        return await order(api, call);
      },
    },
  },
  getOrder: {
    succeeds: async ({ api }) => of(await ethOrder(api), ''),
    problems: { not_found: async ({ api }) => ask(api, 'GET', of(await withWrongSecret(api), '')) },
  },
  openOrderCheckout: {
    succeeds: async ({ api }) => of(await cardOrder(api), '/checkout'),
    problems: {
      not_found: async ({ api }) => ask(api, 'POST', of(await withWrongSecret(api), '/checkout')),
      not_by_card: async ({ api }) => ask(api, 'POST', of(await ethOrder(api), '/checkout')),
      paid_already: stage => checkoutAfter(stage, 'card'),
      payment_processing: stage => checkoutAfter(stage, 'bank_debit'),
      method_unavailable: stage => onAnotherApi(stage, {}, checkoutOfUnopened),
      card_unavailable: stage => onAnotherApi(stage, STRIPE_AWAY, checkoutOfUnopened),
    },
  },
  getOrderReceipt: {
    succeeds: async ({ api }) => of(ofCustomer(await api.customer()), '/receipt'),
    problems: { not_found: async ({ api }) => ask(api, 'GET', of(await withWrongSecret(api), '/receipt')) },
  },
  watchOrder: {
    succeeds: async ({ api }) => ({ ...of(await ethOrder(api), '/events'), until: /event: status\n/ }),
    problems: {
      not_found: async ({ api }) => ask(api, 'GET', of(await withWrongSecret(api), '/events')),
      too_many_streams: async ({ api }) => {
        const { path, bearer } = of(await ethOrder(api), '/events');
        const leaving = new AbortController();
        const headers = { authorization: `Bearer ${bearer}` };
        const url = `http://127.0.0.1:${api.port}${path}`;
        for (let watching = 0; watching < 5; watching += 1)
          await fetch(url, { headers, signal: leaving.signal });
        return await api.call('GET', path, { headers }).finally(() => leaving.abort());
      },
    },
  },
  claimKey: {
    succeeds: async ({ api }) => of(ofCustomer(await api.customer()), '/claim'),
    problems: {
      not_found: async ({ api }) => ask(api, 'POST', of(await withWrongSecret(api), '/claim')),
      nothing_to_claim: async ({ api }) => ask(api, 'POST', of(await topUp(api), '/claim')),
      payment_pending: async ({ api }) => ask(api, 'POST', of(await ethOrder(api), '/claim')),
      claim_closed: async ({ api }) => {
        const customer = await api.customer();
        await ask(api, 'POST', acknowledgement(customer));
        return await ask(api, 'POST', of(ofCustomer(customer), '/claim'));
      },
    },
  },
  acknowledgeKey: {
    succeeds: async ({ api }) => acknowledgement(await api.customer()),
    problems: {
      not_found: async ({ api }) => ask(api, 'POST', acknowledging(await withWrongSecret(api))),
      nothing_to_claim: async ({ api }) => ask(api, 'POST', acknowledging(await topUp(api))),
      not_claimed: async ({ api }) => ask(api, 'POST', acknowledging(await ethOrder(api))),
      key_superseded: async ({ api }) => {
        const customer = await api.customer();
        await ask(api, 'POST', of(ofCustomer(customer), '/claim'));
        return await ask(api, 'POST', acknowledgement(customer));
      },
    },
  },
};

const IN_ETH = { amount_usd: '1', method: 'eth' };
const BY_CARD = { amount_usd: '1', method: 'card' };

function order(api: ApiUnderTest, call: Call): Promise<Answer<AnyBody>> {
  return api.call('POST', '/v1/orders', call);
}

function ask(api: ApiUnderTest, method: string, { path, ...call }: Prepared): Promise<Answer<AnyBody>> {
  return api.call(method, path, call);
}

/** What is asked of an order by its secret. */
function of({ id, secret }: Order, tail: string): Prepared & { bearer: string } {
  return { path: `/v1/orders/${id}${tail}`, bearer: secret };
}

function acknowledging(order: Order, secureKey = 'aisk_dev_none'): Prepared {
  return { ...of(order, '/acknowledge'), json: { secure_key: secureKey } };
}

function acknowledgement(customer: Customer): Prepared {
  return acknowledging(ofCustomer(customer), customer.secureKey);
}

function ofCustomer({ orderId, orderSecret }: Customer): Order {
  return { id: orderId, secret: orderSecret };
}

async function ethOrder(api: ApiUnderTest, accountId?: bigint): Promise<Order> {
  const { now } = api;
  const ordered = { amountMicrousd: 1_000_000n, round: roundOf(ANSWER, now), now };
  const { orderId, secret } = payable(
    await api.ledger.createOrder(accountId === undefined ? ordered : { ...ordered, accountId }),
  );
  return { id: orderId, secret };
}

async function topUp(api: ApiUnderTest): Promise<Order> {
  return await ethOrder(api, (await api.customer()).accountId);
}

/** An order, and the secret of another one. */
async function withWrongSecret(api: ApiUnderTest): Promise<Order> {
  const { id } = await ethOrder(api);
  return { id, secret: (await ethOrder(api)).secret };
}

async function cardOrder(api: ApiUnderTest): Promise<Order & { sessionId: string }> {
  const { body, status } = await api.call<Order & { checkout: { url: string } }>('POST', '/v1/orders', {
    json: BY_CARD,
  });
  if (status !== 201) throw new Error(`an order by card was answered with ${status}`);
  return { id: body.id, secret: body.secret, sessionId: body.checkout.url.split('/').at(-1) ?? '' };
}

/** The answer to who wants the page of an order by card, which has none yet. */
async function checkoutOfUnopened(api: ApiUnderTest): Promise<Answer<AnyBody>> {
  const { order: made, secret } = await api.ledger.createCardOrder({
    amountMicrousd: 1_000_000n,
    now: api.now,
  });
  return await ask(api, 'POST', of({ id: made.order_id, secret }, '/checkout'));
}

/** The answer to who wants to pay an order that was submitted to the bank before. */
async function checkoutAfter(
  { api, simulator }: Stage,
  choice: 'card' | 'bank_debit',
): Promise<Answer<AnyBody>> {
  const submitted = await cardOrder(api);
  const session = simulator.records.find('checkout.session', submitted.sessionId);
  if (!session) throw new Error('the simulator does not know the session');
  simulator.bank.submit(session, choice);
  await ask(api, 'GET', of(submitted, ''));
  return await ask(api, 'POST', of(submitted, '/checkout'));
}
