/** Orders over HTTP, quoted by the price feeds of a local chain. */
import { crc32, gzipSync } from 'node:zlib';
import { createPublicClient, createTestClient, http } from 'viem';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SEQUENCER_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import { installFeeds, pushPrice } from '../../dev/price-feeds.ts';
import { instantText } from '../../ledger/index.ts';
import { type ApiUnderTest, type Call, startApi } from '../support/api.ts';
import type { AnyBody } from '../support/http.ts';
import { ANSWER } from '../support/intake.ts';

const SECOND = 1_000_000n;
const WEI_PER_ETH = 10n ** 18n;

type Order = {
  id: string;
  secret: string;
  quote: { round_id: string; guaranteed_wei: string };
  payment: { address: string; amount_wei: string; amount_eth: string; calldata: string };
};

let chain: LocalChain;
let api: ApiUnderTest;

beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  await installFeeds(chain.rpcUrl, {
    cacheFolder: SOLIDITY_CACHE,
  });
  api = await startApi({ rpcUrl: chain.rpcUrl });
});

afterAll(async () => {
  await api?.stop();
  await chain?.stop();
});

beforeEach(async () => {
  api.now = await priceOf(ANSWER);
});

/** Pushes a price, a second after the last one at least, and returns the instant it was answered at. */
async function priceOf(answer: bigint): Promise<bigint> {
  await createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) }).increaseTime({ seconds: 1 });
  await pushPrice(chain.rpcUrl, answer);
  const { timestamp } = await createPublicClient({ transport: http(chain.rpcUrl) }).getBlock();
  return timestamp * SECOND;
}

function order<Body = AnyBody>(call: Call) {
  return api.call<Body>('POST', '/v1/orders', call);
}

async function ordered(amountUsd: string): Promise<Order> {
  const { status, body } = await order<Order>({ json: { amount_usd: amountUsd, method: 'eth' } });
  expect(status).toBe(201);
  return body;
}

describe('POST /v1/orders', () => {
  it('answers with the quote, the payment and the secret', async () => {
    const { status, body } = await order<Order>({ json: { amount_usd: '12.50', method: 'eth' } });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^ord_[0-9A-Za-z]{24}$/),
      secret: expect.stringMatching(/^aios_dev_[0-9A-Za-z]{38}$/),
      kind: 'new_key',
      method: 'eth',
      amount_usd: '12.5',
      credits: '125000',
      created_at: instantText(api.now),
      quote: {
        eth_usd: '2000',
        round_id: expect.stringMatching(/^\d{20}$/),
        guaranteed_wei: '6250000000000000',
        deadline: instantText(api.now + 600n * SECOND),
      },
      payment: {
        chain_id: 8453,
        address: '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689',
        amount_wei: '6250000000000000',
        amount_eth: '0.00625',
        unique_amount_until: null,
        calldata: expect.stringMatching(/^0x41495343[0-9a-f]{40}$/),
        transaction: {
          to: body.payment.address,
          value: '0x16345785d8a000',
          data: body.payment.calldata,
        },
      },
    });
  });

  it('makes a reference with its checksum, and nothing twice', async () => {
    const orders = await Promise.all(Array.from({ length: 8 }, () => ordered('1')));
    for (const { payment } of orders) {
      const bytes = Buffer.from(payment.calldata.slice(2), 'hex');
      expect(bytes.readUInt32BE(20)).toBe(crc32(bytes.subarray(0, 20)));
    }
    for (const values of [
      orders.map(one => one.id),
      orders.map(one => one.secret),
      orders.map(one => one.payment.calldata),
    ])
      expect(new Set(values).size).toBe(8);
  });

  // The least wei that is worth the amount: ceil(micro-dollars × 10^20 / answer), computed elsewhere.
  it.each([
    ['0.000001', '0.01', 1n, 200_000_000_000n, 500_000_000n],
    ['1', '10000', 1_000_000n, 200_000_000_000n, 500_000_000_000_000n],
    ['999.999999', '9999999.99', 999_999_999n, 299_999_999_999n, 333_333_333_001_111_112n],
    ['1000', '10000000', 1_000_000_000n, 271_828_182_845n, 367_879_441_172_666_462n],
    ['1000000', '10000000000', 1_000_000_000_000n, 314_159_265_359n, 318_309_886_183_769_722_215n],
    ['0.1', '1000', 100_000n, 333_333_333_333n, 30_000_000_000_031n],
  ])('quotes $%s for %s credits exactly', async (amountUsd, credits, micro, answer, wei) => {
    api.now = await priceOf(answer);
    const made = await ordered(amountUsd);
    expect(made).toMatchObject({ amount_usd: amountUsd, credits, payment: { amount_wei: wei.toString() } });
    // Paying it buys the very amount, a wei less does not.
    expect((wei * answer) / 10n ** 20n).toBe(micro);
    expect(((wei - 1n) * answer) / 10n ** 20n).toBeLessThan(micro);
    const [whole = '', fraction = ''] = made.payment.amount_eth.split('.');
    expect(BigInt(whole) * WEI_PER_ETH + BigInt(fraction.padEnd(18, '0'))).toBe(wei);
  });

  it('guarantees the price for $1,000 of an order', async () => {
    const [small, large] = [await ordered('1000'), await ordered('1000.01')];
    expect(small.quote.guaranteed_wei).toBe('500000000000000000');
    expect(large.quote.guaranteed_wei).toBe('500000000000000000');
    expect(large.payment.amount_wei).toBe('500005000000000000');
  });

  it('takes JSON with a charset and compressed JSON', async () => {
    const body = '{"amount_usd":"1","method":"eth"}';
    const plain = await order({ body, headers: { 'content-type': 'application/json; charset=utf-8' } });
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const compressed = await order({ body: gzipSync(body), headers });
    expect([plain.status, compressed.status]).toEqual([201, 201]);
  });
});

