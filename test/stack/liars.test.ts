/**
 * RPCs that fail, lag and lie, between the chain and everything that reads it: whatever they said meanwhile, in the end
 * the books are what the chain says, or an alarm stands where a person must look.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BASE_CHAIN_ID } from '../../api/chain-identity.ts';
import { HOUR, MINUTE } from '../../ledger/core/instant.ts';
import { referenceCalldata } from '../../ledger/index.ts';
import { readBalanceProgress } from '../../ledger/intake/balance-facts.ts';
import { readCredits } from '../../ledger/reads/credits.ts';
import { falsifyTraces, type TraceLie } from '../support/falsehoods.ts';
import { type FaultyRpc, NO_FAULT } from '../support/faulty-rpc.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { DOLLAR_WEI, type PlacedOrder } from '../support/intake-steps.ts';
import { type LyingChain, startLyingChain } from '../support/lying-chain.ts';
import { type Expected, expectRightBooks } from '../support/right-books.ts';

let lying: LyingChain;
const expected: Expected[] = [];

beforeAll(async () => {
  lying = await startLyingChain();
}, 120_000);
afterAll(() => lying?.stop());
afterEach(({ task }) => {
  if (task.result?.state === 'fail') console.error(lying.log.join('\n'));
  lying.honest();
});

async function order(usd = 10n): Promise<PlacedOrder> {
  const placed = await lying.steps.order(usd);
  expected.push({
    ...{ order: placed, knownBy: 'reference', createdAt: lying.steps.now },
    spentMicrocredits: 0n,
  });
  return placed;
}

const calldata = ({ reference }: PlacedOrder) => referenceCalldata(reference) as `0x${string}`;

/** An order that is paid as it asks. */
async function pay(usd = 10n) {
  const placed = await order(usd);
  const { transactionHash, blockNumber } = await lying.send({
    to: PAYMENT_ADDRESS,
    value: placed.quotedWei ?? 0n,
    data: calldata(placed),
  });
  return {
    order: placed,
    hash: transactionHash,
    block: blockNumber,
    receipt: `eth:8453:${transactionHash}:0`,
  };
}

const TRACES = /^debug_trace/;
/** Lies in every trace. */
const tracing =
  (lie: TraceLie): FaultyRpc['fault'] =>
  ({ method }) =>
    TRACES.test(method)
      ? { kind: 'result', of: honest => falsifyTraces(honest, lie, PAYMENT_ADDRESS) }
      : NO_FAULT;

const STRANGER: `0x${string}` = `0x${'bad1'.repeat(10)}`;

/** Lets everything so far become final, and be compared with the balance. */
const settle = () => lying.mine(36);
/** That the chain agrees is asked in the end, for all of it. */
const right = (options: Parameters<typeof expectRightBooks>[2] = {}) =>
  lying.holds('right books', () => expectRightBooks(lying, expected, { isReconciled: false, ...options }));

/** As long as an alarm takes. */
const lies = (fault: FaultyRpc['fault'], ...indexes: number[]) => {
  for (const index of indexes) {
    const way = lying.ways[index];
    if (way) way.fault = fault;
  }
};
const errors: FaultyRpc['fault'] = () => ({ kind: 'error', code: -32000, message: 'down' });
const nulls: FaultyRpc['fault'] = () => ({ kind: 'result', of: () => null });
/** Is so many blocks behind. */
const lagging =
  (head: bigint): FaultyRpc['fault'] =>
  ({ method, params: [first, ...others] }) => {
    const isLater = typeof first === 'string' && (!/^0x/.test(first) || BigInt(first) > head);
    if (method === 'eth_blockNumber') return { kind: 'result', of: () => `0x${head.toString(16)}` };
    if (method === 'eth_getBlockByNumber' && isLater)
      return /^0x/.test(String(first))
        ? { kind: 'result', of: () => null }
        : { kind: 'instead', ask: { method, params: [`0x${head.toString(16)}`, ...others] } };
    if (method === 'eth_getTransactionReceipt')
      return {
        kind: 'result',
        of: receipt =>
          receipt && BigInt((receipt as { blockNumber: string }).blockNumber) > head ? null : receipt,
      };
    return NO_FAULT;
  };

/** What the customer has of an order, in credits. */
async function creditsOf({ accountId }: PlacedOrder): Promise<bigint> {
  const { availableMicrocredits } = await readCredits(lying.steps.doors, accountId, lying.steps.now);
  return availableMicrocredits / 1_000_000n;
}
const credited = (placed: PlacedOrder, credits = 100_000n) =>
  lying.until(
    `${credits} credits`,
    () => creditsOf(placed),
    found => found === credits,
  );

/** About what comes from now on. */
async function lieToPonder(fault: FaultyRpc['fault']): Promise<void> {
  lying.ponderWay.fault = () => NO_FAULT;
  await lying.indexed();
  lying.ponderWay.fault = fault;
}

/** The lies of an RPC to Ponder, once; afterwards it is honest, and Ponder keeps what it was told. */
async function whileLyingToPonder<Result>(lie: TraceLie, act: () => Promise<Result>): Promise<Result> {
  await lieToPonder(tracing(lie));
  const result = await act();
  await lying.indexed();
  lying.ponderWay.fault = () => NO_FAULT;
  return result;
}

