/** Each part runs with a login of its own that owns nothing and has the part's role alone, as the README tells operators. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DatabaseRole, type Ledger, openLedger, pendingMigrations } from '../../../ledger/index.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';
import { createLogin, type Login } from '../../support/login.ts';

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

test.each([
  ['credits_api', 'credits_worker'],
  ['credits_worker', 'credits_api'],
  ['credits_api', 'credits_app'],
] as const)('a login in %s cannot become %s', async (loginRole, role) => {
  await expect(asPart(loginRole, role, async () => {})).rejects.toThrow(/permission denied/);
});
