/** Looks at what the indexer shows and what the chain has, where the two differ: the chain is real, and reorganised. */
import pg from 'pg';
import {
  createPublicClient,
  createTestClient,
  type Hash,
  http,
  parseEther,
  publicActions,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { DEV_ACCOUNTS } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../../dev/compile-cache.ts';
import { freePort } from '../../../dev/free-port.ts';
import { installFeeds } from '../../../dev/price-feeds.ts';
import { KeptBlocks } from '../../../indexer/kept-blocks.ts';
import { readAlarms } from '../../../ledger/alarms/alarm.ts';
import { instantOfSeconds, SECOND } from '../../../ledger/core/instant.ts';
import { lookOnce } from '../../../ledger/intake/chain-intake.ts';
import { readChainProgress } from '../../../ledger/intake/chain-progress.ts';
import { ChainRpc } from '../../../ledger/intake/chain-rpc.ts';
import { ChainWatch, FOLLOWED_BLOCKS } from '../../../ledger/intake/chain-watch.ts';
import type { IntakeContext } from '../../../ledger/intake/context.ts';
import type { IndexedTransfer } from '../../../ledger/intake/indexed-transfers.ts';
import { type LookMemory, newLookMemory } from '../../../ledger/intake/look-memory.ts';
import { testify } from '../../../ledger/intake/testimony.ts';
import { findOrderBySecret } from '../../../ledger/orders/find-order.ts';
import { readEthOrderStatus } from '../../../ledger/orders/order-status.ts';
import { referenceCalldata } from '../../../ledger/orders/reference.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { type FaultyRpc, NO_FAULT, startFaultyRpc } from '../../support/faulty-rpc.ts';
import {
  createIndexerTables,
  dropIndexerTables,
  hideTransfer,
  reachBlock,
  setReady,
  showTransfer,
} from '../../support/indexer-rows.ts';
import { PAYMENT_ADDRESS } from '../../support/installation.ts';
import { ANSWER, IntakeSteps, type PlacedOrder } from '../../support/intake-steps.ts';

const port = await freePort();
const client = createTestClient({
  mode: 'anvil',
  chain: base,
  transport: http(`http://127.0.0.1:${port}`, { retryCount: 0 }),
  cacheTime: 0,
  pollingInterval: 50,
  account: privateKeyToAccount(DEV_ACCOUNTS[1].privateKey),
})
  .extend(publicActions)
  .extend(walletActions);

let chain: LocalChain;
let database: TestDatabase;
let steps: IntakeSteps;
/** The ways to the chain of RPC 1, RPC 2 and RPC 3, which are honest until a test lets one lie. */
let ways: readonly [FaultyRpc, FaultyRpc, FaultyRpc];
let rpcs: readonly [ChainRpc, ChainRpc, ChainRpc];
let context: IntakeContext;
let memory: LookMemory;
let watch: ChainWatch;
const log: string[] = [];

beforeAll(async () => {
  [chain, database] = await Promise.all([startChain({ port }), createDatabase()]);
  await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE, price: ANSWER });
  const genesis = await client.getBlock({ blockNumber: 0n });
  const installation = { chainId: base.id, genesisHash: genesis.hash };
  ways = [
    await startFaultyRpc(chain.rpcUrl),
    await startFaultyRpc(chain.rpcUrl),
    await startFaultyRpc(chain.rpcUrl),
  ];
  const rpcOf = (way: FaultyRpc, index: number) =>
    new ChainRpc({
      name: `RPC ${index + 1}`,
      client: createPublicClient({ transport: http(way.url, { retryCount: 0, batch: true }) }),
      installation,
    });
  rpcs = [rpcOf(ways[0], 0), rpcOf(ways[1], 1), rpcOf(ways[2], 2)];
  steps = await IntakeSteps.open(database.url, 0n);
  await createIndexerTables(steps.owner);
});
afterAll(async () => {
  await steps?.close();
  await Promise.all(ways?.map(way => way.stop()) ?? []);
  await Promise.all([chain?.kill(), database?.drop()]);
});

beforeEach(async () => {
  const { timestamp } = await client.getBlock();
  await steps.startOver(instantOfSeconds(timestamp) + SECOND);
  await steps.owner.query('delete from alarms; delete from chain_progress; delete from chain.transfer');
  await setReady(steps.owner, true);
  log.length = 0;
  withRpcs(1);
});
afterEach(() => {
  for (const way of ways) way.fault = () => NO_FAULT;
});

