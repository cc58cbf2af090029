import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLedger, pendingMigrations } from '../../../ledger/index.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';

/** A login that owns nothing and is a member of the application's role, as the README tells operators to make. */
const login = `login_${randomUUID().replaceAll('-', '')}`;

let database: TestDatabase;
let url: string;
beforeAll(async () => {
  database = await createDatabase();
  await asOwner(`create role ${login} login password 'for-this-test'; grant credits_app to ${login}`);
  const own = new URL(database.url);
  own.username = login;
  own.password = 'for-this-test';
  url = own.href;
});
afterAll(async () => {
  await asOwner(`drop role ${login}`);
  await database.drop();
});

async function asOwner(statements: string): Promise<void> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(statements);
  await client.end();
}

test('the parts run with a login of their own that owns nothing', async () => {
  expect(await pendingMigrations(url)).toEqual([]);
  const ledger = await openLedger({
    databaseUrl: url,
    rpcUrl: 'http://127.0.0.1:1',
    installation: TEST_INSTALLATION,
  });
  try {
    const now = await ledger.now();
    const round = { roundId: 1n, answer: 300_000_000_000n, startedAt: 1n, updatedAt: 1n };
    const { order, secret } = await ledger.createOrder({ amountMicrousd: 1_000_000n, round, now });
    expect(await ledger.orderStatus(order.order_id, secret, now)).toMatchObject({
      status: { amount: 'none', credited: false },
    });
    expect(await ledger.trialBalance(await ledger.now())).toEqual([]);
  } finally {
    await ledger.close();
  }
});
