/** What an account can be told of its credits: as of the past, by lot, by entry, by use. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accountName, instantText, parseInstant } from '../../ledger/index.ts';
import { type ApiUnderTest, BEGINNING, type Customer, startApi } from '../support/api.ts';
import { grantTo } from '../support/contract/grants-cases.ts';
import { spendingKey } from '../support/contract/keys-cases.ts';
import type { AnyBody } from '../support/http.ts';

const HOUR = 3_600_000_000n;
const DAY = 24n * HOUR;

let api: ApiUnderTest;
let customer: Customer;
let count = 0;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());
beforeEach(async () => {
  api.now = BEGINNING;
  customer = await api.customer();
});

const unique = () => {
  count += 1;
  return `history-${count}`;
};
const get = (path: string, bearer = customer.secureKey) => api.call('GET', path, { bearer });
async function debit(secureKey: string, amount: string, description?: string): Promise<bigint> {
  const json = { secure_key: secureKey, amount, ...(description === undefined ? {} : { description }) };
  const { status, body } = await api.call('POST', '/v1/debits', {
    bearer: api.serviceToken,
    json,
    headers: { 'idempotency-key': unique() },
  });
  expect(status).toBe(201);
  return BigInt(String(body.id).split(':')[1] ?? '0');
}
/** As a service that is the first one, under the name `chat`. */
async function onLedger() {
  const service = await api.ledger.authenticateService(api.serviceToken);
  const holder = await api.ledger.authenticateKey(customer.secureKey);
  if (!service || !holder) throw new Error('no service or no key');
  return { service, holder };
}

describe('/v1/key', () => {
  it('tells what was used of the day, the week, the month and ever, less what was reversed', async () => {
    const key = await spendingKey(api, customer, { amount: '1000', period: 'month' });
    api.now = parseInstant('2026-03-08T23:59:59.999999Z');
    const sunday = await debit(key, '1');
    api.now = parseInstant('2026-03-09T00:00:00Z');
    await debit(key, '10');
    api.now = parseInstant('2026-03-11T00:00:00Z');
    await debit(key, '100');
    await debit(customer.secureKey, '5000');
    const { service } = await onLedger();
    await api.ledger.reverse({
      service,
      holder: { accountId: customer.accountId, keyNumber: 1 },
      idempotencyKey: unique(),
      spendId: sunday,
      amountMicrocredits: 250_000n,
    });
    expect((await get('/v1/key', key)).body).toEqual({
      account: accountName(customer.accountId),
      number: 2,
      scope: 'spend',
      label: null,
      last_four: key.slice(-4),
      in_grace: false,
      grace_until: null,
      limit: '1000',
      limit_remaining: '889.25',
      limit_reset: 'month',
      limit_resets_at: '2026-04-01T00:00:00.000000Z',
      usage: '110.75',
      usage_daily: '100',
      usage_weekly: '110',
      usage_monthly: '110.75',
      created_at: instantText(BEGINNING),
    });
    api.now = parseInstant('2026-03-12T00:00:00Z');
    expect((await get('/v1/key', key)).body).toMatchObject({ usage_daily: '0', usage_weekly: '110' });
  });

  it('has no limit where none is set', async () => {
    expect((await get('/v1/key')).body).toMatchObject({
      limit: null,
      limit_remaining: null,
      limit_reset: null,
      limit_resets_at: null,
      usage: '0',
    });
  });
});

