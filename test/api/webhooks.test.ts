/** Webhooks as a customer meets them: over HTTP, with the worker at work, and as docs/webhooks.md tells. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ProblemCode } from '../../api/contract/problem-codes.ts';
import { ENDPOINTS_MAX, WEBHOOK_EVENTS } from '../../ledger/index.ts';
import { type ApiUnderTest, type Customer, startApi } from '../support/api.ts';
import { isSignedWith, type Receiver, startReceiver } from '../support/webhook-receiver.ts';

const DAY = 86_400_000_000n;

let api: ApiUnderTest;
let receiver: Receiver;
let docs: string;
beforeAll(async () => {
  // The worker that sends runs in it too.
  api = await startApi({ role: 'credits_app' });
  receiver = await startReceiver();
  docs = await readFile('docs/webhooks.md', 'utf8');
});
afterAll(async () => {
  await receiver?.stop();
  await api?.stop();
});

const call = (customer: Customer, method: string, path: string, json?: object) =>
  api.call(method, path, { bearer: customer.secureKey, ...(json === undefined ? {} : { json }) });

const ALL = {
  events: WEBHOOK_EVENTS,
  low_balance_threshold: '500',
  expiry_soon_hours: 720,
};

async function subscribe(customer: Customer, wanted: object = ALL): Promise<{ id: string; secret: string }> {
  const { status, body } = await call(customer, 'POST', '/v1/webhooks', { url: receiver.url, ...wanted });
  expect(status).toBe(201);
  return body as { id: string; secret: string };
}

describe('every event', () => {
  it('arrives, as the documentation shows it, and is verified by its code', async () => {
    const customer = await api.customer();
    const { id, secret } = await subscribe(customer);
    const worker = api.ledger.webhooks.startWorker(() => {});
    try {
      await call(customer, 'POST', `/v1/webhooks/${id}/test`);
      await api.ledger.adjust({
        accountId: customer.accountId,
        amountMicrocredits: 1_000_000n,
        policy: 'none',
        operator: 'ops',
        reason: 'a present',
        idempotencyKey: 'present',
      });
      await api.debit(customer, '9600.5', 'much');
      await api.intake.vanish(customer.payment);
      // Two lots are about to expire.
      await vi.waitFor(
        () =>
          expect(
            receiver
              .bodies()
              .map(({ type }) => type)
              .sort(),
          ).toEqual([...WEBHOOK_EVENTS, 'expiry_soon', 'test'].sort()),
        { timeout: 60_000, interval: 50 },
      );
    } finally {
      await worker.stop();
    }
    const code = /```js\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
    const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    const now = Number(api.now / 1_000_000n);
    for (const message of receiver.received) {
      expect(await isSignedWith(secret, message)).toBe(true);
      expect(isGenuine(secret, message.headers, message.body, now)).toBe(true);
      expect(isGenuine(secret, message.headers, `${message.body} `, now)).toBe(false);
      expect(isGenuine(secret, message.headers, message.body, now + 301)).toBe(false);
      expect(
        isGenuine(`whsec_${Buffer.alloc(32).toString('base64')}`, message.headers, message.body, now),
      ).toBe(false);
    }
    const shown = [...docs.matchAll(/```json\n([\s\S]*?)```/g)].map(([, json = '']) => JSON.parse(json));
    expect(shown.map(({ type }) => type).sort()).toEqual([...WEBHOOK_EVENTS, 'test'].sort());
    for (const example of shown)
      for (const sent of receiver.bodies().filter(({ type }) => type === example.type))
        expect(shapeOf(sent)).toEqual(shapeOf(example));
    const { body } = await call(customer, 'GET', `/v1/webhooks/${id}/deliveries?limit=200`);
    const deliveries = body.deliveries as { status: string; body: string; id: string }[];
    expect(deliveries.map(delivery => delivery.id).sort()).toEqual(
      receiver.received.map(({ headers }) => headers['webhook-id']).sort(),
    );
    expect(new Set(deliveries.map(({ status }) => status))).toEqual(new Set(['delivered']));
  });
});

/** The members with the form of their values, which differ from one message to the next. */
function shapeOf(value: unknown): unknown {
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shapeOf(member)]));
  return String(value)
    .replace(/^acct_[0-9a-f]{16}$/, 'account')
    .replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/, 'instant')
    .replace(/^\d+(\.\d{1,6})?$/, 'number')
    .replace(/^(?:purchase|adjustment|restoration)$/, 'cause')
    .replace(/^(?:refill|none|installments)$/, 'policy');
}