describe('POST /v1/orders with a Secure Key', () => {
  const topUp = (bearer: string, amountUsd = '5') =>
    order<Order & { kind: string }>({ bearer, json: { amount_usd: amountUsd, method: 'eth' } });
  const available = async (bearer: string) => (await api.call('GET', '/v1/credits', { bearer })).body;

  it.each(['manage', 'spend'])('tops up the account of the key: scope %s', async scope => {
    const { secureKey, accountId } = await api.customer();
    await api.query('update credits.secure_keys set scope = $1 where account_id = $2', [scope, accountId]);
    const { status, body } = await topUp(secureKey);
    expect(status).toBe(201);
    expect(body).toMatchObject({ kind: 'top_up', amount_usd: '5', credits: '50000' });
    await api.intake.pay({ calldata: body.payment.calldata, amountWei: BigInt(body.payment.amount_wei) });
    expect(await available(secureKey)).toMatchObject({ available: '60000' });
  });

  it('shows its status to the order’s secret, and never a key', async () => {
    const { secureKey } = await api.customer();
    const { body: made } = await topUp(secureKey);
    const { calldata, amount_wei } = made.payment;
    const asked = { bearer: made.secret };
    const nothing = {
      status: 409,
      body: { code: 'nothing_to_claim', detail: expect.stringContaining('the key it was made with') },
    };
    expect(await api.call('POST', `/v1/orders/${made.id}/claim`, asked)).toMatchObject(nothing);
    await api.intake.pay({ calldata, amountWei: BigInt(amount_wei) });
    expect(await api.call('GET', `/v1/orders/${made.id}`, asked)).toMatchObject({
      status: 200,
      body: { kind: 'top_up', state: { amount: 'exact', credited: true, key: null } },
    });
    const before = await api.query('select from credits.secure_keys');
    expect(await api.call('POST', `/v1/orders/${made.id}/claim`, asked)).toMatchObject(nothing);
    const json = { secure_key: secureKey };
    expect(await api.call('POST', `/v1/orders/${made.id}/acknowledge`, { ...asked, json })).toMatchObject(
      nothing,
    );
    expect(await api.query('select from credits.secure_keys')).toHaveLength(before.length);
    expect((await available(secureKey)).available).toBe('60000');
  });

  it('is a use of the key: the claim that gave it out is over', async () => {
    const { secureKey, orderId, orderSecret } = await api.customer();
    await topUp(secureKey);
    const claim = await api.call('POST', `/v1/orders/${orderId}/claim`, { bearer: orderSecret });
    expect(claim.body).toMatchObject({ code: 'claim_closed' });
  });

  it('makes no order for a key that is not valid, and never a new account', async () => {
    const customer = await api.customer();
    const { secureKey } = customer;
    const revoked = (await api.customer()).secureKey;
    await api.query('update credits.secure_keys set revoked_at = now() where last_four = $1', [
      revoked.slice(-4),
    ]);
    const orders = await api.query('select from credits.orders');
    const wrong: [string, string][] = [
      ['mistyped', `${secureKey.slice(0, -1)}${secureKey.endsWith('0') ? '1' : '0'}`],
      ['revoked', revoked],
      ['of live', secureKey.replace('_dev_', '_live_')],
      ['an order’s secret', customer.orderSecret],
      ['a service token', api.serviceToken],
      ['an operator token', api.operatorToken],
    ];
    for (const [what, bearer] of wrong)
      expect(await topUp(bearer), what).toMatchObject({ status: 401, body: { code: 'credential_invalid' } });
    for (const authorization of ['', 'Bearer', `Basic ${secureKey}`, secureKey, `Bearer ${secureKey} x`])
      expect(
        await order({ headers: { authorization }, json: { amount_usd: '1', method: 'eth' } }),
        authorization,
      ).toMatchObject({ status: 401, body: { code: 'credential_invalid' } });
    expect(await api.query('select from credits.orders')).toHaveLength(orders.length);
  });

  it('names a field that is wrong before it uses the key', async () => {
    const { secureKey, orderId, orderSecret } = await api.customer();
    expect(await topUp(secureKey, '-1')).toMatchObject({ status: 400, body: { field: 'amount_usd' } });
    const claim = await api.call('POST', `/v1/orders/${orderId}/claim`, { bearer: orderSecret });
    expect(claim.status).toBe(200);
  });
});