describe('/v1/credits?at=', () => {
  it('is what was there, to the microsecond', async () => {
    const bought = api.now;
    api.now += HOUR;
    await debit(customer.secureKey, '4000');
    api.now += 10n * DAY;
    const at = async (instant: bigint) =>
      (await get(`/v1/credits?at=${instantText(instant)}`)).body as AnyBody & { lots: unknown[] };
    expect(await at(bought - 1n)).toMatchObject({ available: '0', lots: [] });
    expect(await at(bought)).toMatchObject({ available: '10000', at: instantText(bought) });
    expect(await at(bought + HOUR - 1n)).toMatchObject({ available: '10000' });
    expect(await at(bought + HOUR)).toMatchObject({ available: '6000', lots: [{ available: '6000' }] });
    expect(await at(parseInstant('2026-03-01T23:59:59.999999Z'))).toMatchObject({ available: '6000' });
    expect((await get('/v1/credits?at=2026-03-02')).body).toMatchObject({ available: '10000' });
    expect((await get(`/v1/credits?at=${instantText(api.now)}`)).status).toBe(200);
    expect(
      (await get('/v1/credits?at=2026-03-01T16:00:00Z', await spendingKey(api, customer))).body,
    ).toMatchObject({
      available: '6000',
    });
  });

  it.each([
    '2026-03-01T15:00:00.000001Z',
    '2126-01-01',
    '2026-02-30',
    '2026-02-30T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T15:00:00',
    '2026-03-01T15:00:00%2B01:00',
    '2026-03-01T15:00:00.0000001Z',
    '0000-01-01',
    '1772377200',
    'yesterday',
    '',
    '2026-03-01&at=2026-03-01',
  ])('does not take %s', async at => {
    const { status, body } = await get(`/v1/credits?at=${at}`);
    expect({ status, code: body.code, field: body.field }).toEqual({
      status: 400,
      code: 'invalid_field',
      field: 'at',
    });
  });
});

describe('/v1/lots', () => {
  it('tells where each is from, what is left of it and what became of it', async () => {
    await debit(customer.secureKey, '2500');
    const { body } = await get('/v1/lots');
    const [hash] = customer.payment.receiptId.split(':').slice(2);
    const lot = {
      id: '1',
      face: '10000',
      remaining: '7500',
      held: '0',
      unreleased: '0',
      policy: 'refill',
      added_at: instantText(BEGINNING),
      expires_at: instantText(BEGINNING + 30n * DAY),
      live: true,
      renewals_left: 30,
      paid_usd: '1',
      price: { eth_usd: expect.stringMatching(/^\d+$/), round_id: expect.stringMatching(/^\d+$/) },
      source: {
        kind: 'purchase',
        order: customer.orderId,
        receipt: customer.payment.receiptId,
        transaction: hash,
        stripe_receipt_url: null,
      },
    };
    expect(body).toEqual({ lots: [lot], next: null });
    const first = await get('/v1/lots/1?limit=2');
    expect(first.body).toMatchObject({
      lot,
      movements: [
        {
          transaction: '1',
          kind: 'purchase',
          from: 'CREDIT:issued',
          to: 'CREDIT:available',
          amount: '10000',
        },
        { transaction: '1', from: 'USD:deferred_revenue', to: 'USD:clearing', amount: '1' },
      ],
      next: '1-2',
    });
    expect((await get('/v1/lots/1?limit=2&after=1-2')).body).toMatchObject({
      movements: [{ transaction: '2', kind: 'debit', amount: '2500', remaining: '7500' }],
      next: null,
    });
    for (const path of ['/v1/lots/2', '/v1/lots/0', '/v1/lots/x', `/v1/lots/${'9'.repeat(30)}`])
      expect((await get(path)).status, path).toBe(404);
    for (const query of ['after=1', 'after=x-1', 'before=1', 'limit=0'])
      expect((await get(`/v1/lots/1?${query}`)).status, query).toBe(400);
  });

  it('has those of the operator and those that have ended, page by page', async () => {
    const { ledger } = api;
    for (const policy of ['none', 'installments'] as const)
      await ledger.adjust({
        accountId: customer.accountId,
        amountMicrocredits: 300_000_000n,
        policy,
        operator: 'ops',
        reason: 'goodwill',
        idempotencyKey: unique(),
      });
    const read = async (query: string) =>
      (await get(`/v1/lots?${query}`)).body as { lots: AnyBody[]; next: string | null };
    const page = await read('limit=2');
    expect(page).toMatchObject({
      lots: [
        { id: '3', policy: 'installments', remaining: '10', unreleased: '290', paid_usd: '0' },
        { id: '2', policy: 'none', remaining: '300', price: null },
      ],
      next: '2',
    });
    expect(page.lots[0]?.source).toEqual({
      kind: 'adjustment',
      order: null,
      receipt: null,
      transaction: null,
      stripe_receipt_url: null,
    });
    expect(await read('limit=2&before=2')).toMatchObject({ lots: [{ id: '1' }], next: null });
    api.now += 40n * DAY;
    const ended = { live: false, remaining: '0', renewals_left: 0 };
    // Nobody has posted that they ended.
    expect((await read('')).lots).toMatchObject([ended, ended, ended]);
    await ledger.advance(customer.accountId);
    expect((await read('')).lots).toMatchObject([ended, ended, ended]);
  });
});

