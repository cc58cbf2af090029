/**
 * The treasury of the books and the balance on the chain, through the real indexer: first behind an RPC that does not
 * trace, then behind the same RPC when it does.
 */
import { fileURLToPath } from 'node:url';
import {
  type Address,
  createPublicClient,
  createTestClient,
  encodeFunctionData,
  type Hex,
  http,
  parseAbi,
  parseEther,
  publicActions,
  type TransactionReceipt,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Config, readConfig } from '../../api/config.ts';
import { startIndexerPart } from '../../api/parts/indexer-part.ts';
import { migrateConfigured } from '../../api/parts/migrate-part.ts';
import type { RunningPart } from '../../api/parts/part.ts';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { compileSolidity } from '../../dev/compile-solidity.ts';
import { freePort } from '../../dev/free-port.ts';
import { readAlarms } from '../../ledger/alarms/alarm.ts';
import { verifyJournal } from '../../ledger/audit/verify.ts';
import { instantOfSeconds } from '../../ledger/core/instant.ts';
import { type BalanceContext, checkBalance } from '../../ledger/intake/balance-check.ts';
import { lookOnce, reopenUnrecorded } from '../../ledger/intake/chain-intake.ts';
import { readIndexedBlock } from '../../ledger/intake/indexed-transfers.ts';
import { watchTraces } from '../../ledger/intake/trace-support.ts';
import { createEmptyDatabase, type TestDatabase } from '../support/database.ts';
import { type FaultyRpc, NO_FAULT, startFaultyRpc } from '../support/faulty-rpc.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { IntakeSteps } from '../support/intake-steps.ts';

const NAMES = ['Forwarder', 'SelfDestructor'] as const;
const payer = privateKeyToAccount(DEV_ACCOUNTS[1].privateKey);
const eventually = { timeout: 90_000, interval: 50 };

let chain: LocalChain;
let rpc: FaultyRpc;
let client: ReturnType<typeof clientAt>;
let database: TestDatabase;
let steps: IntakeSteps;
let context: BalanceContext;
let config: Config;
let indexer: RunningPart;
/** What the parts printed. */
const printed: string[] = [];
const contracts = new Map<string, Address>();

beforeAll(async () => {
  vi.spyOn(console, 'log').mockImplementation(line => void printed.push(String(line)));
  [chain, database] = await Promise.all([startChain({ port: await freePort() }), createEmptyDatabase()]);
  rpc = await startFaultyRpc(chain.rpcUrl);
  rpc.fault = ({ method }) =>
    /^(?:debug|trace)_/.test(method)
      ? { kind: 'error', code: -32601, message: 'the method does not exist' }
      : NO_FAULT;
  client = clientAt(chain.rpcUrl);
  config = readConfig(
    {
      MODE: 'dev',
      DATABASE_URL: database.url,
      BASE_RPC_URL: rpc.url,
      PAYMENT_ADDRESS,
      INDEXER_POLLING_INTERVAL_MS: '100',
      INDEXER_PORT: String(await freePort()),
    },
    'indexer',
  );
  await migrateConfigured(config, () => {});
  steps = await IntakeSteps.open(database.url, instantOfSeconds((await client.getBlock()).timestamp));
  const transport = http(rpc.url, { batch: true, retryCount: 0 });
  context = { ...steps.context, client: createPublicClient({ transport, cacheTime: 0 }), startBlock: 0n };
  await client.impersonateAccount({ address: PAYMENT_ADDRESS });
  const source = (name: string) =>
    fileURLToPath(new URL(`../support/contracts/${name}.sol`, import.meta.url));
  const compiled = compileSolidity(Object.fromEntries(NAMES.map(name => [name, source(name)])), {
    cacheFolder: SOLIDITY_CACHE,
  });
  for (const name of NAMES) {
    const { contractAddress } = await send({ data: compiled[name]?.bytecode ?? '0x' });
    if (!contractAddress) throw new Error(`${name} was not deployed`);
    contracts.set(name, contractAddress);
  }
  await startIndexer();
});
afterAll(async () => {
  await indexer?.stop();
  await Promise.all([rpc?.stop(), chain?.kill(), steps?.close()]);
  await database?.drop();
  vi.restoreAllMocks();
});

