/** What operators see and decide over HTTP, beside single receipts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountName } from '../../ledger/index.ts';
import { type ApiUnderTest, type Call, startApi } from '../support/api.ts';
import { ANSWER, roundOf } from '../support/intake.ts';

const HOUR = 3_600_000_000n;

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

const operator = (method: string, path: string, call: Call = {}) =>
  api.call(method, `/v1/operator/${path}`, { bearer: api.operatorToken, ...call });

function adjust(account: string, json: object, key: string) {
  return operator('POST', `accounts/${account}/adjustments`, { json, headers: { 'idempotency-key': key } });
}

describe('GET /v1/operator/accounts/{account}', () => {
  it('tells all of an account and no secret', async () => {
    const customer = await api.customer();
    await api.debit(customer, '1500.5', 'for-the-account');
    const account = accountName(customer.accountId);
    const { body, text } = await operator('GET', `accounts/${account}`);
    expect(body).toMatchObject({
      account,
      ...{ available: '8499.5', held: '0', debt: '0' },
      lots: [{ face: '10000', available: '8499.5', paid_usd: '1' }],
      keys: [
        {
          number: 1,
          label: null,
          scope: 'manage',
          last_four: customer.secureKey.slice(-4),
          revoked_at: null,
        },
      ],
      wallets: [],
      orders: [{ id: customer.orderId, method: 'eth', amount_usd: '1' }],
    });
    expect(text).not.toContain(customer.secureKey);
    expect(text).not.toContain(customer.orderSecret);
    expect(text).not.toMatch(/hash/);
  });

  it('tells of each key what it is now, with the label that its owner gave it', async () => {
    const customer = await api.customer();
    const asOwner = (method: string, path: string, json?: object) =>
      api.call(method, path, { bearer: customer.secureKey, ...(json ? { json } : {}) });
    const made = await asOwner('POST', '/v1/keys', { scope: 'spend', label: 'the chat server' });
    expect(made.status).toBe(201);
    const rotated = await asOwner('POST', '/v1/keys/2/rotate', {
      last_four: String(made.body.secure_key).slice(-4),
    });
    expect(rotated.status).toBe(200);
    await asOwner('PATCH', '/v1/keys/2', { label: 'the new server' });
    const { body } = await operator('GET', `accounts/${accountName(customer.accountId)}`);
    expect(body.keys).toMatchObject([
      { number: 1, label: null },
      {
        number: 2,
        label: 'the new server',
        last_four: String(rotated.body.secure_key).slice(-4),
        revoked_at: null,
      },
    ]);
  });

  it('is not for the system’s own books', async () => {
    expect(await operator('GET', 'accounts/acct_0000000000000000')).toMatchObject({ status: 404 });
  });
});

describe('GET /v1/operator/accounts/{account}/statement', () => {
  it('pages through the entries, each with the balance after it', async () => {
    const customer = await api.customer();
    for (const [index, amount] of ['1', '2', '3', '4'].entries())
      await api.debit(customer, amount, `line-${index}`);
    const path = `accounts/${accountName(customer.accountId)}/statement?limit=2`;
    const seen: unknown[] = [];
    let next = '';
    do {
      const { body } = await operator('GET', next === '' ? path : `${path}&before=${next}`);
      seen.push(...(body.entries as { entry: string; kind: string; available: string }[]));
      next = (body.next as string | null) ?? '';
    } while (next !== '');
    expect(seen).toMatchObject([
      { entry: '5', kind: 'debit', amount: '4', available: '9990' },
      { entry: '4', kind: 'debit', amount: '3', available: '9994' },
      { entry: '3', kind: 'debit', amount: '2', available: '9997' },
      { entry: '2', kind: 'debit', amount: '1', available: '9999' },
      { entry: '1', kind: 'purchase', available: '10000' },
    ]);
  });
});

describe('who spent', () => {
  it('is told with the label of the key or grant', async () => {
    const customer = await api.customer();
    const asOwner = (path: string, json: object) =>
      api.call('POST', path, { bearer: customer.secureKey, json });
    const key = await asOwner('/v1/keys', { scope: 'spend', label: 'the chat server' });
    const grant = await asOwner('/v1/grants', { service: 'chat', label: 'for chat' });
    await api.debit({ secureKey: String(key.body.secure_key) }, '1', 'by-a-key');
    await api.call('POST', '/v1/debits', {
      bearer: api.serviceToken,
      json: { grant: grant.body.id, amount: '1' },
      headers: { 'idempotency-key': 'by-a-grant' },
    });
    const { body } = await operator('GET', `accounts/${accountName(customer.accountId)}/statement`);
    expect(body.entries).toMatchObject([
      { kind: 'debit', key: { number: 3, kind: 'grant', label: 'for chat' } },
      { kind: 'debit', key: { number: 2, kind: 'key', label: 'the chat server' } },
      { kind: 'purchase', key: null },
    ]);
  });
});

describe('POST /v1/operator/accounts/{account}/adjustments', () => {
  it('gives nothing to an account that is nobody’s: the ledger itself refuses', async () => {
    const given = { amountMicrocredits: 1n, policy: 'none', operator: 'ops', reason: 'a slip' } as const;
    for (const accountId of [1n, 0n, -1n])
      expect(await api.ledger.adjust({ ...given, accountId, idempotencyKey: 'a slip' })).toEqual({
        status: 'refused',
        refusal: { code: 'account_unknown' },
      });
    expect(await api.query('select from credits.books where account_id = 1')).toEqual([]);
    // Who has ordered and not paid yet can be helped.
    const ordered = { amountMicrousd: 1_000_000n, round: roundOf(ANSWER, api.now), now: api.now };
    const { order } = await api.ledger.createOrder(ordered);
    const helped = { ...given, accountId: order.account_id, idempotencyKey: 'help' };
    expect(await api.ledger.adjust(helped)).toMatchObject({ status: 'accepted' });
  });

  it('gives and takes, once per key, with operator and reason in the actions', async () => {
    api.now += HOUR;
    const account = accountName((await api.customer()).accountId);
    const gift = { direction: 'give', amount: '100', policy: 'none', reason: 'an apology' };
    const given = await adjust(account, gift, 'gift');
    expect(given).toMatchObject({
      status: 201,
      body: { direction: 'give', amount: '100', available: '10100' },
    });
    const again = await adjust(account, gift, 'gift');
    expect(again.body).toEqual(given.body);
    expect(again.headers['idempotent-replayed']).toBe('true');
    const taken = await adjust(account, { direction: 'take', amount: '10100', reason: 'a mistake' }, 'take');
    expect(taken.body).toMatchObject({ direction: 'take', amount: '10100', available: '0', debt: '0' });
    const more = await adjust(account, { direction: 'take', amount: '0.000001', reason: 'greed' }, 'more');
    expect(more).toMatchObject({ status: 402, body: { available: '0', required: '0.000001' } });
    const { body } = await operator('GET', 'actions?limit=2');
    expect(body.actions).toMatchObject([
      { operator: 'ops', action: 'adjustment', subject: account, reason: 'a mistake' },
      { operator: 'ops', action: 'adjustment', subject: account, reason: 'an apology' },
    ]);
  });

  it.each([
    ['no direction', { amount: '1', reason: 'x' }, 'direction'],
    ['another direction', { direction: 'burn', amount: '1', reason: 'x' }, 'direction'],
    ['a sign', { direction: 'give', amount: '-1', reason: 'x' }, 'amount'],
    ['nothing', { direction: 'give', amount: '0', reason: 'x' }, 'amount'],
    ['no reason', { direction: 'give', amount: '1', reason: ' ' }, 'reason'],
    ['a policy for what is taken', { direction: 'take', amount: '1', policy: 'none', reason: 'x' }, 'policy'],
  ])('refuses %s', async (_what, json, field) => {
    expect(await adjust('acct_0000000000000001', json, 'wrong')).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field },
    });
  });
});

describe('services and tokens', () => {
  it('a new service debits with its token until that is revoked, at once', async () => {
    const customer = await api.customer();
    const made = await operator('POST', 'services', { json: { name: 'painter', reason: 'a new product' } });
    expect(made.status).toBe(201);
    const second = await operator('POST', 'services/painter/tokens', { json: { reason: 'a second server' } });
    const debitWith = async (token: unknown, key: string) =>
      (await api.debit(customer, '1', key, { bearer: String(token) })).status;
    expect(await debitWith(made.body.token, 'first')).toBe(201);
    const id = made.body.token_id;
    expect(await operator('DELETE', `tokens/${id}?reason=leaked`)).toMatchObject({
      status: 200,
      body: { id },
    });
    expect(await debitWith(made.body.token, 'revoked')).toBe(401);
    expect(await debitWith(second.body.token, 'second')).toBe(201);
    const { body, text } = await operator('GET', 'tokens');
    expect(body.tokens).toContainEqual({
      ...{ id, role: 'service', name: 'painter', last_four: String(made.body.token).slice(-4) },
      ...{ created_at: expect.any(String), revoked_at: expect.any(String) },
    });
    for (const token of [made.body.token, second.body.token, api.operatorToken])
      expect(text).not.toContain(token);
    const services = (await operator('GET', 'services')).body.services;
    expect(services).toContainEqual(expect.objectContaining({ name: 'painter', tokens: 1 }));
  });

  it('an operator’s token is revoked the same way', async () => {
    // Of what was done at one instant, none is the newest.
    api.now += HOUR;
    const tokens = (await operator('GET', 'tokens')).body.tokens as { id: string; role: string }[];
    const own = tokens.find(({ role }) => role === 'operator');
    const revoked = await operator('DELETE', `tokens/${own?.id}?reason=left%20us`);
    expect(revoked.status).toBe(200);
    expect(await operator('GET', 'tokens')).toMatchObject({ status: 401 });
    await api.query(`update credits.access_tokens set revoked_at = null where role = 'operator'`);
    expect((await operator('GET', 'actions?limit=1')).body.actions).toMatchObject([
      { operator: 'ops', action: 'revoke_token', subject: own?.id, reason: 'left us' },
    ]);
  });

  it.each([
    ['DELETE', 'tokens/tok_0000000000000000', 400, 'invalid_field'],
    ['DELETE', 'tokens/nonsense?reason=x', 404, 'not_found'],
  ])('refuses %s %s', async (method, path, status, code) => {
    expect(await operator(method, path)).toMatchObject({ status, body: { code } });
  });
});

describe('GET /v1/operator/prices and /actions', () => {
  it('tells prices with their round, a page at a time', async () => {
    await api.customer();
    await api.customer();
    const first = await operator('GET', 'prices?limit=1');
    expect(first.body.prices).toMatchObject([{ source: 'chainlink', eth_usd: '2000', operator: null }]);
    const rest = await operator('GET', `prices?limit=200&before=${first.body.next}`);
    const all = await operator('GET', 'prices?limit=200');
    expect([...(first.body.prices as []), ...(rest.body.prices as [])]).toEqual(all.body.prices);
    expect(all.body.next).toBeNull();
  });

  it('tells actions a page at a time, each once', async () => {
    for (const reason of ['one', 'two', 'three'])
      await operator('POST', 'services/chat/tokens', { json: { reason } });
    const all = (await operator('GET', 'actions?limit=200')).body.actions as unknown[];
    const seen: unknown[] = [];
    let next: unknown = null;
    do {
      const page = await operator('GET', `actions?limit=1${next === null ? '' : `&before=${next}`}`);
      expect(page.text).toContain('"actions"');
      seen.push(...(page.body.actions as unknown[]));
      next = page.body.next;
    } while (next !== null);
    expect(seen).toEqual(all);
    expect(seen.length).toBeGreaterThan(2);
  });

  it('goes on after whatever account a page ended with', async () => {
    const cursor = Buffer.from('1772377200000000 63 acct_7fffffffffffffff 1').toString('base64url');
    expect(await operator('GET', `actions?before=${cursor}`)).toMatchObject({ status: 200 });
  });

  it.each(['prices', 'actions'])('%s refuses a page that it has not made', async list => {
    expect(await operator('GET', `${list}?before=nonsense`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field: 'before' },
    });
  });
});

describe('GET /v1/operator/trial-balance', () => {
  it('is of any instant', async () => {
    const before = await operator('GET', 'trial-balance');
    const { at } = before.body;
    api.now += HOUR;
    await api.debit(await api.customer(), '5', 'an-hour-later');
    expect((await operator('GET', `trial-balance?at=${at}`)).body).toEqual(before.body);
    expect((await operator('GET', 'trial-balance')).body).not.toEqual(before.body);
  });

  it.each(['yesterday', '2026-02-30T00:00:00Z', '2026-03-01T00:00:00'])(
    'refuses the instant %s',
    async at => {
      expect(await operator('GET', `trial-balance?at=${at}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid_field', field: 'at' },
      });
    },
  );
});