/** A worker that has just started and knows so many RPCs. */
function withRpcs(count: 1 | 2 | 3): void {
  const [first, ...others] = rpcs;
  context = {
    ...steps.context,
    client: first.client,
    rpcs: [first, ...others.slice(0, count - 1)],
    log: line => log.push(line),
  };
  restart();
}

function restart(): void {
  memory = newLookMemory(context);
  watch = new ChainWatch(context, memory);
}

/** Sends what the order asks for, and returns what an honest indexer shows of it. */
async function pay(order: PlacedOrder): Promise<IndexedTransfer> {
  const hash = await client.sendTransaction({
    to: PAYMENT_ADDRESS,
    value: order.quotedWei ?? 0n,
    data: referenceCalldata(order.reference) as `0x${string}`,
  });
  await client.waitForTransactionReceipt({ hash });
  return await honest(hash);
}

async function honest(transactionHash: Hash): Promise<IndexedTransfer> {
  const { blockNumber, blockHash } = await client.getTransactionReceipt({ hash: transactionHash });
  const seen = { transactionHash, traceIndex: 0, blockNumber, blockHash };
  const testimony = await testify(rpcs[2], seen, PAYMENT_ADDRESS);
  if (testimony.says !== 'transfer') throw new Error(`the chain says ${testimony.says}`);
  return testimony.transfer;
}

/** A payment that is shown, taken in and credited. */
async function credited(): Promise<{ order: PlacedOrder; transfer: IndexedTransfer }> {
  const order = await steps.order(10n);
  const transfer = await pay(order);
  await showTransfer(steps.owner, transfer);
  await look();
  expect(await creditsOf(order)).toBe(100_000n);
  return { order, transfer };
}

/** One look a second later, of an indexer that has come to the head of the chain. */
async function look(after: bigint = SECOND) {
  steps.now += after;
  await reachBlock(steps.owner, await client.getBlockNumber({ cacheTime: 0 }));
  return await lookOnce(context, memory);
}

/** Looks for long enough that what lasts becomes an alarm. */
async function lookForAMinute(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await look(31n * SECOND);
}

async function creditsOf(order: PlacedOrder): Promise<bigint> {
  const { availableMicrocredits } = await readCredits(steps.doors, order.accountId, steps.now);
  return availableMicrocredits / 1_000_000n;
}

async function alarms(): Promise<string[]> {
  return (await readAlarms(context.db)).map(({ kind, subject }) => `${kind} ${subject}`);
}

const receiptOf = ({ transactionHash }: IndexedTransfer) => `eth:8453:${transactionHash}:0`;

async function raw(hash: string): Promise<unknown> {
  return await client.request({
    method: 'eth_getRawTransactionByHash' as never,
    params: [hash as Hash] as never,
  });
}

/** Replaces the newest blocks by `depth` others, with the transaction in the one of this place, if any. */
async function reorg(depth: number, moved?: { readonly raw: unknown; readonly place: number }) {
  const transactions = moved ? [[moved.raw, moved.place]] : [];
  await client.request({ method: 'anvil_reorg' as never, params: [depth, transactions] as never });
}

/** Two blocks behind the newest is final here: after this, everything so far is. */
const settle = () => client.mine({ blocks: 4 });

const fails: FaultyRpc['fault'] = () => ({ kind: 'error', code: -32000, message: 'down' });
/** The transaction was traced with another value. */
const liesAboutValue: FaultyRpc['fault'] = ({ method }) =>
  method === 'debug_traceTransaction'
    ? { kind: 'result', of: frame => ({ ...(frame as object), value: '0x8ac7230489e80000' }) }
    : NO_FAULT;

