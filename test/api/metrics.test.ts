/** What operators and their monitoring are told. */
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { openPool } from '../../ledger/index.ts';
import { type ApiUnderTest, BEGINNING, startApi } from '../support/api.ts';
import { createIndexerTables, reachBlock } from '../support/indexer-rows.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  await api.query(
    `insert into credits.alarms (kind, subject, message, raised_at)
     values ('payment_without_row', 'eth:8453:0x01:0', 'Block 7 has it.', '2026-03-01T15:00:00Z')`,
  );
});
afterAll(() => api?.stop());

it('lists the alarms with what to do', async () => {
  const { status, body } = await api.call('GET', '/v1/operator/alarms', { bearer: api.operatorToken });
  expect(status).toBe(200);
  expect(body).toEqual({
    alarms: [
      {
        kind: 'payment_without_row',
        subject: 'eth:8453:0x01:0',
        message: 'Block 7 has it.',
        advice: expect.stringContaining('look at'),
        raised_at: '2026-03-01T15:00:00.000000Z',
      },
    ],
  });
});

it('counts the alarms by kind and tells how far the sweep is behind', async () => {
  api.now = BEGINNING;
  const { status, text, headers } = await api.call('GET', '/metrics', { bearer: api.operatorToken });
  expect(status).toBe(200);
  expect(headers['content-type']).toContain('text/plain');
  expect(text).toContain('credits_alarms{kind="payment_without_row"} 1');
  expect(text).toMatch(/^credits_sweep_lag_seconds \d+/m);
});

it('tells how old the newest block of the indexer is, and how far that is behind the chain', async () => {
  api.now = BEGINNING;
  const lag = async () => {
    const { text } = await api.call('GET', '/metrics', { bearer: api.operatorToken });
    return [...text.matchAll(/^credits_indexer_lag_(\w+) (.*)$/gm)].map(
      ([, unit, value]) => `${unit} ${value}`,
    );
  };
  expect(await lag()).toEqual(['seconds +Inf', 'blocks Nan']);
  const owner = openPool({ databaseUrl: api.database.url, max: 1 });
  onTestFinished(() => owner.end());
  await createIndexerTables(owner);
  await reachBlock(owner, 100n, BEGINNING / 1_000_000n - 7n);
  expect(await lag()).toEqual(['seconds 7', 'blocks Nan']);
  await api.query(
    `insert into credits.chain_progress (chain_id, head_block, updated_at) values (8453, 103, now())`,
  );
  expect(await lag()).toEqual(['seconds 7', 'blocks 3']);
});

const metrics = async () => (await api.call('GET', '/metrics', { bearer: api.operatorToken })).text;

/** The value of a metric, with its labels as they are written. */
async function valueNamed(name: string): Promise<number | undefined> {
  const line = (await metrics()).split('\n').find(one => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length));
}

it('counts requests by their route, whatever callers put into their addresses', async () => {
  const count = (labels: string) => valueNamed(`credits_http_request_seconds_count{${labels}}`);
  const known = 'method="GET",route="/v1/orders/{id}",status="404"';
  const unknown = 'method="-",route="-",status="404"';
  const before = [(await count(known)) ?? 0, (await count(unknown)) ?? 0];
  for (const id of ['ord_one', 'ord_two'])
    await api.call('GET', `/v1/orders/${id}`, { bearer: 'aios_dev_nonsense' });
  for (const path of ['/v1/one', '/two.html', '/three']) await api.call('GET', path);
  await vi.waitFor(async () => {
    expect([await count(known), await count(unknown)]).toEqual([(before[0] ?? 0) + 2, (before[1] ?? 0) + 3]);
  });
  expect(await metrics()).not.toContain('ord_one');
});

