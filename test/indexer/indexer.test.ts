import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  type Address,
  createTestClient,
  encodeFunctionData,
  type Hex,
  http,
  pad,
  publicActions,
  type TransactionReceipt,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { type CompiledContract, compileSolidity } from '../../dev/compile-solidity.ts';
import { superviseIndexer } from '../../indexer/supervisor.ts';
import { NO_FAULT } from '../support/faulty-rpc.ts';
import { type IndexerStack, PAYMENT_ADDRESS, startIndexerStack, type TransferRow } from './indexer-stack.ts';

const payer = privateKeyToAccount(DEV_ACCOUNTS[0].privateKey);
const payment = PAYMENT_ADDRESS.toLowerCase();

let stack: IndexerStack;
let chain: ReturnType<typeof chainClient>;
let contracts: Readonly<Record<string, CompiledContract>>;

beforeAll(async () => {
  stack = await startIndexerStack();
  chain = chainClient(stack.rpcUrl);
  contracts = compileTestContracts();
  await chain.impersonateAccount({ address: PAYMENT_ADDRESS });
  await stack.indexer.ready;
});
afterAll(() => stack?.stop());
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(stack.log.join('\n'));
});

describe('a frame becomes a row', () => {
  test('a plain transfer, its input cut after 64 bytes', async () => {
    const input: Hex = `0x${'ab'.repeat(100)}`;
    const receipt = await send({ to: PAYMENT_ADDRESS, value: 5n * 10n ** 18n, data: input });
    const block = await chain.getBlock({ blockNumber: receipt.blockNumber });
    expect(await rowsOf(receipt)).toEqual([
      {
        id: `${receipt.transactionHash}:0`,
        direction: 'in',
        block_number: String(receipt.blockNumber),
        block_hash: receipt.blockHash,
        block_timestamp: String(block.timestamp),
        transaction_hash: receipt.transactionHash,
        transaction_index: 0,
        transaction_type: 'eip1559',
        trace_index: 0,
        frame_type: 'CALL',
        from_address: payer.address.toLowerCase(),
        to_address: payment,
        amount_wei: '5000000000000000000',
        input: `0x${'ab'.repeat(64)}`,
        input_length: 100,
      },
    ]);
  });

  test('a contract wallet pays with an input of its own', async () => {
    const wallet = await deploy('Forwarder');
    const data = call('Forwarder', 'forward', [PAYMENT_ADDRESS, '0xdeadbeef']);
    const rows = await rowsOf(await send({ to: wallet, value: 2n, data }));
    expect(brief(rows)).toEqual([`in 1 CALL ${wallet} -> payment 2 wei, 0xdeadbeef`]);
  });

  test('a payment undone by the frame around it leaves no row', async () => {
    const swallower = await deploy('RevertingForwarder');
    const data = call('RevertingForwarder', 'payAndSwallow', [PAYMENT_ADDRESS]);
    const receipt = await send({ to: swallower, value: 3n, data });
    expect(receipt.status).toBe('success');
    expect(await rowsOf(receipt)).toEqual([]);
  });

  test('a reverted transaction leaves no row', async () => {
    const wallet = await deploy('Forwarder');
    const receipt = await send({ to: wallet, value: 3n, data: '0x12345678' });
    expect(receipt.status).toBe('reverted');
    expect(await rowsOf(receipt)).toEqual([]);
  });

  test('DELEGATECALL and CALLCODE repeat a value that never moved, and say what they are', async () => {
    const caller = await deploy('DelegateCaller');
    const balance = await chain.getBalance({ address: PAYMENT_ADDRESS });
    const data = call('DelegateCaller', 'delegate', [PAYMENT_ADDRESS, '0x1234']);
    const delegated = await rowsOf(await send({ to: caller, value: 4n, data }));
    const callcoded = await rowsOf(await send({ to: caller, value: 5n, data: pad(PAYMENT_ADDRESS) }));
    expect(brief([...delegated, ...callcoded])).toEqual([
      `in 1 DELEGATECALL ${caller} -> payment 4 wei, 0x1234`,
      `in 1 CALLCODE ${caller} -> payment 5 wei, 0x`,
    ]);
    expect(await chain.getBalance({ address: PAYMENT_ADDRESS })).toBe(balance);
  });

  test('a contract dies and leaves its balance', async () => {
    const dying = await deploy('SelfDestructor');
    const data = call('SelfDestructor', 'destroy', [PAYMENT_ADDRESS]);
    const rows = await rowsOf(await send({ to: dying, value: 6n, data }));
    expect(brief(rows)).toEqual([`in 1 SELFDESTRUCT ${dying} -> payment 6 wei, 0x`]);
  });

  test('a batch is a row per transfer; its empty transfer counts as a frame, not as a row', async () => {
    const batch = await deploy('Batch');
    const data = call('Batch', 'pay', [PAYMENT_ADDRESS, [10n, 0n, 20n]]);
    const rows = await rowsOf(await send({ to: batch, value: 30n, data }));
    expect(brief(rows)).toEqual([
      `in 1 CALL ${batch} -> payment 10 wei, 0x`,
      `in 3 CALL ${batch} -> payment 20 wei, 0x`,
    ]);
  });

  test('outgoing, to itself, and into a new contract', async () => {
    const out = await rowsOf(await withdraw({ to: payer.address, value: 7n }));
    const self = await rowsOf(await withdraw({ to: PAYMENT_ADDRESS, value: 8n }));
    const creation = await withdraw({ value: 9n, data: '0x00' });
    expect(brief([...out, ...self, ...(await rowsOf(creation))])).toEqual([
      `out 0 CALL payment -> ${payer.address.toLowerCase()} 7 wei, 0x`,
      'self 0 CALL payment -> payment 8 wei, 0x',
      `out 0 CREATE payment -> ${creation.contractAddress?.toLowerCase()} 9 wei, 0x00`,
    ]);
  });
});