describe('with one RPC', () => {
  test('a payment at the head of the chain is recorded without asking anybody', async () => {
    const order = await steps.order(10n);
    await showTransfer(steps.owner, await pay(order));
    ways[0].fault = fails;
    await look();
    expect(await steps.db.selectFrom('receipts').select('receipt_id').execute()).toHaveLength(1);
    // Only its price needs the chain.
    ways[0].fault = () => NO_FAULT;
    await look();
    expect(await creditsOf(order)).toBe(100_000n);
  });

  test('a row that vanishes is no reorg: the credits stay, somebody is told, and it is over when it is back', async () => {
    const { order, transfer } = await credited();
    await settle();
    await hideTransfer(steps.owner, transfer);
    await look();
    await look();
    expect(await alarms()).toEqual([]);
    await lookForAMinute();
    expect(await alarms()).toEqual([`payment_without_row ${receiptOf(transfer)}`]);
    expect(await creditsOf(order)).toBe(100_000n);
    // Another worker takes over, and the row comes back.
    restart();
    await showTransfer(steps.owner, transfer);
    await look();
    expect(await alarms()).toEqual([]);
    expect(await creditsOf(order)).toBe(100_000n);
  });

  test('an indexer that starts over tells nothing, neither of payments nor of alarms', async () => {
    const { order, transfer } = await credited();
    await settle();
    await hideTransfer(steps.owner, transfer);
    await lookForAMinute();
    await setReady(steps.owner, false);
    await lookForAMinute();
    expect(await alarms()).toEqual([`payment_without_row ${receiptOf(transfer)}`]);
    await dropIndexerTables(steps.owner);
    await expect(lookOnce(context, memory)).resolves.toEqual({ latestBlock: null, pending: true });
    await createIndexerTables(steps.owner);
    await lookForAMinute();
    expect(await creditsOf(order)).toBe(100_000n);
  });

  test('a reorg takes a payment back when it is safe and was said twice', async () => {
    const { order, transfer } = await credited();
    await reorg(1);
    await hideTransfer(steps.owner, transfer);
    await look();
    expect(await creditsOf(order)).toBe(100_000n);
    await settle();
    await look(2n * SECOND);
    expect(await creditsOf(order)).toBe(100_000n);
    await look(4n * SECOND);
    expect(await creditsOf(order)).toBe(0n);
    expect(await alarms()).toEqual([]);
  });

  test('a null for a receipt, at the wrong moment, takes nothing back', async () => {
    const { order, transfer } = await credited();
    const bytes = await raw(transfer.transactionHash);
    await client.mine({ blocks: 1 });
    await reorg(2, { raw: bytes, place: 1 });
    await settle();
    await hideTransfer(steps.owner, transfer);
    ways[0].fault = ({ method }) =>
      method === 'eth_getTransactionReceipt' ? { kind: 'result', of: () => null } : NO_FAULT;
    await look();
    ways[0].fault = () => NO_FAULT;
    await look(2n * SECOND);
    expect(await creditsOf(order)).toBe(100_000n);
  });

  test('a payment that moved is recorded where it is now, although its row is lost', async () => {
    const { order, transfer } = await credited();
    const bytes = await raw(transfer.transactionHash);
    await client.mine({ blocks: 1 });
    await reorg(2, { raw: bytes, place: 1 });
    await settle();
    await hideTransfer(steps.owner, transfer);
    await look();
    const standing = await steps.standing(transfer);
    expect(standing).toMatchObject({ version: 2, blockNumber: transfer.blockNumber + 1n });
    expect(await creditsOf(order)).toBe(100_000n);
  });

  describe('a row of a block that was replaced', () => {
    test('is not taken in when it comes late', async () => {
      const order = await steps.order(10n);
      const transfer = await pay(order);
      await reorg(1);
      await settle();
      await watch.look();
      await showTransfer(steps.owner, transfer);
      await lookForAMinute();
      expect(await creditsOf(order)).toBe(0n);
      expect(await alarms()).toEqual([`row_not_on_chain ${receiptOf(transfer)}`]);
      await hideTransfer(steps.owner, transfer);
      await look();
      expect(await alarms()).toEqual([]);
    });

    test('that stays although the chain went on is found when the height is safe', async () => {
      const { order, transfer } = await credited();
      await reorg(1);
      await settle();
      await watch.look();
      for (let turn = 0; turn < 4; turn += 1) await look(4n * SECOND);
      expect(await creditsOf(order)).toBe(0n);
      await lookForAMinute();
      expect(await creditsOf(order)).toBe(0n);
      expect(await alarms()).toEqual([`row_not_on_chain ${receiptOf(transfer)}`]);
      const { safeBlock } = await readChainProgress(context);
      expect(safeBlock).toBeGreaterThanOrEqual(transfer.blockNumber);
    });

    test('and whose transaction is in another one is credited there, once', async () => {
      const { order, transfer } = await credited();
      const bytes = await raw(transfer.transactionHash);
      await client.mine({ blocks: 1 });
      await reorg(2, { raw: bytes, place: 1 });
      await settle();
      await watch.look();
      for (let turn = 0; turn < 4; turn += 1) await look(4n * SECOND);
      expect(await steps.standing(transfer)).toMatchObject({
        version: 2,
        blockNumber: transfer.blockNumber + 1n,
      });
      expect(await creditsOf(order)).toBe(100_000n);
    });
  });

  test('a row that says something else of the same block is traced again', async () => {
    const { order, transfer } = await credited();
    await showTransfer(steps.owner, { ...transfer, amountWei: parseEther('10') });
    await look();
    expect(await steps.standing(transfer)).toMatchObject({ version: 1, amountWei: transfer.amountWei });
    await lookForAMinute();
    expect(await alarms()).toEqual([`row_not_on_chain ${receiptOf(transfer)}`]);
    expect(await creditsOf(order)).toBe(100_000n);
  });
});

