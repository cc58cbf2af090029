/** Reserving credits, settling them, and giving spent ones back. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openLedger } from '../../ledger/index.ts';
import { type ApiUnderTest, BEGINNING, type Customer, NOWHERE, startApi } from '../support/api.ts';
import type { Answer, AnyBody } from '../support/http.ts';
import { TEST_INSTALLATION } from '../support/installation.ts';

const MINUTE = 60_000_000n;

let api: ApiUnderTest;
let stranger: string;
let count = 0;
beforeAll(async () => {
  api = await startApi();
  stranger = await api.service('images');
});
afterAll(() => api?.stop());
beforeEach(() => {
  api.now = BEGINNING;
});

function fresh(): string {
  count += 1;
  return `fresh-${count}`;
}

function post(path: string, json?: object, key = fresh(), bearer = api.serviceToken) {
  return api.call('POST', path, {
    bearer,
    ...(json === undefined ? {} : { json }),
    headers: { 'idempotency-key': key },
  });
}

const hold = ({ secureKey }: Customer, amount: string, more: object = {}, key?: string) =>
  post('/v1/holds', { secure_key: secureKey, amount, ...more }, key);

const status = async (id: unknown, bearer = api.serviceToken) =>
  await api.call('GET', `/v1/holds/${id}`, { bearer });

async function balance({ secureKey }: Customer) {
  const { body } = await api.call('GET', '/v1/credits', { bearer: secureKey });
  return [body.available, body.held];
}

const unknownHold = (answer: Answer<AnyBody>) => ({ ...answer.body, request_id: '', status: answer.status });

describe('a hold', () => {
  it('reserves, tells where it stands, and is captured in part', async () => {
    const customer = await api.customer();
    const held = await hold(customer, '100', { expires_in_seconds: 90, description: 'a stream' });
    expect(held).toMatchObject({
      status: 201,
      body: {
        id: `${held.body.account}:2`,
        amount: '100',
        available: '9900',
        held: '100',
        booked_at: '2026-03-01T15:00:00.000000Z',
        expires_at: '2026-03-01T15:01:30.000000Z',
      },
    });
    expect((await status(held.body.id)).body).toEqual({
      id: held.body.id,
      account: held.body.account,
      amount: '100',
      status: 'open',
      captured: '0',
      booked_at: '2026-03-01T15:00:00.000000Z',
      expires_at: '2026-03-01T15:01:30.000000Z',
      closed_at: null,
    });
    api.now += MINUTE;
    const captured = await post(`/v1/holds/${held.body.id}/capture`, { amount: '30.5', model: 'chat-large' });
    expect(captured).toMatchObject({
      status: 201,
      body: { hold: held.body.id, amount: '30.5', model: 'chat-large', available: '9969.5', held: '0' },
    });
    expect((await status(held.body.id)).body).toMatchObject({
      status: 'captured',
      captured: '30.5',
      closed_at: '2026-03-01T15:01:00.000000Z',
    });
    // The key that authorised the hold stands with the capture, and the model for usage reports.
    expect(
      await api.query(
        `select key_number, details from credits.entries where account_id = $1 and kind = 'capture'`,
        [customer.accountId],
      ),
    ).toEqual([{ key_number: 1, details: '{"hold":"2","model":"chat-large"}' }]);
  });

  it('is released, or ends by itself at its deadline, which needs no sweep to show', async () => {
    const customer = await api.customer();
    const [first, second] = [await hold(customer, '10'), await hold(customer, '20')];
    const released = await post(`/v1/holds/${first.body.id}/release`);
    expect(released).toMatchObject({ status: 201, body: { amount: '10', available: '9980', held: '20' } });
    api.now += 15n * MINUTE - 1n;
    expect((await status(second.body.id)).body).toMatchObject({ status: 'open' });
    api.now += 1n;
    const expired = { status: 'expired', closed_at: '2026-03-01T15:15:00.000000Z', captured: '0' };
    expect((await status(second.body.id)).body).toMatchObject(expired);
    expect(await post(`/v1/holds/${second.body.id}/capture`, { amount: '1' })).toMatchObject({
      status: 409,
      body: {
        code: 'hold_closed',
        hold_status: 'expired',
        closed_at: expired.closed_at,
        detail: expect.stringContaining('ended at its deadline'),
      },
    });
    // Posted by whoever comes next, it is the same.
    await api.debit(customer, '1', 'afterwards');
    expect((await status(second.body.id)).body).toMatchObject(expired);
    expect(await balance(customer)).toEqual(['9999', '0']);
  });

  it('is captured up to all of it, not a millionth above, and once', async () => {
    const customer = await api.customer();
    const { id } = (await hold(customer, '5')).body;
    expect(await post(`/v1/holds/${id}/capture`, { amount: '5.000001' })).toMatchObject({
      status: 422,
      body: { code: 'capture_above_hold', held: '5', required: '5.000001' },
    });
    expect(await post(`/v1/holds/${id}/capture`, { amount: '5' })).toMatchObject({ status: 201 });
    for (const again of [
      await post(`/v1/holds/${id}/capture`, { amount: '1' }),
      await post(`/v1/holds/${id}/release`),
    ])
      expect(again).toMatchObject({ status: 409, body: { code: 'hold_closed', hold_status: 'captured' } });
    expect(await balance(customer)).toEqual(['9995', '0']);
  });

  it('keeps credits from everybody else, and is captured while credits are owed', async () => {
    const customer = await api.customer();
    const { id } = (await hold(customer, '9000')).body;
    expect(await api.debit(customer, '1000.000001', 'too-much')).toMatchObject({ status: 402 });
    expect(await hold(customer, '1000.000001')).toMatchObject({
      status: 402,
      body: {
        code: 'insufficient_credits',
        available: '1000',
        detail: expect.stringContaining('Nothing was held'),
      },
    });
    await api.intake.vanish(customer.payment);
    expect(await hold(customer, '1')).toMatchObject({ status: 402, body: { code: 'debt_open' } });
    expect(await post(`/v1/holds/${id}/capture`, { amount: '9000' })).toMatchObject({ status: 201 });
  });

  it('replays each step as it was, whatever came after', async () => {
    const customer = await api.customer();
    const held = await hold(customer, '8', {}, 'hold');
    const path = `/v1/holds/${held.body.id}`;
    const captured = await post(`${path}/capture`, { amount: '3' }, 'capture');
    const reversed = await post(`/v1/debits/${captured.body.id}/reverse`, {}, 'reverse');
    expect(reversed).toMatchObject({ status: 201, body: { amount: '3', reverses: captured.body.id } });
    api.now += 20n * MINUTE;
    for (const [again, first] of [
      [await hold(customer, '8.0', {}, 'hold'), held],
      [await post(`${path}/capture`, { amount: '3.00' }, 'capture'), captured],
      [await post(`/v1/debits/${captured.body.id}/reverse`, {}, 'reverse'), reversed],
    ] as const) {
      expect(again.text).toBe(first.text);
      expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
      expect(first.headers['idempotent-replayed']).toBeUndefined();
    }
    expect(await balance(customer)).toEqual(['10000', '0']);
    const other = await hold(customer, '1');
    const releases = [0, 1].map(() => post(`/v1/holds/${other.body.id}/release`, undefined, 'release'));
    const [one, two] = await Promise.all(releases);
    expect(one?.text).toBe(two?.text);
    // A key that led to one thing never leads to another.
    for (const reused of [
      await hold(customer, '8', { expires_in_seconds: 60 }, 'hold'),
      await post(`${path}/capture`, { amount: '4' }, 'capture'),
      await post(`${path}/capture`, { amount: '3', model: 'other' }, 'capture'),
      await post(`${path}/release`, undefined, 'capture'),
      await post(`/v1/debits/${captured.body.id}/reverse`, { amount: '3' }, 'reverse'),
    ])
      expect(reused).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  });

  it('is captured once, and places once, when 20 come at once', async () => {
    const customer = await api.customer();
    const holds = await Promise.all(Array.from({ length: 20 }, () => hold(customer, '7', {}, 'race')));
    expect(new Set(holds.map(answer => answer.text)).size).toBe(1);
    const path = `/v1/holds/${holds[0]?.body.id}/capture`;
    const same = await Promise.all(
      Array.from({ length: 20 }, () => post(path, { amount: '2' }, 'one-capture')),
    );
    expect(new Set(same.map(answer => `${answer.status} ${answer.text}`)).size).toBe(1);
    expect(same.filter(answer => answer.headers['idempotent-replayed'] === undefined)).toHaveLength(1);
    const { id } = (await hold(customer, '9')).body;
    const fight = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        index % 2 ? post(`/v1/holds/${id}/release`) : post(`/v1/holds/${id}/capture`, { amount: '9' }),
      ),
    );
    expect(fight.map(answer => answer.status).sort()).toEqual([201, ...Array(19).fill(409)]);
    const won = fight.find(answer => answer.status === 201);
    const isCaptured = (await status(id)).body.status === 'captured';
    expect(await balance(customer)).toEqual([isCaptured ? '9989' : '9998', '0']);
    expect(won?.body.amount).toBe('9');
  });

  it('ends the patience at a hundred open ones of a service', async () => {
    const customer = await api.customer();
    const answers = await Promise.all(Array.from({ length: 101 }, () => hold(customer, '1')));
    expect(answers.filter(answer => answer.status === 201)).toHaveLength(100);
    expect(answers.find(answer => answer.status !== 201)).toMatchObject({
      status: 429,
      body: { code: 'too_many_holds', limit: 100, limit_of: 'service' },
    });
  });

  it.each([
    ['expires_in_seconds', { expires_in_seconds: 0 }],
    ['expires_in_seconds', { expires_in_seconds: 86_401 }],
    ['expires_in_seconds', { expires_in_seconds: 1.5 }],
    ['expires_in_seconds', { expires_in_seconds: '60' }],
    ['amount', { amount: '-1' }],
    ['amount', { amount: '1e2' }],
    ['amount', { amount: '0.0000001' }],
    ['amount', { amount: 1 }],
    ['amount', { amount: '٣' }],
    ['description', { description: '' }],
    ['model', { model: 'chat-large' }],
  ])('names the field %s of %j', async (field, json) => {
    const answer = await post('/v1/holds', { secure_key: 'x', amount: '1', ...json });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_field', field } });
  });

  it('lives a day at the longest', async () => {
    const held = await hold(await api.customer(), '1', { expires_in_seconds: 86_400 });
    expect(held.body.expires_at).toBe('2026-03-02T15:00:00.000000Z');
  });
});

describe('where the operator allows less', () => {
  let strict: ApiUnderTest;
  beforeAll(async () => {
    strict = await startApi({ holdLimits: { ofAccount: 2, ofService: 1, life: 2n * MINUTE } });
  });
  afterAll(() => strict?.stop());

  const holdThere = (bearer: string, { secureKey }: Customer, more: object = {}, key = fresh()) =>
    strict.call('POST', '/v1/holds', {
      bearer,
      json: { secure_key: secureKey, amount: '1', ...more },
      headers: { 'idempotency-key': key },
    });

  it('a hold lasts that long at the most, and when nothing is said', async () => {
    const customer = await strict.customer();
    const refused = await holdThere(strict.serviceToken, customer, { expires_in_seconds: 121 });
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field: 'expires_in_seconds', limit: 120 },
    });
    expect(refused.body.detail).toContain('at most 120');
    const held = await holdThere(strict.serviceToken, customer);
    expect(held).toMatchObject({ status: 201, body: { expires_at: '2026-03-01T15:02:00.000000Z' } });
  });

  it('says whose holds are too many: the service’s or the account’s', async () => {
    const customer = await strict.customer();
    const [second, third] = [await strict.service('second'), await strict.service('third')];
    expect((await holdThere(strict.serviceToken, customer)).status).toBe(201);
    expect(await holdThere(strict.serviceToken, customer)).toMatchObject({
      status: 429,
      body: {
        code: 'too_many_holds',
        limit: 1,
        limit_of: 'service',
        detail: expect.stringMatching(/^Your service has 1 open hold in this account/),
      },
    });
    expect((await holdThere(second, customer)).status).toBe(201);
    expect(await holdThere(third, customer)).toMatchObject({
      status: 429,
      body: {
        code: 'too_many_holds',
        limit: 2,
        limit_of: 'account',
        detail: expect.stringMatching(/^The account has 2 open holds/),
      },
    });
  });

  it('what was placed before that is answered the same when it is asked for again', async () => {
    const customer = await strict.customer();
    const generous = await openLedger({
      databaseUrl: strict.database.url,
      rpcUrl: NOWHERE,
      installation: TEST_INSTALLATION,
      clock: () => strict.now,
    });
    const service = await generous.authenticateService(strict.serviceToken);
    const holder = await generous.authenticateKey(customer.secureKey);
    if (!service || !holder) throw new Error('they have just been made');
    const asked = { service, holder, amountMicrocredits: 1_000_000n, description: null };
    const outcomes = [
      await generous.hold({ ...asked, idempotencyKey: 'long', life: 60n * MINUTE }),
      await generous.hold({ ...asked, idempotencyKey: 'as-usual' }),
    ];
    await generous.close();
    expect(outcomes.map(({ status }) => status)).toEqual(['accepted', 'accepted']);
    const again = [
      await holdThere(strict.serviceToken, customer, { expires_in_seconds: 3600 }, 'long'),
      await holdThere(strict.serviceToken, customer, {}, 'as-usual'),
    ];
    expect(again.map(({ status, body }) => [status, body.expires_at])).toEqual([
      [201, '2026-03-01T16:00:00.000000Z'],
      [201, '2026-03-01T15:15:00.000000Z'],
    ]);
  });
});

describe('another service', () => {
  it('meets nothing: the same 404 as for what never was', async () => {
    const customer = await api.customer();
    const held = await hold(customer, '10');
    const debited = await api.debit(customer, '10', 'theirs');
    const { account } = held.body;
    const nothing = [
      `${account}:99`,
      'acct_0123456789abcdef:2',
      `${account}:0`,
      `${account}:${'9'.repeat(30)}`,
      'x',
      '%00',
    ];
    const answers: Record<string, unknown[]> = { hold: [], spend: [] };
    for (const id of [held.body.id, ...nothing])
      answers.hold?.push(
        unknownHold(await status(id, stranger)),
        unknownHold(await post(`/v1/holds/${id}/capture`, { amount: '1' }, undefined, stranger)),
        unknownHold(await post(`/v1/holds/${id}/release`, undefined, undefined, stranger)),
      );
    // A hold is no spend, for its own service neither.
    for (const id of [debited.body.id, ...nothing])
      answers.spend?.push(unknownHold(await post(`/v1/debits/${id}/reverse`, {}, undefined, stranger)));
    answers.spend?.push(unknownHold(await post(`/v1/debits/${held.body.id}/reverse`, {})));
    expect(new Set(answers.hold?.map(answer => JSON.stringify(answer))).size).toBe(1);
    expect(answers.hold?.[0]).toMatchObject({ status: 404, code: 'hold_unknown' });
    expect(new Set(answers.spend?.map(answer => JSON.stringify(answer))).size).toBe(1);
    expect(answers.spend?.[0]).toMatchObject({ status: 404, code: 'spend_unknown' });
    expect(await balance(customer)).toEqual(['9980', '10']);
  });

  it('cannot do it with a customer’s key or an operator’s token either', async () => {
    const customer = await api.customer();
    const { id } = (await hold(customer, '10')).body;
    for (const bearer of [customer.secureKey, api.operatorToken])
      expect(await post(`/v1/holds/${id}/release`, undefined, undefined, bearer)).toMatchObject({
        status: 401,
      });
    expect(await balance(customer)).toEqual(['9990', '10']);
  });
});

describe('POST /v1/debits/{id}/reverse', () => {
  it('gives back in parts, up to what was spent', async () => {
    const customer = await api.customer();
    const { id } = (await api.debit(customer, '10', 'spent')).body;
    const path = `/v1/debits/${id}/reverse`;
    expect(await post(path, { amount: '4' })).toMatchObject({
      status: 201,
      body: { amount: '4', available: '9994' },
    });
    expect(await post(path, { amount: '6.000001' })).toMatchObject({
      status: 422,
      body: { code: 'reversal_above_spend', left: '6', required: '6.000001' },
    });
    expect(await post(path, {})).toMatchObject({ status: 201, body: { amount: '6', reverses: id } });
    expect(await post(path, {})).toMatchObject({
      status: 422,
      body: { code: 'reversal_above_spend', left: '0', detail: expect.stringContaining('already') },
    });
    expect(await balance(customer)).toEqual(['10000', '0']);
  });

  it('never gives back more when many come at once', async () => {
    const customer = await api.customer();
    const { id } = (await api.debit(customer, '10', 'raced')).body;
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => post(`/v1/debits/${id}/reverse`, { amount: '3' })),
    );
    expect(answers.map(answer => answer.status).sort()).toEqual([
      ...Array(3).fill(201),
      ...Array(27).fill(422),
    ]);
    expect(await balance(customer)).toEqual(['9999', '0']);
  });

  it('is no spend itself', async () => {
    const customer = await api.customer();
    const { id } = (await api.debit(customer, '10', 'undone')).body;
    const reversed = await post(`/v1/debits/${id}/reverse`, {});
    expect(await post(`/v1/debits/${reversed.body.id}/reverse`, {})).toMatchObject({
      status: 404,
      body: { code: 'spend_unknown' },
    });
  });

  it.each([['-1'], ['0'], ['1e1'], ['1.0000001'], [1], [null]])('refuses the amount %j', async amount => {
    const customer = await api.customer();
    const { id } = (await api.debit(customer, '10', 'kept')).body;
    expect(await post(`/v1/debits/${id}/reverse`, { amount })).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field: 'amount' },
    });
  });
});
