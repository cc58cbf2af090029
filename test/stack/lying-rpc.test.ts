/**
 * RPCs that fail, lag and lie under a seed, between the chain and everything that reads it: whatever they said meanwhile,
 * in the end the books are what the chain says, and an alarm stands where a person must look.
 */
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readChainTruth } from '../support/chain-truth.ts';
import type { RpcCall } from '../support/faulty-rpc.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { type LyingChain, startLyingChain } from '../support/lying-chain.ts';
import { type Expected, expectRightBooks } from '../support/right-books.ts';
import { CONTENT_FAULTS, seededFaults, TRANSPORT_FAULTS } from '../support/seeded-faults.ts';
import { SeededHistory } from '../support/seeded-history.ts';

/** One for each number of RPCs; others, separated by commas, to look for more or to see a failure again. */
const SEEDS = (process.env.LYING_SEEDS ?? '1,2,3').split(',').map(Number);
const STEPS = Number(process.env.LYING_STEPS ?? 14);

/**
 * Ponder asks for most things once, and may wait for seconds before it asks again: what it is told of blocks is true but
 * for their traces.
 */
const PONDER_FAULTS = {
  paymentAddress: PAYMENT_ADDRESS,
  rate: 0.25,
  faultyAnswersMax: 1,
  faultsOf: (method: string) =>
    method.startsWith('debug_trace')
      ? ([...TRANSPORT_FAULTS, 'null', 'false', 'false', 'false', 'false'] as const)
      : (['delay', 'reorder', 'error', '429'] as const),
};
const WORKER_FAULTS = {
  paymentAddress: PAYMENT_ADDRESS,
  rate: 0.3,
  faultyAnswersMax: 3,
  // A price is recorded once and for good, and nothing but the feed tells it: lies about it are another matter.
  faultsOf: (method: string) =>
    method === 'eth_call'
      ? TRANSPORT_FAULTS
      : ([...TRANSPORT_FAULTS, ...CONTENT_FAULTS, 'false', 'false'] as const),
};

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

/** Whether the indexer shows something else than what arrived. */
async function isShownFalsely(): Promise<boolean> {
  const { arrivals } = await readChainTruth(lying.chainUrl, PAYMENT_ADDRESS);
  const { rows } = await sql<{ id: string; text: string }>`
    select 'eth:8453:' || id as id, concat_ws(' ', block_hash, from_address, amount_wei, input) as text
    from chain.transfer where direction = 'in'
      and upper(frame_type) in ('CALL', 'SELFDESTRUCT')`.execute(lying.steps.db);
  const shown = rows.map(({ id, text }) => `${id} ${text}`).sort();
  const there = arrivals
    .map(({ receiptId, blockHash, fromAddress, amountWei, input }) =>
      [receiptId, blockHash, fromAddress, amountWei, input].join(' '),
    )
    .sort();
  return shown.join() !== there.join();
}

const right = (mayBeUnexplained: boolean) =>
  lying.holds('right books', () => expectRightBooks(lying, expected, { mayBeUnexplained }));

test.each(SEEDS)('seed %i', async seed => {
  const { ways, ponderWay } = lying;
  const rpcCount = ((seed % 3) + 1) as 1 | 2 | 3;
  console.log(`seed ${seed}: ${rpcCount} RPCs; to see it again: LYING_SEEDS=${seed}`);
  await lying.startWorker(rpcCount);
  const where = { chainUrl: lying.chainUrl, originBlock: await lying.chain.getBlockNumber({ cacheTime: 0 }) };
  const drawn = [ponderWay, ...ways].map((way, index) => {
    const faults =
      index === 0
        ? seededFaults({ ...PONDER_FAULTS, ...where, seed, name: 'Ponder' })
        : seededFaults({ ...WORKER_FAULTS, ...where, seed, name: `RPC ${index}` });
    way.fault = faults.fault;
    return faults.drawn;
  });
  const history = new SeededHistory(lying, expected, seed);
  for (let step = 0; step < STEPS; step += 1) lying.log.push(`step ${step}: ${await history.step()}`);
  // The rest of it is decided while they go on.
  await lying.mine(3);
  await lying.indexed();
  lying.log.push(...drawn.flat());
  lying.honest();
  await lying.mine(40);
  await right(true);
  if (await isShownFalsely())
    await lying.until(
      'an alarm stands',
      () => lying.alarms(),
      alarms => alarms.length > 0,
    );
});

test('when the indexer has started over, as the alarms say, there is no alarm left', async () => {
  await lying.startWorker(2);
  await lying.startOver();
  await lying.mine(40);
  await right(false);
  await lying.until(
    'no alarm stands',
    () => lying.alarms(),
    alarms => alarms.length === 0,
  );
});

describe('of one seed', () => {
  const calls = async (): Promise<RpcCall[]> => {
    const head = await lying.chain.getBlockNumber({ cacheTime: 0 });
    return Array.from({ length: 60 }, (_, id) => {
      const number = `0x${(head - BigInt(id % 20)).toString(16)}`;
      return id % 2 === 0
        ? { id, method: 'eth_getBlockByNumber', params: [number, false] }
        : { id, method: 'debug_traceBlockByNumber', params: [number, { tracer: 'callTracer' }] };
    });
  };
  async function drawn(seed: number, asked: readonly RpcCall[]): Promise<readonly string[]> {
    const where = { chainUrl: lying.chainUrl, originBlock: 0n, name: 'RPC 1' };
    const faults = seededFaults({ ...WORKER_FAULTS, ...where, seed });
    for (const call of asked) await faults.fault(call);
    return faults.drawn.toSorted();
  }

  test('the same questions have the same faults, whatever is asked in between', async () => {
    const asked = await calls();
    const once = await drawn(7, asked);
    expect(once.length).toBeGreaterThan(5);
    const others = asked.map(call => ({ ...call, method: 'eth_getBalance', params: ['0x', call.params[0]] }));
    const blocks = (faults: readonly string[]) => faults.filter(text => !text.includes('eth_getBalance'));
    expect(blocks(await drawn(7, [...others, ...asked.toReversed()]))).toEqual(once);
  });

  test('another seed has others', async () => {
    const asked = await calls();
    expect(await drawn(8, asked)).not.toEqual(await drawn(7, asked));
  });
});
