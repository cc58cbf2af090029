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
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { compileSolidity } from '../../../dev/compile-solidity.ts';
import { freePort } from '../../../dev/free-port.ts';
import { instantOfSeconds } from '../../../ledger/core/instant.ts';
import { checkCanonical } from '../../../ledger/intake/canonical-check.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { solidityCache } from '../../dev/solidity-cache.ts';
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
const contracts = new Map<string, Address>();
beforeAll(async () => {
  chain = await startChain({ port });
  const source = (name: string) =>
    fileURLToPath(new URL(`../../support/contracts/${name}.sol`, import.meta.url));
  const names = ['EvenBlockPayer', 'RevertingForwarder', 'DelegateCaller'];
  const compiled = compileSolidity(Object.fromEntries(names.map(name => [name, source(name)])), {
    cacheFolder: solidityCache,
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
afterAll(async () => {
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
const verdict = (lost: Included) => checkCanonical(reader, lost, PAYMENT_ADDRESS);
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

test('an RPC that does not answer decides nothing: it throws', async () => {
  const payment = await plainPayment();
  const nobody = createPublicClient({ transport: rpcAt(await freePort()) });
  await expect(checkCanonical(nobody, payment, PAYMENT_ADDRESS)).rejects.toThrow(/HTTP request failed/);
});
