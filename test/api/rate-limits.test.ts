/** Who is counted with whom, what a limit says, and that failures never keep out who has a valid credential. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RateLimitConfig } from '../../api/rate-limits.ts';
import { type ApiUnderTest, type Call, type Customer, OPEN_DOORS, startApi } from '../support/api.ts';
import type { AnyBody } from '../support/http.ts';

let api: ApiUnderTest;
let behindProxy: ApiUnderTest;
let customer: Customer;
beforeAll(async () => {
  [api, behindProxy] = await Promise.all([startApi(), startApi({ trustedProxies: ['127.0.0.1'] })]);
  customer = await api.customer();
});
afterAll(() => Promise.all([api?.stop(), behindProxy?.stop()]));

/** A door with some limits lower than they are. */
const door = (limits: Partial<RateLimitConfig>, to = api) =>
  to.door({ rateLimits: { ...OPEN_DOORS.rateLimits, ...limits } });

const credits = (port: number, bearer: string, headers: Call['headers'] = {}, to = api) =>
  to.call('GET', '/v1/credits', { port, bearer, headers });
/** An order that nobody has, by a secret that opens nothing. */
const guess = (port: number, headers: Call['headers'] = {}, to = api) =>
  to.call('GET', '/v1/orders/ord_none', { port, bearer: 'aios_dev_guess', headers });
const codesOf = (answers: readonly { status: number; body: AnyBody | undefined }[]) =>
  answers.map(({ status, body }) => body?.code ?? status);

/** One after the other. */
async function each<Asked, Answered>(
  items: readonly Asked[],
  ask: (item: Asked) => Promise<Answered>,
): Promise<Answered[]> {
  const answers: Answered[] = [];
  for (const item of items) answers.push(await ask(item));
  return answers;
}

describe('a limit', () => {
  it('is told with each answer, and how long to wait once it is reached', async () => {
    const port = await door({ key: 2 });
    const answers = await each([1, 2, 3], () => credits(port, customer.secureKey));
    expect(answers.map(({ headers }) => headers['ratelimit-policy'])).toEqual(
      Array.from({ length: 3 }, () => '"key";q=2;w=60'),
    );
    const left = answers.map(({ headers }) => /^"key";r=(\d+);t=\d+$/.exec(String(headers.ratelimit))?.[1]);
    expect(left).toEqual(['1', '0', '0']);
    const [, , refused] = answers;
    expect(codesOf(answers)).toEqual([200, 200, 'rate_limited']);
    const seconds = Number(refused?.headers['retry-after']);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(refused?.body).toMatchObject({ status: 429, retry_after_seconds: seconds });
  });

  it('counts each key by itself, also those of one network', async () => {
    const port = await door({ key: 1 });
    const other = await api.customer();
    const keys = [customer.secureKey, customer.secureKey, other.secureKey, other.secureKey];
    expect(codesOf(await each(keys, key => credits(port, key)))).toEqual([
      ...[200, 'rate_limited'],
      ...[200, 'rate_limited'],
    ]);
  });

  it('counts each service by itself, whatever key it debits', async () => {
    const port = await door({ service: 1, key: 1, network: 1 });
    const other = await api.service('other');
    const tokens = [api.serviceToken, api.serviceToken, other, other];
    let key = 0;
    const answers = await each(tokens, bearer => {
      key += 1;
      return api.debit(customer, '1', `limited-${key}`, { port, bearer });
    });
    expect(codesOf(answers)).toEqual([201, 'rate_limited', 201, 'rate_limited']);
  });

  it('counts who may show either by what is shown', async () => {
    const port = await door({ service: 1, key: 1, network: 1 });
    const shown = [api.serviceToken, api.serviceToken, customer.secureKey, customer.secureKey];
    const answers = await each(shown, bearer => api.call('GET', '/v1/rate-card', { port, bearer }));
    expect(codesOf(answers)).toEqual([
      ...['rate_card_missing', 'rate_limited'],
      ...['rate_card_missing', 'rate_limited'],
    ]);
    expect(answers.map(({ headers }) => headers['ratelimit-policy'])).toEqual([
      ...['"service";q=1;w=60', '"service";q=1;w=60'],
      ...['"key";q=1;w=60', '"key";q=1;w=60'],
    ]);
  });

  it('is of the network for orders that anybody makes, but not for top-ups', async () => {
    const port = await door({ anonymous: 1, network: 1 });
    // There is no price here; it was let in nevertheless.
    const order = (bearer?: string) =>
      api.call('POST', '/v1/orders', {
        port,
        json: { amount_usd: '1', method: 'eth' },
        ...(bearer === undefined ? {} : { bearer }),
      });
    const answers = await each([undefined, undefined, customer.secureKey, customer.secureKey], order);
    expect(codesOf(answers)).toEqual([
      ...['price_unavailable', 'rate_limited'],
      ...['price_unavailable', 'price_unavailable'],
    ]);
    expect(answers[0]?.headers['ratelimit-policy']).toBe('"anonymous";q=1;w=60');
    expect(answers[2]?.headers['ratelimit-policy']).toMatch(/^"key";/);
  });

  it('is that of orders for who looks for a payment, as that asks the RPC', async () => {
    const port = await door({ anonymous: 1 });
    const path = `/v1/payments/${customer.payment.transactionHash}`;
    const answers = await each([1, 2], () => api.call('GET', path, { port }));
    expect(codesOf(answers)).toEqual([200, 'rate_limited']);
  });

  it('does not exist for operators, nor for what answers from memory', async () => {
    const port = await door({ anonymous: 1, network: 1, key: 1, service: 1 });
    const asked = ['/v1/operator/alarms', '/metrics', '/health', '/ready', '/openapi.json', '/docs'];
    for (const path of asked) {
      const answers = await each([1, 2, 3], () => api.call('GET', path, { port, bearer: api.operatorToken }));
      expect(
        codesOf(answers).every(code => code !== 'rate_limited'),
        path,
      ).toBe(true);
      expect(answers[0]?.headers).not.toHaveProperty('ratelimit');
    }
  });

  it('takes no name for its own that a caller makes up', async () => {
    const port = await door({ network: 2 });
    const spoofed = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
    const answers = await each(spoofed, from => guess(port, { 'x-forwarded-for': from }));
    expect(codesOf(answers)).toEqual(['not_found', 'not_found', 'rate_limited']);
  });

  it('counts the buyers behind a proxy that is trusted each by itself, a household as one', async () => {
    const port = await door({ network: 1 }, behindProxy);
    const from = ['192.0.2.1', '192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'];
    const answers = await each(from, address =>
      guess(port, { 'x-forwarded-for': `203.0.113.9, ${address}` }, behindProxy),
    );
    expect(codesOf(answers)).toEqual([
      ...['not_found', 'rate_limited', 'not_found'],
      ...['not_found', 'rate_limited', 'not_found'],
    ]);
  });
});