describe('POST /v1/orders with unique_amount', () => {
  const unique = (call: Call = {}, amountUsd = '10') =>
    order<Order & { payment: { unique_amount_until: string } }>({
      json: { amount_usd: amountUsd, method: 'eth', unique_amount: true },
      ...call,
    });

  it('asks for an amount of 8 decimals that tells whose payment it is', async () => {
    const { status, body } = await unique();
    expect(status).toBe(201);
    const { amount_wei, amount_eth, unique_amount_until } = body.payment;
    expect(amount_eth).toMatch(/^0\.\d{1,8}$/);
    // 5 cents more at the most.
    expect(BigInt(amount_wei) - 5_000_000_000_000_000n).toBeLessThanOrEqual(25_000_000_000_000n);
    expect(unique_amount_until).toBe(instantText(api.now + (600n + 30n * 86_400n) * SECOND));
    await api.intake.pay({ calldata: '0x', amountWei: BigInt(amount_wei), answer: ANSWER });
    const state = await api.call('GET', `/v1/orders/${body.id}`, { bearer: body.secret });
    expect(state.body).toMatchObject({ state: { amount: 'exact', credited: true } });
  });

  it('is an order like any other with false', async () => {
    const json = { amount_usd: '10', method: 'eth', unique_amount: false };
    const { body } = await order<Order>({ json });
    expect(body.payment).toMatchObject({ amount_wei: '5000000000000000', unique_amount_until: null });
  });

  it.each(['true', 1, null])('takes nothing but true and false: %j', async value => {
    const { body } = await order({ json: { amount_usd: '10', method: 'eth', unique_amount: value } });
    expect(body).toMatchObject({ status: 400, field: 'unique_amount' });
  });

  it('says when to come again to one who asks for too many; a key or a payment helps at once', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => unique()));
    expect(made.map(answer => answer.status)).toEqual(Array.from({ length: 10 }, () => 201));
    const refused = {
      status: 429,
      headers: { 'retry-after': '86400' },
      body: { code: 'unique_amounts_taken', retry_at: instantText(api.now + 86_400n * SECOND) },
    };
    expect(await unique()).toMatchObject(refused);
    // A name that somebody gives himself is not believed.
    const headers = { 'x-forwarded-for': '198.51.100.7' };
    expect(await unique({ headers })).toMatchObject(refused);
    const { secureKey } = await api.customer();
    expect((await unique({ bearer: secureKey })).status).toBe(201);
    await api.intake.record({ calldata: '0x', amountWei: BigInt(made[0]?.body.payment.amount_wei ?? '') });
    expect((await unique()).status).toBe(201);
    expect((await unique()).status).toBe(429);
  });

  it('knows buyers apart behind a proxy that it was told to believe', async () => {
    const behind = await startApi({ rpcUrl: chain.rpcUrl, trustedProxies: ['127.0.0.1'] });
    try {
      behind.now = api.now;
      const json = { amount_usd: '10', method: 'eth', unique_amount: true };
      const from = async (address: string) =>
        (await behind.call('POST', '/v1/orders', { json, headers: { 'x-forwarded-for': address } })).status;
      for (let count = 0; count < 10; count += 1) expect(await from('2001:db8:1:2::1')).toBe(201);
      // The same household.
      expect(await from('2001:db8:1:2:3::9')).toBe(429);
      expect(await from('2001:db8:1:3::1')).toBe(201);
    } finally {
      await behind.stop();
    }
  });
});

