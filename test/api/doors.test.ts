/** What holds for every answer, whatever was asked: headers, hosts, ids, and that no secret leaves where it should not. */
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiUnderTest, type Call, type Customer, startApi } from '../support/api.ts';
import type { Answer, AnyBody } from '../support/http.ts';

let api: ApiUnderTest;
let customer: Customer;
beforeAll(async () => {
  api = await startApi();
  customer = await api.customer();
});
afterAll(() => api?.stop());

const CSP =
  "default-src 'none';script-src 'self';style-src 'self';connect-src 'self';base-uri 'none';" +
  "form-action 'none';frame-ancestors 'none'";
const json = { 'content-type': 'application/json' };

/** One of each kind of answer. */
const ANSWERS: [string, number, () => Promise<Answer<AnyBody>>][] = [
  ['the page', 200, () => api.call('GET', '/')],
  ['the script', 200, () => asset('js')],
  ['the style', 200, () => asset('css')],
  ['the price, of which there is none', 503, () => api.call('GET', '/v1/price')],
  ['a payment', 200, () => api.call('GET', `/v1/payments/${customer.payment.transactionHash}`)],
  ['health', 200, () => api.call('GET', '/health')],
  ['readiness', 200, () => api.call('GET', '/ready')],
  ['credits', 200, () => api.call('GET', '/v1/credits', { bearer: customer.secureKey })],
  ['a debit', 201, () => api.debit(customer, '1', 'headers')],
  [
    'an acknowledgement',
    204,
    async () => {
      const { orderId, orderSecret, secureKey } = await api.customer();
      const json = { secure_key: secureKey };
      return await api.call('POST', `/v1/orders/${orderId}/acknowledge`, { bearer: orderSecret, json });
    },
  ],
  ['a missing page', 404, () => api.call('GET', '/nothing.html')],
  ['a hidden file', 404, () => api.call('GET', '/.env')],
  ['a way out of the folder', 404, () => api.call('GET', '/..%2fpackage.json')],
  ['a missing route', 404, () => api.call('GET', '/v1/nothing')],
  ['broken JSON', 400, () => api.call('POST', '/v1/orders', { body: '{', headers: json })],
  ['too much', 413, () => api.call('POST', '/v1/orders', { body: ' '.repeat(20_000), headers: json })],
  ['no credential', 401, () => api.call('GET', '/v1/credits')],
  ['no type', 415, () => api.call('POST', '/v1/orders', { body: 'x' })],
  ['another host', 421, () => api.call('GET', '/', { headers: { host: 'evil.example' } })],
  [
    'another host of the API',
    421,
    () => api.call('GET', '/v1/credits', { headers: { host: 'evil.example' } }),
  ],
  ['our fault', 500, () => broken(() => api.call('GET', '/v1/credits', { bearer: customer.secureKey }))],
  ['no price', 503, () => api.call('POST', '/v1/orders', { json: { amount_usd: '1', method: 'eth' } })],
];

/** A file that the page loads. */
async function asset(ending: 'js' | 'css'): Promise<Answer<AnyBody>> {
  const { text } = await api.call('GET', '/');
  const path = new RegExp(`"(/assets/[^"]+\\.${ending})"`).exec(text)?.[1];
  if (path === undefined) throw new Error(`the page loads no ${ending}`);
  return await api.call('GET', path);
}

/** Does something while a table is missing, which is answered with a 500. */
async function broken<T>(work: () => Promise<T>): Promise<T> {
  await api.query('alter table credits.secure_keys rename to secure_keys_away');
  try {
    return await work();
  } finally {
    await api.query('alter table credits.secure_keys_away rename to secure_keys');
  }
}