describe('/v1/transactions', () => {
  it('has every entry with its balance, and who did what by which key', async () => {
    const key = await spendingKey(api, customer);
    await api.call('PATCH', '/v1/keys/2', { bearer: customer.secureKey, json: { label: 'robot' } });
    const grant = await grantTo(api, customer, { label: 'for chat' });
    await debit(key, '100', 'Zürich, 東京 🚀');
    await api.call('POST', '/v1/debits', {
      bearer: api.serviceToken,
      json: { grant, amount: '50' },
      headers: { 'idempotency-key': unique() },
    });
    const { service } = await onLedger();
    const held = await api.ledger.hold({
      service,
      holder: { accountId: customer.accountId, keyNumber: 2 },
      idempotencyKey: unique(),
      amountMicrocredits: 30_000_000n,
      description: null,
    });
    if (held.status !== 'accepted') throw new Error('nothing was held');
    await api.ledger.capture({
      service,
      holder: { accountId: customer.accountId, keyNumber: 1 },
      idempotencyKey: unique(),
      holdId: held.entry.seq,
      amountMicrocredits: 20_000_000n,
    });
    api.now += DAY;
    const { body } = await get('/v1/transactions');
    const robot = { number: 2, kind: 'key', label: 'robot' };
    const chat = { service: 'chat', model: null };
    expect(body).toMatchObject({
      transactions: [
        // Due, and posted by nobody yet.
        { id: '6', kind: 'renewal', amount: '170', available: '10000', service: null, key: null },
        { id: '5', kind: 'capture', amount: '20', available: '9830', held: '0', key: robot, ...chat },
        { id: '4', kind: 'hold', amount: '30', available: '9820', held: '30', key: robot, ...chat },
        {
          id: '3',
          kind: 'debit',
          amount: '50',
          key: { number: 3, kind: 'grant', label: 'for chat' },
          ...chat,
        },
        { id: '2', kind: 'debit', amount: '100', key: robot, description: 'Zürich, 東京 🚀', ...chat },
        { id: '1', kind: 'purchase', amount: '10000', service: null, key: null, description: null },
      ],
      next: null,
    });
    const page = await get('/v1/transactions?limit=2&before=5');
    expect(page.body).toMatchObject({ transactions: [{ id: '4' }, { id: '3' }], next: '3' });
    expect((await get('/v1/transactions?before=x')).body).toMatchObject({ field: 'before' });
  });
});

