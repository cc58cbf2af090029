/**
 * RPCs that fail, lag and lie, between the chain and everything that reads it: whatever they said meanwhile, in the end
 * the books are what the chain says, or an alarm stands where a person must look.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { referenceCalldata } from '../../ledger/index.ts';
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
  expected.push({ order: placed, knownBy: 'reference', spentMicrocredits: 0n });
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

const STRANGER = `0x${'bad1'.repeat(10)}`;

/** Lets everything so far become final, and be compared with the balance. */
const settle = () => lying.mine(40);
const right = (options?: Parameters<typeof expectRightBooks>[2]) =>
  lying.holds('right books', () => expectRightBooks(lying, expected, options));

describe('with one RPC', () => {
  beforeEach(() => lying.startWorker(1));

  test('that is honest, all is right and nobody is alarmed', async () => {
    await pay();
    await settle();
    await right();
    expect(await lying.alarms()).toEqual([]);
  });

  test('that invents a payment once, it is taken back when it is traced again', async () => {
    const placed = await order();
    lying.ponderWay.fault = tracing({
      lie: 'invent',
      from: STRANGER,
      valueWei: 10n * DOLLAR_WEI,
      input: calldata(placed),
    });
    const { blockNumber } = await lying.send({ to: STRANGER as `0x${string}`, value: 1n });
    await lying.indexed();
    lying.ponderWay.fault = () => NO_FAULT;
    await settle();
    await right();
    await lying.alarmed('row_not_on_chain');
    expect(blockNumber).toBeGreaterThan(0n);
  });
});