const invention = (placed: PlacedOrder, inTransactionsTo = STRANGER): TraceLie => ({
  lie: 'invent',
  inTransactionsTo,
  from: STRANGER,
  valueWei: 10n * DOLLAR_WEI,
  input: calldata(placed),
});
/** Something in a block, so that there is a trace to lie in. */
const somethingElse = (to = STRANGER) => lying.send({ to, value: 1n });

/** A round's answer, its second word, is ten times what it is; the sequencer's and everything else is as it was. */
function withTenfoldAnswer(result: unknown): unknown {
  const words = String(result).slice(2).match(/.{64}/g) ?? [];
  const answer = BigInt(`0x${words[1] ?? '0'}`);
  if (words.length !== 5 || answer < 10n ** 8n) return result;
  return `0x${words.with(1, (10n * answer).toString(16).padStart(64, '0')).join('')}`;
}

/** What an operator is told to do: the alarms are over, and all is right. */
async function healed(): Promise<void> {
  lying.honest();
  await lying.startOver();
  await settle();
  await right();
  await lying.until(
    'no alarm stands',
    () => lying.alarms(),
    alarms => alarms.length === 0,
  );
}

describe('with one RPC', () => {
  beforeEach(() => lying.startWorker(1));

  test('that is honest, all is right and nobody is alarmed', async () => {
    await pay();
    await lying.payBatch([3n * DOLLAR_WEI, 0n, DOLLAR_WEI]);
    await settle();
    await right();
    expect(await lying.alarms()).toEqual([]);
  });

  test('that told the indexer lies once, what it told is put right when the payments are traced again', async () => {
    const never = await order();
    await whileLyingToPonder(invention(never), somethingElse);
    await credited(never);
    const altered = await whileLyingToPonder(
      { lie: 'alter', change: { value: `0x${(99n * DOLLAR_WEI).toString(16)}` } },
      () => pay(),
    );
    const misdirected = await order();
    const victim = await whileLyingToPonder({ lie: 'alter', change: { input: calldata(misdirected) } }, () =>
      pay(),
    );
    await credited(misdirected);
    const hidden = await whileLyingToPonder({ lie: 'hide' }, () => pay());
    await settle();
    await right();
    await lying.alarmed('row_not_on_chain', altered.receipt);
    await lying.alarmed('row_not_on_chain', victim.receipt);
    // The worker found it by the balance, and traced its block.
    await lying.alarmed('payment_without_row', hidden.receipt);
    expect(await creditsOf(never)).toBe(0n);
  });

  test('that tells a wrong balance and a wrong nonce once, nothing of that stays', async () => {
    await pay();
    await settle();
    // Compared once honestly, as the opening balance would else have the same lie in it.
    await right();
    await lying.until(
      'a comparison',
      () => readBalanceProgress(lying.steps.db, BASE_CHAIN_ID),
      progress => progress !== null,
    );
    lies(
      ({ method }) =>
        method === 'eth_getBalance'
          ? { kind: 'result', of: balance => `0x${(BigInt(String(balance)) + 17n).toString(16)}` }
          : NO_FAULT,
      0,
    );
    await settle();
    await lying.alarmed('balance_unexplained');
    lying.honest();
    await settle();
    await right();
  });

  test('whose final block stands still, or that does not tell the balance, a person is told', async () => {
    await pay();
    lies(
      ({ method, params }) =>
        method === 'eth_getBlockByNumber' && params[0] === 'finalized'
          ? { kind: 'instead', ask: { method, params: ['0x1', false] } }
          : NO_FAULT,
      0,
    );
    await settle();
    lying.steps.now += HOUR;
    await settle();
    await lying.alarmed('balance_unchecked');
    lies(({ method }) => (method === 'eth_getBalance' ? { kind: 'status', status: 500 } : NO_FAULT), 0);
    await settle();
    expect(await lying.alarms()).toContainEqual(expect.stringContaining('balance_unchecked'));
    lying.honest();
    await settle();
    await right();
    const alarms = await lying.alarms();
    expect(alarms).not.toContainEqual(expect.stringContaining('balance_unchecked'));
    // What the indexer shows falsely stays so until somebody does something about it, however final it is by now.
    expect(alarms.filter(alarm => alarm.startsWith('row_not_on_chain '))).toHaveLength(3);
  });

  test('that invents a withdrawal, nothing is booked of it', async () => {
    await lying.withdraw(7n);
    // A payment that the trace turns round.
    const lie: TraceLie = { lie: 'alter', change: { from: PAYMENT_ADDRESS, to: STRANGER } };
    await whileLyingToPonder(lie, () => pay());
    await settle();
    await right();
  });

  test('that lies about everything and for good, only the balance is left to tell: here it does', async () => {
    const never = await order();
    // About what was before it is honest, so that what it said of that stays as it is.
    const elsewhere: `0x${string}` = `0x${'bad2'.repeat(10)}`;
    const lie = tracing(invention(never, elsewhere));
    lies(lie, 0);
    await lieToPonder(lie);
    await somethingElse(elsewhere);
    await lying.indexed();
    await credited(never);
    await settle();
    await lying.alarmed('balance_short');
    // And as soon as it no longer does, what it invented is taken back.
    lying.honest();
    await right();
    expect(await creditsOf(never)).toBe(0n);
    await healed();
  });
});