describe('every answer', () => {
  it.each(ANSWERS)('has the headers that protect a browser: %s', async (_what, status, ask) => {
    const answer = await ask();
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'content-security-policy': CSP,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'x-frame-options': 'DENY',
      'strict-transport-security': 'max-age=31536000',
      'request-id': expect.stringMatching(/^req_[0-9a-f]{32}$/),
    });
    expect(answer.headers).not.toHaveProperty('x-powered-by');
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it.each([
    ['success', () => api.call('GET', '/v1/credits', { bearer: customer.secureKey })],
    ['a missing route', () => api.call('GET', '/v1/nothing')],
    ['a missing credential', () => api.call('GET', '/v1/credits')],
    ['broken JSON', () => api.call('POST', '/v1/orders', { body: '{', headers: json })],
    ['too much', () => api.call('POST', '/v1/orders', { body: ' '.repeat(20_000), headers: json })],
    ['another host', () => api.call('GET', '/v1/credits', { headers: { host: 'evil.example' } })],
  ])('of the API is kept by nobody on the way: %s', async (_what, ask) => {
    expect((await ask()).headers['cache-control']).toBe('no-store');
  });

  it('has a Request-Id of its own, not the one that was sent', async () => {
    const headers = { 'request-id': 'req_mine', 'x-request-id': 'req_mine' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.call('GET', '/health', { headers })),
    );
    const ids = answers.map(answer => answer.headers['request-id']);
    expect(new Set(ids).size).toBe(20);
    expect(ids).not.toContain('req_mine');
  });
});

describe('the host', () => {
  it.each([
    ['evil.example'],
    ['127.0.0.1'],
    ['127.0.0.1:1'],
    ['localhost'],
    ['127.0.0.1:PORT.evil.example'],
    ['user@127.0.0.1:PORT'],
    ['[::1]:PORT'],
  ])('%j is not answered', async host => {
    const answer = await api.call('GET', '/v1/credits', {
      bearer: customer.secureKey,
      headers: { host: host.replace('PORT', String(api.port)) },
    });
    expect(answer.body).toMatchObject({ status: 421, code: 'host_unknown' });
  });

  it.each([['127.0.0.1:PORT'], ['localhost:PORT']])('%j is, in development', async host => {
    const headers = { host: host.replace('PORT', String(api.port)) };
    expect((await api.call('GET', '/health', { headers })).status).toBe(200);
  });

  it('is not taken from a forwarding header', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
    const answer = await api.debit(customer, '999999', 'forwarded', { headers });
    expect(answer.body).toMatchObject({ code: 'insufficient_credits' });
    expect(answer.text).not.toContain('evil.example');
  });
});

describe('Authorization', () => {
  it.each([
    ['no scheme', (key: string) => key],
    ['Basic', (key: string) => `Basic ${key}`],
    ['two words', (key: string) => `Bearer ${key} ${key}`],
    ['quotes', (key: string) => `Bearer "${key}"`],
    ['a comma', (key: string) => `Bearer ${key},Bearer ${key}`],
    ['nothing', () => 'Bearer '],
    ['an empty header', () => ''],
    ['far too long', (key: string) => `Bearer ${key.repeat(100)}`],
    ['not ASCII', () => 'Bearer aisk_dev_é'],
  ])('is refused: %s', async (_what, write) => {
    const headers = { authorization: write(customer.secureKey) };
    const { status, body } = await api.call('GET', '/v1/credits', { headers });
    expect({ status, code: body.code }).toEqual({ status: 401, code: 'credential_invalid' });
  });

  it.each([['bearer'], ['BEARER'], ['Bearer  ']])('is taken as %j', async scheme => {
    const headers = { authorization: `${scheme} ${customer.secureKey}` };
    expect((await api.call('GET', '/v1/credits', { headers })).status).toBe(200);
  });

  it.each([
    ['a wrong one first', (key: string) => ['Bearer aisk_dev_nonsense', `Bearer ${key}`]],
    ['a wrong one second', (key: string) => [`Bearer ${key}`, 'Bearer aisk_dev_nonsense']],
    ['the same one', (key: string) => [`Bearer ${key}`, `Bearer ${key}`]],
  ])('sent twice is refused: %s', async (_what, write) => {
    const headers = { authorization: write(customer.secureKey) };
    expect(await api.call('GET', '/v1/credits', { headers })).toMatchObject({
      status: 400,
      body: { code: 'malformed_request', field: 'Authorization', detail: expect.stringContaining('twice') },
    });
  });

  it('is not read from the URL or a cookie', async () => {
    const key = customer.secureKey;
    for (const tail of [`?key=${key}`, `?access_token=${key}`, `?secure_key=${key}`])
      expect((await api.call('GET', `/v1/credits${tail}`)).status).toBe(401);
    const headers = { cookie: `secure_key=${key}; session=${key}` };
    expect((await api.call('GET', '/v1/credits', { headers })).status).toBe(401);
  });
});

