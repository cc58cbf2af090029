/** The development wallet: what it gives out and what it does not, and that there is none where the chain is real. */
import { recoverMessageAddress, stringToHex } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { freePort } from '../../dev/free-port.ts';
import { startApi } from '../support/api.ts';
import { type AnyBody, send } from '../support/http.ts';

const PATH = '/v1/dev/wallet';
const [FIRST, , , FOURTH] = DEV_ACCOUNTS;
const TO = '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689';

let chain: LocalChain;
let api: Awaited<ReturnType<typeof startApi>>;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  api = await startApi({ rpcUrl: chain.rpcUrl, developmentWalletRpcUrl: chain.rpcUrl });
});
afterAll(async () => {
  await api?.stop();
  await chain?.stop();
});

const ask = (method: string, params: readonly unknown[] = []) => post(JSON.stringify({ method, params }));
const post = (body: string, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
  send<AnyBody>(api.port, PATH, { method: 'POST', headers, body });

describe('the development wallet', () => {
  it('is offered to pages', async () => {
    expect((await api.call('GET', '/v1/payment-methods')).body).toMatchObject({ development_wallet: true });
  });

  it('gives out three accounts, and not the one that pushes prices', async () => {
    const { body } = await ask('eth_accounts');
    expect(body).toEqual({ result: DEV_ACCOUNTS.slice(0, 3).map(({ address }) => address.toLowerCase()) });
  });

  it('pays and signs with them', async () => {
    const paid = await ask('eth_sendTransaction', [{ from: FIRST.address, to: TO, value: '0x1' }]);
    const receipt = await ask('eth_getTransactionReceipt', [paid.body.result]);
    expect(receipt.body.result).toMatchObject({ status: '0x1', from: FIRST.address.toLowerCase() });
    const signed = await ask('personal_sign', [stringToHex('a challenge'), FIRST.address]);
    const signature = signed.body.result as `0x${string}`;
    expect(await recoverMessageAddress({ message: 'a challenge', signature })).toBe(FIRST.address);
  });

  it.each([
    ['eth_sendTransaction', [{ from: FOURTH.address, to: TO, value: '0x1' }]],
    ['eth_sendTransaction', [{ to: TO, value: '0x1' }]],
    ['eth_sendTransaction', []],
    ['personal_sign', [stringToHex('a challenge'), FOURTH.address]],
  ])('does neither with others: %s %j', async (method, params) => {
    expect((await ask(method, params)).body).toMatchObject({ error: { code: 4100 } });
  });

  it.each([
    'anvil_setBalance',
    'anvil_reorg',
    'evm_increaseTime',
    'eth_sendRawTransaction',
    'eth_sign',
    'debug_traceTransaction',
    'ETH_ACCOUNTS',
    '__proto__',
  ])('has no method %s', async method => {
    const { status, body } = await ask(method);
    expect([status, body.code, body.field]).toEqual([400, 'invalid_field', 'method']);
  });

  it.each([
    ['an array', '[]', 400],
    ['no JSON', '{', 400],
    ['params that are no array', '{"method":"eth_chainId","params":{}}', 400],
    ['another field', '{"method":"eth_chainId","id":1}', 400],
    ['too much', JSON.stringify({ method: 'eth_call', params: ['x'.repeat(20_000)] }), 413],
  ])('refuses %s', async (_what, body, status) => {
    expect((await post(body)).status).toBe(status);
  });

  it('cannot be asked by the forms of other sites', async () => {
    const text = JSON.stringify({ method: 'eth_accounts', params: [] });
    expect((await post(text, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post(text, { 'content-type': 'application/json', host: 'evil.example' })).status).toBe(421);
  });

  it('says so when the chain is away', async () => {
    const other = await startApi({ developmentWalletRpcUrl: 'http://127.0.0.1:1' });
    try {
      const body = JSON.stringify({ method: 'eth_chainId' });
      const headers = { 'content-type': 'application/json' };
      const answer = await send<AnyBody>(other.port, PATH, { method: 'POST', headers, body });
      expect(answer.body).toMatchObject({ error: { code: 4900 } });
    } finally {
      await other.stop();
    }
  });
});

describe('without a development chain', () => {
  it('there is no such wallet', async () => {
    const other = await startApi();
    try {
      const body = JSON.stringify({ method: 'eth_accounts' });
      const headers = { 'content-type': 'application/json' };
      expect((await send(other.port, PATH, { method: 'POST', headers, body })).status).toBe(404);
      const { body: methods } = await other.call('GET', '/v1/payment-methods');
      expect(methods).toMatchObject({ development_wallet: false, walletconnect_project_id: null });
    } finally {
      await other.stop();
    }
  });
});

describe('WalletConnect', () => {
  it('opens the CSP for its own hosts, where it is configured', async () => {
    const projectId = '0123456789abcdef0123456789abcdef';
    const other = await startApi({ walletConnect: { projectId, relayUrl: 'wss://relay.walletconnect.org' } });
    try {
      const { headers, body } = await other.call('GET', '/v1/payment-methods');
      expect(body).toMatchObject({
        walletconnect_project_id: projectId,
        walletconnect_relay_url: 'wss://relay.walletconnect.org',
      });
      expect(String(headers['content-security-policy'])).toBe(
        "default-src 'none';script-src 'self';style-src 'self';" +
          "connect-src 'self' wss://relay.walletconnect.org https://rpc.walletconnect.org;" +
          "frame-src https://verify.walletconnect.org;base-uri 'none';form-action 'none';frame-ancestors 'none'",
      );
    } finally {
      await other.stop();
    }
  });
});