describe('a reorg', () => {
  test('moves a row to the block that has its transaction now', async () => {
    const signed = await signedPayment(100n);
    const before = await sendRaw(signed);
    expect(await rowsOf(before)).toHaveLength(1);
    await mine(1);
    // The last two blocks are replaced; the transaction comes in the second of the new ones.
    await reorg(2, [[signed, 1]]);
    const after = await chain.getTransactionReceipt({ hash: before.transactionHash });
    expect(after.blockNumber).toBe(before.blockNumber + 1n);
    await mine(1);
    await vi.waitFor(async () => {
      const rows = await rowsOf(after);
      expect(rows.map(row => [row.id, row.block_hash])).toEqual([
        [`${before.transactionHash}:0`, after.blockHash],
      ]);
    }, eventually);
  });

  test('of a block that Ponder is just fetching does not hold it up', async () => {
    const seen: unknown[] = [];
    stack.way.fault = ({ method, params }) => {
      if (method !== 'debug_traceBlockByHash') return NO_FAULT;
      seen.push(params[0]);
      return { kind: 'error', code: -32_000, message: 'not yet' };
    };
    const before = await send({ to: PAYMENT_ADDRESS, value: 102n });
    // Ponder has the block and goes on asking for its trace, which from now on nobody has.
    await vi.waitFor(() => expect(seen).toContain(before.blockHash), eventually);
    await replaceBlocks(1, []);
    stack.way.fault = () => NO_FAULT;
    const after = await send({ to: PAYMENT_ADDRESS, value: 103n });
    expect(brief(await rowsOf(after))).toHaveLength(1);
    expect(await rowsOf(before)).toEqual([]);
    expect(stack.log).toContain('Ponder asks for a block that the chain has replaced. Starting it again.');
    expect(stack.log.join('\n')).not.toContain('stands still');
  });

  test('takes the row of a transaction that is gone', async () => {
    const receipt = await send({ to: PAYMENT_ADDRESS, value: 101n });
    expect(await rowsOf(receipt)).toHaveLength(1);
    await reorg(1, []);
    await mine(1);
    await vi.waitFor(async () => expect(await rowsOf(receipt)).toEqual([]), eventually);
  });
});

describe('the supervisor', () => {
  test('starts Ponder again when it is killed, and no row is lost', async () => {
    const before = (await stack.read()).rows;
    const pid = stack.indexer.pid();
    await stack.indexer.kill();
    const meanwhile = await send({ to: PAYMENT_ADDRESS, value: 200n });
    expect(brief(await rowsOf(meanwhile))).toHaveLength(1);
    expect((await stack.read()).rows.slice(0, -1)).toEqual(before);
    expect(stack.indexer.pid()).not.toBe(pid);
  });

  test('starts Ponder again when PostgreSQL crashes, and no row is lost', async () => {
    const before = (await stack.read()).rows;
    const lastMoment = await send({ to: PAYMENT_ADDRESS, value: 300n });
    await stack.killPostgres();
    const meanwhile = await send({ to: PAYMENT_ADDRESS, value: 301n });
    await stack.startPostgres();
    expect(brief(await rowsOf(meanwhile))).toHaveLength(1);
    expect(brief(await rowsOf(lastMoment))).toHaveLength(1);
    expect((await stack.read()).rows.slice(0, -2)).toEqual(before);
    expect(stack.log).toContain('Ponder lost PostgreSQL. Starting it again.');
  });

  test('waits while another one runs the same release in the same database', async () => {
    const log: string[] = [];
    const second = superviseIndexer({ ...stack.options, log: line => log.push(line) });
    onTestFinished(second.stop);
    await vi.waitFor(() => {
      expect(log).toEqual([`Another indexer runs ${second.schema} in this database: waiting until it ends.`]);
    }, eventually);
    expect(second.pid()).toBeUndefined();
    await second.stop();
    await expect(second.ready).rejects.toThrow('The indexer was stopped before it was ready.');
  });

  test('gives up with a sentence when Ponder declines its configuration', async () => {
    const fatal: Error[] = [];
    const second = superviseIndexer({
      ...stack.options,
      paymentAddress: '0x12',
      log: () => undefined,
      onFatal: error => fatal.push(error),
    });
    onTestFinished(second.stop);
    await expect(second.ready).rejects.toThrow('PAYMENT_ADDRESS is "0x12": set it to an address');
    expect(fatal).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/^The indexer cannot start: .* start again\.$/),
      }),
    ]);
  });
});