describe('a header', () => {
  it.each([
    ['Idempotency-Key', ['one', 'one']],
    ['Content-Type', ['application/json', 'application/json']],
  ])('%s sent twice is refused', async (field, values) => {
    const before = await api.query('select count(*) as n from credits.entries');
    const answer = await api.debit(customer, '1', 'twice', { headers: { [field.toLowerCase()]: values } });
    expect(answer).toMatchObject({ status: 400, body: { code: 'malformed_request', field } });
    expect(await api.query('select count(*) as n from credits.entries')).toEqual(before);
  });

  it('that is known nowhere may come twice', async () => {
    const headers = { 'x-anything': ['one', 'two'] };
    expect((await api.call('GET', '/health', { headers })).status).toBe(200);
  });

  it('is one of a hundred at the most', async () => {
    const headers = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, '1']));
    // Host and Connection are sent by themselves.
    expect((await api.call('GET', '/health', { headers: headers(98) })).status).toBe(200);
    expect((await api.call('GET', '/health', { headers: headers(99) })).body).toMatchObject({
      status: 431,
      code: 'headers_too_large',
    });
  });

  it('is not read when all together are too long', async () => {
    const answer = await api.call('GET', '/health', { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(answer.body).toMatchObject({ status: 431, code: 'headers_too_large' });
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.headers['request-id']).toBe(answer.body.request_id);
  });
});

describe('another origin', () => {
  it.each(['GET', 'POST', 'PUT'])('gets no allowance for %s', async method => {
    const headers = {
      origin: 'https://evil.example',
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization, content-type',
    };
    for (const path of ['/v1/credits', '/v1/debits', '/v1/orders', '/health', '/openapi.json', '/']) {
      const answer = await api.call('OPTIONS', path, { headers });
      const allowed = Object.keys(answer.headers).filter(name => name.startsWith('access-control-'));
      expect(allowed, path).toEqual([]);
      expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin');
    }
  });
});

describe('an address', () => {
  it.each([
    '/v1/orders/%',
    '/v1/orders/%zz',
    '/v1/orders/%c3%28',
    '/v1/orders/%ff/claim',
    '/v1/wallets/%00',
    '/%',
    '/%c0%ae%c0%ae/package.json',
    '/v1/%2e%2e/credits',
    '//evil.example/',
    `/v1/orders/${'x'.repeat(5000)}`,
  ])('%s is nothing, and no fault of ours', async path => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const { status } = await api.call(method, path, { bearer: customer.secureKey });
      expect([400, 401, 404, 405], `${method} ${path}`).toContain(status);
    }
  });
});

