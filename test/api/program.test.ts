/** The API as a program: how it starts, what it says when it cannot, and how it ends. */
import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { migrateConfigured } from '../../api/parts/migrate-part.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import type { RunningChild } from '../../dev/child-process.ts';
import { freePort } from '../../dev/free-port.ts';
import {
  createOperatorToken,
  createServiceToken,
  openKysely,
  openLedger,
  openPool,
  readInstallation,
} from '../../ledger/index.ts';
import { lockBook } from '../support/api.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { type Answer, type AnyBody, send } from '../support/http.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { ANSWER, calldataOf, openIntake, payable, roundOf } from '../support/intake.ts';
import { createLogin, type Login } from '../support/login.ts';
import { runProgram, startApiProgram } from '../support/program.ts';
import { openGate, type TcpGate } from '../support/tcp-gate.ts';

let chain: LocalChain;
let database: TestDatabase;
let gate: TcpGate;
/** That of the API alone, which has no other rights. */
let login: Login;
let apiDatabaseUrl: string;
let env: { MODE: string; DATABASE_URL: string; BASE_RPC_URL: string };
let serviceToken: string;
let operatorToken: string;
let customer: { accountId: bigint; secureKey: string };

beforeAll(async () => {
  [chain, database] = await Promise.all([startChain({ port: await freePort() }), createEmptyDatabase()]);
  env = { MODE: 'dev', DATABASE_URL: database.url, BASE_RPC_URL: chain.rpcUrl };
  await migrateConfigured(
    { mode: 'dev', databaseUrl: database.url, rpcUrl: chain.rpcUrl, paymentAddress: PAYMENT_ADDRESS },
    () => {},
  );
  login = await createLogin(database.url, 'credits_api');
  const opened = await openGate(login.url);
  gate = opened.gate;
  apiDatabaseUrl = opened.url;
  const pool = openPool({ databaseUrl: database.url, max: 1 });
  const db = openKysely(pool);
  const installation = await readInstallation(db);
  const shared = { db, bucketCount: installation.bucketCount, mode: 'dev' } as const;
  serviceToken = await createServiceToken({ ...shared, name: 'chat' });
  operatorToken = await createOperatorToken({ ...shared, name: 'ops' });
  await pool.end();
  customer = await payingCustomer(installation);
});

afterAll(async () => {
  await gate?.stop();
  await login?.drop();
  await Promise.all([chain?.stop(), database?.drop()]);
});

async function payingCustomer(installation: Awaited<ReturnType<typeof readInstallation>>) {
  const ledger = await openLedger({ databaseUrl: database.url, rpcUrl: chain.rpcUrl, installation });
  const now = await ledger.now();
  const intake = await openIntake(database.url, () => now);
  const order = payable(
    await ledger.createOrder({ amountMicrousd: 1_000_000n, round: roundOf(ANSWER, now), now }),
  );
  await intake.pay({ calldata: calldataOf(order.reference), amountWei: order.quotedWei });
  const claim = await ledger.claimKey(order.orderId, order.secret, now);
  await Promise.all([ledger.close(), intake.close()]);
  if (claim.status !== 'claimed') throw new Error(`the key of a paid order is ${claim.status}`);
  return claim;
}

async function startApi(more: Record<string, string> = {}): Promise<{ child: RunningChild; port: number }> {
  const port = await freePort();
  return {
    port,
    child: await startApiProgram({ ...env, DATABASE_URL: apiDatabaseUrl, ...more, PORT: String(port) }),
  };
}

