/** Sessions of browsers: what the cookie opens, what it never does, and when it is over. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_ROUTES } from '../../api/contract/all-routes.ts';
import { acceptsSession } from '../../api/contract/route.ts';
import { HOUR } from '../../ledger/core/instant.ts';
import { accountName, SESSION_LIFE } from '../../ledger/index.ts';
import { type ApiUnderTest, type Call, type Customer, OPEN_DOORS, startApi } from '../support/api.ts';
import { spendingKey } from '../support/contract/keys-cases.ts';
import type { AnyBody } from '../support/http.ts';
import { cookieIn, signIn } from '../support/sign-in.ts';

const OWN = { 'sec-fetch-site': 'same-origin' } as const;

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

/** Asks with the cookie, as a page of this site does. */
function ask<Body = AnyBody>(cookie: string, method: string, path: string, call: Call = {}) {
  return api.call<Body>(method, path, { ...call, headers: { cookie, ...OWN, ...call.headers } });
}

async function signedIn(): Promise<{ customer: Customer; cookie: string }> {
  const customer = await api.customer();
  return { customer, cookie: await signIn(api, customer) };
}

describe('the cookie', () => {
  it('is out of reach of scripts and other sites, and has nothing of the key', async () => {
    const { secureKey, accountId } = await api.customer();
    const { body, headers, text } = await api.call('POST', '/v1/session', { bearer: secureKey });
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^credits_session=aibs_dev_[0-9A-Za-z]{38}; Max-Age=43200; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
      ),
    ]);
    expect(body).toEqual({
      account: accountName(accountId),
      number: 1,
      label: null,
      last_four: secureKey.slice(-4),
      scope: 'manage',
      created_at: '2026-03-01T15:00:00.000000Z',
      expires_at: '2026-03-02T03:00:00.000000Z',
      mode: 'dev',
    });
    expect(text).not.toContain('aibs_');
    const seen = await ask(cookieIn(headers), 'GET', '/v1/session');
    expect(seen.body).toEqual({ session: body });
    // So that a tab notices that another one signed in to another account.
    expect(seen.headers['credits-account']).toBe(accountName(accountId));
  });

  it('is one of this host alone where the API is known by https', async () => {
    const port = await api.door({}, 'https://credits.example.com');
    const customer = await api.customer();
    const there = { port, headers: { host: 'credits.example.com' } };
    const { headers } = await api.call('POST', '/v1/session', { ...there, bearer: customer.secureKey });
    expect(headers['set-cookie']?.[0]).toMatch(
      /^__Host-credits_session=aibs_.*; Path=\/; .*HttpOnly; Secure; SameSite=Strict$/,
    );
    const reading = (cookie: string) =>
      api.call('GET', '/v1/credits', { port, headers: { ...there.headers, cookie } });
    const cookie = cookieIn(headers);
    expect((await reading(cookie)).status).toBe(200);
    // Another name may have been set by another host of the domain.
    expect((await reading(cookie.replace('__Host-', ''))).body.code).toBe('credential_missing');
    const { body } = await api.call('GET', '/openapi.json', there);
    expect(body.components).toMatchObject({
      securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: '__Host-credits_session' } },
    });
    const signOut = (origin: string) =>
      api.call('DELETE', '/v1/session', { port, headers: { ...there.headers, cookie, origin } });
    expect((await signOut('http://credits.example.com')).body.code).toBe('cross_site');
    expect((await signOut('https://credits.example.com')).status).toBe(204);
  });

  it('is not stored: its hash is', async () => {
    const { cookie } = await signedIn();
    const secret = cookie.split('=')[1] ?? '';
    const rows = await api.query<{ row: string; hashed: boolean }>(
      `select s::text as row, session_hash = sha256(convert_to($1, 'UTF8')) as hashed from credits.browser_sessions s`,
      [secret],
    );
    expect(rows.filter(({ hashed }) => hashed)).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(secret);
  });

  it('is in no line of the log, whatever fails', async () => {
    const { cookie } = await signedIn();
    await api.query('alter table credits.browser_sessions rename to browser_sessions_away');
    expect((await ask(cookie, 'GET', '/v1/credits')).status).toBe(500);
    await api.query('alter table credits.browser_sessions_away rename to browser_sessions');
    expect((await ask(cookie, 'GET', '/v1/credits')).status).toBe(200);
    expect(api.log.at(-1)).toContain('caller=session');
    expect(api.log.join('\n')).not.toContain(cookie.split('=')[1]);
    expect(api.log.join('\n')).not.toContain('aibs_');
  });
});

