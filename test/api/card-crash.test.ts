/** Card payments through kill -9: the API and the worker as the programs they are, Stripe's simulator beside them. */
import Stripe from 'stripe';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { migrateConfigured } from '../../api/parts/migrate-part.ts';
import { type CardSimulator, startCardSimulator } from '../../dev/card-simulator/start-card-simulator.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import type { RunningChild } from '../../dev/child-process.ts';
import { freePort } from '../../dev/free-port.ts';
import { openPool } from '../../ledger/index.ts';
import { lockBook } from '../support/api.ts';
import { sessionIdOf } from '../support/card-api.ts';
import { CARD_KEY, WEBHOOK_SECRET } from '../support/card-shop.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { type AnyBody, send } from '../support/http.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { createLogin, type Login } from '../support/login.ts';
import { runProgram, startApiProgram, startWorkerProgram } from '../support/program.ts';
import { openGate, type TcpGate } from '../support/tcp-gate.ts';

const WAIT = { timeout: 90_000, interval: 100 };

let chain: LocalChain;
let database: TestDatabase;
let simulator: CardSimulator;
/** The way of the parts to Stripe. */
let gate: TcpGate;
let port: number;
let env: Record<string, string>;
/** Each part has its own, with its own role alone. */
let logins: { readonly api: Login; readonly worker: Login };
let owner: ReturnType<typeof openPool>;
let secureKey: string;
const running = new Set<RunningChild>();

beforeAll(async () => {
  [chain, database] = await Promise.all([startChain({ port: await freePort() }), createEmptyDatabase()]);
  await migrateConfigured(
    { mode: 'dev', databaseUrl: database.url, rpcUrl: chain.rpcUrl, paymentAddress: PAYMENT_ADDRESS },
    () => {},
  );
  port = await freePort();
  simulator = await startCardSimulator({
    port: await freePort(),
    secretKey: CARD_KEY,
    webhook: { url: `http://127.0.0.1:${port}/v1/stripe/webhook`, secret: WEBHOOK_SECRET },
  });
  simulator.webhooks.paused = true;
  const opened = await openGate(simulator.url);
  gate = opened.gate;
  logins = {
    api: await createLogin(database.url, 'credits_api'),
    worker: await createLogin(database.url, 'credits_worker'),
  };
  owner = openPool({ databaseUrl: database.url, max: 2 });
  env = {
    MODE: 'dev',
    DATABASE_URL: database.url,
    BASE_RPC_URL: chain.rpcUrl,
    PAYMENT_ADDRESS,
    PORT: String(port),
    STRIPE_SECRET_KEY: CARD_KEY,
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_API_URL: `http://127.0.0.1:${gate.port}`,
  };
});
afterAll(async () => {
  await Promise.all([...running].map(child => child.kill()));
  await gate?.stop();
  await simulator?.stop();
  await owner?.end();
  for (const login of Object.values(logins ?? {})) await login.drop();
  await Promise.all([chain?.stop(), database?.drop()]);
});

async function start(part: 'api' | 'worker'): Promise<RunningChild> {
  const program = part === 'api' ? startApiProgram : startWorkerProgram;
  const child = await program({ ...env, DATABASE_URL: logins[part].url });
  running.add(child);
  return child;
}

async function kill(child: RunningChild): Promise<void> {
  await child.kill();
  running.delete(child);
}

