/** The database goes away under the API, and comes back. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiUnderTest, type Customer, startApi } from '../support/api.ts';
import { openGate, type TcpGate } from '../support/tcp-gate.ts';

let gate: TcpGate;
let api: ApiUnderTest;
let customer: Customer;

const through = async (databaseUrl: string) => {
  const opened = await openGate(databaseUrl);
  gate = opened.gate;
  return opened.url;
};

beforeAll(async () => {
  api = await startApi({ through });
  customer = await api.customer();
});
afterAll(async () => {
  await api?.stop();
  await gate?.stop();
});

const away = {
  status: 503,
  headers: { 'retry-after': '1' },
  body: { code: 'temporarily_unavailable', detail: expect.stringContaining('try again') },
};

/** One question to each route that asks the database. */
function askAll(api: ApiUnderTest, customer: Customer, key: string) {
  const { orderId, orderSecret, secureKey } = customer;
  return [
    api.call('GET', '/ready'),
    api.call('GET', '/v1/credits', { bearer: secureKey }),
    api.call('GET', `/v1/orders/${orderId}`, { bearer: orderSecret }),
    api.call('POST', `/v1/orders/${orderId}/claim`, { bearer: orderSecret }),
    api.call('POST', `/v1/orders/${orderId}/acknowledge`, {
      bearer: orderSecret,
      json: { secure_key: secureKey },
    }),
    api.call('GET', '/v1/operator/trial-balance', { bearer: api.operatorToken }),
    api.debit(customer, '1', key),
  ];
}

describe('while the database is away', () => {
  it('every route that needs it answers 503 and says so, none a 500', async () => {
    gate.cut();
    try {
      for (const answer of await Promise.all(askAll(api, customer, 'away')))
        expect(answer).toMatchObject(away);
      // The process itself is well, and the pages are there.
      expect((await api.call('GET', '/health')).status).toBe(200);
      expect((await api.call('GET', '/')).status).toBe(200);
      // What is the caller's fault is still the caller's fault.
      expect((await api.call('GET', '/v1/credits')).status).toBe(401);
    } finally {
      gate.mend();
    }
    await vi.waitUntil(async () => (await api.call('GET', '/ready')).status === 200, { timeout: 60_000 });
    expect(await api.debit(customer, '1', 'back')).toMatchObject({ status: 201 });
  });

  it('the line that is logged has no secret, even if one was put into the path by mistake', async () => {
    gate.cut();
    try {
      const path = `/v1/operator/${customer.secureKey}`;
      expect(await api.call('GET', path, { bearer: api.operatorToken })).toMatchObject(away);
    } finally {
      gate.mend();
    }
    const logged = api.log.join('\n');
    // Of what is no route, the path is not repeated at all.
    expect(logged).toMatch(/^req_\w+ GET - 503 temporarily_unavailable: /m);
    for (const secret of [customer.secureKey, api.operatorToken]) expect(logged).not.toContain(secret);
    await vi.waitUntil(async () => (await api.call('GET', '/ready')).status === 200, { timeout: 60_000 });
  });

  it('a debit that was on its way is carried out once', async () => {
    const { secureKey } = await api.customer();
    const spender = { secureKey };
    // The key's first use is a write of its own.
    await api.debit(spender, '1', 'first');
    gate.cut(/credits-posting/);
    const debits = Promise.all(Array.from({ length: 8 }, () => api.debit(spender, '100', 'on-its-way')));
    gate.mend();
    for (const { status } of await debits) expect(status).toBe(201);
    expect((await api.call('GET', '/v1/credits', { bearer: secureKey })).body).toMatchObject({
      available: '9899',
    });
  });
});

describe('while its connections are ended by the server', () => {
  it('nobody gets a 500 and nothing is debited twice', async () => {
    const spender = await api.customer();
    await api.debit(spender, '1', 'first');
    const keys = Array.from({ length: 30 }, (_, index) => `ended-${index}`);
    const debits = keys.map(async (key, index) => {
      if (index % 10 === 5) await endConnections();
      return await api.debit(spender, '10', key);
    });
    for (const { status } of await Promise.all(debits)) expect([201, 503]).toContain(status);
    await vi.waitUntil(async () => (await api.call('GET', '/ready')).status === 200, { timeout: 60_000 });
    for (const key of keys) {
      const answer = await api.debit(spender, '10', key);
      expect(answer.status).toBe(201);
    }
    const { body } = await api.call('GET', '/v1/credits', { bearer: spender.secureKey });
    expect(body).toMatchObject({ available: '9699' });
  });
});

describe('when nobody listens where the database was', () => {
  it('every route answers 503', async () => {
    const mine = await openApiOfItsOwn();
    try {
      await mine.gate.stop();
      for (const answer of await Promise.all(askAll(mine.api, mine.customer, 'nobody')))
        expect(answer).toMatchObject(away);
    } finally {
      await mine.api.stop();
    }
  });
});

async function openApiOfItsOwn() {
  const opened: { gate?: TcpGate } = {};
  const ownApi = await startApi({
    async through(databaseUrl) {
      const { gate: ownGate, url } = await openGate(databaseUrl);
      opened.gate = ownGate;
      return url;
    },
  });
  if (!opened.gate) throw new Error('the API was started without its gate');
  return { api: ownApi, gate: opened.gate, customer: await ownApi.customer() };
}

async function endConnections(): Promise<void> {
  await api.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and application_name like 'credits%'`,
  );
}