/** A path of each route, for an account with an order, a lot, a wallet, a grant and an endpoint of its own or not. */
function pathOf(path: string, { orderId }: Customer): string {
  return path
    .replace('/orders/{id}', `/orders/${orderId}`)
    .replace('/lots/{id}', '/lots/1')
    .replace(/\{\w+\}/g, '1');
}

const READING = ALL_ROUTES.filter(
  route => acceptsSession(route) && route.method === 'GET' && route.name !== 'getSession',
);
const OTHERS = ALL_ROUTES.filter(route => !acceptsSession(route) && route.path.startsWith('/v1/'));

describe('a session', () => {
  it('reads what there is of the account', () => {
    expect(READING.map(({ path }) => path).sort()).toEqual([
      '/v1/credits',
      '/v1/grants',
      '/v1/journal',
      '/v1/key',
      '/v1/keys',
      '/v1/lots',
      '/v1/lots/{id}',
      '/v1/orders/{id}/receipt',
      '/v1/proof',
      '/v1/rate-card',
      '/v1/services',
      '/v1/transactions',
      '/v1/usage',
      '/v1/wallets',
      '/v1/webhooks',
      '/v1/webhooks/{id}',
      '/v1/webhooks/{id}/deliveries',
    ]);
  });

  it.each(READING.map(route => [route.path, route] as const))(
    'answers %s as the key does',
    async (_, route) => {
      const { customer, cookie } = await signedIn();
      const path = `${pathOf(route.path, customer)}${route.name === 'getUsage' ? '?group_by=day' : ''}`;
      const byKey = await api.call('GET', path, { bearer: customer.secureKey });
      const bySession = await ask(cookie, 'GET', path);
      const { request_id: _key, ...expected } = byKey.body;
      const { request_id: _session, ...answered } = bySession.body;
      expect([bySession.status, answered]).toEqual([byKey.status, expected]);
      expect(bySession.status).not.toBe(401);
    },
  );

  it.each(OTHERS.map(route => [`${route.method} ${route.path}`, route] as const))(
    'is nothing to %s',
    async (_, route) => {
      const { customer, cookie } = await signedIn();
      const before = await everything();
      const answer = await ask(cookie, route.method, pathOf(route.path, customer), {
        headers: { 'idempotency-key': `by-session-${route.name}` },
        ...(route.body ? { json: { amount: '1', secure_key: customer.secureKey, label: 'mine' } } : {}),
      });
      // Routes for anybody read the body first, and do not look at cookies.
      if (route.caller.startsWith('anybody')) expect(answer.status).not.toBe(403);
      else expect(answer.body).toMatchObject({ status: 401, code: 'credential_missing' });
      expect(await everything()).toEqual(before);
    },
  );

  it('of a key that spends reads what that key reads', async () => {
    const customer = await api.customer();
    const cookie = await signIn(api, { secureKey: await spendingKey(api, customer) });
    expect((await ask(cookie, 'GET', '/v1/session')).body.session).toMatchObject({
      number: 2,
      scope: 'spend',
    });
    expect((await ask(cookie, 'GET', '/v1/credits')).status).toBe(200);
    for (const path of ['/v1/lots', '/v1/keys', '/v1/journal', '/v1/transactions'])
      expect((await ask(cookie, 'GET', path)).body.code).toBe('scope_insufficient');
  });

  it('does not count beside a key: not even where the key opens nothing', async () => {
    const { cookie } = await signedIn();
    const other = await api.customer();
    const { body } = await ask(cookie, 'GET', '/v1/key', { bearer: other.secureKey });
    expect(body.account).toBe(accountName(other.accountId));
    const wrong = { headers: { authorization: 'Bearer aisk_dev_nonsense' } };
    expect((await ask(cookie, 'GET', '/v1/credits', wrong)).status).toBe(401);
    // The secret of a session is no key.
    const bearer = cookie.split('=')[1] ?? '';
    for (const path of ['/v1/credits', '/v1/session', `/v1/orders/${other.orderId}/receipt`])
      expect((await api.call('GET', path, { bearer })).status).toBeGreaterThan(400);
    expect((await ask(cookie, 'DELETE', '/v1/session', { bearer: other.secureKey })).body.code).toBe(
      'credential_invalid',
    );
    expect((await ask(cookie, 'GET', '/v1/session')).body.session).not.toBeNull();
  });

  it('tops up its own account, and no page of another site does so', async () => {
    const { customer, cookie } = await signedIn();
    const order = { json: { amount_usd: '5', method: 'eth' } };
    const count = async () =>
      (
        await api.query('select order_id from credits.orders where account_id = $1', [
          String(customer.accountId),
        ])
      ).length;
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      {},
    ]) {
      const answer = await api.call('POST', '/v1/orders', { ...order, headers: { cookie, ...headers } });
      expect({ headers, code: answer.body.code }).toEqual({ headers, code: 'cross_site' });
    }
    // There is no chain here to quote a price: who orders is looked at before.
    const { body } = await ask(cookie, 'POST', '/v1/orders', order);
    expect(body.code).toBe('price_unavailable');
    const dead = cookie.replace(/.$/, last => (last === 'x' ? 'y' : 'x'));
    expect((await ask(dead, 'POST', '/v1/orders', order)).body.code).toBe('credential_invalid');
    expect(await count()).toBe(1);
  });
});