describe('with two RPCs', () => {
  beforeEach(() => lying.startWorker(2));

  test('the first invents, hides and alters for good: nothing of it is credited, and alarms stand', async () => {
    const never = await order();
    const invents = tracing(invention(never));
    lies(invents, 0);
    await lieToPonder(invents);
    const { transactionHash } = await somethingElse();
    await lying.indexed();
    await lying.alarmed('rpc_disagreement', `eth:8453:${transactionHash}:1`);
    const alters = tracing({ lie: 'alter', change: { value: '0x1234567890123456' } });
    lies(alters, 0);
    await lieToPonder(alters);
    const altered = await pay();
    await lying.indexed();
    await lying.alarmed('rpc_disagreement', altered.receipt);
    const hides = tracing({ lie: 'hide' });
    lies(hides, 0);
    await lieToPonder(hides);
    await pay();
    await lying.indexed();
    await settle();
    await lying.alarmed('balance_unexplained');
    expect(await creditsOf(never)).toBe(0n);
    expect(await creditsOf(altered.order)).toBe(0n);
    await healed();
  });

  test('the first makes up a price: nothing is priced, it is said, and the true one counts', async () => {
    lies(({ method }) => (method === 'eth_call' ? { kind: 'result', of: withTenfoldAnswer } : NO_FAULT), 0);
    const { order: placed, receipt } = await pay();
    await lying.indexed();
    await lying.alarmed('rpc_disagreement', receipt);
    expect(await creditsOf(placed)).toBe(0n);
    lying.honest();
    await credited(placed);
    await settle();
    await right();
  });

  test('the second lies about the balance: nothing is compared, and it is said', async () => {
    lies(({ method }) => (method === 'eth_getBalance' ? { kind: 'result', of: () => '0x1' } : NO_FAULT), 1);
    await pay();
    await settle();
    await lying.alarmed('rpc_disagreement', PAYMENT_ADDRESS);
    lying.honest();
    await settle();
    await right();
    await lying.until(
      'no alarm stands',
      () => lying.alarms(),
      alarms => alarms.length === 0,
    );
  });

  test.each<[string, () => FaultyRpc['fault'] | Promise<FaultyRpc['fault']>]>([
    ['answers with errors', () => errors],
    ['answers null', () => nulls],
    ['lags behind', async () => lagging(await lying.chain.getBlockNumber({ cacheTime: 0 }))],
  ])('the second %s: payments wait for it, and are credited when it is well', async (_, fault) => {
    lies(await fault(), 1);
    const { order: placed, receipt } = await pay();
    await lying.mine(2);
    await lying.indexed();
    await lying.alarmed('payment_unconfirmed', receipt);
    await lying.alarmed('rpc_unavailable', 'RPC 2');
    expect(await creditsOf(placed)).toBe(0n);
    lying.honest();
    await credited(placed);
    await settle();
    await right();
    await lying.until(
      'no alarm stands',
      () => lying.alarms(),
      alarms => alarms.length === 0,
    );
  });

  test("Ponder's schema is dropped while both RPCs are away: nobody loses anything", async () => {
    const before = await pay();
    await credited(before.order);
    lies(errors, 0, 1);
    await lying.startOver();
    const meanwhile = await pay();
    lying.honest();
    await credited(meanwhile.order);
    expect(await creditsOf(before.order)).toBe(100_000n);
    await settle();
    await right();
    await lying.until(
      'no alarm stands',
      () => lying.alarms(),
      alarms => alarms.length === 0,
    );
  });
});

describe('with three RPCs', () => {
  beforeEach(() => lying.startWorker(3));

  test.each([0, 1, 2])(
    'that at place %i contradicts the others, which decide, and it is named',
    async place => {
      lies(tracing({ lie: 'hide' }), place);
      const { order: placed } = await pay();
      await credited(placed);
      await settle();
      await right();
      await lying.alarmed('rpc_outvoted', `RPC ${place + 1}`);
      lying.honest();
      await lying.until(
        'no alarm stands',
        () => lying.alarms(),
        alarms => alarms.length === 0,
      );
    },
  );
});

describe('a chain that halts', () => {
  test('prices nothing while it does, an alarm says so, and all is credited when it has caught up', async () => {
    await lying.startWorker(2, { chainLagMax: MINUTE });
    await lying.mine(1);
    const before = await pay();
    await credited(before.order);
    lying.steps.now += 5n * MINUTE;
    await lying.alarmed('chain_behind');
    const meanwhile = await pay();
    await credited(meanwhile.order);
    await settle();
    await right({ isReconciled: true });
    await lying.until(
      'no alarm stands',
      () => lying.alarms(),
      alarms => alarms.length === 0,
    );
  });
});
