/** The balance of an address on a real chain, compared with what is recorded of it; the indexer shows nothing here. */
import {
  type Address,
  createPublicClient,
  createTestClient,
  type Hash,
  http,
  numberToHex,
  parseEther,
  publicActions,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { freePort } from '../../../dev/free-port.ts';
import { readAlarms } from '../../../ledger/alarms/alarm.ts';
import { DAY, HOUR } from '../../../ledger/core/instant.ts';
import { type BalanceContext, checkBalance } from '../../../ledger/intake/balance-check.ts';
import { reviewDifferences } from '../../../ledger/intake/balance-differences.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { type FaultyRpc, NO_FAULT, startFaultyRpc } from '../../support/faulty-rpc.ts';
import { PAYMENT_ADDRESS } from '../../support/installation.ts';
import { IntakeSteps } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const ETH = parseEther('1');
const payer = privateKeyToAccount(DEV_ACCOUNTS[1].privateKey);

let chain: LocalChain;
let rpc: FaultyRpc;
let client: ReturnType<typeof clientAt>;
let database: TestDatabase;
let steps: IntakeSteps;
beforeAll(async () => {
  database = await createDatabase();
  steps = await IntakeSteps.open(database.url, START);
  chain = await startChain({ port: await freePort() });
  rpc = await startFaultyRpc(chain.rpcUrl);
  client = clientAt(chain.rpcUrl);
  await client.impersonateAccount({ address: PAYMENT_ADDRESS });
});
afterAll(async () => {
  await Promise.all([rpc?.stop(), chain?.kill(), steps?.close()]);
  await database?.drop();
});

let said: string[];
let context: BalanceContext;
beforeEach(async () => {
  rpc.fault = () => NO_FAULT;
  await steps.startOver(START);
  said = [];
  await client.mine({ blocks: 1 });
  context = {
    ...steps.context,
    client: createPublicClient({ transport: http(rpc.url, { retryCount: 0 }), cacheTime: 0 }),
    log: line => said.push(line),
    startBlock: await client.getBlockNumber(),
  };
});
afterEach(async () => {
  assertVerified(await readBooks(steps.owner));
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

/** Compares at the newest block, which two more make final. */
async function check(): Promise<bigint> {
  const block = await client.getBlockNumber();
  await client.mine({ blocks: 2 });
  await checkBalance(context, block);
  return block;
}

async function arrives(value: bigint): Promise<bigint> {
  const hash = await client.sendTransaction({ account: payer, to: PAYMENT_ADDRESS, value });
  return (await client.waitForTransactionReceipt({ hash })).blockNumber;
}

/** Sends from the payment address; also what fails. Returns the block and what it cost. */
async function send(
  to: Address,
  data: `0x${string}` = '0x',
): Promise<{ block: bigint; fee: bigint; hash: Hash }> {
  const hash = await client.sendTransaction({ account: PAYMENT_ADDRESS, to, data, gas: 100_000n });
  const { blockNumber, gasUsed, effectiveGasPrice } = await client.waitForTransactionReceipt({ hash });
  return { block: blockNumber, fee: gasUsed * effectiveGasPrice, hash };
}

const alarms = async () => (await readAlarms(steps.db)).map(({ kind, message }) => `${kind}: ${message}`);

async function checks(): Promise<string[]> {
  const { rows } = await steps.owner.query<Record<string, string | bigint>>(
    'select block_number, outcome, unexplained_wei from balance_checks order by block_number, version',
  );
  return rows.map(row => `${row.block_number} ${row.outcome} ${row.unexplained_wei}`);
}

/** The RPC refuses the state of these blocks, as one that keeps the newest only. */
function refuse(isGone: (state: { readonly number: bigint }) => boolean): void {
  rpc.fault = ({ method, params }) =>
    ['eth_getBalance', 'eth_getTransactionCount'].includes(method) &&
    isGone({ number: BigInt(String(params[1])) })
      ? { kind: 'error', code: -32000, message: 'missing trie node' }
      : NO_FAULT;
}

/** How many entries there are of each kind. */
async function kinds(): Promise<Record<string, bigint>> {
  const { rows } = await steps.owner.query<{ kind: string; count: bigint }>(
    'select kind::text, count(*) as count from entries group by kind order by kind',
  );
  return Object.fromEntries(rows.map(({ kind, count }) => [kind, count]));
}

/** The application's own receipt of what arrived in `block`. */
async function recordArrival(block: bigint, amountWei: bigint): Promise<void> {
  await steps.record(steps.transfer(null, { blockNumber: block, amountWei }));
}

test('what was there before is the opening, and what is recorded since explains the balance', async () => {
  await arrives(ETH);
  const opening = await client.getBlockNumber();
  context = { ...context, startBlock: opening + 1n };
  const block = await arrives(5n);
  await recordArrival(block, 5n);
  await check();
  await client.mine({ blocks: 40 });
  await check();
  expect(await checks()).toEqual([`${opening} observed 0`]);
  expect(await alarms()).toEqual([]);
  expect(await steps.balances()).toEqual({ 'ETH:treasury': 5n, 'ETH:suspense': -5n });
});

test('before the opening is final, nothing is compared', async () => {
  context = { ...context, startBlock: (await client.getBlockNumber()) + 10n };
  await check();
  expect(await checks()).toEqual([]);
});

describe('what nothing explains', () => {
  test('is found in its blocks and booked into suspense, until its receipts turn up', async () => {
    await check();
    await client.mine({ blocks: 50 });
    const first = await arrives(7n);
    await client.mine({ blocks: 20 });
    const second = await arrives(9n);
    await check();
    expect(await alarms()).toEqual([
      `balance_unexplained: 16 wei arrived that no receipt explains: 7 wei in block ${first}; 9 wei in block ${second}.`,
    ]);
    expect(await checks()).toEqual([
      `${context.startBlock - 1n} observed 0`,
      `${first - 1n} observed 0`,
      `${first} observed 7`,
      `${second - 1n} observed 7`,
      `${second} observed 16`,
    ]);
    const provisional = { 'ETH:treasury': 16n, 'ETH:suspense': -16n };
    expect(await steps.balances()).toEqual(provisional);

    await recordArrival(second, 9n);
    // Between two checks too, without asking the chain.
    await reviewDifferences(context);
    expect(await steps.balances()).toEqual(provisional);
    expect(await alarms()).toEqual([
      `balance_unexplained: 7 wei arrived that no receipt explains: 7 wei in block ${first}.`,
    ]);
    await recordArrival(first, 7n);
    const last = await check();
    expect(await steps.balances()).toEqual(provisional);
    expect(await alarms()).toEqual([]);
    expect((await checks()).at(-1)).toBe(`${last} observed 0`);
    expect(await kinds()).toEqual({ receipt: 2n, provisional_receipt: 2n, provisional_reversal: 2n });
  });

  test('is explained in part by a receipt that is smaller', async () => {
    await check();
    const block = await arrives(7n);
    await check();
    await recordArrival(block, 3n);
    await check();
    expect(await steps.balances()).toEqual({ 'ETH:treasury': 7n, 'ETH:suspense': -7n });
    expect(await alarms()).toEqual([
      `balance_unexplained: 4 wei arrived that no receipt explains: 4 wei in block ${block}.`,
    ]);
  });

  test('is what a receipt that was taken back had explained, and what it is too little by elsewhere', async () => {
    await check();
    const block = await arrives(7n);
    const transfer = steps.transfer(null, { blockNumber: block, amountWei: 7n });
    await steps.record(transfer);
    await check();
    expect(await alarms()).toEqual([]);
    await steps.record(steps.moved(transfer, { blockNumber: block, amountWei: 5n }));
    await check();
    expect(await alarms()).toEqual([expect.stringContaining(`: 2 wei in block ${block}.`)]);
    await steps.vanish(await steps.standing(transfer));
    await check();
    expect(await alarms()).toEqual([expect.stringContaining(`: 7 wei in block ${block}.`)]);
    expect(await steps.balances()).toEqual({ 'ETH:treasury': 7n, 'ETH:suspense': -7n });
  });

  test('stays booked when the worker dies before it is booked, and looks again', async () => {
    await check();
    await arrives(7n);
    await steps.owner.query(`create function die() returns trigger language plpgsql as 'begin raise ''dead''; end';
      create trigger die before insert on balance_differences for each row execute function die()`);
    await expect(check()).rejects.toThrow('dead');
    await steps.owner.query('drop trigger die on balance_differences');
    expect(await steps.balances()).toEqual({});
    await check();
    expect(await steps.balances()).toEqual({ 'ETH:treasury': 7n, 'ETH:suspense': -7n });
  });

  test('is one range where the RPC has no state of the blocks before', async () => {
    await check();
    await client.mine({ blocks: 10 });
    await arrives(7n);
    const block = await arrives(9n);
    refuse(({ number }) => number < block);
    await check();
    expect(await alarms()).toEqual([
      `balance_unexplained: 16 wei arrived that no receipt explains: 16 wei in blocks ${context.startBlock} to ${block}.`,
    ]);
  });

  test('that is missing is an alarm, and nothing is booked', async () => {
    await recordArrival(await arrives(ETH), ETH);
    await check();
    const balance = await client.getBalance({ address: PAYMENT_ADDRESS });
    await client.setBalance({ address: PAYMENT_ADDRESS, value: balance - 5n });
    await client.mine({ blocks: 1 });
    const block = await client.getBlockNumber();
    await check();
    expect(await alarms()).toEqual([
      expect.stringMatching(`^balance_short: 5 wei left .*: 5 wei in block (${block}|${block - 1n})\\.$`),
    ]);
    expect(await steps.balances()).toEqual({ 'ETH:treasury': ETH, 'ETH:suspense': -ETH });
  });
});

describe('what a transaction of the address costs', () => {
  const FAILING: Address = `0x${'fd'.repeat(20)}`;
  beforeAll(() => client.setCode({ address: FAILING, bytecode: '0x60006000fd' }));
  beforeEach(async () => {
    await recordArrival(await arrives(ETH), ETH);
    await check();
  });

  async function gasBooked(): Promise<bigint | undefined> {
    return (await steps.balances())['ETH:gas'];
  }

  test('is found by the nonce, whether it did something or failed', async () => {
    await client.mine({ blocks: 30 });
    const done = await send(payer.address);
    await client.mine({ blocks: 5 });
    const failed = await send(FAILING);
    await check();
    expect(await gasBooked()).toBe(done.fee + failed.fee);
    expect(await alarms()).toEqual([]);
    const { rows } = await steps.owner.query(
      'select transaction_hash, outcome from sent_transactions order by block_number',
    );
    expect(rows).toEqual([
      { transaction_hash: done.hash, outcome: 'success' },
      { transaction_hash: failed.hash, outcome: 'reverted' },
    ]);
    await check();
    expect(await gasBooked()).toBe(done.fee + failed.fee);
  });

  test('counts the fee for L1 that its receipt names', async () => {
    const l1Fee = 123_456_789n;
    rpc.fault = ({ method }) =>
      method === 'eth_getTransactionReceipt'
        ? { kind: 'result', of: honest => ({ ...(honest as object), l1Fee: numberToHex(l1Fee) }) }
        : NO_FAULT;
    const { fee } = await send(payer.address);
    const balance = await client.getBalance({ address: PAYMENT_ADDRESS });
    await client.setBalance({ address: PAYMENT_ADDRESS, value: balance - l1Fee });
    await client.mine({ blocks: 1 });
    await check();
    expect(await gasBooked()).toBe(fee + l1Fee);
    expect(await alarms()).toEqual([]);
  });

  test('is looked for block by block where the RPC has no state in between', async () => {
    await client.mine({ blocks: 10 });
    const { block, fee } = await send(payer.address);
    await client.mine({ blocks: 1 });
    refuse(({ number }) => number <= block);
    await check();
    expect(await gasBooked()).toBe(fee);
    expect(await alarms()).toEqual([]);
  });

  test('is not known while these are too many, and found when the RPC has them', async () => {
    const { block, fee } = await send(payer.address);
    await client.mine({ blocks: 600 });
    refuse(({ number }) => number <= block + 500n);
    await check();
    expect(await gasBooked()).toBeUndefined();
    expect(said).toContainEqual(expect.stringContaining('transactions sent after block'));
    expect(await alarms()).toEqual([expect.stringContaining(`balance_short: ${fee} wei left`)]);

    rpc.fault = () => NO_FAULT;
    await check();
    expect(await gasBooked()).toBe(fee);
    expect(await alarms()).toEqual([]);
  });
});

describe('a row of the indexer', () => {
  beforeAll(() =>
    steps.owner.query(`create table chain.transfer (transaction_hash text, transaction_index integer,
      trace_index integer, direction text, frame_type text, transaction_type text, block_number bigint, block_hash text,
      block_timestamp bigint, from_address text, to_address text, amount_wei numeric, input text, input_length integer);
      grant select on chain.transfer to credits_app`),
  );
  afterAll(() => steps.owner.query('drop table chain.transfer'));
  afterEach(() => steps.owner.query('delete from chain.transfer'));

  /** A withdrawal that the chain has, shown with `change`. */
  async function shown(change: { frameType?: string; blockHash?: string; fromAddress?: string }) {
    await recordArrival(await arrives(ETH), ETH);
    await check();
    const hash = await client.sendTransaction({ account: PAYMENT_ADDRESS, to: payer.address, value: 3n });
    const { blockNumber, blockHash } = await client.waitForTransactionReceipt({ hash });
    await steps.owner.query(
      `insert into chain.transfer values ($1, 0, 0, 'out', $2, 'eip1559', $3, $4, 1772377200, $5, $6, 3, '0x', 0)`,
      [
        hash,
        change.frameType ?? 'CALL',
        blockNumber,
        change.blockHash ?? blockHash,
        change.fromAddress ?? PAYMENT_ADDRESS,
        payer.address.toLowerCase(),
      ],
    );
    await check();
    await check();
    return (await steps.balances())['ETH:withdrawals'];
  }

  test('that the chain has is a withdrawal, once', async () => {
    expect(await shown({})).toBe(3n);
    expect(await kinds()).toEqual({ receipt: 1n, withdrawal: 1n, gas: 1n });
    expect(await alarms()).toEqual([]);
  });

  test.each([
    ['of a fork that the chain has left', { blockHash: `0x${'ab'.repeat(32)}` }],
    ['that only repeats the value of its parent', { frameType: 'DELEGATECALL' }],
    ['of another address', { fromAddress: `0x${'ee'.repeat(20)}` }],
  ])('%s is none', async (_what, change) => {
    expect(await shown(change)).toBeUndefined();
    expect(await alarms()).toEqual([expect.stringMatching(/^balance_short: 3 wei left/)]);
  });
});

describe('an RPC that has no state', () => {
  test('of the opening: it is what is there now less what is recorded', async () => {
    const before = await client.getBalance({ address: PAYMENT_ADDRESS });
    const block = await arrives(9n);
    await recordArrival(block, 9n);
    refuse(({ number }) => number < block);
    await check();
    expect(await checks()).toEqual([`${context.startBlock - 1n} inferred 0`]);
    expect(said).toContainEqual(expect.stringMatching(`^the balance opens with ${before} wei .* inferred`));
    rpc.fault = () => NO_FAULT;
    await recordArrival(await arrives(1n), 1n);
    await check();
    expect(await alarms()).toEqual([]);
  });

  test('of final blocks: a person is told, after an hour, until it has', async () => {
    await check();
    refuse(() => true);
    await check();
    expect(await alarms()).toEqual([]);
    steps.now += HOUR;
    await check();
    expect(await alarms()).toEqual(['balance_unchecked: The RPC does not tell the balance at final blocks.']);
    rpc.fault = () => NO_FAULT;
    await check();
    expect(await alarms()).toEqual([]);
  });

  test('for now, because it is asked too often, is asked again', async () => {
    rpc.fault = ({ method }) =>
      method === 'eth_getBalance' ? { kind: 'error', code: -32005, message: 'rate limit' } : NO_FAULT;
    await expect(check()).rejects.toThrow('rate limit');
  });
});

test('once a day everything is added up, and a check is kept', async () => {
  await check();
  steps.now += DAY - 1n;
  await check();
  expect(await checks()).toHaveLength(1);
  steps.now += 1n;
  const block = await check();
  expect(await checks()).toEqual([`${context.startBlock - 1n} observed 0`, `${block} observed 0`]);
});

test('a payment that the books have and the chain does not shows within a day', async () => {
  await check();
  steps.now += DAY;
  await check();
  // Recorded late, in a block that was compared.
  await recordArrival(context.startBlock, 5n);
  await check();
  expect(await alarms()).toEqual([]);
  steps.now += DAY;
  await check();
  expect(await alarms()).toEqual([expect.stringContaining(`balance_short: 5 wei left`)]);
});

test('a check of a block that was final and is gone is taken back', async () => {
  await check();
  const lost = await arrives(7n);
  await check();
  expect(await steps.balances()).toEqual({ 'ETH:treasury': 7n, 'ETH:suspense': -7n });
  const depth = Number((await client.getBlockNumber()) - lost) + 1;
  await client.request({ method: 'anvil_reorg' as never, params: [depth, []] as never });
  await check();
  expect(await checks()).toEqual([
    `${context.startBlock - 1n} observed 0`,
    `${lost - 1n} observed 0`,
    `${lost} observed 7`,
    `${lost} abandoned 7`,
  ]);
  expect(await steps.balances()).toEqual({});
  expect(await alarms()).toEqual([]);
});

test('what is compared again is booked once', async () => {
  await check();
  await arrives(7n);
  const block = await check();
  const before = await steps.everything();
  await checkBalance(context, block);
  await reviewDifferences(context);
  expect(await steps.everything()).toBe(before);
});