/** For what becomes true by itself; how long it takes is not what these tests are about. */
const eventually = { timeout: 120_000, interval: 50 };

function chainClient(rpcUrl: string) {
  return createTestClient({
    mode: 'anvil',
    chain: base,
    transport: http(rpcUrl),
    cacheTime: 0,
    pollingInterval: 20,
  })
    .extend(publicActions)
    .extend(walletActions);
}

/** The transaction's rows once the indexer has passed its block. */
async function rowsOf({ transactionHash, blockNumber }: TransactionReceipt): Promise<TransferRow[]> {
  return await vi.waitFor(async () => {
    const { rows, checkpointBlock } = await stack.read();
    expect(checkpointBlock).toBeGreaterThanOrEqual(blockNumber);
    return rows.filter(row => row.transaction_hash === transactionHash);
  }, eventually);
}

function brief(rows: TransferRow[]): string[] {
  const name = (address: Hex) => (address === payment ? 'payment' : address);
  return rows.map(
    row =>
      `${row.direction} ${row.trace_index} ${row.frame_type} ${name(row.from_address)} -> ` +
      `${name(row.to_address)} ${row.amount_wei} wei, ${row.input}`,
  );
}

/** Sends with a gas limit of its own, since estimating would refuse what is meant to revert. */
async function send(transaction: { to: Address; value: bigint; data?: Hex }): Promise<TransactionReceipt> {
  const hash = await chain.sendTransaction({ ...transaction, account: payer, gas: 500_000n });
  return await chain.waitForTransactionReceipt({ hash });
}

async function withdraw(transaction: {
  to?: Address;
  value: bigint;
  data?: Hex;
}): Promise<TransactionReceipt> {
  const hash = await chain.sendTransaction({ ...transaction, account: PAYMENT_ADDRESS, gas: 500_000n });
  return await chain.waitForTransactionReceipt({ hash });
}

async function signedPayment(value: bigint): Promise<Hex> {
  const [nonce, fees] = await Promise.all([
    chain.getTransactionCount({ address: payer.address }),
    chain.estimateFeesPerGas(),
  ]);
  return await payer.signTransaction({
    ...{ to: PAYMENT_ADDRESS, value, nonce, gas: 21_000n, chainId: base.id, type: 'eip1559' },
    maxFeePerGas: 2n * fees.maxFeePerGas,
    maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
  });
}

async function sendRaw(serializedTransaction: Hex): Promise<TransactionReceipt> {
  const hash = await chain.sendRawTransaction({ serializedTransaction });
  return await chain.waitForTransactionReceipt({ hash });
}

async function mine(blocks: number): Promise<void> {
  await chain.mine({ blocks });
}

/**
 * Replaces the last blocks by as many new ones, which have the given transactions in the given of them. Waits for the
 * indexer before: what becomes of a block that vanishes while Ponder fetches it has a test of its own.
 */
async function reorg(depth: number, transactions: [signed: Hex, block: number][]): Promise<void> {
  const head = await chain.getBlockNumber();
  await vi.waitFor(async () => expect((await stack.read()).checkpointBlock).toBe(head), eventually);
  await replaceBlocks(depth, transactions);
}

async function replaceBlocks(depth: number, transactions: [signed: Hex, block: number][]): Promise<void> {
  await chain.request<{ Method: 'anvil_reorg'; Parameters: [number, [Hex, number][]]; ReturnType: null }>({
    method: 'anvil_reorg',
    params: [depth, transactions],
  });
}

function compileTestContracts() {
  const folder = fileURLToPath(new URL('../support/contracts', import.meta.url));
  return compileSolidity(Object.fromEntries(readdirSync(folder).map(name => [name, `${folder}/${name}`])), {
    cacheFolder: SOLIDITY_CACHE,
  });
}

function contract(name: string): CompiledContract {
  const compiled = contracts[name];
  if (!compiled) throw new Error(`There is no contract ${name} in test/support/contracts.`);
  return compiled;
}

async function deploy(name: string): Promise<Hex> {
  const { abi, bytecode } = contract(name);
  const hash = await chain.deployContract({ account: payer, abi, bytecode });
  const { contractAddress } = await chain.waitForTransactionReceipt({ hash });
  if (!contractAddress) throw new Error(`${name} was not deployed.`);
  return contractAddress.toLowerCase() as Hex;
}

function call(name: string, functionName: string, args: unknown[]): Hex {
  return encodeFunctionData({ abi: contract(name).abi, functionName, args });
}
