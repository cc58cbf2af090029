/** What operators and their monitoring are told. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
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

it.each(['/metrics', '/v1/operator/alarms'])('tells nobody else: %s', async path => {
  expect((await api.call('GET', path, { bearer: api.serviceToken })).status).toBe(401);
  expect((await api.call('GET', path)).status).toBe(401);
});