describe('wrong credentials', () => {
  it('are slowed down by network, and a valid one from there is taken at once', async () => {
    const port = await door({ failures: 3 });
    const wrong = Array.from({ length: 6 }, () => 'aisk_dev_nonsense');
    const answers = await each(wrong, key => credits(port, key));
    expect(codesOf(answers)).toEqual([
      ...Array.from({ length: 3 }, () => 'credential_invalid'),
      ...Array.from({ length: 3 }, () => 'too_many_failures'),
    ]);
    expect(answers.at(-1)).toMatchObject({ status: 429, headers: { 'retry-after': expect.any(String) } });
    // Between failures, again and again: the owner is never locked out.
    for (let round = 0; round < 5; round += 1) {
      expect((await credits(port, customer.secureKey)).status).toBe(200);
      expect((await credits(port, 'aisk_dev_nonsense')).body.code).toBe('too_many_failures');
    }
    const debited = await api.debit(customer, '1', 'beside-failures', { port });
    expect(debited.status).toBe(201);
    const { orderId, orderSecret } = customer;
    expect((await api.call('GET', `/v1/orders/${orderId}`, { port, bearer: orderSecret })).status).toBe(200);
    expect((await api.call('GET', '/metrics', { port, bearer: api.operatorToken })).status).toBe(200);
  });

  it('count as such wherever they are shown', async () => {
    const port = await door({ failures: 1 });
    const call = { port, bearer: 'aist_dev_nonsense' };
    const first = await api.call('POST', '/v1/debits', { ...call, json: {} });
    expect(first.body.code).toBe('credential_invalid');
    const next = [
      await api.call('GET', '/metrics', call),
      await api.call('GET', '/v1/operator/trial-balance', call),
      await api.call('GET', '/v1/wallets', call),
      await guess(port),
      await api.call('GET', '/v1/orders/ord_none/events', call),
      await api.call('POST', '/v1/wallets/challenges', {
        ...call,
        json: { action: 'link', address: `0x${'ab'.repeat(20)}` },
      }),
    ];
    expect(codesOf(next)).toEqual(Array.from({ length: 6 }, () => 'too_many_failures'));
  });

  it('are not what a missing one is, nor a mistyped key that a service was given', async () => {
    const port = await door({ failures: 1 });
    for (let count = 0; count < 3; count += 1) {
      expect((await api.call('GET', '/v1/credits', { port })).body.code).toBe('credential_missing');
      const mistyped = await api.debit({ secureKey: 'aisk_dev_typo' }, '1', `typo-${count}`, { port });
      expect(mistyped.body.code).toBe('secure_key_invalid');
    }
  });

  it('slow down their own network alone, behind a proxy that is trusted', async () => {
    const port = await door({ failures: 1 }, behindProxy);
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const asked = ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.1'];
    const answers = await each(asked, address =>
      credits(port, 'aisk_dev_nonsense', from(address), behindProxy),
    );
    expect(codesOf(answers)).toEqual([
      ...['credential_invalid', 'too_many_failures'],
      ...['credential_invalid', 'too_many_failures'],
    ]);
    const { secureKey } = await behindProxy.customer();
    expect((await credits(port, secureKey, from('192.0.2.1'), behindProxy)).status).toBe(200);
  });

  it('without such a proxy count as those of the one who asks, whatever that one says', async () => {
    const port = await door({ failures: 1 });
    const asked = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
    const answers = await each(asked, address =>
      credits(port, 'aisk_dev_nonsense', { 'x-forwarded-for': address }),
    );
    expect(codesOf(answers)).toEqual(['credential_invalid', 'too_many_failures', 'too_many_failures']);
    const headers = { 'x-forwarded-for': '192.0.2.3' };
    expect((await credits(port, customer.secureKey, headers)).status).toBe(200);
  });
});