const call = (method: string, path: string, bearer?: string, json?: object) =>
  send<AnyBody>(port, path, {
    method,
    headers: {
      host: `127.0.0.1:${port}`,
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });

/** An order that was paid and that nobody was told of, with the events that would tell. */
async function paid(secureKey?: string) {
  const { status, body } = await call('POST', '/v1/orders', secureKey, { amount_usd: '10', method: 'card' });
  expect(status).toBe(201);
  const { id, secret, checkout } = body as { id: string; secret: string; checkout: { url: string } };
  const session = simulator.records.find('checkout.session', sessionIdOf(checkout.url));
  if (!session) throw new Error('the simulator does not know the session');
  const since = simulator.records.all('event').length;
  simulator.bank.submit(session, 'card');
  return { id, secret, events: simulator.records.all('event').slice(since) };
}

async function tell(events: readonly object[]): Promise<void> {
  for (const event of events) {
    const body = JSON.stringify(event);
    const signature = Stripe.webhooks.generateTestHeaderString({ payload: body, secret: WEBHOOK_SECRET });
    const headers = { host: `127.0.0.1:${port}`, 'stripe-signature': signature };
    const answer = await send(port, '/v1/stripe/webhook', { method: 'POST', headers, body });
    expect([answer.status, answer.text]).toEqual([200, '{"received":true}']);
  }
}

const count = async (from: string, orderId: string): Promise<number> => {
  const { rows } = await owner.query<{ count: bigint }>(`select count(*) from ${from}`, [orderId]);
  return Number(rows[0]?.count);
};
const purchasesOf = (orderId: string) =>
  count(`entries where kind = 'purchase' and details::json->>'order' = $1`, orderId);

async function nothingWaits(): Promise<void> {
  await vi.waitFor(async () => {
    expect((await owner.query('select from stripe_hints')).rowCount).toBe(0);
    expect((await owner.query('select from outbox')).rowCount).toBe(0);
  }, WAIT);
}

describe('kill -9', () => {
  it('of the API between storing an event and anything that follows loses nothing', async () => {
    const api = await start('api');
    const { id, secret, events } = await paid();
    await tell(events);
    await kill(api);
    expect(await purchasesOf(id)).toBe(0);
    expect((await owner.query('select from stripe_hints')).rowCount).toBe(events.length);
    const worker = await start('worker');
    await nothingWaits();
    expect(await purchasesOf(id)).toBe(1);
    await kill(worker);
    const again = await start('api');
    // Stripe has heard no answer, as far as it knows, and sends all of them again.
    await tell(events);
    expect(await call('GET', `/v1/orders/${id}`, secret)).toMatchObject({
      body: { state: { amount: 'exact', credited: true }, payments: [{ credits: '100000' }] },
    });
    const claim = await call('POST', `/v1/orders/${id}/claim`, secret);
    expect(claim.status).toBe(200);
    secureKey = String(claim.body.secure_key);
    await kill(again);
  });

  it('of the worker while it asks Stripe, and after it has recorded but not posted, posts once', async () => {
    const api = await start('api');
    const first = await start('worker');
    await nothingWaits();
    // Of an account that has a book, which can be locked below.
    const { id, secret, events } = await paid(secureKey);
    // Stripe cannot be reached: the worker knows what it has heard, and dies with it.
    gate.cut();
    await tell(events);
    await vi.waitFor(() => expect(gate.refused).toBeGreaterThan(0), WAIT);
    await kill(first);
    gate.mend();
    expect(await purchasesOf(id)).toBe(0);

    // The account's book is locked: the payment is recorded, its purchase waits.
    const { rows } = await owner.query<{ account_id: bigint }>(
      'select account_id from orders where order_id = $1',
      [id],
    );
    const accountId = rows[0]?.account_id ?? 0n;
    const unlock = await lockBook(database.url, accountId);
    const second = await start('worker');
    await vi.waitFor(async () => expect(await count('card_payments where order_id = $1', id)).toBe(1), WAIT);
    await vi.waitFor(
      async () =>
        expect((await owner.query('select from outbox where account_id = $1', [accountId])).rowCount).toBe(1),
      WAIT,
    );
    await kill(second);
    await unlock();
    expect(await purchasesOf(id)).toBe(0);

    const third = await start('worker');
    await nothingWaits();
    expect(await purchasesOf(id)).toBe(1);
    expect(await count('card_payments where order_id = $1', id)).toBe(1);
    expect(await call('GET', `/v1/orders/${id}`, secret)).toMatchObject({
      body: { state: { credited: true } },
    });
    await kill(third);
    await kill(api);
  });

  it('or not, the account of Stripe is compared at each start', async () => {
    const { rows } = await owner.query('select account_id from stripe_account');
    expect(rows).toEqual([{ account_id: simulator.records.accountId }]);
    const stranger = await startCardSimulator({
      port: await freePort(),
      secretKey: CARD_KEY,
      webhook: { url: 'http://127.0.0.1:1/', secret: WEBHOOK_SECRET },
    });
    try {
      for (const part of ['api', 'worker']) {
        const ended = await runProgram([part], { ...env, STRIPE_API_URL: stranger.url });
        expect(ended.code).toBe(1);
        expect(ended.stderr).toMatch(
          /^\w+: STRIPE_SECRET_KEY is of the account acct_\w+, but this installation is of acct_\w+: use the key of that account, or another database\.\n$/,
        );
      }
    } finally {
      await stranger.stop();
    }
  });
});
