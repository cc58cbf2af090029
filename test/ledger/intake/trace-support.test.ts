/** An RPC that does not trace: how it is known, and what can be said of a vanished payment then. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Address, createPublicClient, createTestClient, http, publicActions, walletActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { freePort } from '../../../dev/free-port.ts';
import { checkCanonical } from '../../../ledger/intake/canonical-check.ts';
import { ChainRpc } from '../../../ledger/intake/chain-rpc.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { hasTraces } from '../../../ledger/intake/trace-support.ts';
import { type FaultyRpc, NO_FAULT, startFaultyRpc } from '../../support/faulty-rpc.ts';
import { PAYMENT_ADDRESS } from '../../support/installation.ts';

let chain: LocalChain;
let rpc: FaultyRpc;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  rpc = await startFaultyRpc(chain.rpcUrl);
});
afterAll(async () => {
  await Promise.all([rpc?.stop(), chain?.kill()]);
});

const clientAt = (url: string) =>
  createPublicClient({ transport: http(url, { retryCount: 0 }), cacheTime: 0 });

/** Refuses to trace with these words. */
function refuse(code: number, message: string, methods = /^debug_/): void {
  rpc.fault = ({ method }) => (methods.test(method) ? { kind: 'error', code, message } : NO_FAULT);
}

describe('whether an RPC traces', () => {
  test('it does when it traces blocks by number and by hash', async () => {
    rpc.fault = () => NO_FAULT;
    expect(await hasTraces(clientAt(rpc.url))).toBe(true);
    refuse(-32601, 'Method not found', /^debug_traceBlockByHash$/);
    expect(await hasTraces(clientAt(rpc.url))).toBe(false);
  });

  // As providers word it.
  test.each([
    [-32601, 'the method debug_traceBlockByNumber does not exist/is not available'],
    [-32004, 'whatever'],
    [-32600, 'debug_traceBlockByNumber is not available on the Free tier - upgrade to Pay As You Go'],
    [-32601, 'rpc method is unsupported'],
    [35, 'method is not available on freetier, please upgrade to paid tier'],
    [-32053, 'Method is not whitelisted'],
  ])('it does not when it answers %i %s', async (code, message) => {
    refuse(code, message);
    expect(await hasTraces(clientAt(rpc.url))).toBe(false);
  });

  test.each([
    [-32005, 'daily request limit reached, upgrade your plan for the method'],
    [-32016, 'over rate limit for this method: not now'],
    [-32000, 'execution timeout: the trace did not finish'],
    [-32603, 'internal error'],
  ])('nothing is said by %i %s', async (code, message) => {
    refuse(code, message);
    await expect(hasTraces(clientAt(rpc.url))).rejects.toThrow(message);
  });

  test('it does not when it forbids it by its status', async () => {
    const server = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request.setEncoding('utf8')) text += chunk;
      if (text.includes('debug_')) return response.writeHead(403).end('Forbidden');
      const answer = await fetch(chain.rpcUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: text,
      });
      return response.setHeader('content-type', 'application/json').end(await answer.text());
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    expect(await hasTraces(clientAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))).toBe(
      false,
    );
  });

  test('an RPC that is gone says nothing', async () => {
    await expect(hasTraces(clientAt(`http://127.0.0.1:${await freePort()}`))).rejects.toThrow(
      'HTTP request failed',
    );
  });
});

describe('a payment that lost its row', () => {
  const payer = privateKeyToAccount(DEV_ACCOUNTS[1].privateKey);
  const FAILING: Address = `0x${'fd'.repeat(20)}`;
  const client = () =>
    createTestClient({ mode: 'anvil', chain: base, transport: http(chain.rpcUrl), pollingInterval: 20 })
      .extend(publicActions)
      .extend(walletActions);

  beforeAll(() => client().setCode({ address: FAILING, bytecode: '0x60006000fd' }));

  /** The verdict on a payment of a transaction to `to`, once that is settled. */
  async function verdictOn(to: Address, seen: { traceIndex: number; inThisBlock: boolean }): Promise<string> {
    const on = client();
    const hash = await on.sendTransaction({ account: payer, to, value: 5n, gas: 100_000n });
    const { blockNumber, blockHash } = await on.waitForTransactionReceipt({ hash });
    await on.mine({ blocks: 4 });
    refuse(-32601, 'Method not found');
    const lost: Included = {
      ...{
        bucket: 0,
        receiptId: `eth:8453:${hash}:${seen.traceIndex}`,
        version: 1,
        blockNumber,
        blockAt: 0n,
        noticedAt: 0n,
      },
      blockHash: seen.inThisBlock ? blockHash : `0x${'ab'.repeat(32)}`,
      ...{
        transactionHash: hash,
        transactionIndex: 0,
        traceIndex: seen.traceIndex,
        frameType: 'CALL',
        transactionType: 'eip1559',
      },
      ...{ fromAddress: payer.address.toLowerCase(), amountWei: 5n, input: '0x', noticedAt: 0n },
    };
    const asked = new ChainRpc({
      name: 'RPC 1',
      client: clientAt(rpc.url),
      installation: { chainId: base.id, genesisHash: '' },
      isKnown: true,
    });
    return (await checkCanonical([asked], lost, PAYMENT_ADDRESS)).verdict;
  }

  test.each([
    ['is there, in the block where it was', PAYMENT_ADDRESS, 0, true, 'present'],
    ['is there, in the block where a trace had shown it', DEV_ACCOUNTS[2].address, 1, true, 'present'],
    ['is there, in another block', PAYMENT_ADDRESS, 0, false, 'present'],
    ['is gone, when the transaction pays somebody else there', DEV_ACCOUNTS[2].address, 0, false, 'gone'],
    ['is gone, when the transaction fails there', FAILING, 1, false, 'gone'],
    ['cannot be told of, when it was within the transaction', DEV_ACCOUNTS[2].address, 1, false, 'unsettled'],
  ] as const)('%s', async (_what, to, traceIndex, inThisBlock, verdict) => {
    expect(await verdictOn(to, { traceIndex, inThisBlock })).toBe(verdict);
  });
});