describe('no secret', () => {
  /** Every secret there is, each in each place where one may be put rightly or by mistake. */
  function asked(secret: string): (() => Promise<Answer<AnyBody>>)[] {
    const { orderId } = customer;
    const call = (method: string, path: string, more: Call = {}) =>
      api.call(method, path, { bearer: secret, ...more });
    return [
      () => call('GET', '/v1/credits'),
      () => call('GET', `/v1/orders/${orderId}`),
      () => call('POST', `/v1/orders/${orderId}/claim`),
      () => call('GET', '/v1/operator/trial-balance'),
      () => call('POST', '/v1/debits', { json: { secure_key: secret, amount: '1' } }),
      () => api.debit({ secureKey: secret }, '999999', 'secrets'),
      () => api.debit({ secureKey: secret }, '1', 'secrets', { bearer: secret }),
      () => call('GET', `/v1/credits?key=${secret}`),
      () =>
        call('POST', '/v1/orders', {
          body: `{"amount_usd":"${secret}","method":"${secret}"}`,
          headers: json,
        }),
      () => call('POST', '/v1/orders', { body: `{"${secret}`, headers: json }),
      () => call('GET', '/', { headers: { host: secret } }),
    ];
  }
  const linesWith = (secret: string) => api.log.filter(line => line.includes(secret));
  const secrets = () => [
    customer.secureKey,
    customer.orderSecret,
    api.serviceToken,
    api.operatorToken,
    customer.secureKey.replace('_dev_', '_live_'),
  ];

  it('is in an error answer or in the log, in good days and in bad ones', async () => {
    const ask = async () => {
      for (const secret of secrets())
        for (const one of asked(secret)) {
          const answer = await one();
          if (answer.status >= 400) expect(answer.text).not.toContain(secret);
        }
    };
    await ask();
    const before = api.log.length;
    await broken(ask);
    expect(api.log.length).toBeGreaterThan(before);
    for (const secret of secrets()) expect(linesWith(secret)).toEqual([]);
  });

  it('is in the database as it is', async () => {
    const tables = await api.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'credits'`,
    );
    expect(tables.length).toBeGreaterThan(10);
    for (const { name } of tables) {
      const [found] = await api.query<{ all: string | null }>(
        `select string_agg(t::text, ' ') as all from ${name} t`,
      );
      for (const secret of secrets()) expect(found?.all ?? '', name).not.toContain(secret);
    }
  });
});

describe('a connection', () => {
  /** What comes back when nothing follows `text`. */
  const saidTo = (text: string) =>
    new Promise<string>(resolve => {
      let said = '';
      const socket = connect(api.port, '127.0.0.1', () => socket.write(text));
      socket.on('data', chunk => {
        said += chunk;
      });
      socket.on('error', () => {}).on('close', () => resolve(said));
    });
  const host = () => `Host: 127.0.0.1:${api.port}\r\n`;

  it('that speaks no HTTP is closed', async () => {
    const said = await saidTo('HELO there\r\n\r\n');
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect(said).toContain('"code":"malformed_request"');
  });

  it.each([
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}'],
    ['a length and chunks', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('on which it is not clear where a body ends is closed: %s', async (_what, rest) => {
    const said = await saidTo(
      `POST /v1/orders HTTP/1.1\r\n${host()}Content-Type: application/json\r\n${rest}`,
    );
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    ['headers', () => `GET /health HTTP/1.1\r\n${host()}X-Slow: `],
    [
      'a body',
      () =>
        `POST /v1/orders HTTP/1.1\r\n${host()}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    ],
  ])('on which %s never come to an end is closed', async (_what, begin) => {
    const said = await saidTo(begin());
    expect(said).toMatch(/^HTTP\/1\.1 408 /);
    expect(said).toContain('"code":"request_timeout"');
  });

  it('is used again', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let sockets = 0;
    const createConnection = agent.createConnection.bind(agent);
    agent.createConnection = (...args: Parameters<typeof createConnection>) => {
      sockets += 1;
      return createConnection(...args);
    };
    for (const path of ['/health', '/v1/credits', '/nothing', '/health'])
      await api.call('GET', path, { agent });
    agent.destroy();
    expect(sockets).toBe(1);
  });
});

describe('the log', () => {
  const linesOf = async (answer: Answer<AnyBody>) => {
    const id = String(answer.headers['request-id']);
    // It is written when the answer has gone out.
    return await vi.waitFor(() => {
      const lines = api.log.filter(line => line.includes(id));
      expect(lines.length).toBeGreaterThan(0);
      return lines;
    });
  };

  it.each([
    [
      'a route by its pattern, with who called',
      () => api.call('GET', `/v1/orders/${customer.orderId}?note=1`, { bearer: customer.orderSecret }),
      /^request id=req_\w+ method=GET route=\/v1\/orders\/\{id\} status=200 ms=[\d.]+ caller=order_secret$/,
    ],
    [
      'a debit',
      () => api.debit(customer, '1', 'logged'),
      /method=POST route=\/v1\/debits status=201 ms=[\d.]+ caller=service$/,
    ],
    [
      'why it was declined',
      () => api.debit(customer, '999999', 'logged-too'),
      /status=402 ms=[\d.]+ caller=service code=insufficient_credits$/,
    ],
    [
      'nothing of an address that is none',
      () => api.call('GET', `/v1/nothing/${customer.secureKey}`),
      /method=GET route=- status=404 ms=[\d.]+ caller=- code=not_found$/,
    ],
  ])('has one line of each request: %s', async (_what, ask, pattern) => {
    const lines = await linesOf(await ask());
    expect(lines).toEqual([expect.stringMatching(pattern)]);
  });

  it('has those of problems only, or none, when so wished', async () => {
    for (const [loggedRequests, expected] of [
      ['problems', ['401']],
      ['none', []],
    ] as const) {
      const port = await api.door({ loggedRequests });
      const ids = [
        (await api.call('GET', '/health', { port })).headers['request-id'],
        (await api.call('GET', '/v1/credits', { port })).headers['request-id'],
      ];
      // A later request of the same process is surely logged after them.
      await linesOf(await api.call('GET', '/health'));
      const lines = api.log.filter(line => ids.some(id => line.includes(String(id))));
      expect(lines.map(line => /status=(\d+)/.exec(line)?.[1])).toEqual(expected);
    }
  });
});