describe('with two RPCs', () => {
  beforeEach(() => withRpcs(2));

  test('a payment is credited at once when the other has it as well', async () => {
    await credited();
  });

  test('it waits for the other, and is credited from its block on when that is back', async () => {
    ways[1].fault = fails;
    const order = await steps.order(10n);
    const transfer = await pay(order);
    await showTransfer(steps.owner, transfer);
    await lookForAMinute();
    expect(await creditsOf(order)).toBe(0n);
    expect(await alarms()).toEqual([`payment_unconfirmed ${receiptOf(transfer)}`]);
    ways[1].fault = () => NO_FAULT;
    await look(31n * SECOND);
    expect(await creditsOf(order)).toBe(100_000n);
    expect(await alarms()).toEqual([]);
    const { lots } = await readCredits(steps.doors, order.accountId, steps.now);
    expect(lots).toMatchObject([{ addedAt: instantOfSeconds(transfer.blockTimestamp) }]);
  });

  test('a third that confirms is enough', async () => {
    withRpcs(3);
    ways[1].fault = fails;
    await credited();
  });

  test('a row of nothing is never credited', async () => {
    const order = await steps.order(10n);
    const real = await pay(order);
    const forged = { ...real, transactionHash: `0x${'f0'.repeat(32)}`, amountWei: parseEther('1000') };
    const elsewhere = {
      ...forged,
      transactionHash: `0x${'f1'.repeat(32)}`,
      blockHash: `0x${'f2'.repeat(32)}`,
    };
    await showTransfer(steps.owner, forged);
    await showTransfer(steps.owner, elsewhere);
    await showTransfer(steps.owner, real);
    await lookForAMinute();
    expect(await creditsOf(order)).toBe(100_000n);
    expect(await alarms()).toEqual([
      `payment_unconfirmed ${receiptOf(forged)}`,
      `row_not_on_chain ${receiptOf(elsewhere)}`,
    ]);
  });

  test('a value that the first RPC made up is not credited while it says so, and the true one is afterwards', async () => {
    const order = await steps.order(10n);
    const real = await pay(order);
    ways[0].fault = liesAboutValue;
    await showTransfer(steps.owner, { ...real, amountWei: parseEther('10') });
    await lookForAMinute();
    expect(await creditsOf(order)).toBe(0n);
    expect(await alarms()).toEqual([`rpc_disagreement ${receiptOf(real)}`]);
    // The row stays as it is: what both RPCs say counts more.
    ways[0].fault = () => NO_FAULT;
    await look(31n * SECOND);
    expect(await creditsOf(order)).toBe(100_000n);
    await lookForAMinute();
    expect(await alarms()).toEqual([`row_not_on_chain ${receiptOf(real)}`]);
  });

  test('a reorg takes a payment back as soon as both say so', async () => {
    const { order, transfer } = await credited();
    await reorg(1);
    await hideTransfer(steps.owner, transfer);
    await look();
    expect(await creditsOf(order)).toBe(0n);
  });

  test('nothing is taken back on the word of one, however safe it is', async () => {
    const { order, transfer } = await credited();
    await reorg(1);
    await settle();
    await hideTransfer(steps.owner, transfer);
    ways[1].fault = fails;
    await lookForAMinute();
    expect(await creditsOf(order)).toBe(100_000n);
    // The other has the payment still.
    ways[1].fault = ({ method, params }) => {
      if (method === 'eth_getTransactionReceipt') return { kind: 'result', of: () => null };
      const height = `0x${transfer.blockNumber.toString(16)}`;
      if (method !== 'eth_getBlockByNumber' || params[0] !== height) return NO_FAULT;
      return { kind: 'result', of: block => ({ ...(block as object), hash: transfer.blockHash }) };
    };
    await lookForAMinute();
    await look(31n * SECOND);
    expect(await creditsOf(order)).toBe(100_000n);
    expect(await alarms()).toEqual([`rpc_disagreement ${receiptOf(transfer)}`]);
    ways[1].fault = () => NO_FAULT;
    await look(31n * SECOND);
    expect(await creditsOf(order)).toBe(0n);
    expect(await alarms()).toEqual([]);
  });
});