/** How many rows there are of what a request could have made. */
async function everything(): Promise<AnyBody> {
  const [counts] = await api.query(
    `select (select count(*) from credits.entries) as entries, (select count(*) from credits.orders) as orders,
       (select count(*) from credits.secure_keys where revoked_at is null) as keys,
       (select count(*) from credits.grants) as grants, (select count(*) from credits.wallet_links) as links,
       (select count(*) from credits.webhook_endpoints) as endpoints`,
  );
  // Each test has a customer of its own, who is there before.
  return counts ?? {};
}

describe('another site', () => {
  it.each([
    ['GET', '/v1/credits', { 'sec-fetch-site': 'cross-site' }],
    ['GET', '/v1/journal', { 'sec-fetch-site': 'same-site' }],
    ['GET', '/v1/session', { origin: 'https://evil.example' }],
    ['DELETE', '/v1/session', { 'sec-fetch-site': 'cross-site' }],
    ['DELETE', '/v1/session', { origin: 'http://127.0.0.1' }],
    ['DELETE', '/v1/session', {}],
  ])('gets nothing by %s %s (%j)', async (method, path, headers) => {
    const { cookie } = await signedIn();
    const answer = await api.call(method, path, { headers: { cookie, ...headers } });
    expect(answer.body).toMatchObject({ status: 403, code: 'cross_site' });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect((await ask(cookie, 'GET', '/v1/credits')).status).toBe(200);
  });

  it('is not what asks from an address bar, from a program, or under this site’s other name', async () => {
    const { cookie } = await signedIn();
    expect((await api.call('GET', '/v1/credits', { headers: { cookie } })).status).toBe(200);
    const typed = { cookie, 'sec-fetch-site': 'none' };
    expect((await api.call('GET', '/v1/credits', { headers: typed })).status).toBe(200);
    const host = `localhost:${api.port}`;
    const named = { cookie, host, origin: `http://${host}` };
    expect((await api.call('DELETE', '/v1/session', { headers: named })).status).toBe(204);
  });

  it('cannot sign anybody in with a form: that takes a header', async () => {
    const { secureKey } = await api.customer();
    const answer = await api.call('POST', '/v1/session', {
      body: `secure_key=${secureKey}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' },
    });
    expect(answer.body.code).toBe('credential_missing');
    expect(answer.headers).not.toHaveProperty('set-cookie');
  });
});

describe('it is over', () => {
  const ENDS: [what: string, end: (signed: { customer: Customer; cookie: string }) => Promise<unknown>][] = [
    ['once somebody has signed out', ({ cookie }) => ask(cookie, 'DELETE', '/v1/session')],
    [
      'once its key is revoked',
      ({ customer }) => api.call('DELETE', '/v1/keys/1?confirm=true', { bearer: customer.secureKey }),
    ],
    [
      'once its key is rotated, be it with a grace',
      ({ customer: { secureKey } }) =>
        api.call('POST', '/v1/keys/1/rotate', {
          bearer: secureKey,
          json: { last_four: secureKey.slice(-4), grace_seconds: 3600 },
        }),
    ],
    [
      'once the browser has another',
      ({ customer, cookie }) => signIn(api, customer, { headers: { cookie } }),
    ],
    [
      'once its end is stamped, whoever did so',
      () => api.query('update credits.browser_sessions set ended_at = now() where ended_at is null'),
    ],
  ];
  it.each(ENDS)('%s', async (_, end) => {
    const signed = await signedIn();
    expect((await ask(signed.cookie, 'GET', '/v1/credits')).status).toBe(200);
    await end(signed);
    for (const path of ['/v1/credits', '/v1/session'])
      expect((await ask(signed.cookie, 'GET', path)).body).toMatchObject({
        code: 'credential_invalid',
        detail: expect.stringContaining('session has ended'),
      });
  });

  it('after twelve hours, to the microsecond, however much it was used', async () => {
    const { cookie } = await signedIn();
    const began = api.now;
    try {
      api.now = began + SESSION_LIFE - 1n;
      expect((await ask(cookie, 'GET', '/v1/credits')).status).toBe(200);
      api.now += 1n;
      expect((await ask(cookie, 'GET', '/v1/credits')).body.code).toBe('credential_invalid');
    } finally {
      api.now = began;
    }
  });

  it('for one browser: the other session of the key goes on, and so does the key', async () => {
    const { customer, cookie } = await signedIn();
    const other = await signIn(api, customer);
    const { headers } = await ask(cookie, 'DELETE', '/v1/session');
    expect(headers['set-cookie']?.[0]).toMatch(
      /^credits_session=; Path=\/; Expires=Thu, 01 Jan 1970 .*HttpOnly/,
    );
    expect((await ask(other, 'GET', '/v1/credits')).status).toBe(200);
    expect((await api.call('GET', '/v1/credits', { bearer: customer.secureKey })).status).toBe(200);
  });

  it('and its row goes when the next one of its bucket is opened', async () => {
    const customer = await api.customer();
    await signIn(api, customer);
    const began = api.now;
    try {
      api.now += SESSION_LIFE + HOUR;
      const overdue = () =>
        api.query<{ bucket: number }>(
          `select distinct bucket from credits.browser_sessions where expires_at <= '${new Date(Number(api.now / 1000n)).toISOString()}'`,
        );
      const before = await overdue();
      expect(before.length).toBeGreaterThan(0);
      const opened = await signIn(api, customer);
      const [row] = await api.query<{ bucket: number }>(
        `select bucket from credits.browser_sessions where session_hash = sha256(convert_to($1, 'UTF8'))`,
        [opened.split('=')[1]],
      );
      expect((await overdue()).map(({ bucket }) => bucket)).not.toContain(row?.bucket);
    } finally {
      api.now = began;
    }
  });
});

describe('a cookie of a session that is over', () => {
  it.each(['GET', 'DELETE'])('goes with the answer to %s /v1/session', async method => {
    const { cookie } = await signedIn();
    await ask(cookie, 'DELETE', '/v1/session');
    const { status, headers } = await ask(cookie, method, '/v1/session');
    expect(status).toBe(401);
    expect(headers['set-cookie']?.[0]).toMatch(/^credits_session=; Path=\/; Expires=Thu, 01 Jan 1970 /);
  });

  it('stays otherwise: the answer may come after another tab has signed in anew', async () => {
    const { cookie } = await signedIn();
    await ask(cookie, 'DELETE', '/v1/session');
    expect((await ask(cookie, 'GET', '/v1/credits')).headers).not.toHaveProperty('set-cookie');
  });

  it('is no wrong credential', async () => {
    const { cookie } = await signedIn();
    await ask(cookie, 'DELETE', '/v1/session');
    const port = await api.door({ rateLimits: { ...OPEN_DOORS.rateLimits, failures: 1 } });
    const codes: unknown[] = [];
    for (const path of ['/v1/credits', '/v1/session', '/v1/session'])
      codes.push((await ask(cookie, 'GET', path, { port })).body.code);
    expect(codes).toEqual(['credential_invalid', 'credential_invalid', 'credential_invalid']);
  });
});

describe('how often', () => {
  it('is counted as for the key, and wrong ones are slowed as wrong keys are', async () => {
    const { customer, cookie } = await signedIn();
    const narrow = await api.door({ rateLimits: { ...LIMITS, key: 2 } });
    const there = { port: narrow, headers: { cookie } };
    expect((await api.call('GET', '/v1/credits', there)).status).toBe(200);
    expect((await api.call('GET', '/v1/credits', { port: narrow, bearer: customer.secureKey })).status).toBe(
      200,
    );
    expect((await api.call('GET', '/v1/credits', there)).body.code).toBe('rate_limited');

    const strict = await api.door({ rateLimits: { ...LIMITS, failures: 2 } });
    const wrong = { port: strict, headers: { cookie: 'credits_session=aibs_dev_nonsense' } };
    const codes: unknown[] = [];
    for (const path of ['/v1/credits', '/v1/session', '/v1/credits'])
      codes.push((await api.call('GET', path, wrong)).body.code);
    expect(codes).toEqual(['credential_invalid', 'credential_invalid', 'too_many_failures']);
    // A right one is let in all the same.
    expect((await api.call('GET', '/v1/credits', { port: strict, headers: { cookie } })).status).toBe(200);
  });

  const LIMITS = { anonymous: 1e6, network: 1e6, key: 1e6, service: 1e6, failures: 1e6 };
});