describe('what is asked for', () => {
  let customer: Customer;
  beforeAll(async () => {
    customer = await api.customer();
  });

  it.each<[object, string | null]>([
    [{ url: 'https://example.com/', events: ['lot_added'] }, null],
    [{ url: 'http://127.0.0.1:1/', events: ['lot_added'] }, null],
    [{ url: 'ftp://example.com/', events: ['lot_added'] }, 'url'],
    [{ url: 'example.com', events: ['lot_added'] }, 'url'],
    [{ url: 'https://me:secret@example.com/', events: ['lot_added'] }, 'url'],
    [{ url: 'https://example.com/#part', events: ['lot_added'] }, 'url'],
    [{ url: `https://example.com/${'x'.repeat(2000)}`, events: ['lot_added'] }, 'url'],
    [{ url: 7, events: ['lot_added'] }, 'url'],
    [{ events: ['lot_added'] }, 'url'],
    [{ url: 'https://example.com/' }, 'events'],
    [{ url: 'https://example.com/', events: [] }, 'events'],
    [{ url: 'https://example.com/', events: ['lot_added', 'lot_added'] }, 'events'],
    [{ url: 'https://example.com/', events: ['test'] }, 'events.0'],
    [{ url: 'https://example.com/', events: ['low_balance'] }, 'low_balance_threshold'],
    [
      { url: 'https://example.com/', events: ['low_balance'], low_balance_threshold: '0' },
      'low_balance_threshold',
    ],
    [
      { url: 'https://example.com/', events: ['low_balance'], low_balance_threshold: '1e3' },
      'low_balance_threshold',
    ],
    [
      { url: 'https://example.com/', events: ['low_balance'], low_balance_threshold: 5 },
      'low_balance_threshold',
    ],
    [{ url: 'https://example.com/', events: ['expiry_soon'], expiry_soon_hours: 0 }, 'expiry_soon_hours'],
    [{ url: 'https://example.com/', events: ['expiry_soon'], expiry_soon_hours: 721 }, 'expiry_soon_hours'],
    [{ url: 'https://example.com/', events: ['expiry_soon'], expiry_soon_hours: 1.5 }, 'expiry_soon_hours'],
    [{ url: 'https://example.com/', events: ['expiry_soon'], secret: 'mine' }, 'secret'],
  ])('%j: %s', async (json, field) => {
    const { status, body } = await call(customer, 'POST', '/v1/webhooks', json);
    if (field === null) expect(status).toBe(201);
    else expect([status, body]).toMatchObject([400, { code: 'invalid_field' satisfies ProblemCode, field }]);
  });

  it('is changed a field at a time, and never to what cannot be told', async () => {
    const { id } = await subscribe(customer, { events: ['lot_added'] });
    const change = (json: object) => call(customer, 'PATCH', `/v1/webhooks/${id}`, json);
    expect((await change({ events: ['low_balance'] })).body).toMatchObject({
      code: 'invalid_field',
      field: 'low_balance_threshold',
    });
    expect((await change({ events: ['low_balance'], low_balance_threshold: '2.5' })).body).toMatchObject({
      url: receiver.url,
      events: ['low_balance'],
      low_balance_threshold: '2.5',
      expiry_soon_hours: 72,
      status: 'active',
      alarm: null,
    });
    expect((await change({ low_balance_threshold: null })).status).toBe(400);
    expect((await change({ enabled: false })).body).toMatchObject({ status: 'disabled' });
    expect((await change({ url: 'https://example.com/' })).body).toMatchObject({
      url: 'https://example.com/',
      status: 'disabled',
    });
    expect((await change({ enabled: true })).body).toMatchObject({ status: 'active' });
    await call(customer, 'DELETE', `/v1/webhooks/${id}`);
    expect((await call(customer, 'GET', `/v1/webhooks/${id}`)).status).toBe(404);
  });
});

it('an account has so many endpoints at the most, however many are asked for at once', async () => {
  const customer = await api.customer();
  const asked = Array.from({ length: ENDPOINTS_MAX + 3 }, () =>
    call(customer, 'POST', '/v1/webhooks', { url: receiver.url, events: ['lot_added'] }),
  );
  const statuses = (await Promise.all(asked)).map(({ status }) => status).sort();
  expect(statuses).toEqual([...Array(ENDPOINTS_MAX).fill(201), 409, 409, 409]);
});

