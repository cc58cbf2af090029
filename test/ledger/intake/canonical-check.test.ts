/** Whether a payment whose row vanished is really gone, asked of a real chain that is really reorganised. */
import { fileURLToPath } from 'node:url';
import {
  type Address,
  createPublicClient,
  createTestClient,
  encodeFunctionData,
  type Hash,
  http,
  parseAbi,
  parseEther,
  publicActions,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../../dev/compile-cache.ts';
import { compileSolidity } from '../../../dev/compile-solidity.ts';
import { freePort } from '../../../dev/free-port.ts';
import { instantOfSeconds } from '../../../ledger/core/instant.ts';
import { checkCanonical } from '../../../ledger/intake/canonical-check.ts';
import { ChainRpc } from '../../../ledger/intake/chain-rpc.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { type Fault, type FaultyRpc, NO_FAULT, startFaultyRpc } from '../../support/faulty-rpc.ts';
import { PAYMENT_ADDRESS } from '../../support/installation.ts';

const port = await freePort();
const rpcAt = (rpcPort: number) => http(`http://127.0.0.1:${rpcPort}`, { retryCount: 0 });
const client = createTestClient({
  mode: 'anvil',
  chain: base,
  transport: rpcAt(port),
  cacheTime: 0,
  pollingInterval: 50,
  account: privateKeyToAccount(DEV_ACCOUNTS[1].privateKey),
})
  .extend(publicActions)
  .extend(walletActions);
const reader = createPublicClient({ transport: rpcAt(port), cacheTime: 0 });

let chain: LocalChain;
/** Two ways to the chain, which say the same until a test lets one lie. */
let ways: readonly [FaultyRpc, FaultyRpc];
let rpcs: readonly [ChainRpc, ChainRpc];
const contracts = new Map<string, Address>();
beforeAll(async () => {
  chain = await startChain({ port });
  const { hash: genesisHash } = await reader.getBlock({ blockNumber: 0n });
  const rpcOf = (name: string, way: FaultyRpc) =>
    new ChainRpc({
      name,
      client: createPublicClient({ transport: http(way.url, { retryCount: 0, batch: true }) }),
      installation: { chainId: base.id, genesisHash },
    });
  ways = [await startFaultyRpc(chain.rpcUrl), await startFaultyRpc(chain.rpcUrl)];
  rpcs = [rpcOf('RPC 1', ways[0]), rpcOf('RPC 2', ways[1])];
  const source = (name: string) =>
    fileURLToPath(new URL(`../../support/contracts/${name}.sol`, import.meta.url));
  const names = ['EvenBlockPayer', 'RevertingForwarder', 'DelegateCaller'];
  const compiled = compileSolidity(Object.fromEntries(names.map(name => [name, source(name)])), {
    cacheFolder: SOLIDITY_CACHE,
  });
  for (const name of names) {
    const bytecode = compiled[name]?.bytecode;
    if (!bytecode) throw new Error(`${name} was not compiled`);
    const hash = await client.deployContract({ abi: [], bytecode });
    const { contractAddress } = await client.waitForTransactionReceipt({ hash });
    if (!contractAddress) throw new Error(`${name} was not deployed`);
    contracts.set(name, contractAddress);
  }
});
afterEach(() => {
  for (const way of ways) way.fault = () => NO_FAULT;
});
afterAll(async () => {
  await Promise.all(ways?.map(way => way.stop()));
  await chain?.kill();
});

function contract(name: string): Address {
  const address = contracts.get(name);
  if (!address) throw new Error(`${name} was not deployed`);
  return address;
}

/** Sends a transaction and returns its frame as it would be recorded had it been a payment. */
async function sent(
  transaction: { readonly to: Address; readonly data?: `0x${string}` },
  traceIndex: number,
): Promise<Included> {
  const hash = await client.sendTransaction({ ...transaction, value: parseEther('1'), gas: 500_000n });
  const receipt = await client.waitForTransactionReceipt({ hash });
  const block = await client.getBlock({ blockHash: receipt.blockHash });
  return {
    bucket: 0,
    receiptId: `eth:8453:${hash}:${traceIndex}`,
    version: 1,
    blockNumber: receipt.blockNumber,
    blockHash: receipt.blockHash,
    blockAt: instantOfSeconds(block.timestamp),
    transactionHash: hash,
    transactionIndex: receipt.transactionIndex,
    traceIndex,
    frameType: 'CALL',
    transactionType: 'eip1559',
    fromAddress: client.account.address.toLowerCase(),
    amountWei: parseEther('1'),
    input: '0x',
    noticedAt: instantOfSeconds(block.timestamp),
  };
}

const plainPayment = () => sent({ to: PAYMENT_ADDRESS }, 0);
/** What a single RPC says. */
const verdict = async (lost: Included) => (await checkCanonical([rpcs[0]], lost, PAYMENT_ADDRESS)).verdict;
/** What two say. */
const verdictOfTwo = async (lost: Included) => (await checkCanonical(rpcs, lost, PAYMENT_ADDRESS)).verdict;
/** Two blocks behind the newest is final here: after this, everything so far is. */
const settle = () => client.mine({ blocks: 4 });

/** Replaces the newest blocks by `depth` others, with the transaction in the one of this place, if any. */
async function reorg(depth: number, moved?: { readonly raw: unknown; readonly place: number }) {
  const transactions = moved ? [[moved.raw, moved.place]] : [];
  await client.request({ method: 'anvil_reorg' as never, params: [depth, transactions] as never });
}

async function raw(hash: string): Promise<unknown> {
  return await client.request({
    method: 'eth_getRawTransactionByHash' as never,
    params: [hash as Hash] as never,
  });
}

describe('a payment that lost its row', () => {
  test('is there, as soon as the chain has settled on it', async () => {
    const payment = await plainPayment();
    expect(await verdict(payment)).toBe('unsettled');
    await settle();
    expect(await verdict(payment)).toBe('present');
  });

  test('is gone, as soon as the chain has settled on another block', async () => {
    const payment = await plainPayment();
    await reorg(1);
    expect(await verdict(payment)).toBe('unsettled');
    await settle();
    expect(await verdict(payment)).toBe('gone');
  });

  test('is there, when it came into another block', async () => {
    const payment = await plainPayment();
    const bytes = await raw(payment.transactionHash);
    await client.mine({ blocks: 1 });
    await reorg(2, { raw: bytes, place: 1 });
    await settle();
    expect(await verdict(payment)).toBe('present');
  });

  test('is gone, when the same transaction does something else in its new block', async () => {
    // So that the payment comes into an even block.
    if ((await client.getBlockNumber()) % 2n === 0n) await client.mine({ blocks: 1 });
    const abi = parseAbi(['function pay(address target, bytes input) payable']);
    const data = encodeFunctionData({ abi, args: [PAYMENT_ADDRESS, '0x'] });
    const payment = await sent({ to: contract('EvenBlockPayer'), data }, 1);
    await settle();
    expect(await verdict(payment)).toBe('present');

    const bytes = await raw(payment.transactionHash);
    const depth = Number((await client.getBlockNumber()) - payment.blockNumber) + 1;
    await reorg(depth, { raw: bytes, place: 1 });
    await settle();
    const receipt = await client.getTransactionReceipt({ hash: payment.transactionHash as Hash });
    expect(receipt).toMatchObject({ status: 'success', blockNumber: payment.blockNumber + 1n });
    expect(await verdict(payment)).toBe('gone');
  });
});

describe('a frame that is no payment', () => {
  const unpaid = async (name: string, signature: string, args: readonly unknown[], traceIndex: number) => {
    const abi = parseAbi([signature] as readonly string[]);
    const data = encodeFunctionData({ abi, args } as Parameters<typeof encodeFunctionData>[0]);
    const lost = await sent({ to: contract(name), data }, traceIndex);
    await settle();
    return verdict(lost);
  };

  test('one that succeeds inside one that is undone', async () => {
    const signature = 'function payAndSwallow(address target) payable';
    expect(await unpaid('RevertingForwarder', signature, [PAYMENT_ADDRESS], 2)).toBe('gone');
  });

  test('a DELEGATECALL, which only repeats the value', async () => {
    const signature = 'function delegate(address target, bytes input) payable';
    expect(await unpaid('DelegateCaller', signature, [PAYMENT_ADDRESS, '0x'], 1)).toBe('gone');
  });

  test('one to another address', async () => {
    const lost = await sent({ to: DEV_ACCOUNTS[2].address }, 0);
    await settle();
    expect(await verdict(lost)).toBe('gone');
  });

  test('a place that the transaction does not have', async () => {
    const payment = await plainPayment();
    await settle();
    expect(await verdict({ ...payment, traceIndex: 7 })).toBe('gone');
  });
});

/** What an RPC may do to an answer without telling a different story. */
const failures: [string, Fault][] = [
  ['nothing', { kind: 'drop' }],
  ['an error', { kind: 'error', code: -32000, message: 'header not found' }],
  ['null', { kind: 'result', of: () => null }],
  ['half of it', { kind: 'truncate' }],
  ['a page', { kind: 'result', of: () => '<html>' }],
  ['an empty object', { kind: 'result', of: () => ({}) }],
  ['a list', { kind: 'result', of: () => [] }],
];

describe('an RPC that fails decides nothing', () => {
  /** Which calls fail: every one, or those of one method. */
  const methods = [
    '',
    'eth_getBlockByNumber',
    'eth_getTransactionReceipt',
    'debug_traceTransaction',
  ] as const;
  let kept: Included;
  let lost: Included;
  beforeAll(async () => {
    kept = await plainPayment();
    lost = await plainPayment();
    await reorg(1);
    await settle();
  });

  test.each(methods.flatMap(method => failures.map(([what, fault]) => ({ method, what, fault }))))(
    '$what for $method',
    async ({ method, fault }) => {
      ways[0].fault = call => (method === '' || call.method === method ? fault : NO_FAULT);
      // It may still know enough to say that the payment is there, but never that it is gone.
      expect(['present', 'unsettled']).toContain(await verdict(kept));
      // No receipt is what a transaction without a block has; everything else is no answer.
      const isTrue =
        method === 'debug_traceTransaction' ||
        (method === 'eth_getTransactionReceipt' && fault.kind === 'result' && fault.of(null) === null);
      expect(await verdict(lost)).toBe(isTrue ? 'gone' : 'unsettled');
      // Another that answers does not make up for it.
      expect(['present', 'unsettled']).toContain(await verdictOfTwo(kept));
      expect(await verdictOfTwo(lost)).toBe(isTrue ? 'gone' : 'unsettled');
    },
  );

  test('one that does not exist', async () => {
    const nobody = createPublicClient({ transport: rpcAt(await freePort()) });
    const rpc = new ChainRpc({
      name: 'RPC 1',
      client: nobody,
      installation: { chainId: 1, genesisHash: '' },
    });
    expect(await checkCanonical([rpc], lost, PAYMENT_ADDRESS)).toEqual({ verdict: 'unsettled' });
  });

  test('one of another chain', async () => {
    const rpc = new ChainRpc({
      name: 'RPC 2',
      client: reader,
      installation: { chainId: base.id, genesisHash: `0x${'11'.repeat(32)}` },
    });
    expect(await checkCanonical([rpc], lost, PAYMENT_ADDRESS)).toEqual({ verdict: 'unsettled' });
  });

  test('one that answers another block than it was asked for', async () => {
    ways[0].fault = ({ method, params }) =>
      method === 'eth_getBlockByNumber' && String(params[0]).startsWith('0x')
        ? { kind: 'result', of: block => ({ ...(block as object), number: '0x1' }) }
        : NO_FAULT;
    expect(await verdict(lost)).toBe('unsettled');
  });

  test('one that is behind', async () => {
    ways[0].fault = ({ method, params }) => {
      if (method === 'eth_getTransactionReceipt') return { kind: 'result', of: () => null };
      if (method !== 'eth_getBlockByNumber') return NO_FAULT;
      const asked = params[0];
      if (typeof asked === 'string' && asked.startsWith('0x') && BigInt(asked) >= kept.blockNumber)
        return { kind: 'result', of: () => null };
      return NO_FAULT;
    };
    expect(await verdict(kept)).toBe('unsettled');
    expect(await verdict(lost)).toBe('unsettled');
    expect(await verdictOfTwo(lost)).toBe('unsettled');
  });
});

describe('two RPCs', () => {
  test('that agree that it is gone need not wait until that is safe', async () => {
    const payment = await plainPayment();
    await reorg(1);
    expect(await verdict(payment)).toBe('unsettled');
    expect(await verdictOfTwo(payment)).toBe('gone');
  });

  test('that agree where it is now tell that as well', async () => {
    const payment = await plainPayment();
    const bytes = await raw(payment.transactionHash);
    await client.mine({ blocks: 1 });
    await reorg(2, { raw: bytes, place: 1 });
    expect(await checkCanonical(rpcs, payment, PAYMENT_ADDRESS)).toMatchObject({
      verdict: 'present',
      transfer: { blockNumber: payment.blockNumber + 1n, amountWei: payment.amountWei },
    });
  });

  test('that do not agree decide nothing, however safe it is', async () => {
    const payment = await plainPayment();
    await settle();
    // The second has another block there, and no such transaction.
    ways[1].fault = ({ method, params }) => {
      if (method === 'eth_getTransactionReceipt') return { kind: 'result', of: () => null };
      if (method !== 'eth_getBlockByNumber' || params[0] === '0x0') return NO_FAULT;
      return { kind: 'result', of: block => ({ ...(block as object), hash: `0x${'22'.repeat(32)}` }) };
    };
    expect(await verdictOfTwo(payment)).toBe('disputed');
  });

  test('that agree on nothing but that it is gone decide nothing either', async () => {
    const payment = await plainPayment();
    await reorg(1);
    await settle();
    ways[1].fault = ({ method, params }) =>
      method === 'eth_getBlockByNumber' && params[0] !== '0x0'
        ? { kind: 'result', of: block => ({ ...(block as object), hash: `0x${'22'.repeat(32)}` }) }
        : NO_FAULT;
    expect(await verdictOfTwo(payment)).toBe('disputed');
  });

  test('of which one traces another value: disputed', async () => {
    const payment = await plainPayment();
    await settle();
    ways[1].fault = ({ method }) =>
      method === 'debug_traceTransaction'
        ? { kind: 'result', of: frame => ({ ...(frame as object), value: '0x1' }) }
        : NO_FAULT;
    expect(await verdictOfTwo(payment)).toBe('disputed');
  });
});
