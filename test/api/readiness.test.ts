/** What /ready says while something is away: it is about debits, which need the database and not the chain. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { freePort } from '../../dev/free-port.ts';
import { type ApiUnderTest, startApi } from '../support/api.ts';
import { openGate, type TcpGate } from '../support/tcp-gate.ts';

let chain: LocalChain;
let gate: TcpGate;
let api: ApiUnderTest;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  api = await startApi({
    rpcUrl: chain.rpcUrl,
    async through(url) {
      const opened = await openGate(url);
      gate = opened.gate;
      return opened.url;
    },
  });
});
afterAll(async () => {
  await api?.stop();
  await gate?.stop();
  await chain?.stop();
});

const ready = () => api.call('GET', '/ready');

it('is ready while everything answers', async () => {
  expect(await ready()).toMatchObject({
    status: 200,
    body: { status: 'ready', checks: { database: 'ok', schema: 'ok', rpc: 'ok' } },
  });
});

it('is not while the database is away, and again when it is back', async () => {
  gate.cut();
  const away = await ready().finally(() => gate.mend());
  expect(away).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    body: { code: 'temporarily_unavailable', checks: { database: 'away', schema: 'unknown', rpc: 'ok' } },
  });
  expect((await ready()).status).toBe(200);
});

it('is not on a database that lacks a migration, which it names', async () => {
  const [last] = await api.query<{ name: string }>(
    'delete from credits.kysely_migration where name = (select max(name) from credits.kysely_migration) returning name',
  );
  expect(await ready()).toMatchObject({
    status: 503,
    body: {
      checks: { database: 'ok', schema: 'outdated' },
      detail: expect.stringContaining(`${last?.name}`),
    },
  });
  await api.query('insert into credits.kysely_migration (name, timestamp) values ($1, now()::text)', [
    last?.name,
  ]);
  expect((await ready()).status).toBe(200);
});

it('is ready without the chain, and says that it is away: debits go on', async () => {
  const customer = await api.customer();
  const lonely = await startApi();
  try {
    expect(await lonely.call('GET', '/ready')).toMatchObject({
      status: 200,
      body: { status: 'ready', checks: { database: 'ok', rpc: 'away' } },
    });
    expect((await lonely.debit(await lonely.customer(), '1', 'lonely')).status).toBe(201);
  } finally {
    await lonely.stop();
  }
  expect((await api.debit(customer, '1', 'not-lonely')).status).toBe(201);
});