function debit(port: number, key: string, agent?: Agent): Promise<Answer<AnyBody>> {
  return send(port, '/v1/debits', {
    method: 'POST',
    headers: {
      host: `127.0.0.1:${port}`,
      authorization: `Bearer ${serviceToken}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify({ secure_key: customer.secureKey, amount: '1' }),
    ...(agent ? { agent } : {}),
  });
}

/** Somebody who wants to order, which the chain here has no price for. */
function ordered(port: number): Promise<Answer<AnyBody>> {
  return send(port, '/v1/orders', {
    method: 'POST',
    headers: { host: `127.0.0.1:${port}`, 'content-type': 'application/json' },
    body: JSON.stringify({ amount_usd: '1', method: 'card' }),
  });
}

async function isPostingBlocked(): Promise<boolean> {
  const pool = openPool({ databaseUrl: database.url, max: 1 });
  try {
    const { rows } = await pool.query(
      `select from pg_stat_activity where datname = current_database()
        and application_name = 'credits-posting' and wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  } finally {
    await pool.end();
  }
}

describe('node api/main.ts', () => {
  it('shows its usage', async () => {
    const { code, stdout, stderr } = await runProgram(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^usage: node api\/main\.ts <api\|worker\|indexer\|migrate>\n/);
    expect(stdout).toContain('.env.example');
  });

  it('shows its usage as an error for a part that is none, whatever JavaScript has by that name', async () => {
    const { code, stdout, stderr } = await runProgram(['toString']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^usage: /);
    expect(stderr).not.toContain('    at ');
  });

  it('says everything that is missing, a line each, and ends with 1', async () => {
    const { code, stdout, stderr } = await runProgram(['api']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const lines = stderr.trimEnd().split('\n');
    expect(lines.map(line => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'api: MODE',
      'api: DATABASE_URL',
      'api: BASE_RPC_URL',
      'api: PAYMENT_ADDRESS',
      'api: PUBLIC_URL',
    ]);
  });

  it('says in one line that its port is taken, and ends with 1', async () => {
    const squatter = createServer();
    await new Promise<void>(resolve => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as AddressInfo;
    const { code, stderr } = await runProgram(['api'], { ...env, PORT: String(port) });
    squatter.close();
    expect(code).toBe(1);
    expect(stderr).toBe(`api: PORT ${port} is taken: stop what listens there, or set another PORT.\n`);
  });

  it('says which of the two is away when migrate finds no database or no chain, and keeps the password', async () => {
    const nobody = await freePort();
    const [noDatabase, noChain] = await Promise.all([
      runProgram(['migrate'], { ...env, DATABASE_URL: `postgres://owner:S3cr3t@127.0.0.1:${nobody}/x` }),
      runProgram(['migrate'], { ...env, BASE_RPC_URL: `http://127.0.0.1:${nobody}/v2/S3cr3t` }),
    ]);
    for (const { code, stdout, stderr } of [noDatabase, noChain]) {
      expect(code).toBe(1);
      expect(stdout + stderr).not.toContain('S3cr3t');
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    }
    expect(noDatabase.stderr).toContain('DATABASE_URL');
    expect(noChain.stderr).toContain('BASE_RPC_URL');
  });

  it.each(['indexer', 'worker', 'api'])('refuses to start the %s for another payment address', async part => {
    const { code, stderr } = await runProgram([part], {
      ...env,
      PORT: String(await freePort()),
      PAYMENT_ADDRESS: `0x${'e'.repeat(40)}`,
    });
    expect(code).toBe(1);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toContain('made for PAYMENT_ADDRESS');
  });

  it.each([
    [
      200,
      {
        jsonrpc: '2.0',
        id: 1,
        error: { code: -32005, message: 'daily limit, see https://rpc.example/S3cr3t' },
      },
    ],
    [200, { jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'no such\nkey' } }],
    [429, { message: 'too many requests to https://rpc.example/v2/S3cr3t' }],
  ])('says in one line that the RPC answers %d with %j, and keeps its URL', async (status, answer) => {
    const rpc = createServer((_request, response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer)),
    );
    await new Promise<void>(resolve => rpc.listen(0, '127.0.0.1', resolve));
    const { port } = rpc.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/v2/S3cr3t`;
    const { code, stdout, stderr } = await runProgram(['migrate'], { ...env, BASE_RPC_URL: url });
    rpc.close();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^migrate: BASE_RPC_URL (?:does not answer|answers with an error) [^\n]+\n$/);
    expect(stderr).not.toMatch(/S3cr3t|:\/\/|viem/);
  });
});

describe('the running API', () => {
  it('ends at SIGTERM when what is in flight is answered, and takes nothing new', async () => {
    const { child, port } = await startApi();
    const agent = new Agent({ keepAlive: true });
    try {
      expect((await debit(port, 'before', agent)).status).toBe(201);
      const release = await lockBook(database.url, customer.accountId);
      const inFlight = debit(port, 'in-flight', agent);
      await vi.waitUntil(isPostingBlocked, { timeout: 60_000 });
      process.kill(child.pid, 'SIGTERM');
      const connected = () => send(port, '/health', { agent: new Agent({ keepAlive: false }) });
      await vi.waitFor(() => expect(connected()).rejects.toThrow(/ECONNREFUSED/), { timeout: 60_000 });
      await release();
      const answer = await inFlight;
      expect(answer.status).toBe(201);
      // Otherwise a client that keeps asking on its open connection would keep the program from ending.
      expect(answer.headers.connection).toBe('close');
      expect(await child.exited).toEqual({ code: 0, signal: null });
    } finally {
      agent.destroy();
      await child.kill();
    }
    expect(child.output()).not.toContain('    at ');
  });

  it('ends at SIGTERM also while somebody sends a request that never comes to its end', async () => {
    const { child, port } = await startApi();
    const begin = `POST /v1/orders HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n`;
    const slow = connect(port, '127.0.0.1', () => slow.write(`${begin}Content-Length: 100\r\n\r\n{`));
    const headless = connect(port, '127.0.0.1', () => headless.write(begin));
    for (const socket of [slow, headless]) socket.on('error', () => {});
    try {
      await Promise.all([once(slow, 'connect'), once(headless, 'connect')]);
      expect((await debit(port, 'beside-the-slow')).status).toBe(201);
      process.kill(child.pid, 'SIGTERM');
      expect(await child.exited).toEqual({ code: 0, signal: null });
    } finally {
      slow.destroy();
      headless.destroy();
      await child.kill();
    }
    expect(child.output()).not.toContain('did not stop');
  });

  it('turns away what is more than it works on at a time, and answers the rest', async () => {
    const { child, port } = await startApi({ REQUESTS_IN_FLIGHT_MAX: '3' });
    try {
      const release = await lockBook(database.url, customer.accountId);
      const inFlight = ['full-1', 'full-2', 'full-3'].map(key => debit(port, key));
      await vi.waitUntil(isPostingBlocked, { timeout: 20_000 });
      const turnedAway = await vi.waitFor(
        async () => {
          const answer = await ordered(port);
          expect(answer.status).toBe(503);
          return answer;
        },
        { timeout: 20_000 },
      );
      expect(turnedAway.body).toMatchObject({ code: 'overloaded' });
      expect(turnedAway.headers['retry-after']).toBe('1');
      // Whoever watches over it still can.
      expect((await send(port, '/ready')).status).toBe(200);
      await release();
      const answers = await Promise.all(inFlight);
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
      // What left made room.
      expect((await debit(port, 'full-4')).status).toBe(201);
    } finally {
      await child.stop();
    }
  });

  it('is limited and logs as the environment says', async () => {
    const { child, port } = await startApi({ RATE_LIMIT_SERVICE: '1', LOG_REQUESTS: 'problems' });
    try {
      expect((await debit(port, 'limited-1')).status).toBe(201);
      const refused = await debit(port, 'limited-2');
      expect(refused.body).toMatchObject({ status: 429, code: 'rate_limited' });
      const line = new RegExp(`api: request id=${refused.headers['request-id']} .* code=rate_limited`);
      await vi.waitFor(() => expect(child.output()).toMatch(line), { timeout: 20_000 });
      expect(child.output()).not.toContain('status=201');
    } finally {
      await child.stop();
    }
  });

  it('lives on when the database is cut off under a request, and writes no secret', async () => {
    const { child, port } = await startApi();
    try {
      const host = `127.0.0.1:${port}`;
      const release = await lockBook(database.url, customer.accountId);
      const inFlight = debit(port, 'cut-off').then(
        answer => answer.status,
        (error: unknown) => String(error),
      );
      await vi.waitUntil(isPostingBlocked, { timeout: 60_000 });
      gate.cut();
      gate.mend();
      await release();
      expect([201, 503]).toContain(await inFlight);
      const ready = async () => (await send(port, '/ready', { headers: { host } })).status === 200;
      await vi.waitUntil(ready, { timeout: 60_000 });
      expect(await debit(port, 'cut-off')).toMatchObject({ status: 201 });
      const headers = { host, authorization: `Bearer ${operatorToken}` };
      expect(await send(port, '/v1/operator/trial-balance', { headers })).toMatchObject({ status: 200 });
    } finally {
      await child.stop();
    }
    for (const secret of [serviceToken, operatorToken, customer.secureKey])
      expect(child.output()).not.toContain(secret);
  });
});
