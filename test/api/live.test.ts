/** Live mode for real: against an RPC that passes for Base, as the programs that an operator starts. */
import { createTestClient, http } from 'viem';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../api/config.ts';
import { startApiPart } from '../../api/parts/api-part.ts';
import { migrateConfigured } from '../../api/parts/migrate-part.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import type { RunningChild } from '../../dev/child-process.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import { FIRST_PRICE, installFeeds, pushPrice } from '../../dev/price-feeds.ts';
import { createOperatorToken, createServiceToken, openKysely, openPool } from '../../ledger/index.ts';
import { issueKey } from '../../ledger/keys/issue-key.ts';
import { newSecret } from '../../ledger/keys/secret.ts';
import { DEFAULT_BUCKET_COUNT } from '../../ledger/store/installation.ts';
import { BASE_GENESIS_HASH, type BaseRpc, startBaseRpc } from '../support/base-rpc.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { type AnyBody, send } from '../support/http.ts';
import { runProgram, startApiProgram } from '../support/program.ts';

const HOST = 'credits.example.com';
const nowInSeconds = () => BigInt(Math.floor(Date.now() / 1000));

let chain: LocalChain;
let base: BaseRpc;
let database: TestDatabase;
let devDatabase: TestDatabase;
let emptyDatabase: TestDatabase;
let port: number;
let api: RunningChild;
let env: Record<string, string>;

beforeAll(async () => {
  [chain, database, devDatabase, emptyDatabase] = await Promise.all([
    // An hour behind our clock.
    startChain({ port: await freePort(), beginsAt: nowInSeconds() - 3600n }),
    createEmptyDatabase(),
    createDatabase(),
    createEmptyDatabase(),
  ]);
  base = await startBaseRpc(chain.rpcUrl);
  port = await freePort();
  env = {
    MODE: 'live',
    DATABASE_URL: database.url,
    BASE_RPC_URL: base.url,
    PAYMENT_ADDRESS: '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689',
    PUBLIC_URL: `https://${HOST}`,
    PORT: String(port),
  };
  const migrated = await runProgram(['migrate'], env);
  if (migrated.code !== 0) throw new Error(`migrate failed: ${migrated.stderr}`);
  api = await startApiProgram(env);
});

afterAll(async () => {
  await api?.stop();
  await Promise.all([base?.stop(), chain?.stop()]);
  await Promise.all([database?.drop(), devDatabase?.drop(), emptyDatabase?.drop()]);
});

const get = (path: string, headers: Record<string, string> = {}) =>
  send<AnyBody>(port, path, { headers: { host: HOST, ...headers } });

/** As the owner, who makes tokens. */
async function asOwner<T>(work: (db: ReturnType<typeof openKysely>) => Promise<T>): Promise<T> {
  const pool = openPool({ databaseUrl: database.url, max: 1 });
  try {
    return await work(openKysely(pool));
  } finally {
    await pool.end();
  }
}

