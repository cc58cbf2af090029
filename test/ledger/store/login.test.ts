/** Each part runs with a login of its own that owns nothing and has the part's role alone, as the README tells operators. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type DatabaseRole, type Ledger, openLedger, pendingMigrations } from '../../../ledger/index.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';
import { createLogin, type Login } from '../../support/login.ts';
import { startReceiver } from '../../support/webhook-receiver.ts';

const ROUND = { roundId: 1n, answer: 300_000_000_000n, startedAt: 1n, updatedAt: 1n };

let database: TestDatabase;
const logins = new Map<DatabaseRole, Login>();
beforeAll(async () => {
  database = await createDatabase();
  for (const role of ['credits_app', 'credits_api', 'credits_worker'] as const)
    logins.set(role, await createLogin(database.url, role));
});
afterAll(async () => {
  for (const login of logins.values()) await login.drop();
  await database.drop();
});

/** Opened as api/parts/open-ledger.ts does it: what is missing is looked up by the login itself. */
async function asPart(
  loginRole: DatabaseRole,
  role: 'credits_api' | 'credits_worker' | 'credits_app',
  work: (ledger: Ledger) => Promise<void>,
): Promise<void> {
  const databaseUrl = logins.get(loginRole)?.url ?? '';
  expect(await pendingMigrations(databaseUrl)).toEqual([]);
  const ledger = await openLedger({
    databaseUrl,
    role,
    rpcUrl: 'http://127.0.0.1:1',
    installation: TEST_INSTALLATION,
  });
  try {
    await work(ledger);
  } finally {
    await ledger.close();
  }
}

async function orderAndGive(ledger: Ledger): Promise<void> {
  const now = await ledger.now();
  const { order, secret } = await ledger.createOrder({ amountMicrousd: 1_000_000n, round: ROUND, now });
  expect(await ledger.orderStatus(order.order_id, secret, now)).toMatchObject({
    status: { amount: 'none', credited: false },
  });
  const given = { amountMicrocredits: 5n, policy: 'none', operator: 'ops', reason: 'a test' } as const;
  const request = { ...given, accountId: order.account_id, idempotencyKey: order.order_id };
  expect(await ledger.adjust(request)).toMatchObject({ status: 'accepted' });
  expect((await ledger.trialBalance(await ledger.now())).length).toBeGreaterThan(0);
}

test.each([
  ['credits_api', 'credits_api'],
  ['credits_app', 'credits_api'],
  ['credits_app', 'credits_app'],
] as const)('a login in %s is the API, as %s', async (loginRole, role) => {
  await asPart(loginRole, role, orderAndGive);
});

test.each(['credits_worker', 'credits_app'] as const)(
  'a login in %s is the worker: it sweeps, and makes no order',
  async loginRole => {
    await asPart(loginRole, 'credits_worker', async ledger => {
      const log: string[] = [];
      const job = ledger.startMidnightJob(line => log.push(line));
      await job.stop();
      expect(log.filter(line => /fail|could not|denied/.test(line))).toEqual([]);
      const now = await ledger.now();
      expect(await ledger.sweepLagSeconds(now)).toBe(0);
      const order = ledger.createOrder({ amountMicrousd: 1_000_000n, round: ROUND, now });
      await expect(order).rejects.toThrow(/permission denied/);
    });
  },
);

test('the API takes endpoints of webhooks, and the worker alone tells them, each with its own login', async () => {
  const receiver = await startReceiver();
  try {
    await asPart('credits_api', 'credits_api', async ledger => {
      const now = await ledger.now();
      const { order } = await ledger.createOrder({ amountMicrousd: 1_000_000n, round: ROUND, now });
      const accountId = order.account_id;
      const wanted = { events: ['lot_added'], lowBalanceMicrocredits: null, expiryHours: 72 } as const;
      const made = await ledger.webhooks.create(accountId, { ...wanted, url: receiver.url }, now);
      expect(made).toMatchObject({ endpoint: { status: 'active' } });
      const given = { amountMicrocredits: 5n, policy: 'none', operator: 'ops', reason: 'a test' } as const;
      await ledger.adjust({ ...given, accountId, idempotencyKey: 'told' });
    });
    await asPart('credits_worker', 'credits_worker', async ledger => {
      const log: string[] = [];
      const worker = ledger.webhooks.startWorker(line => log.push(line));
      try {
        await vi.waitFor(
          async () =>
            expect(await ledger.monitoring.webhookAttempts()).toEqual({
              delivered: 1n,
              retried: 0n,
              given_up: 0n,
            }),
          { timeout: 60_000, interval: 50 },
        );
      } finally {
        await worker.stop();
      }
      expect(log).toEqual([]);
      expect(receiver.bodies()).toMatchObject([{ type: 'lot_added' }]);
    });
    await asPart('credits_api', 'credits_api', async ledger => {
      expect((await ledger.monitoring.webhookAttempts()).delivered).toBe(1n);
      expect(await ledger.monitoring.webhookLag(await ledger.now())).toBe(0n);
      expect(await ledger.monitoring.webhookEndpointTroubles()).toEqual({ failing: 0, paused: 0 });
    });
  } finally {
    await receiver.stop();
  }
});

test.each([
  ['credits_api', 'credits_worker'],
  ['credits_worker', 'credits_api'],
  ['credits_api', 'credits_app'],
] as const)('a login in %s cannot become %s', async (loginRole, role) => {
  await expect(asPart(loginRole, role, async () => {})).rejects.toThrow(/permission denied/);
});