describe('POST /v1/orders refuses', () => {
  const bad: [unknown, string][] = [
    [5, 'must be a string with an amount in dollars'],
    [null, 'must be a string'],
    [['1'], 'must be a string'],
    [undefined, 'must be a string'],
    ['-1', 'plain digits'],
    ['+1', 'plain digits'],
    ['1e3', 'plain digits'],
    ['0x10', 'plain digits'],
    ['1,000', 'plain digits'],
    ['1.', 'plain digits'],
    ['.5', 'plain digits'],
    ['1.0000001', 'at most 6 decimals'],
    ['01', 'plain digits'],
    ['00.5', 'plain digits'],
    ['', 'plain digits'],
    [' 1', 'plain digits'],
    ['1\n', 'plain digits'],
    ['1\u0000', 'plain digits'],
    ['١٢', 'plain digits'],
    ['１', 'plain digits'],
    ['NaN', 'plain digits'],
    ['Infinity', 'plain digits'],
    ['0', 'must be more than 0'],
    ['0.000000', 'must be more than 0'],
    ['1000000.000001', 'must be at most 1000000'],
    ['999999999999999999', 'must be at most 1000000'],
    ['9'.repeat(5000), 'plain digits'],
  ];

  it.each(bad)('amount_usd %j', async (amount, words) => {
    const { status, body } = await order({ json: { amount_usd: amount, method: 'eth' } });
    expect(body).toMatchObject({
      code: 'invalid_field',
      field: 'amount_usd',
      detail: expect.stringContaining(words),
    });
    expect(status).toBe(400);
  });

  it.each([['cards'], ['ETH'], ['usdc'], [''], [null], [7], [undefined]])('method %j', async method => {
    const { status, body } = await order({ json: { amount_usd: '1', method } });
    expect(body).toMatchObject({
      code: 'invalid_field',
      field: 'method',
      detail: '"method" must be "eth" or "card".',
    });
    expect(status).toBe(400);
  });

  it.each([['account'], ['amount'], ['constructor'], ['__proto__'], ['']])(
    'the unknown field %j',
    async field => {
      const body = `{"amount_usd":"1","method":"eth",${JSON.stringify(field)}:{}}`;
      const answer = await order({ body, headers: { 'content-type': 'application/json' } });
      expect(answer.body).toMatchObject({ code: 'invalid_field', field });
      expect(answer.status).toBe(400);
    },
  );

  const json = { 'content-type': 'application/json' };
  const valid = '{"amount_usd":"1","method":"eth"}';
  const bodies: [string, Call, number, string][] = [
    ['half a JSON', { body: '{"amount_usd":', headers: json }, 400, 'malformed_request'],
    ['a JSON string', { body: '"1"', headers: json }, 400, 'malformed_request'],
    ['null', { body: 'null', headers: json }, 400, 'malformed_request'],
    ['an array', { body: `[${valid}]`, headers: json }, 400, 'malformed_request'],
    ['two objects', { body: `${valid}${valid}`, headers: json }, 400, 'malformed_request'],
    ['17 kB', { body: `{"amount_usd":"${'1'.repeat(17_000)}"}`, headers: json }, 413, 'request_too_large'],
    [
      '1 MB in 1 kB of gzip',
      { body: gzipSync(' '.repeat(1_000_000)), headers: { ...json, 'content-encoding': 'gzip' } },
      413,
      'request_too_large',
    ],
    [
      'gzip that is none',
      { body: valid, headers: { ...json, 'content-encoding': 'gzip' } },
      400,
      'malformed_request',
    ],
    [
      'an unknown compression',
      { body: valid, headers: { ...json, 'content-encoding': 'zip' } },
      415,
      'unsupported_media_type',
    ],
    [
      'an unknown charset',
      { body: valid, headers: { 'content-type': 'application/json; charset=ebcdic' } },
      415,
      'unsupported_media_type',
    ],
    ['plain text', { body: valid, headers: { 'content-type': 'text/plain' } }, 415, 'unsupported_media_type'],
    [
      'a form',
      { body: 'amount_usd=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'unsupported_media_type',
    ],
    ['no content type', { body: valid }, 415, 'unsupported_media_type'],
    ['no body', {}, 415, 'unsupported_media_type'],
    ['no body, said to be JSON', { headers: json }, 400, 'invalid_field'],
  ];

  it.each(bodies)('%s', async (_what, call, status, code) => {
    const answer = await order(call);
    expect(answer.body).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
  });
});

describe('POST /v1/orders without a price', () => {
  const unavailable = (cause: string) => ({
    status: 503,
    body: { code: 'price_unavailable', cause, detail: expect.stringContaining('try again') },
  });
  const one: Call = { json: { amount_usd: '1', method: 'eth' } };

  it('takes a round of up to 1,800 s of age and none that is older', async () => {
    api.now += 1800n * SECOND;
    expect((await order(one)).status).toBe(201);
    api.now += 1n;
    expect(await order(one)).toMatchObject(unavailable('price_stale'));
  });

  it.each([[0n], [-1n]])('takes no price of %d', async answer => {
    api.now = await priceOf(answer);
    expect(await order(one)).toMatchObject(unavailable('price_not_positive'));
  });

  it('takes none while the sequencer is down, nor for an hour after', async () => {
    const longAgo = api.now / SECOND - 30n * 86_400n;
    const restore = { feed: SEQUENCER_FEED, startedAt: longAgo, updatedAt: longAgo };
    try {
      await pushPrice(chain.rpcUrl, 1n, { feed: SEQUENCER_FEED });
      expect(await order(one)).toMatchObject(unavailable('sequencer_down'));
      const upSince = api.now / SECOND - 3599n;
      await pushPrice(chain.rpcUrl, 0n, { feed: SEQUENCER_FEED, startedAt: upSince, updatedAt: upSince });
      expect(await order(one)).toMatchObject(unavailable('sequencer_down'));
      api.now += SECOND;
      expect((await order(one)).status).toBe(201);
    } finally {
      await pushPrice(chain.rpcUrl, 0n, restore);
    }
  });

  it('makes no order', async () => {
    const count = async () => await api.query('select from credits.orders');
    const before = await count();
    api.now += 1801n * SECOND;
    await order(one);
    expect(await count()).toHaveLength(before.length);
  });
});

describe('GET /v1/orders/:id', () => {
  const status = async ({ id, secret }: Order) =>
    (await api.call('GET', `/v1/orders/${id}`, { bearer: secret })).body;

  it('follows a payment from nothing to credited, and back when the chain takes it back', async () => {
    const made = await ordered('10');
    const { calldata, amount_wei } = made.payment;
    const { secret: _shownOnce, ...terms } = made;
    const waiting = {
      ...terms,
      state: { amount: 'none', quote: 'live', flags: [], credited: false, key: 'unclaimed' },
      progress: 'waiting',
      payments: [],
    };
    expect(await status(made)).toEqual(waiting);

    const inclusion = await api.intake.record({ calldata, amountWei: BigInt(amount_wei) });
    const payment = {
      receipt: `eth:8453:${inclusion.transactionHash}:0`,
      transaction: inclusion.transactionHash,
      block: inclusion.blockNumber.toString(),
      paid_at: instantText(inclusion.blockAt),
      amount_wei,
      amount_usd: null,
      credits: null,
      credited: false,
      reorged: false,
      finality: 'latest',
      kept_back: null,
    };
    const exact = { ...waiting.state, amount: 'exact' };
    expect(await status(made)).toEqual({
      ...waiting,
      state: { ...exact, flags: ['price_pending'] },
      progress: 'confirmed',
      payments: [payment],
    });

    await api.intake.price(inclusion);
    const priced = { ...payment, amount_usd: '10', credits: '100000' };
    expect(await status(made)).toEqual({
      ...waiting,
      state: { ...exact, flags: ['processing'] },
      progress: 'confirmed',
      payments: [priced],
    });

    await api.intake.deliver();
    expect(await status(made)).toEqual({
      ...waiting,
      state: { ...exact, credited: true },
      progress: 'credited',
      payments: [{ ...priced, credited: true }],
    });

    await api.intake.vanish(inclusion);
    expect(await status(made)).toEqual({
      ...waiting,
      state: { ...waiting.state, flags: ['reorged'] },
      progress: 'reorged',
      payments: [{ ...priced, reorged: true }],
    });
  });

  it('tells less, more and late apart, and credits what came', async () => {
    const [under, over, late] = [await ordered('10'), await ordered('10'), await ordered('10')];
    const { intake } = api;
    await intake.pay({ calldata: under.payment.calldata, amountWei: 10n ** 15n });
    await intake.pay({ calldata: over.payment.calldata, amountWei: 10n ** 16n });
    api.now += 601n * SECOND;
    const answer = ANSWER / 2n;
    await intake.pay({ calldata: late.payment.calldata, amountWei: 5n * 10n ** 15n, answer });
    expect(await status(under)).toMatchObject({
      state: { amount: 'under', quote: 'expired', flags: [], credited: true },
      payments: [{ amount_usd: '2', credits: '20000' }],
    });
    expect(await status(over)).toMatchObject({
      state: { amount: 'over', quote: 'expired', flags: [], credited: true },
      payments: [{ amount_usd: '20', credits: '200000' }],
    });
    expect(await status(late)).toMatchObject({
      state: { amount: 'exact', quote: 'expired', flags: ['late'], credited: true },
      payments: [{ amount_usd: '5', credits: '50000' }],
    });
  });

  it.each([
    ['an id that is none', 'ord_nothing'],
    ['an empty byte', 'ord_%00'],
    ['letters that are none', '%F0%9F%92%B8'],
    ['an injection', "x'%20or%201=1--"],
    ['a long id', 'x'.repeat(5000)],
  ])('answers 404 to %s', async (_what, id) => {
    const { secret } = await ordered('1');
    for (const [method, path] of [
      ['GET', `/v1/orders/${id}`],
      ['POST', `/v1/orders/${id}/claim`],
      ['POST', `/v1/orders/${id}/acknowledge`],
    ] as const) {
      const saved = path.endsWith('/acknowledge') ? { json: { secure_key: 'aisk_dev_none' } } : {};
      const answer = await api.call(method, path, { bearer: secret, ...saved });
      expect(answer.body).toMatchObject({ status: 404, code: 'not_found' });
    }
  });

  it('answers 400 to a path that cannot be decoded', async () => {
    const { secret } = await ordered('1');
    const answer = await api.call('GET', '/v1/orders/%zz', { bearer: secret });
    expect(answer.body).toMatchObject({ status: 400, code: 'malformed_request' });
  });
});