describe('live', () => {
  it('has no development wallet, whoever asks', async () => {
    const body = JSON.stringify({ method: 'eth_accounts' });
    const headers = { host: HOST, 'content-type': 'application/json' };
    expect((await send(port, '/v1/dev/wallet', { method: 'POST', headers, body })).status).toBe(404);
    expect((await get('/v1/payment-methods')).body).toMatchObject({ development_wallet: false });
  });

  it('records for ever what it is', async () => {
    const [installed] = await asOwner(db => db.selectFrom('installation').selectAll().execute());
    expect(installed).toMatchObject({
      mode: 'live',
      chain_id: 8453,
      genesis_hash: BASE_GENESIS_HASH,
      payment_address: env.PAYMENT_ADDRESS?.toLowerCase(),
    });
  });

  it('may be migrated again, to no effect', async () => {
    const said: string[] = [];
    await migrateConfigured(readConfig(env, 'migrate'), line => said.push(line));
    expect(said).toEqual(['the database is up to date']);
  });

  it('says where it listens, and nothing that is secret', () => {
    expect(api.output()).toContain(`listening on http://127.0.0.1:${port}, known as https://${HOST}`);
    expect(api.output()).toContain('card payments: off');
    expect(api.output()).not.toContain(new URL(database.url).password || 'postgres://');
  });

  it('is ready, and answers its public host only', async () => {
    expect((await get('/ready')).status).toBe(200);
    for (const host of [
      '127.0.0.1',
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `${HOST}:${port}`,
      `x.${HOST}`,
    ])
      expect((await get('/v1/credits', { host })).body, host).toMatchObject({
        status: 421,
        code: 'host_unknown',
      });
  });

  it('takes https endpoints of webhooks only', async () => {
    const { secureKey } = await asOwner(db =>
      db
        .transaction()
        .execute(trx =>
          issueKey(
            { db: trx, bucketCount: DEFAULT_BUCKET_COUNT, mode: 'live' },
            7n,
            nowInSeconds() * 1_000_000n,
          ),
        ),
    );
    const headers = {
      host: HOST,
      'content-type': 'application/json',
      authorization: `Bearer ${secureKey}`,
    };
    const ask = (method: string, path: string, url: string) =>
      send<AnyBody>(port, path, { method, headers, body: JSON.stringify({ url, events: ['lot_added'] }) });
    const refused = { status: 400, body: { code: 'invalid_field', field: 'url' } };
    expect(await ask('POST', '/v1/webhooks', 'http://example.com/')).toMatchObject(refused);
    const made = await ask('POST', '/v1/webhooks', 'https://example.com/');
    expect(made.status).toBe(201);
    const path = `/v1/webhooks/${made.body.id}`;
    expect(await ask('PATCH', path, 'http://127.0.0.1/')).toMatchObject(refused);
  });

  it('quotes nothing while the chain is behind the clock by more than a minute', async () => {
    const order = () =>
      send<AnyBody>(port, '/v1/orders', {
        method: 'POST',
        headers: { host: HOST, 'content-type': 'application/json' },
        body: JSON.stringify({ amount_usd: '1', method: 'eth' }),
      });
    await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE });
    await pushPrice(chain.rpcUrl, FIRST_PRICE, { updatedAt: nowInSeconds() });
    expect(await order()).toMatchObject({
      status: 503,
      body: { code: 'price_unavailable', cause: 'chain_behind' },
    });
    const control = createTestClient({ mode: 'anvil', transport: http(chain.rpcUrl) });
    await control.setNextBlockTimestamp({ timestamp: nowInSeconds() });
    await control.mine({ blocks: 1 });
    // A price is kept for a second.
    await vi.waitUntil(async () => (await order()).status === 201, { timeout: 60_000, interval: 200 });
  });

  it('takes live tokens and refuses those of development, even when they are in the database', async () => {
    const names = { bucketCount: DEFAULT_BUCKET_COUNT, name: 'ops' };
    const [live, dev, service] = await asOwner(async db => [
      await createOperatorToken({ ...names, db, mode: 'live' }),
      await createOperatorToken({ ...names, db, mode: 'dev' }),
      await createServiceToken({ ...names, db, mode: 'dev' }),
    ]);
    const balance = (token = '') => get('/v1/operator/trial-balance', { authorization: `Bearer ${token}` });
    expect(live).toMatch(/^aiot_live_/);
    expect((await balance(live)).status).toBe(200);
    expect(await balance(dev)).toMatchObject({ status: 401, body: { code: 'credential_invalid' } });

    const debited = await send<AnyBody>(port, '/v1/debits', {
      method: 'POST',
      headers: {
        host: HOST,
        authorization: `Bearer ${service}`,
        'content-type': 'application/json',
        'idempotency-key': 'dev-token',
      },
      body: JSON.stringify({ secure_key: newSecret('secureKey', 'live'), amount: '1' }),
    });
    expect(service).toMatch(/^aist_dev_/);
    expect(debited).toMatchObject({ status: 401, body: { code: 'credential_invalid' } });
    const key = newSecret('secureKey', 'dev');
    expect(await get('/v1/credits', { authorization: `Bearer ${key}` })).toMatchObject({ status: 401 });
  });
});

describe('live does not start', () => {
  const other = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

  const cases: [string, () => Record<string, string>, RegExp][] = [
    [
      'on a local chain',
      () => ({ BASE_RPC_URL: chain.rpcUrl }),
      /^BASE_RPC_URL serves anvil\S*, not Base mainnet: live takes real payments only\.$/,
    ],
    [
      'on a database made for development',
      () => ({ DATABASE_URL: devDatabase.url }),
      /^The database was made for MODE dev, but this program was started with live: .*\.$/,
    ],
    [
      'for another address',
      () => ({ PAYMENT_ADDRESS: other }),
      /^The database was made for PAYMENT_ADDRESS 0xa7f3\w+, but .* with 0x7099\w+: .*\.$/,
    ],
    [
      'on a database without its migrations',
      () => ({ DATABASE_URL: emptyDatabase.url }),
      /^The database lacks 0001_ledger, .*: run `npm run migrate` as its owner\.$/,
    ],
  ];

  it.each(cases)('%s', async (_what, change, line) => {
    const config = readConfig({ ...env, ...change() }, 'api');
    await expect(startApiPart(config)).rejects.toThrow(line);
  });

  it('nor can a database of development be migrated into it', async () => {
    const config = readConfig({ ...env, DATABASE_URL: devDatabase.url }, 'migrate');
    await expect(migrateConfigured(config, () => {})).rejects.toThrow(/^The database was made for MODE dev/);
  });

  it('nor does development touch Base', async () => {
    const { PUBLIC_URL: _, ...rest } = env;
    const config = readConfig({ ...rest, MODE: 'dev' }, 'migrate');
    await expect(migrateConfigured(config, () => {})).rejects.toThrow(/not a development chain/);
  });
});