function clientAt(rpcUrl: string) {
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

async function startIndexer(): Promise<void> {
  printed.length = 0;
  indexer = await startIndexerPart(config);
  await vi.waitFor(() => expect(printed.join('\n')).toContain('indexer: ready'), eventually);
}

interface Sent {
  readonly to?: Address;
  readonly value?: bigint;
  readonly data?: Hex;
}

/** Sends with a gas limit of its own, so that also what fails comes into a block. */
async function send(transaction: Sent, account: Address | typeof payer = payer): Promise<TransactionReceipt> {
  const hash = await client.sendTransaction({ ...transaction, account, gas: 1_000_000n });
  return await client.waitForTransactionReceipt({ hash });
}

const withdraw = (transaction: Sent) => send(transaction, PAYMENT_ADDRESS);

async function call(
  name: (typeof NAMES)[number],
  signature: string,
  args: readonly unknown[],
  value: bigint,
) {
  const abi = parseAbi([signature] as readonly string[]);
  const data = encodeFunctionData({ abi, args } as Parameters<typeof encodeFunctionData>[0]);
  const to = contracts.get(name);
  if (!to) throw new Error(`${name} was not deployed`);
  return await send({ to, value, data });
}

const payByContract = (value: bigint) =>
  call('Forwarder', 'function forward(address target, bytes input) payable', [PAYMENT_ADDRESS, '0x'], value);
const leaveByDeath = (value: bigint) =>
  call('SelfDestructor', 'function destroy(address target) payable', [PAYMENT_ADDRESS], value);

/** Lets everything so far become final, and the worker look at it; it compares by itself every 32 blocks. */
async function takeIn(blocks = 3): Promise<void> {
  await client.mine({ blocks });
  const head = await client.getBlockNumber();
  await vi.waitFor(
    async () => expect(await readIndexedBlock(context.db)).toBeGreaterThanOrEqual(head),
    eventually,
  );
  await lookOnce(context);
  if (blocks < 32) await checkBalance(context, head - 2n);
}

async function balances() {
  const {
    'ETH:treasury': treasury,
    'ETH:suspense': suspense,
    'ETH:withdrawals': withdrawals,
    'ETH:gas': gas,
  } = await steps.balances();
  return { treasury, suspense, withdrawals, gas };
}

const alarms = async () => (await readAlarms(steps.db)).map(({ kind, message }) => `${kind}: ${message}`);
const feeOf = ({ gasUsed, effectiveGasPrice }: TransactionReceipt) => gasUsed * effectiveGasPrice;

async function expectTied(): Promise<void> {
  expect((await balances()).treasury).toBe(await client.getBalance({ address: PAYMENT_ADDRESS }));
  const { problems } = await verifyJournal(steps.owner);
  expect(problems).toEqual([]);
}

/** What goes on from test to test, as the chain and the books do. */
let spent = 0n;
let withdrawn = 0n;
let arrived = 0n;
let byContract: TransactionReceipt;
let byDeath: TransactionReceipt;

describe('behind an RPC without traces', () => {
  test('it is said, where the parts say things and to a person', async () => {
    expect(printed.join('\n')).toContain('WARNING: BASE_RPC_URL DOES NOT TRACE');
    await watchTraces(context);
    expect(await alarms()).toEqual([
      expect.stringContaining('rpc_without_traces: The RPC does not trace blocks'),
    ]);
  });

  test('plain payments are receipts; what contracts pay is in suspense by the balance', async () => {
    await send({ to: PAYMENT_ADDRESS, value: parseEther('5'), data: '0xabcd' });
    byContract = await payByContract(7n);
    byDeath = await leaveByDeath(9n);
    arrived = parseEther('5') + 16n;
    await takeIn();
    const { rows } = await steps.owner.query(
      'select trace_index, frame_type, transaction_type, amount_wei, input from receipt_inclusions',
    );
    expect(rows).toEqual([
      {
        trace_index: 0,
        frame_type: 'CALL',
        transaction_type: 'eip1559',
        amount_wei: parseEther('5'),
        input: '0xabcd',
      },
    ]);
    expect(await alarms()).toContainEqual(
      `balance_unexplained: 16 wei arrived that no receipt explains: 7 wei in block ${byContract.blockNumber}; ` +
        `9 wei in block ${byDeath.blockNumber}.`,
    );
    expect(await balances()).toMatchObject({ treasury: arrived, suspense: -arrived });
    await expectTied();
  });

  test('what leaves is booked, with what it cost', async () => {
    const sent = [
      await withdraw({ to: payer.address, value: 1_000n }),
      await withdraw({ value: 200n, data: '0x00' }),
      await withdraw({ to: PAYMENT_ADDRESS, value: 30n }),
      // The contract refuses this call, and the value stays.
      await withdraw({ to: contracts.get('Forwarder') ?? '0x', value: 4n, data: '0x12345678' }),
    ];
    expect(sent.map(({ status }) => status)).toEqual(['success', 'success', 'success', 'reverted']);
    spent += sent.reduce((sum, receipt) => sum + feeOf(receipt), 0n);
    withdrawn += 1_200n;
    await takeIn();
    expect(await balances()).toEqual({
      treasury: arrived - withdrawn - spent,
      suspense: -arrived,
      withdrawals: withdrawn,
      gas: spent,
    });
    const { rows } = await steps.owner.query(
      'select frame_type, to_address, amount_wei from withdrawals order by block_number',
    );
    expect(rows).toEqual([
      { frame_type: 'CALL', to_address: payer.address.toLowerCase(), amount_wei: 1_000n },
      { frame_type: 'CREATE', to_address: sent[1]?.contractAddress?.toLowerCase(), amount_wei: 200n },
    ]);
    await expectTied();
  });
});

describe('once it traces', () => {
  beforeAll(async () => {
    rpc.fault = () => NO_FAULT;
    await indexer.stop();
    await startIndexer();
  });

  test('nothing of that is said any more', async () => {
    expect(printed.join('\n')).not.toContain('WARNING');
    await watchTraces(context);
    expect((await alarms()).join()).not.toContain('rpc_without_traces');
  });

  test('the receipts of what contracts paid take the place of what was provisional; nothing is booked twice', async () => {
    const before = await balances();
    await reopenUnrecorded(context);
    await takeIn();
    expect(await balances()).toEqual(before);
    expect(await alarms()).toEqual([]);
    const { rows } = await steps.owner.query(
      'select receipt_id, version, frame_type, amount_wei from receipt_inclusions order by block_number',
    );
    expect(rows).toEqual([
      {
        receipt_id: expect.stringMatching(/:0$/),
        version: 1,
        frame_type: 'CALL',
        amount_wei: parseEther('5'),
      },
      {
        receipt_id: `eth:8453:${byContract.transactionHash}:1`,
        version: 1,
        frame_type: 'CALL',
        amount_wei: 7n,
      },
      {
        receipt_id: `eth:8453:${byDeath.transactionHash}:1`,
        version: 1,
        frame_type: 'SELFDESTRUCT',
        amount_wei: 9n,
      },
    ]);
    await expectTied();
  });

  test('payments, withdrawals, what failed and what a dead contract left tie with the balance', async () => {
    await payByContract(11n);
    await leaveByDeath(13n);
    arrived += 24n;
    const sent = [
      await withdraw({ to: payer.address, value: 300n }),
      // By a contract, which hands it on.
      await withdraw({
        to: contracts.get('Forwarder') ?? '0x',
        value: 50n,
        data: encodeFunctionData({
          abi: parseAbi(['function forward(address target, bytes input) payable']),
          args: [payer.address, '0x'],
        }),
      }),
      await withdraw({ to: contracts.get('Forwarder') ?? '0x', value: 4n, data: '0x12345678' }),
      await withdraw({ to: payer.address }),
    ];
    spent += sent.reduce((sum, receipt) => sum + feeOf(receipt), 0n);
    withdrawn += 350n;
    await takeIn();
    expect(await balances()).toEqual({
      treasury: arrived - withdrawn - spent,
      suspense: -arrived,
      withdrawals: withdrawn,
      gas: spent,
    });
    expect(await alarms()).toEqual([]);
    await expectTied();
  });

  test('what comes out of nowhere is provisional, which the worker finds by itself', async () => {
    const balance = await client.getBalance({ address: PAYMENT_ADDRESS });
    await client.setBalance({ address: PAYMENT_ADDRESS, value: balance + 17n });
    await takeIn(40);
    arrived += 17n;
    expect(await balances()).toMatchObject({ suspense: -arrived });
    expect(await alarms()).toEqual([expect.stringMatching(/^balance_unexplained: 17 wei arrived/)]);
    await expectTied();
  });

  test('a withdrawal whose row is late is missing until it is there', async () => {
    // Ponder's triggers work in Ponder's own sessions only.
    await steps.owner.query("set session_replication_role = 'replica'");
    const receipt = await withdraw({ to: payer.address, value: 19n });
    spent += feeOf(receipt);
    await vi.waitFor(
      async () => expect(await readIndexedBlock(context.db)).toBeGreaterThanOrEqual(receipt.blockNumber),
      eventually,
    );
    const rename = (type: string) =>
      steps.owner.query('update chain.transfer set frame_type = $1 where transaction_hash = $2', [
        type,
        receipt.transactionHash,
      ]);
    // A frame that only repeats its parent's value takes nothing away.
    await rename('DELEGATECALL');
    await takeIn();
    expect(await balances()).toMatchObject({ withdrawals: withdrawn, gas: spent });
    expect(await alarms()).toContainEqual(
      expect.stringContaining(
        `balance_short: 19 wei left that no withdrawal and no gas explain, or never arrived: 19`,
      ),
    );
    await rename('CALL');
    await takeIn();
    withdrawn += 19n;
    expect(await balances()).toMatchObject({ withdrawals: withdrawn, gas: spent });
    expect((await alarms()).join()).not.toContain('balance_short');
    await expectTied();
  });
});
