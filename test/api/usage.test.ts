/** Spending by what was used, and the operator's price list. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instantText, openLedger } from '../../ledger/index.ts';
import { type ApiUnderTest, BEGINNING, type Customer, NOWHERE, startApi } from '../support/api.ts';
import { TEST_INSTALLATION } from '../support/installation.ts';

const MINUTE = 60_000_000n;
const DAY = 1440n * MINUTE;

let api: ApiUnderTest;
let customer: Customer;
let count = 0;
beforeAll(async () => {
  api = await startApi();
  customer = await api.customer(100_000_000n);
});
afterAll(() => api?.stop());

function post(path: string, json: object, key?: string) {
  count += 1;
  return api.call('POST', path, {
    bearer: api.serviceToken,
    json,
    headers: { 'idempotency-key': key ?? `fresh-${count}` },
  });
}

const usage = (used: object, key?: string) =>
  post('/v1/usage', { secure_key: customer.secureKey, model: 'large', ...used }, key);

const publish = (json: object) =>
  api.call('POST', '/v1/operator/rate-cards', { bearer: api.operatorToken, json });

const list = (query = '') =>
  api.call('GET', `/v1/operator/rate-cards${query}`, { bearer: api.operatorToken });

const rateCard = (bearer = api.serviceToken) => api.call('GET', '/v1/rate-card', { bearer });

const LARGE = {
  model: 'large',
  per_million_input_tokens: '2.5',
  per_million_output_tokens: '10',
  per_image: '0.3',
};
const SPEECH = { model: 'speech', per_second: '0.05' };
const reason = 'the prices of spring';

// One story, in this order: versions are for good.
describe('before there is a price list', () => {
  it('nothing has a price', async () => {
    const missing = { status: 409, body: { code: 'rate_card_missing', effective_from: null } };
    expect(await rateCard()).toMatchObject(missing);
    expect(await usage({ images: 1 })).toMatchObject(missing);
    expect((await list()).body).toEqual({ rate_cards: [], next: null });
  });
});

describe('the first version', () => {
  it('is in force at once, everywhere', async () => {
    const published = await publish({ version: 1, prices: [LARGE, SPEECH], reason });
    expect(published).toMatchObject({
      status: 201,
      body: {
        version: 1,
        effective_at: '2026-03-01T15:00:00.000000Z',
        recorded_at: '2026-03-01T15:00:00.000000Z',
        operator: 'ops',
        reason,
      },
    });
    for (const bearer of [api.serviceToken, customer.secureKey])
      expect((await rateCard(bearer)).body).toEqual({
        version: 1,
        effective_at: '2026-03-01T15:00:00.000000Z',
        prices: [LARGE, SPEECH],
        next: null,
      });
    for (const bearer of [api.operatorToken, customer.orderSecret, 'x'])
      expect(await rateCard(bearer)).toMatchObject({ status: 401, body: { code: 'credential_invalid' } });
  });

  it('prices what is used, and stands in the entry', async () => {
    const answer = await usage({ input_tokens: 1000, output_tokens: 333, description: 'a chat' }, 'chat');
    expect(answer).toMatchObject({
      status: 201,
      body: { model: 'large', price_version: 1, amount: '0.00583', available: '999999.99417', held: '0' },
    });
    const [entry] = await api.query(
      `select kind, key_number, amount_microcredits, details from credits.entries where account_id = $1 and seq = 2`,
      [customer.accountId],
    );
    expect(entry).toEqual({
      kind: 'debit',
      key_number: 1,
      amount_microcredits: 5830n,
      details:
        '{"description":"a chat","model":"large","price_version":1,"usage":{"input_tokens":1000,"output_tokens":333}}',
    });
    expect((await usage({ model: 'speech', seconds: '0.000001' })).body.amount).toBe('0.000001');
    expect((await usage({ model: 'speech', seconds: '12.5' })).body.amount).toBe('0.625');
    expect((await usage({ cached_input_tokens: 400_000, images: 2 })).body.amount).toBe('1.6');
  });

  it('refuses what has no price, and says what has', async () => {
    expect(await usage({ model: 'larger', images: 1 })).toMatchObject({
      status: 422,
      body: { code: 'model_unknown', field: 'model', price_version: 1, models: ['large', 'speech'] },
    });
    expect(await usage({ seconds: '1' })).toMatchObject({
      status: 422,
      body: { code: 'usage_unpriced', field: 'seconds', priced: ['input_tokens', 'output_tokens', 'images'] },
    });
    expect(await usage({ output_tokens: 1_000_000_000_000 })).toMatchObject({
      status: 402,
      body: { code: 'insufficient_credits', required: '10000000', renews_at: '2026-03-02T00:00:00.000000Z' },
    });
  });

  it('tells a customer who never bought what it would have cost', async () => {
    const poor = await api.customer();
    await api.query('update credits.secure_keys set account_id = 9 where account_id = $1', [poor.accountId]);
    expect(await post('/v1/usage', { secure_key: poor.secureKey, model: 'large', images: 10 })).toMatchObject(
      { status: 402, body: { available: '0', required: '3', renews_at: null } },
    );
  });

  it('captures a hold by what was used', async () => {
    const held = await post('/v1/holds', { secure_key: customer.secureKey, amount: '1' });
    const path = `/v1/holds/${held.body.id}/capture`;
    expect(await post(path, { usage: { model: 'large', images: 4 } })).toMatchObject({
      status: 422,
      body: { code: 'capture_above_hold', held: '1', required: '1.2' },
    });
    const captured = await post(path, { usage: { model: 'large', images: 3 } }, 'capture');
    expect(captured).toMatchObject({
      status: 201,
      body: { amount: '0.9', model: 'large', price_version: 1, hold: held.body.id, held: '0' },
    });
    const again = await post(path, { usage: { images: 3, model: 'large' } }, 'capture');
    expect([again.text, again.headers['idempotent-replayed']]).toEqual([captured.text, 'true']);
    const [entry] = await api.query<{ details: string }>(
      `select details from credits.entries where account_id = $1 and kind = 'capture'`,
      [customer.accountId],
    );
    expect(entry?.details).toBe(
      `{"hold":"${String(held.body.id).split(':')[1]}","model":"large","price_version":1,"usage":{"images":3}}`,
    );
  });

  it('debits once when the same comes 30 times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => usage({ images: 1 }, 'race')));
    expect(new Set(answers.map(answer => `${answer.status} ${answer.text}`)).size).toBe(1);
    expect(answers.filter(answer => answer.headers['idempotent-replayed'] === undefined)).toHaveLength(1);
  });
});

describe('the next versions', () => {
  const dearer = { ...LARGE, per_image: '0.5' };

  it('wait for a minute at least, and are numbered one after the other', async () => {
    const earliest = instantText(api.now + MINUTE);
    const early = { version: 2, prices: [dearer], reason, effective_at: instantText(api.now + MINUTE - 1n) };
    expect(await publish(early)).toMatchObject({
      status: 422,
      body: { code: 'rate_card_too_early', field: 'effective_at', earliest },
    });
    for (const version of [1, 3])
      expect(await publish({ version, prices: [dearer], reason })).toMatchObject({
        status: 409,
        body: { code: 'rate_card_version_taken', field: 'version', next_version: 2 },
      });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => publish({ version: 2, prices: [dearer], reason })),
    );
    expect(answers.map(answer => answer.status).sort()).toEqual([201, 409, 409, 409, 409]);
    expect((await rateCard()).body).toMatchObject({
      version: 1,
      next: { version: 2, effective_at: earliest },
    });
  });

  it('count from their instant on, also with a process that looked before, and never for what was priced', async () => {
    const other = await openLedger({
      databaseUrl: api.database.url,
      rpcUrl: NOWHERE,
      installation: TEST_INSTALLATION,
      clock: () => api.now,
    });
    const elsewhere = async (idempotencyKey: string) => {
      const outcome = await other.rates.debit({
        ...{ serviceId: 1, accountId: customer.accountId, keyNumber: 1, idempotencyKey, description: null },
        usage: { model: 'large', quantities: { images: 1n } },
      });
      return outcome.status === 'accepted' && outcome.entry.amountMicrocredits;
    };
    try {
      api.now += MINUTE - 1n;
      const before = await usage({ images: 1 }, 'priced-before');
      expect(before.body).toMatchObject({ amount: '0.3', price_version: 1 });
      expect(await elsewhere('elsewhere-before')).toBe(300_000n);
      api.now += 1n;
      expect((await usage({ images: 1 })).body).toMatchObject({ amount: '0.5', price_version: 2 });
      expect(await elsewhere('elsewhere-after')).toBe(500_000n);
      expect((await rateCard()).body).toMatchObject({ version: 2, prices: [dearer], next: null });
      const again = await usage({ images: 1 }, 'priced-before');
      expect([again.status, again.text, again.headers['idempotent-replayed']]).toEqual([
        201,
        before.text,
        'true',
      ]);
      // The model is gone from the list: what was priced stays.
      expect(await usage({ model: 'speech', seconds: '1' })).toMatchObject({ status: 422 });
    } finally {
      await other.close();
    }
  });

  it('replace what was planned for later', async () => {
    const plan = {
      version: 3,
      prices: [SPEECH],
      reason: 'a plan',
      effective_at: instantText(api.now + 30n * DAY),
    };
    expect(await publish(plan)).toMatchObject({ status: 201 });
    expect((await rateCard()).body).toMatchObject({ version: 2, next: { version: 3 } });
    const better = {
      version: 4,
      prices: [LARGE],
      reason: 'a better plan',
      effective_at: '2026-03-10T02:00:00+02:00',
    };
    expect(await publish(better)).toMatchObject({
      status: 201,
      body: { effective_at: '2026-03-10T00:00:00.000000Z' },
    });
    expect((await rateCard()).body).toMatchObject({ version: 2, next: { version: 4 } });
    api.now += 31n * DAY;
    expect((await rateCard()).body).toMatchObject({ version: 4, next: null });
    api.now -= 31n * DAY;
  });

  it('are listed, the newest first, a page at a time', async () => {
    const versions = (body: object) =>
      (body as { rate_cards: { version: number }[] }).rate_cards.map(one => one.version);
    const first = await list('?limit=3');
    expect([versions(first.body), first.body.next]).toEqual([[4, 3, 2], '2']);
    const second = await list(`?limit=3&before=${first.body.next}`);
    expect([versions(second.body), second.body.next]).toEqual([[1], null]);
    for (const query of ['?before=x', '?before=0', '?limit=0', '?limit=1&limit=2', '?more=1'])
      expect(await list(query), query).toMatchObject({ status: 400, body: { code: 'invalid_field' } });
  });
});

describe('what is not a use or a price', () => {
  const uses: [string, object][] = [
    ['model', {}],
    ['model', { images: 0, seconds: '0.0' }],
    ['model', { model: '', images: 1 }],
    ['model', { model: 'größe', images: 1 }],
    ['model', { model: 'a b', images: 1 }],
    ['model', { model: 'x'.repeat(101), images: 1 }],
    ['images', { images: -1 }],
    ['images', { images: 1.5 }],
    ['images', { images: '1' }],
    ['images', { images: 1e21 }],
    ['input_tokens', { input_tokens: null }],
    ['output_tokens', { output_tokens: 1_000_000_000_001 }],
    ['seconds', { seconds: 1 }],
    ['seconds', { seconds: '-1' }],
    ['seconds', { seconds: '1e3' }],
    ['seconds', { seconds: '1.0000001' }],
    ['seconds', { seconds: '٣' }],
    ['tokens', { tokens: 1 }],
    ['amount', { images: 1, amount: '1' }],
  ];
  it.each(uses)('names the field %s of a use of %j', async (field, used) => {
    expect(await usage(used)).toMatchObject({ status: 400, body: { code: 'invalid_field', field } });
  });

  it.each([
    ['amount', {}],
    ['amount', { amount: '1', usage: { model: 'large', images: 1 } }],
    ['model', { model: 'large', usage: { model: 'large', images: 1 } }],
    ['usage.model', { usage: { model: 'large' } }],
    ['usage.images', { usage: { model: 'large', images: -1 } }],
  ])('names the field %s of a capture of %j', async (field, json) => {
    const held = await post('/v1/holds', { secure_key: customer.secureKey, amount: '1' });
    expect(await post(`/v1/holds/${held.body.id}/capture`, json)).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field },
    });
  });

  it.each([
    ['version', { version: 0 }],
    ['version', { version: '5' }],
    ['version', { version: 5.5 }],
    ['version', { version: 2_147_483_648 }],
    ['prices', { prices: [] }],
    ['prices', { prices: [LARGE, LARGE] }],
    ['prices', { prices: Array.from({ length: 201 }, (_, index) => ({ ...LARGE, model: `m${index}` })) }],
    ['prices.0.model', { prices: [{ model: 'large' }] }],
    ['prices.0.per_image', { prices: [{ model: 'large', per_image: '-1' }] }],
    ['prices.0.per_image', { prices: [{ model: 'large', per_image: '1e3' }] }],
    ['prices.0.per_image', { prices: [{ model: 'large', per_image: '0.0000001' }] }],
    ['prices.0.per_image', { prices: [{ model: 'large', per_image: 1 }] }],
    ['per_token', { prices: [{ ...LARGE, per_token: '1' }] }],
    ['effective_at', { effective_at: '2027-02-30T00:00:00Z' }],
    ['effective_at', { effective_at: '2027-02-03T00:00:00' }],
    ['effective_at', { effective_at: '2027-02-03T00:00:00.0000001Z' }],
    ['effective_at', { effective_at: '9999-12-31T23:59:59-23:00' }],
    ['effective_at', { effective_at: 1 }],
    ['reason', { reason: ' ' }],
    ['reason', { reason: 'a\u0000b' }],
  ])('names the field %s of a price list with %j', async (field, json) => {
    expect(await publish({ version: 5, prices: [LARGE], reason, ...json })).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field },
    });
  });

  it('a model that is named as something of JavaScript is a model', async () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const prices = names.map(model => ({ model, per_image: '1' }));
    expect(await publish({ version: 5, prices, reason })).toMatchObject({
      status: 201,
      body: { prices: expect.any(Array) },
    });
    api.now += 40n * DAY;
    const buyer = await api.customer();
    for (const model of names)
      expect(await post('/v1/usage', { secure_key: buyer.secureKey, model, images: 1 })).toMatchObject({
        status: 201,
        body: { model, amount: '1', price_version: 5 },
      });
    expect(
      await post('/v1/usage', { secure_key: buyer.secureKey, model: 'valueOf', images: 1 }),
    ).toMatchObject({
      body: { code: 'model_unknown', models: [...names].sort() },
    });
  });

  it('takes a price list of as many models as there may be', async () => {
    const prices = Array.from({ length: 200 }, (_, index) => ({
      ...{
        model: `${'m'.repeat(96)}-${index}`.slice(0, 100),
        per_million_input_tokens: '999999999999999999.999999',
      },
      ...{ per_million_output_tokens: '999999999999999999.999999', per_image: '999999999999999999.999999' },
      ...{
        per_million_cached_input_tokens: '999999999999999999.999999',
        per_second: '999999999999999999.999999',
      },
    }));
    const unique = prices.map((one, index) => ({ ...one, model: `model-${index}-${'x'.repeat(80)}` }));
    expect(await publish({ version: 6, prices: unique, reason })).toMatchObject({ status: 201 });
    api.now += MINUTE;
    const most = unique[0]?.model;
    const buyer = await api.customer();
    // No amount is too large to be refused for what it is.
    expect(
      await post('/v1/usage', { secure_key: buyer.secureKey, model: most, images: 1_000_000_000_000 }),
    ).toMatchObject({ status: 402, body: { required: '999999999999999999999999000000' } });
  });
});

describe('an amount for a model', () => {
  it('stands in the entry of a plain debit', async () => {
    api.now = BEGINNING + 200n * DAY;
    const buyer = await api.customer();
    const json = { secure_key: buyer.secureKey, amount: '2', model: 'large', description: 'by hand' };
    expect(await post('/v1/debits', json)).toMatchObject({ status: 201, body: { amount: '2' } });
    const [entry] = await api.query(
      `select details from credits.entries where account_id = $1 and kind = 'debit'`,
      [buyer.accountId],
    );
    expect(entry).toEqual({ details: '{"description":"by hand","model":"large"}' });
  });
});