describe('/v1/usage', () => {
  it('adds up by day, service, model and key, less what was reversed', async () => {
    const key = await spendingKey(api, customer);
    await debit(customer.secureKey, '100');
    api.now = parseInstant('2026-03-01T23:59:59.999999Z');
    const spent = await debit(key, '40', 'a quote " and {"model":"not-this"} and \\');
    api.now = parseInstant('2026-03-02T00:00:00Z');
    const { service } = await onLedger();
    const holder = { accountId: customer.accountId, keyNumber: 2 };
    await api.ledger.reverse({
      service,
      holder,
      idempotencyKey: unique(),
      spendId: spent,
      amountMicrocredits: 15_000_000n,
    });
    const held = await api.ledger.hold({
      service,
      holder,
      idempotencyKey: unique(),
      amountMicrocredits: 9_000_000n,
      description: null,
    });
    if (held.status !== 'accepted') throw new Error('nothing was held');
    await api.ledger.capture({
      service,
      holder: { ...holder, keyNumber: 1 },
      idempotencyKey: unique(),
      holdId: held.entry.seq,
      amountMicrocredits: 7_000_000n,
    });
    const usage = async (query: string) => (await get(`/v1/usage?${query}`)).body.usage;
    const range = 'from=2026-03-01&to=2026-03-03';
    expect(await usage(range)).toEqual([
      { group: '2026-03-01', label: null, credits: '125', count: 2 },
      { group: '2026-03-02', label: null, credits: '7', count: 1 },
    ]);
    expect(await usage(`${range}&group_by=service`)).toEqual([
      { group: 'chat', label: null, credits: '132', count: 3 },
    ]);
    expect(await usage(`${range}&group_by=model`)).toEqual([
      { group: null, label: null, credits: '132', count: 3 },
    ]);
    await api.call('PATCH', '/v1/keys/2', { bearer: customer.secureKey, json: { label: 'robot' } });
    expect(await usage(`${range}&group_by=key`)).toEqual([
      { group: '1', label: null, credits: '100', count: 1 },
      { group: '2', label: 'robot', credits: '32', count: 2 },
    ]);
    // From an instant on, and up to but without another.
    expect(await usage('from=2026-03-01T23:59:59.999999Z&to=2026-03-02')).toMatchObject([{ credits: '25' }]);
    expect(await usage('from=2026-03-01&to=2026-03-01T23:59:59.999999Z')).toMatchObject([{ credits: '100' }]);
    expect(await usage('from=2026-02-01&to=2026-03-01')).toEqual([]);
    api.now += HOUR;
    expect((await get('/v1/usage')).body).toMatchObject({
      from: instantText(api.now - 30n * DAY),
      to: instantText(api.now),
      group_by: 'day',
      usage: [{ credits: '125' }, { credits: '7' }],
    });
  });

  it('finds the model in the details of an entry, whatever is in its name', async () => {
    const { service } = await onLedger();
    const names = ['gpt-x', 'a "quoted" \\ one', '東京\u0000'];
    for (const [index, model] of names.entries()) {
      const seq = await debit(customer.secureKey, String(index + 1));
      // As a debit by the rate card writes it; sealed entries are otherwise never changed.
      await api.query('alter table credits.entries disable trigger user');
      await api.query('update credits.entries set details = $3 where account_id = $1 and seq = $2', [
        customer.accountId,
        seq,
        JSON.stringify({ description: 'with "model":"none"', model, price_version: service.serviceId }),
      ]);
      await api.query('alter table credits.entries enable trigger user');
    }
    const { body } = await get('/v1/usage?group_by=model&from=2026-03-01&to=2026-03-02');
    expect(body.usage).toMatchObject([
      { group: names[2], credits: '3' },
      { group: names[1], credits: '2' },
      { group: names[0], credits: '1' },
    ]);
    const { transactions } = (await get('/v1/transactions')).body as { transactions: AnyBody[] };
    expect(transactions.slice(0, 3).map(({ model }) => model)).toEqual([...names].reverse());
  });

  it.each([
    ['from=2026-03-02&to=2026-03-01', 'from'],
    ['from=2026-03-01&to=2026-03-01', 'from'],
    ['from=2025-11-28&to=2026-03-01', 'from'],
    ['from=x', 'from'],
    ['to=2026-13-01', 'to'],
    ['group_by=hour', 'group_by'],
    ['group=day', 'group'],
  ])('does not take %s', async (query, field) => {
    expect(await get(`/v1/usage?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field },
    });
  });

  it('takes 92 days, and ranges that are still to come', async () => {
    expect((await get('/v1/usage?from=2025-11-29&to=2026-03-01')).status).toBe(200);
    expect((await get('/v1/usage?from=2030-01-01&to=2030-01-02')).body.usage).toEqual([]);
  });
});