it('the secret is shown by what makes it, and by nothing else', async () => {
  const customer = await api.customer();
  const { id, secret } = await subscribe(customer);
  const rotated = await call(customer, 'POST', `/v1/webhooks/${id}/rotate-secret`);
  expect(rotated.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(rotated.body.secret).not.toBe(secret);
  for (const path of ['/v1/webhooks', `/v1/webhooks/${id}`, `/v1/webhooks/${id}/deliveries`])
    expect((await call(customer, 'GET', path)).text).not.toContain('whsec_');
  expect((await call(customer, 'PATCH', `/v1/webhooks/${id}`, {})).text).not.toContain('whsec_');
  expect(api.log.join('\n')).not.toContain('whsec_');
});

it('an endpoint and its deliveries are their owner’s alone', async () => {
  const [owner, stranger] = [await api.customer(), await api.customer()];
  const { id } = await subscribe(owner);
  const other = await subscribe(stranger);
  const { body: delivery } = await call(owner, 'POST', `/v1/webhooks/${id}/test`);
  const asked = [
    ['GET', `/v1/webhooks/${id}`],
    ['PATCH', `/v1/webhooks/${id}`, { enabled: false }],
    ['DELETE', `/v1/webhooks/${id}`],
    ['POST', `/v1/webhooks/${id}/rotate-secret`],
    ['POST', `/v1/webhooks/${id}/test`],
    ['GET', `/v1/webhooks/${id}/deliveries`],
    ['POST', `/v1/webhooks/${id}/deliveries/${delivery.id}/retry`],
    // By way of an endpoint of their own.
    ['POST', `/v1/webhooks/${other.id}/deliveries/${delivery.id}/retry`],
  ] as const;
  for (const [method, path, json] of asked)
    expect([path, (await call(stranger, method, path, json)).status]).toEqual([path, 404]);
  expect((await call(stranger, 'GET', '/v1/webhooks')).body).toMatchObject({ webhooks: [{ id: other.id }] });
  expect((await call(owner, 'GET', `/v1/webhooks/${id}`)).body).toMatchObject({ status: 'active' });
});

it('deliveries come a page at a time, each once', async () => {
  const customer = await api.customer();
  const { id } = await subscribe(customer, { events: ['lot_added'] });
  for (let count = 0; count < 5; count += 1) {
    await call(customer, 'POST', `/v1/webhooks/${id}/test`);
    if (count % 2 === 0) api.now += 1n;
  }
  const seen: string[] = [];
  let before = '';
  do {
    const { body } = await call(customer, 'GET', `/v1/webhooks/${id}/deliveries?limit=2${before}`);
    seen.push(...(body.deliveries as { id: string }[]).map(delivery => delivery.id));
    before = body.next === null ? '' : `&before=${body.next}`;
  } while (before !== '');
  expect(new Set(seen).size).toBe(5);
  expect(seen).toHaveLength(5);
  const nonsense = await call(customer, 'GET', `/v1/webhooks/${id}/deliveries?before=nonsense`);
  expect(nonsense.body).toMatchObject({ code: 'invalid_field', field: 'before' });
});

it('an endpoint that fails shows an alarm, and what its server answered is told by the status alone', async () => {
  const failing = await startReceiver();
  failing.answer = response => void response.writeHead(503).end('a secret of that server');
  const customer = await api.customer();
  const { id } = await subscribe(customer, {
    url: failing.url,
    events: ['expiry_soon'],
    expiry_soon_hours: 720,
  });
  const worker = api.ledger.webhooks.startWorker(() => {});
  try {
    await vi.waitFor(
      async () =>
        expect((await call(customer, 'GET', `/v1/webhooks/${id}`)).body).toMatchObject({
          status: 'active',
          alarm: { code: 'failing' },
        }),
      { timeout: 60_000, interval: 50 },
    );
  } finally {
    await worker.stop();
    await failing.stop();
  }
  const answer = await call(customer, 'GET', `/v1/webhooks/${id}/deliveries`);
  expect(answer.body).toMatchObject({
    deliveries: [{ status: 'pending', last_response_status: 503, last_problem: { code: 'not_accepted' } }],
  });
  expect(answer.text).not.toContain('a secret of that server');
  // A long time later its owner is told why nothing comes any more.
  await api.query('update credits.webhook_endpoints set paused_at = $1 where endpoint_id = $2', [
    '2026-03-05T00:00:00Z',
    id,
  ]);
  api.now += DAY;
  expect((await call(customer, 'GET', `/v1/webhooks/${id}`)).body).toMatchObject({
    status: 'paused',
    alarm: { code: 'paused', since: '2026-03-05T00:00:00.000000Z' },
  });
});
