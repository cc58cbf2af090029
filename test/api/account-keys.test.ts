/** Keys, limits and grants over HTTP: rotation and its races, grace, revocation at once, and nobody else's. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { instantText, parseInstant } from '../../ledger/index.ts';
import { bucketOfAccount } from '../../ledger/store/bucket.ts';
import { type ApiUnderTest, BEGINNING, type Customer, startApi } from '../support/api.ts';
import { grantTo } from '../support/contract/grants-cases.ts';
import { spendingKey } from '../support/contract/keys-cases.ts';
import type { AnyBody } from '../support/http.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../support/intake.ts';

const HOUR = 3_600_000_000n;

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
  return `job-${count}`;
};
const spend = async (secureKey: string, amount = '1') => {
  const { status, body } = await api.debit({ secureKey }, amount, unique());
  return status === 201 ? 'spent' : body.code;
};
const spendBy = async (grant: string, amount = '1', bearer = api.serviceToken) => {
  const headers = { 'idempotency-key': unique() };
  const { status, body } = await api.call('POST', '/v1/debits', { bearer, json: { grant, amount }, headers });
  return status === 201 ? 'spent' : body.code;
};
const whoAmI = (bearer: string) => api.call('GET', '/v1/key', { bearer });
const rotate = (bearer: string, number: number, json: object) =>
  api.call<AnyBody & { secure_key: string }>('POST', `/v1/keys/${number}/rotate`, { bearer, json });
const keysOf = async (bearer: string) =>
  (await api.call<{ keys: AnyBody[]; next: string | null }>('GET', '/v1/keys', { bearer })).body;

describe('/v1/keys', () => {
  it('answers the secret once; the key does what its scope says', async () => {
    const made = await api.call('POST', '/v1/keys', {
      bearer: customer.secureKey,
      json: { scope: 'spend', label: ' laptop ', limit: { amount: '12.5', period: 'month' } },
    });
    expect(made).toMatchObject({
      status: 201,
      body: {
        number: 2,
        scope: 'spend',
        label: 'laptop',
        limit: {
          amount: '12.5',
          period: 'month',
          remaining: '12.5',
          resets_at: '2026-04-01T00:00:00.000000Z',
        },
        secure_key: expect.stringMatching(/^aisk_dev_/),
      },
    });
    const key = String(made.body.secure_key);
    expect(made.body.last_four).toBe(key.slice(-4));
    const { keys } = await keysOf(customer.secureKey);
    expect(keys).toMatchObject([
      { number: 2, scope: 'spend', label: 'laptop' },
      { number: 1, scope: 'manage', label: null, limit: null },
    ]);
    expect(JSON.stringify(keys)).not.toContain(key.slice(0, -4));
    expect(await spend(key, '12.500001')).toBe('key_limit_exceeded');
    expect(await spend(key, '12.5')).toBe('spent');
    expect((await api.call('GET', '/v1/credits', { bearer: key })).status).toBe(200);
    for (const [method, path] of [
      ['GET', '/v1/keys'],
      ['GET', '/v1/grants'],
      ['GET', '/v1/lots'],
      ['GET', '/v1/transactions'],
      ['GET', '/v1/usage'],
      ['DELETE', '/v1/keys/1'],
    ] as const)
      expect((await api.call(method, path, { bearer: key })).body.code, path).toBe('scope_insufficient');
  });

  it('tells what is left of a limit with its refusal', async () => {
    const key = await spendingKey(api, customer, { amount: '10', period: 'week' });
    await spend(key, '4');
    expect(await api.debit({ secureKey: key }, '7', unique())).toMatchObject({
      status: 403,
      body: {
        code: 'key_limit_exceeded',
        limit: '10',
        remaining: '6',
        required: '7',
        resets_at: '2026-03-02T00:00:00.000000Z',
      },
    });
    api.now = parseInstant('2026-03-02T00:00:00Z') - 1n;
    expect(await spend(key, '7')).toBe('key_limit_exceeded');
    api.now += 1n;
    expect(await spend(key, '7')).toBe('spent');
  });

  it.each([
    [{ scope: 'read' }, 'scope'],
    [{}, 'scope'],
    [{ scope: 'spend', label: '' }, 'label'],
    [{ scope: 'spend', label: 'a\u0000b' }, 'label'],
    [{ scope: 'spend', label: 'x'.repeat(101) }, 'label'],
    [{ scope: 'spend', limit: '5' }, 'limit'],
    [{ scope: 'spend', limit: { amount: 5, period: 'day' } }, 'limit.amount'],
    [{ scope: 'spend', limit: { amount: '-5', period: 'day' } }, 'limit.amount'],
    [{ scope: 'spend', limit: { amount: '0', period: 'day' } }, 'limit.amount'],
    [{ scope: 'spend', limit: { amount: '1e3', period: 'day' } }, 'limit.amount'],
    [{ scope: 'spend', limit: { amount: '0.0000001', period: 'day' } }, 'limit.amount'],
    [{ scope: 'spend', limit: { amount: '1000000000000', period: 'day' } }, 'limit.amount'],
    [{ scope: 'spend', limit: { amount: '5', period: 'hour' } }, 'limit.period'],
    [{ scope: 'spend', number: 7 }, 'number'],
  ])('does not take %j', async (json, field) => {
    const { status, body } = await api.call('POST', '/v1/keys', { bearer: customer.secureKey, json });
    expect({ status, code: body.code, field: body.field }).toEqual({
      status: 400,
      code: 'invalid_field',
      field,
    });
  });

  it('takes the largest limit that it allows', async () => {
    const limit = { amount: '999999999999.999999', period: 'lifetime' };
    const { body } = await api.call('POST', '/v1/keys', {
      bearer: customer.secureKey,
      json: { scope: 'spend', limit },
    });
    expect(body.limit).toMatchObject({ ...limit, remaining: limit.amount, resets_at: null });
  });

  it('changes label and limit, each alone, and takes them away', async () => {
    const key = await spendingKey(api, customer, { amount: '10', period: 'day' });
    await spend(key, '4');
    const change = async (json: object) =>
      (await api.call('PATCH', '/v1/keys/2', { bearer: customer.secureKey, json })).body;
    expect(await change({ label: 'robot' })).toMatchObject({ label: 'robot', limit: { remaining: '6' } });
    expect(await change({ limit: { amount: '3', period: 'day' } })).toMatchObject({
      label: 'robot',
      limit: { amount: '3', remaining: '0' },
    });
    expect(await spend(key)).toBe('key_limit_exceeded');
    expect(await change({ label: null, limit: null })).toMatchObject({ label: null, limit: null });
    expect(await spend(key, '100')).toBe('spent');
    expect(await change({ limit: { amount: '200', period: 'lifetime' } })).toMatchObject({
      limit: { remaining: '96', resets_at: null },
    });
    expect(await change({})).toMatchObject({ code: 'invalid_field' });
  });

  it('pages, the newest first', async () => {
    for (let made = 0; made < 4; made += 1) await spendingKey(api, customer);
    const seen: unknown[] = [];
    let next: string | null = '';
    while (next !== null) {
      const path: string = `/v1/keys?limit=2${next && `&before=${next}`}`;
      const { body } = await api.call<{ keys: AnyBody[]; next: string | null }>('GET', path, {
        bearer: customer.secureKey,
      });
      seen.push(...body.keys.map(({ number }) => number));
      next = body.next;
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
    for (const before of ['x', '0', '-1', '9'.repeat(12)])
      expect(
        (await api.call('GET', `/v1/keys?before=${before}`, { bearer: customer.secureKey })).body,
      ).toMatchObject({ code: 'invalid_field', field: 'before' });
  });
});

describe('rotation', () => {
  it('gives another secret to the same key, with its limit and what it used of it', async () => {
    const key = await spendingKey(api, customer, { amount: '10', period: 'day' });
    await spend(key, '4');
    const json = { last_four: key.slice(-4) };
    const { status, body } = await rotate(customer.secureKey, 2, json);
    expect(status).toBe(200);
    expect(body).toMatchObject({ number: 2, limit: { remaining: '6' }, grace_until: null });
    expect(body.rotated_at).toBe(instantText(api.now));
    expect(await spend(key)).toBe('secure_key_invalid');
    expect((await whoAmI(key)).status).toBe(401);
    expect(await spend(body.secure_key, '7')).toBe('key_limit_exceeded');
    expect(await spend(body.secure_key, '6')).toBe('spent');
  });

  it('of many at once one wins, and its secret is the one that works', async () => {
    const key = await spendingKey(api, customer);
    const json = { last_four: key.slice(-4), grace_seconds: 60 };
    const answers = await Promise.all(Array.from({ length: 8 }, () => rotate(customer.secureKey, 2, json)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    for (const { status, body } of answers.filter(answer => answer !== won[0]))
      expect([status, body.code]).toEqual([409, 'key_rotated']);
    expect(await spend(won[0]?.body.secure_key ?? '')).toBe('spent');
    expect((await keysOf(customer.secureKey)).keys).toHaveLength(2);
  });

  it('lets the earlier secret spend, and nothing else, until its grace ends to the microsecond', async () => {
    const old = customer.secureKey;
    const { body } = await rotate(old, 1, { last_four: old.slice(-4), grace_seconds: 3600 });
    const graceUntil = instantText(api.now + HOUR);
    expect(body.grace_until).toBe(graceUntil);
    expect((await whoAmI(old)).body).toMatchObject({
      number: 1,
      scope: 'spend',
      in_grace: true,
      grace_until: graceUntil,
      last_four: old.slice(-4),
    });
    expect((await whoAmI(body.secure_key)).body).toMatchObject({ scope: 'manage', in_grace: false });
    expect(await spend(old)).toBe('spent');
    for (const [method, path] of [
      ['GET', '/v1/keys'],
      ['POST', '/v1/keys'],
      ['POST', '/v1/grants'],
      ['POST', '/v1/keys/1/rotate'],
      ['DELETE', '/v1/keys/1'],
      ['GET', '/v1/wallets'],
    ] as const)
      expect((await api.call(method, path, { bearer: old })).body.code, path).toBe('scope_insufficient');
    api.now += HOUR - 1n;
    expect(await spend(old)).toBe('spent');
    api.now += 1n;
    expect(await spend(old)).toBe('secure_key_invalid');
    expect((await whoAmI(old)).status).toBe(401);
    expect(await spend(body.secure_key)).toBe('spent');
  });

  it('lets no secret outlive the grace of the newest rotation', async () => {
    const first = await spendingKey(api, customer);
    const second = (
      await rotate(customer.secureKey, 2, { last_four: first.slice(-4), grace_seconds: 604_800 })
    ).body.secure_key;
    const third = (await rotate(customer.secureKey, 2, { last_four: second.slice(-4), grace_seconds: 60 }))
      .body.secure_key;
    expect(await Promise.all([first, second, third].map(key => spend(key)))).toEqual([
      'spent',
      'spent',
      'spent',
    ]);
    const fourth = (await rotate(customer.secureKey, 2, { last_four: third.slice(-4) })).body.secure_key;
    expect(await Promise.all([first, second, third, fourth].map(key => spend(key)))).toEqual([
      ...Array.from({ length: 3 }, () => 'secure_key_invalid'),
      'spent',
    ]);
    expect(
      (await rotate(customer.secureKey, 2, { last_four: fourth.slice(-4), grace_seconds: 604_801 })).body,
    ).toMatchObject({ code: 'invalid_field', field: 'grace_seconds' });
  });
});

describe('revocation', () => {
  it('ends a key at once, with what is in its grace, and a replay of what it debited', async () => {
    const key = await spendingKey(api, customer);
    const idempotencyKey = unique();
    expect((await api.debit({ secureKey: key }, '1', idempotencyKey)).status).toBe(201);
    const { body } = await rotate(customer.secureKey, 2, { last_four: key.slice(-4), grace_seconds: 60 });
    expect((await api.debit({ secureKey: key }, '1', idempotencyKey)).headers['idempotent-replayed']).toBe(
      'true',
    );
    const gone = await api.call('DELETE', '/v1/keys/2', { bearer: customer.secureKey });
    expect([gone.status, gone.text]).toEqual([204, '']);
    for (const secureKey of [key, body.secure_key])
      expect((await api.debit({ secureKey }, '1', idempotencyKey)).body.code).toBe('secure_key_invalid');
    for (const [method, path, json] of [
      ['DELETE', '/v1/keys/2', undefined],
      ['PATCH', '/v1/keys/2', { label: 'x' }],
      ['POST', '/v1/keys/2/rotate', { last_four: body.secure_key.slice(-4) }],
    ] as const)
      expect((await api.call(method, path, { bearer: customer.secureKey, json })).status).toBe(404);
    expect((await keysOf(customer.secureKey)).keys[0]).toMatchObject({
      number: 2,
      revoked_at: instantText(api.now),
    });
  });

  it('keeps the last key that manages, unless that is meant', async () => {
    const revoke = (path: string) => api.call('DELETE', path, { bearer: customer.secureKey });
    await spendingKey(api, customer);
    expect(await revoke('/v1/keys/1')).toMatchObject({ status: 409, body: { code: 'last_managing_key' } });
    expect((await revoke('/v1/keys/1?confirm=yes')).status).toBe(400);
    const json = { scope: 'manage' };
    const second = await api.call('POST', '/v1/keys', { bearer: customer.secureKey, json });
    expect((await revoke('/v1/keys/1')).status).toBe(204);
    const bearer = String(second.body.secure_key);
    expect((await api.call('DELETE', '/v1/keys/3', { bearer })).body.code).toBe('last_managing_key');
    expect((await api.call('DELETE', '/v1/keys/3?confirm=true', { bearer })).status).toBe(204);
    expect((await whoAmI(bearer)).status).toBe(401);
  });

  it('of the last two managing keys at once keeps one', async () => {
    const json = { scope: 'manage' };
    const made = await api.call('POST', '/v1/keys', { bearer: customer.secureKey, json });
    const second = String(made.body.secure_key);
    const answers = await Promise.all([
      api.call('DELETE', '/v1/keys/2', { bearer: customer.secureKey }),
      api.call('DELETE', '/v1/keys/1', { bearer: second }),
    ]);
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
  });
});

describe('grants', () => {
  it('let one service spend, within their limit and until they end', async () => {
    const paint = await api.service(unique());
    const expiresAt = instantText(api.now + HOUR);
    const terms = { label: 'chat', limit: { amount: '10', period: 'day' }, expires_at: expiresAt };
    const grant = await grantTo(api, customer, terms);
    expect(await spendBy(grant, '6')).toBe('spent');
    expect(await spendBy(grant, '4.000001')).toBe('key_limit_exceeded');
    expect(await spendBy(grant, '1', paint)).toBe('grant_invalid');
    const { body } = await api.call<{ grants: AnyBody[] }>('GET', '/v1/grants', {
      bearer: customer.secureKey,
    });
    expect(body.grants).toMatchObject([
      {
        id: grant,
        number: 2,
        service: 'chat',
        label: 'chat',
        expires_at: expiresAt,
        limit: { remaining: '4' },
      },
    ]);
    api.now += HOUR - 1n;
    expect(await spendBy(grant)).toBe('spent');
    api.now += 1n;
    expect(await spendBy(grant)).toBe('grant_invalid');
  });

  it('are changed and revoked at once, a replay included', async () => {
    const grant = await grantTo(api, customer);
    const headers = { 'idempotency-key': unique() };
    const debit = { bearer: api.serviceToken, json: { grant, amount: '1' }, headers };
    expect((await api.call('POST', '/v1/debits', debit)).status).toBe(201);
    const path = `/v1/grants/${grant}`;
    const json = { label: 'ours', limit: { amount: '1', period: 'week' } };
    const changed = await api.call('PATCH', path, { bearer: customer.secureKey, json });
    expect(changed.body).toMatchObject({ label: 'ours', limit: { remaining: '0' } });
    expect(await spendBy(grant)).toBe('key_limit_exceeded');
    expect((await api.call('DELETE', path, { bearer: customer.secureKey })).status).toBe(204);
    expect((await api.call('POST', '/v1/debits', debit)).body.code).toBe('grant_invalid');
    expect((await api.call('DELETE', path, { bearer: customer.secureKey })).status).toBe(404);
    expect((await api.call('PATCH', path, { bearer: customer.secureKey, json })).status).toBe(404);
  });

  it('are for services that there are, and end in the future', async () => {
    const { body } = await api.call<{ services: AnyBody[] }>('GET', '/v1/services', {
      bearer: customer.secureKey,
    });
    expect(body.services).toContainEqual({ name: 'chat' });
    for (const expiresAt of [instantText(api.now), '2020-01-01', '2026-02-30', 'tomorrow', 7])
      expect(
        (
          await api.call('POST', '/v1/grants', {
            bearer: customer.secureKey,
            json: { service: 'chat', expires_at: expiresAt },
          })
        ).body,
      ).toMatchObject({ code: 'invalid_field', field: 'expires_at' });
  });

  it('are shown instead of a key, not beside it', async () => {
    const grant = await grantTo(api, customer);
    for (const json of [{ amount: '1' }, { amount: '1', grant, secure_key: customer.secureKey }]) {
      const headers = { 'idempotency-key': unique() };
      const answer = await api.call('POST', '/v1/debits', { bearer: api.serviceToken, json, headers });
      expect(answer.body.code).toBe('invalid_field');
    }
  });

  it('share their numbers with keys, whatever is made at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 12 }, async (_, index) =>
        index % 2
          ? await grantTo(api, customer)
          : (await whoAmI(await spendingKey(api, customer))).body.number,
      ),
    );
    const numbers = made.map(one => (typeof one === 'string' ? Number(one.split('_').at(-1)) : one));
    expect(numbers.sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 12 }, (_, i) => i + 2),
    );
  });
});

describe('another customer', () => {
  /** A customer whose book is in the same bucket: what forgot to ask for the account would find both. */
  async function neighbourOf({ accountId }: Customer): Promise<Customer> {
    const { bucketCount } = api.ledger.installation;
    for (;;) {
      const now = api.now;
      const order = payable(
        await api.ledger.createOrder({ amountMicrousd: 1_000_000n, round: roundOf(ANSWER, now), now }),
      );
      const own = (await api.ledger.accountOfOrder(order.orderId)) ?? 0n;
      if (bucketOfAccount(own, bucketCount) !== bucketOfAccount(accountId, bucketCount)) continue;
      const payment = await api.intake.pay({
        calldata: calldataOf(order.reference),
        amountWei: order.quotedWei,
      });
      const claim = await api.ledger.claimKey(order.orderId, order.secret, now);
      if (claim.status !== 'claimed') throw new Error(`the key of a paid order is ${claim.status}`);
      return {
        accountId: own,
        secureKey: claim.secureKey,
        orderId: order.orderId,
        orderSecret: order.secret,
        payment,
      };
    }
  }

  it('can neither see, spend nor change anything by any id of the account', async () => {
    const stranger = await neighbourOf(customer);
    for (const one of [customer, stranger, customer]) await api.debit(one, '3', unique());
    await api.ledger.adjust({
      accountId: customer.accountId,
      amountMicrocredits: 7_000_000n,
      policy: 'none',
      operator: 'ops',
      reason: 'goodwill',
      idempotencyKey: unique(),
    });
    const spending = await spendingKey(api, customer, { amount: '5', period: 'day' });
    const grant = await grantTo(api, customer, { limit: { amount: '5', period: 'day' } });
    const asStranger = (method: string, path: string, json?: unknown) =>
      api.call(method, path, { bearer: stranger.secureKey, ...(json === undefined ? {} : { json }) });
    const before = await keysOf(customer.secureKey);
    const limit = { amount: '999', period: 'day' };
    // The numbers 2 and 3 are a key and a grant of the customer; the stranger has number 1 and lot 1 alone.
    for (const [method, path, json] of [
      ['PATCH', '/v1/keys/2', { limit }],
      ['POST', '/v1/keys/2/rotate', { last_four: spending.slice(-4) }],
      ['DELETE', '/v1/keys/2', undefined],
      ['DELETE', '/v1/keys/2?confirm=true', undefined],
      ['PATCH', '/v1/keys/3', { limit }],
      ['PATCH', `/v1/grants/${grant}`, { limit }],
      ['DELETE', `/v1/grants/${grant}`, undefined],
      ['GET', '/v1/lots/4', undefined],
    ] as const)
      expect([path, (await asStranger(method, path, json)).status]).toEqual([path, 404]);
    expect((await api.call('GET', '/v1/lots/4', { bearer: customer.secureKey })).status).toBe(200);
    const ownLot = await asStranger('GET', '/v1/lots/1');
    expect(JSON.stringify(ownLot.body)).toContain(stranger.orderId);
    for (const path of [
      '/v1/keys',
      '/v1/grants',
      '/v1/lots',
      '/v1/transactions',
      '/v1/usage',
      '/v1/key',
      '/v1/credits',
    ])
      expect((await asStranger('GET', path)).text, path).not.toContain(customer.orderId);
    const range = 'from=2026-03-01&to=2026-03-02';
    expect((await asStranger('GET', `/v1/usage?${range}`)).body.usage).toMatchObject([
      { credits: '3', count: 1 },
    ]);
    expect((await asStranger('GET', '/v1/transactions')).body).toMatchObject({
      transactions: [
        { id: '2', kind: 'debit' },
        { id: '1', kind: 'purchase' },
      ],
      next: null,
    });
    expect((await whoAmI(stranger.secureKey)).body.usage).toBe('3');
    expect((await asStranger('GET', '/v1/lots/1')).body.movements).toHaveLength(3);
    expect((await asStranger('GET', '/v1/grants')).body.grants).toEqual([]);
    expect((await asStranger('GET', '/v1/keys')).body.keys).toMatchObject([{ number: 1 }]);
    expect(await keysOf(customer.secureKey)).toEqual(before);
    expect(await spendBy(grant, '5')).toBe('spent');
    // A number of the stranger's account is not one of the customer's.
    const forged = grant.replace(/_\d+$/, '_1');
    expect(await spendBy(forged)).toBe('grant_invalid');
    expect(await spendBy(grant.replace(/_.{16}_/, '_0000000000000001_'))).toBe('grant_invalid');
  });

  it('cannot use a spending key of the account to read what others of it do', async () => {
    const spending = await spendingKey(api, customer);
    expect((await whoAmI(spending)).body).toMatchObject({ number: 2, usage: '0' });
    await spend(customer.secureKey, '5');
    expect((await whoAmI(spending)).body).toMatchObject({ usage: '0' });
  });
});