describe('how far the chain is', () => {
  const finalityOf = async (order: PlacedOrder) => {
    const row = await findOrderBySecret(steps.doors, order.orderId, order.secret);
    if (!row) throw new Error('the order is gone');
    return (await readEthOrderStatus(steps.db, row, steps.now)).payments.map(({ finality }) => finality);
  };

  test('is recorded, and told with each payment', async () => {
    const { order } = await credited();
    await watch.look();
    await look();
    expect(await finalityOf(order)).toEqual(['latest']);
    await client.mine({ blocks: 1 });
    await watch.look();
    await look();
    expect(await finalityOf(order)).toEqual(['safe']);
    await client.mine({ blocks: 1 });
    await watch.look();
    await look();
    expect(await finalityOf(order)).toEqual(['finalized']);
    const head = await client.getBlock();
    expect(await readChainProgress(context)).toMatchObject({
      headBlock: head.number,
      headBlockAt: instantOfSeconds(head.timestamp),
      safeBlock: head.number - 1n,
      finalizedBlock: head.number - 2n,
    });
  });

  test('is as far as all RPCs are', async () => {
    withRpcs(2);
    const behind = await client.getBlockNumber({ cacheTime: 0 });
    await settle();
    ways[1].fault = ({ method, params }) => {
      const isTag = method === 'eth_getBlockByNumber' && !String(params[0]).startsWith('0x');
      const block = { number: `0x${behind.toString(16)}`, hash: '' };
      return isTag
        ? { kind: 'result', of: honestBlock => ({ ...(honestBlock as object), number: block.number }) }
        : NO_FAULT;
    };
    await watch.look();
    expect(memory.settledHeads).toBeNull();
    ways[1].fault = () => NO_FAULT;
    await watch.look();
    expect(memory.settledHeads).toEqual({ safeBlock: behind + 3n, finalizedBlock: behind + 2n });
  });
});

