/** Spending credits over HTTP. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiUnderTest, BEGINNING, type Call, type Customer, startApi } from '../support/api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());
beforeEach(() => {
  api.now = BEGINNING;
});

const available = async (secureKey: string) =>
  (await api.call('GET', '/v1/credits', { bearer: secureKey })).body.available;

describe('POST /v1/debits', () => {
  it('answers with the entry', async () => {
    const customer = await api.customer();
    const { status, body, headers } = await api.debit(customer, '0.000001', 'first');
    expect(status).toBe(201);
    expect(body).toEqual({
      id: `${body.account}:2`,
      account: expect.stringMatching(/^acct_[0-7][0-9a-f]{15}$/),
      amount: '0.000001',
      available: '9999.999999',
      held: '0',
      booked_at: '2026-03-01T15:00:00.000000Z',
    });
    expect(headers['idempotent-replayed']).toBeUndefined();
  });

  it('spends to the last millionth and not a millionth more', async () => {
    const customer = await api.customer();
    expect(await api.debit(customer, '10000.000001', 'over')).toMatchObject({ status: 402 });
    expect(await api.debit(customer, '10000', 'all')).toMatchObject({
      status: 201,
      body: { available: '0' },
    });
    expect(await api.debit(customer, '0.000001', 'more')).toMatchObject({ status: 402 });
  });

  it('tells what is missing, when it renews and where to buy', async () => {
    const customer = await api.customer();
    await api.debit(customer, '9990', 'most');
    const { status, body } = await api.debit(customer, '10.5', 'rest');
    expect(status).toBe(402);
    expect(body).toEqual({
      type: 'urn:aispace-credits:problem:insufficient_credits',
      title: 'insufficient credits',
      status: 402,
      code: 'insufficient_credits',
      detail: expect.stringContaining('Nothing was debited'),
      request_id: expect.stringMatching(/^req_[0-9a-f]{32}$/),
      available: '10',
      required: '10.5',
      renews_at: '2026-03-02T00:00:00.000000Z',
      top_up_url: `http://127.0.0.1:${api.port}`,
    });
    // Nothing is remembered of a refusal: it is decided anew.
    expect(await api.debit(customer, '10', 'rest')).toMatchObject({ status: 201, body: { available: '0' } });
  });

  it('has the same members in a 402 when the lots have ended', async () => {
    const customer = await api.customer();
    api.now += 31n * 86_400_000_000n;
    expect(await api.debit(customer, '1', 'ended')).toMatchObject({
      status: 402,
      body: { available: '0', required: '1', renews_at: null, top_up_url: `http://127.0.0.1:${api.port}` },
    });
  });

  it('has the same members in a 402 to a customer without a book', async () => {
    const customer = await api.customer();
    await api.query('update credits.secure_keys set account_id = 7 where account_id = $1', [
      customer.accountId,
    ]);
    expect(await api.debit(customer, '1.50', 'none')).toMatchObject({
      status: 402,
      body: {
        code: 'insufficient_credits',
        available: '0',
        required: '1.5',
        renews_at: null,
        top_up_url: `http://127.0.0.1:${api.port}`,
      },
    });
  });

  it('is refused while credits are owed', async () => {
    const customer = await api.customer();
    await api.debit(customer, '2500.25', 'before');
    await api.intake.vanish(customer.payment);
    const { status, body } = await api.debit(customer, '1', 'after');
    expect(status).toBe(402);
    expect(body).toMatchObject({
      code: 'debt_open',
      debt: '2500.25',
      top_up_url: `http://127.0.0.1:${api.port}`,
    });
  });

  it('keeps a description, whatever is in it', async () => {
    const customer = await api.customer();
    for (const [index, description] of [
      'tokens: 12',
      '💸'.repeat(100),
      'a\u0000b',
      '\ud800',
      '"}\n',
    ].entries()) {
      const json = { secure_key: customer.secureKey, amount: '1', description };
      const answer = await api.debit(customer, '1', `described-${index}`, { json });
      expect(answer.status, description).toBe(201);
    }
    const details = await api.query<{ details: string }>(
      'select details from credits.entries where account_id = $1 and details like $2 order by seq',
      [customer.accountId, '{"description"%'],
    );
    expect(details.map(row => JSON.parse(row.details).description)).toEqual([
      'tokens: 12',
      '💸'.repeat(100),
      'a\u0000b',
      '\ud800',
      '"}\n',
    ]);
  });

  const refused: [unknown, string][] = [
    [1, 'must be a string'],
    [null, 'must be a string'],
    [{}, 'must be a string'],
    [undefined, 'must be a string'],
    ['-1', 'plain digits'],
    ['1e2', 'plain digits'],
    ['0.0000001', 'at most 6 decimals'],
    ['007', 'plain digits'],
    ['1\n', 'plain digits'],
    ['٣', 'plain digits'],
    ['', 'plain digits'],
    ['0', 'must be more than 0'],
    ['0.0', 'must be more than 0'],
    ['1'.repeat(19), 'plain digits'],
  ];

  it.each(refused)('refuses the amount %j', async (amount, words) => {
    const answer = await api.debit({ secureKey: '' }, '', 'refused', { json: { secure_key: 'x', amount } });
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field: 'amount', detail: expect.stringContaining(words) },
    });
  });

  it('refuses the largest amount that can be written as any other that is too much', async () => {
    const customer = await api.customer();
    const answer = await api.debit(customer, '999999999999999999.999999', 'huge');
    expect(answer).toMatchObject({ status: 402, body: { required: '999999999999999999.999999' } });
  });

  it.each([
    ['secure_key', { amount: '1' }],
    ['secure_key', { amount: '1', secure_key: 7 }],
    ['description', { amount: '1', secure_key: 'x', description: '' }],
    ['description', { amount: '1', secure_key: 'x', description: 'x'.repeat(201) }],
    ['description', { amount: '1', secure_key: 'x', description: null }],
    ['customer', { amount: '1', secure_key: 'x', customer: 'y' }],
  ])('names the field %s of %j', async (field, json) => {
    const answer = await api.debit({ secureKey: '' }, '', 'refused', { json });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_field', field } });
  });
});

describe('the Idempotency-Key of a debit', () => {
  it('answers a second time as the first, byte by byte, and debits once', async () => {
    const customer = await api.customer();
    const first = await api.debit(customer, '4000', 'once');
    await api.debit(customer, '5000', 'in-between');
    api.now += 3_600_000_000n;
    const again = await api.debit(customer, '4000', 'once');
    expect(again.status).toBe(201);
    expect(again.text).toBe(first.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(await available(customer.secureKey)).toBe('1000');
  });

  it('takes another spelling of the amount for the same', async () => {
    const customer = await api.customer();
    const first = await api.debit(customer, '1.50', 'spelling');
    expect((await api.debit(customer, '1.5', 'spelling')).text).toBe(first.text);
  });

  it('still answers when the credits are spent or owed', async () => {
    const customer = await api.customer();
    const first = await api.debit(customer, '10000', 'all');
    expect((await api.debit(customer, '10000', 'all')).text).toBe(first.text);
    await api.intake.vanish(customer.payment);
    expect((await api.debit(customer, '10000', 'all')).text).toBe(first.text);
  });

  it('is 422 with another amount or description', async () => {
    const customer = await api.customer();
    await api.debit(customer, '1', 'reused');
    const { secureKey } = customer;
    const changed: Call[] = [
      { json: { secure_key: secureKey, amount: '2' } },
      { json: { secure_key: secureKey, amount: '1', description: 'more' } },
    ];
    for (const call of changed)
      expect(await api.debit(customer, '', 'reused', call)).toMatchObject({
        status: 422,
        body: { code: 'idempotency_key_reused', field: 'Idempotency-Key' },
      });
    expect(await available(secureKey)).toBe('9999');
  });

  it('belongs to one service and one customer', async () => {
    const [customer, other] = [await api.customer(), await api.customer()];
    const bearer = await api.service('images');
    const json = { secure_key: customer.secureKey, amount: '2' };
    expect(await api.debit(customer, '1', 'shared')).toMatchObject({ status: 201 });
    expect(await api.debit(other, '1', 'shared')).toMatchObject({ status: 201 });
    expect(await api.debit(customer, '', 'shared', { bearer, json })).toMatchObject({
      status: 201,
      body: { available: '9997' },
    });
  });

  it('survives a new token of the service', async () => {
    const customer = await api.customer();
    const first = await api.debit(customer, '1', 'rotated');
    const bearer = await api.service('chat');
    expect((await api.debit(customer, '1', 'rotated', { bearer })).text).toBe(first.text);
  });

  it.each([[''], ['a b'], ['é'], ['x'.repeat(256)]])('is refused as %j', async key => {
    const customer = await api.customer();
    expect(await api.debit(customer, '1', key)).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field: 'Idempotency-Key' },
    });
  });

  it('is refused twice in one request', async () => {
    const customer = await api.customer();
    const answer = await api.debit(customer, '1', '', { headers: { 'idempotency-key': ['one', 'two'] } });
    expect(answer).toMatchObject({ status: 400, body: { field: 'Idempotency-Key' } });
  });

  it('debits once when 50 come at once', async () => {
    const customer = await api.customer();
    const answers = await Promise.all(Array.from({ length: 50 }, () => api.debit(customer, '7', 'race')));
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([201]));
    expect(new Set(answers.map(answer => answer.text)).size).toBe(1);
    const originals = answers.filter(answer => answer.headers['idempotent-replayed'] === undefined);
    expect(originals).toHaveLength(1);
    expect(await available(customer.secureKey)).toBe('9993');
  });

  it('lets one of two payloads win when both come at once', async () => {
    const customer = await api.customer();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => api.debit(customer, index % 2 ? '3' : '4', 'fight')),
    );
    const accepted = answers.filter(answer => answer.status === 201);
    expect(accepted).toHaveLength(10);
    expect(answers.filter(answer => answer.status === 422)).toHaveLength(10);
    expect(await available(customer.secureKey)).toBe(String(10_000 - Number(accepted[0]?.body.amount)));
  });
});

describe('many debits at once', () => {
  it('never overspend', async () => {
    const customer = await api.customer();
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) => api.debit(customer, '999.999999', `race-${index}`)),
    );
    const statuses = answers.map(answer => answer.status).sort();
    expect(statuses).toEqual([...Array(10).fill(201), ...Array(54).fill(402)]);
    // Every accepted one had its own place in the book.
    const lefts = answers.filter(answer => answer.status === 201).map(answer => answer.body.available);
    expect(new Set(lefts).size).toBe(10);
    expect(await available(customer.secureKey)).toBe('0.00001');
  });

  it('of many customers each count for their own', async () => {
    const customers: Customer[] = [];
    for (let count = 0; count < 4; count += 1) customers.push(await api.customer());
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) => {
        const customer = customers[index % 4];
        return customer && api.debit(customer, '100', `mixed-${index}`);
      }),
    );
    expect(new Set(answers.map(answer => answer?.status))).toEqual(new Set([201]));
    for (const { secureKey } of customers) expect(await available(secureKey)).toBe('8400');
  });
});

describe('the credentials of a debit', () => {
  const invalid = { status: 401, body: { code: 'credential_invalid' } };
  const keyInvalid = { status: 422, body: { code: 'secure_key_invalid', field: 'secure_key' } };

  it('refuses what is no service token', async () => {
    const customer = await api.customer();
    const { secureKey, orderSecret } = customer;
    const strangers = [
      api.operatorToken,
      secureKey,
      orderSecret,
      api.serviceToken.replace('_dev_', '_live_'),
      api.serviceToken.replace('aist_', 'aiot_'),
      api.serviceToken.slice(0, -1),
      `${api.serviceToken.slice(0, -7)}${api.serviceToken.at(-7) === '0' ? '1' : '0'}${api.serviceToken.slice(-6)}`,
    ];
    for (const bearer of strangers)
      expect(await api.debit(customer, '1', 'stranger', { bearer }), bearer.slice(0, 9)).toMatchObject(
        invalid,
      );
    expect(await available(secureKey)).toBe('10000');
  });

  it('refuses what is no Secure Key', async () => {
    const { secureKey, orderSecret } = await api.customer();
    const live = secureKey.replace('_dev_', '_live_');
    for (const other of ['', 'x', live, orderSecret, api.serviceToken, `${secureKey} `, `${secureKey}\u0000`])
      expect(await api.debit({ secureKey: other }, '1', 'stranger')).toMatchObject(keyInvalid);
  });

  it('refuses a token and a key that were revoked', async () => {
    const customer = await api.customer();
    const bearer = await api.service('short-lived');
    expect(await api.debit(customer, '1', 'before', { bearer })).toMatchObject({ status: 201 });
    await api.query(`update credits.access_tokens set revoked_at = now() where name = 'short-lived'`);
    expect(await api.debit(customer, '1', 'before', { bearer })).toMatchObject(invalid);
    await api.query('update credits.secure_keys set revoked_at = now() where account_id = $1', [
      customer.accountId,
    ]);
    expect(await api.debit(customer, '1', 'after')).toMatchObject(keyInvalid);
  });
});