it('tells how many commands go into a batch, and how many wait', async () => {
  const customer = await api.customer();
  const sum = 'credits_posting_batch_commands_sum';
  const before = (await valueNamed(sum)) ?? 0;
  const release = await api.lockBook(customer.accountId);
  const debits = [api.debit(customer, '1', 'batched-0')];
  const blocked = () =>
    api.query(`select from pg_stat_activity where datname = current_database()
      and application_name = 'credits-posting' and wait_event_type = 'Lock'`);
  await vi.waitUntil(async () => (await blocked()).length > 0, { timeout: 30_000 });
  for (let index = 1; index < 20; index += 1) debits.push(api.debit(customer, '1', `batched-${index}`));
  await vi.waitFor(async () => expect(await valueNamed('credits_posting_queue_commands')).toBe(19), {
    timeout: 30_000,
  });
  await release();
  await Promise.all(debits);
  expect(await valueNamed('credits_posting_queue_commands')).toBe(0);
  expect((await valueNamed(sum)) ?? 0).toBe(before + 20);
  expect(await valueNamed('credits_posting_batch_seconds_count')).toBe(
    await valueNamed('credits_posting_wait_seconds_count'),
  );
});

it('adds up what is in suspense and what is owed', async () => {
  const before = (await valueNamed('credits_suspense_eth')) ?? 0;
  const receipts = (await valueNamed('credits_suspense_receipts')) ?? 0;
  await api.intake.pay({ calldata: '0x', amountWei: 1_500_000_000_000_000_000n });
  expect(await valueNamed('credits_suspense_eth')).toBeCloseTo(before + 1.5, 12);
  expect(await valueNamed('credits_suspense_receipts')).toBe(receipts + 1);
  const debtor = await api.customer();
  await api.debit(debtor, '4000.5', 'before-the-reorg');
  await api.intake.vanish(debtor.payment);
  expect(await valueNamed('credits_open_debt_credits')).toBe(4000.5);
});

it('tells what becomes of webhooks, and how late they are', async () => {
  const told = async () =>
    Object.fromEntries(
      (await metrics())
        .split('\n')
        .filter(line => line.startsWith('credits_webhook_'))
        .map(line => line.split(' ')),
    );
  const { accountId, secureKey } = await api.customer();
  const made = await api.call('POST', '/v1/webhooks', {
    bearer: secureKey,
    json: { url: 'http://127.0.0.1:1/', events: ['lot_added'] },
  });
  expect(made.status).toBe(201);
  const none = {
    'credits_webhook_attempts_total{outcome="delivered"}': '0',
    'credits_webhook_attempts_total{outcome="retried"}': '0',
    'credits_webhook_attempts_total{outcome="given_up"}': '0',
    'credits_webhook_endpoints{state="failing"}': '0',
    'credits_webhook_endpoints{state="paused"}': '0',
    credits_webhook_lag_seconds: '0',
  };
  expect(await told()).toEqual(none);
  await api.call('POST', `/v1/webhooks/${made.body.id}/test`, { bearer: secureKey });
  api.now += 90_000_000n;
  expect(await told()).toEqual({ ...none, credits_webhook_lag_seconds: '90' });
  await api.query(
    `insert into credits.webhook_attempt_counts values (1, 'delivered', 5), (2, 'delivered', 6), (1, 'given_up', 1)`,
  );
  await api.query(
    `update credits.webhook_endpoints set failing_since = now(), paused_at = now() where account_id = $1`,
    [accountId],
  );
  // Asked for by hand, a test is sent to paused endpoints too.
  expect(await told()).toEqual({
    ...none,
    'credits_webhook_attempts_total{outcome="delivered"}': '11',
    'credits_webhook_attempts_total{outcome="given_up"}': '1',
    'credits_webhook_endpoints{state="paused"}': '1',
    credits_webhook_lag_seconds: '90',
  });
});

it('tells of the process itself, once', async () => {
  const lines = (await metrics())
    .split('\n')
    .filter(line => line.startsWith('process_resident_memory_bytes '));
  expect(lines).toHaveLength(1);
});

it.each(['/metrics', '/v1/operator/alarms'])('tells nobody else: %s', async path => {
  expect((await api.call('GET', path, { bearer: api.serviceToken })).status).toBe(401);
  expect((await api.call('GET', path)).status).toBe(401);
});