describe('the watch', () => {
  /** Watches for long enough that what lasts becomes an alarm. */
  async function watchForAMinute(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      steps.now += 31n * SECOND;
      await watch.look();
    }
  }
  const atTheHead = async () => reachBlock(steps.owner, await client.getBlockNumber({ cacheTime: 0 }));
  beforeEach(async () => {
    withRpcs(2);
    await atTheHead();
  });

  test('is quiet when all is well, and raises nothing that passes', async () => {
    await watchForAMinute();
    expect(await alarms()).toEqual([]);
    ways[1].fault = fails;
    steps.now += 40n * SECOND;
    await watch.look();
    await watch.look();
    ways[1].fault = () => NO_FAULT;
    await watch.look();
    await watchForAMinute();
    expect(await alarms()).toEqual([]);
  });

  test.each<[string, FaultyRpc['fault'], string]>([
    ['does not answer', () => ({ kind: 'drop' }), 'rpc_unavailable RPC 2'],
    ['answers with errors', fails, 'rpc_unavailable RPC 2'],
    ['answers null', () => ({ kind: 'result', of: () => null }), 'rpc_unavailable RPC 2'],
    ['breaks off', () => ({ kind: 'truncate' }), 'rpc_unavailable RPC 2'],
    [
      'answers with the past',
      ({ method, params }) =>
        method === 'eth_getBlockByNumber' && params[0] === 'latest'
          ? { kind: 'result', of: block => ({ ...(block as object), number: '0x1' }) }
          : NO_FAULT,
      'rpc_unavailable RPC 2',
    ],
    [
      'has another chain',
      ({ method, params }) =>
        method === 'eth_getBlockByNumber' && params[0] === 'safe'
          ? { kind: 'result', of: block => ({ ...(block as object), hash: `0x${'33'.repeat(32)}` }) }
          : NO_FAULT,
      'rpc_chain_split RPC 2',
    ],
  ])('tells of an RPC that %s, until it is well again', async (_, fault, alarm) => {
    ways[1].fault = fault;
    await watchForAMinute();
    expect(await alarms()).toEqual([alarm]);
    ways[1].fault = () => NO_FAULT;
    await watch.look();
    expect(await alarms()).toEqual([]);
  });

  test('tells of an indexer that stands still while the chain goes on, until it goes on', async () => {
    await client.mine({ blocks: 1 });
    await watchForAMinute();
    await watchForAMinute();
    expect(await alarms()).toEqual(['indexer_behind indexer']);
    await atTheHead();
    await watch.look();
    expect(await alarms()).toEqual([]);
  });

  test('does not mind one that is behind and moves', async () => {
    const head = await client.getBlockNumber({ cacheTime: 0 });
    await client.mine({ blocks: 20 });
    for (let turn = 0n; turn < 6n; turn += 1n) {
      await reachBlock(steps.owner, head + turn);
      steps.now += 31n * SECOND;
      await watch.look();
    }
    expect(await alarms()).toEqual([]);
  });

  test('tells of an indexer without tables', async () => {
    await dropIndexerTables(steps.owner);
    await watchForAMinute();
    await watchForAMinute();
    expect(await alarms()).toEqual(['indexer_behind indexer']);
    await createIndexerTables(steps.owner);
    await atTheHead();
    await watch.look();
    expect(await alarms()).toEqual([]);
  });

  /** The oldest of the newest `depth` blocks has a payment, so that what replaces it is never the same again. */
  async function mineReplaceable(depth: bigint): Promise<void> {
    await client.mine({ blocks: 60 });
    await pay(await steps.order(10n));
    await client.mine({ blocks: Number(depth) - 1 });
  }

  test('tells of a reorg that the indexer cannot follow, until what replaced it is final and compared', async () => {
    await mineReplaceable(FOLLOWED_BLOCKS);
    await watch.look();
    await reorg(Number(FOLLOWED_BLOCKS));
    await watch.look();
    expect(await alarms()).toEqual([]);
    await mineReplaceable(FOLLOWED_BLOCKS + 1n);
    await watch.look();
    const head = await client.getBlockNumber({ cacheTime: 0 });
    await reorg(Number(FOLLOWED_BLOCKS) + 1);
    await watch.look();
    const [alarm = ''] = await alarms();
    expect(alarm).toMatch(new RegExp(`^deep_reorg blocks \\d+-${head}$`));
    expect(log.join()).toContain('ALARM deep_reorg');
    await settle();
    await watch.look();
    expect(await alarms()).toEqual([alarm]);
    await look();
    await watch.look();
    expect(await alarms()).toEqual([]);
  });

  test('tells of one that left a shorter chain, once that has grown', async () => {
    await mineReplaceable(FOLLOWED_BLOCKS + 1n);
    await watch.look();
    await client.request({
      method: 'anvil_rollback' as never,
      params: [Number(FOLLOWED_BLOCKS) + 10] as never,
    });
    await watch.look();
    expect(await alarms()).toEqual([]);
    await mineReplaceable(FOLLOWED_BLOCKS + 1n);
    await watch.look();
    expect(await alarms()).toEqual([expect.stringMatching(/^deep_reorg blocks /)]);
  });

  test('hears from the indexer of one that nobody saw, and tells it once', async () => {
    const session = new pg.Client({ connectionString: database.url });
    await session.connect();
    onTestFinished(() => session.end());
    const kept = new KeptBlocks(session, {
      rpcUrl: chain.rpcUrl,
      schema: 'indexer_0',
      reader: 'credits_app',
    });
    await kept.prepare();
    const head = await client.getBlockNumber({ cacheTime: 0 });
    await kept.forget(base.id, head - 40n);
    await client.mine({ blocks: 60 });
    await watch.look();
    // A worker that ends here has told of it, and compared nothing again.
    restart();
    await watch.look();
    await look();
    await watch.look();
    restart();
    await watch.look();
    expect(log.filter(line => line.startsWith('ALARM deep_reorg'))).toEqual([
      expect.stringContaining(`ALARM deep_reorg blocks ${head - 39n}-${head}: `),
    ]);
    expect(log).toContain(`comparing again from block ${head - 39n}`);
  });

  test('lets compare again from before a reorg what had been settled', async () => {
    await mineReplaceable(FOLLOWED_BLOCKS + 1n);
    await watch.look();
    const head = await client.getBlockNumber({ cacheTime: 0 });
    await steps.owner.query(
      'update chain_progress set settled_block = $1, safe_block = $1, finalized_block = $1',
      [head],
    );
    await reorg(Number(FOLLOWED_BLOCKS) + 1);
    await watch.look();
    await look();
    expect((await readChainProgress(context)).settledBlock).toBeLessThan(head - FOLLOWED_BLOCKS);
  });
});
