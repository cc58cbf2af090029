/** Which round of the feeds prices a payment, on a real chain with feeds that answer as Chainlink's do. */
import { createPublicClient, http } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ETH_USD_FEED, SEQUENCER_FEED } from '../../../contracts-abi/chainlink-feeds.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { freePort } from '../../../dev/free-port.ts';
import { installFeeds, pushPrice, startFeedPhase } from '../../../dev/price-feeds.ts';
import { instantOfSeconds } from '../../../ledger/core/instant.ts';
import { ethPriceAt } from '../../../ledger/prices/eth-price.ts';
import { solidityCache } from '../../dev/solidity-cache.ts';

/** 2026-03-01 15:00:00 UTC. All times below are seconds after it. */
const START = 1_772_377_200n;
const HOURS = 3600n;
/** The sequencer is up, and has long been. */
const UP = [{ answer: 0n, startedAt: -100n * HOURS, updatedAt: -100n * HOURS }];

interface Round {
  readonly answer: bigint;
  readonly startedAt?: bigint;
  readonly updatedAt: bigint;
}

interface Case {
  readonly title: string;
  readonly rounds: readonly Round[];
  readonly sequencer?: readonly Round[];
  readonly block: bigint;
  /** The answer that prices the payment, or why none does yet. */
  readonly expected: readonly [bigint, 'in force' | 'late'] | string;
}

let chain: LocalChain;
let rpcUrl: string;
beforeAll(async () => {
  chain = await startChain({ port: await freePort() });
  rpcUrl = chain.rpcUrl;
  await installFeeds(rpcUrl, { cacheFolder: solidityCache });
});
afterAll(async () => {
  await chain?.kill();
});

async function push(feed: `0x${string}`, rounds: readonly Round[]): Promise<void> {
  await startFeedPhase(rpcUrl, feed);
  for (const { answer, updatedAt, startedAt = updatedAt } of rounds)
    await pushPrice(rpcUrl, answer, { feed, startedAt: START + startedAt, updatedAt: START + updatedAt });
}

async function priceAt(block: bigint) {
  const client = createPublicClient({ transport: http(rpcUrl), cacheTime: 0 });
  const price = await ethPriceAt(client, instantOfSeconds(START + block), await client.getBlockNumber());
  return price.round ? [price.round.answer, price.late ? 'late' : 'in force'] : price.problem;
}

describe('a payment is priced by', () => {
  test.each<Case>([
    {
      title: 'the round in force at its block',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 1000n },
      ],
      block: 999n,
      expected: [1n, 'in force'],
    },
    {
      title: 'the round of its very second',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 1000n },
      ],
      block: 1000n,
      expected: [2n, 'in force'],
    },
    {
      title: 'the round in force, though ten have come since',
      rounds: Array.from({ length: 14 }, (_, index) => ({
        answer: BigInt(index + 1),
        updatedAt: BigInt(index) * 1000n,
      })),
      block: 3500n,
      expected: [4n, 'in force'],
    },
    {
      title: 'the next round, when the one in force is older than 30 minutes',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 5000n },
      ],
      block: 1801n,
      expected: [2n, 'late'],
    },
    {
      title: 'none yet, when the one in force is too old and there is no other',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      block: 1801n,
      expected: 'price_stale',
    },
    {
      title: 'the round in force at exactly 30 minutes',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      block: 1800n,
      expected: [1n, 'in force'],
    },
    {
      title: 'the first positive round after one that is not',
      rounds: [
        { answer: 0n, updatedAt: 0n },
        { answer: -5n, updatedAt: 100n },
        { answer: 3n, updatedAt: 200n },
        { answer: 4n, updatedAt: 300n },
      ],
      block: 50n,
      expected: [3n, 'late'],
    },
    {
      title: 'none yet, while the sequencer is down',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 1000n },
      ],
      sequencer: [...UP, { answer: 1n, updatedAt: 500n }],
      block: 600n,
      expected: 'sequencer_down',
    },
    {
      title: 'the first round an hour after the sequencer came back',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 1000n + HOURS - 1n },
        { answer: 3n, updatedAt: 1000n + HOURS },
        { answer: 4n, updatedAt: 1000n + 2n * HOURS },
      ],
      sequencer: [...UP, { answer: 1n, updatedAt: 500n }, { answer: 0n, updatedAt: 1000n }],
      block: 600n,
      expected: [3n, 'late'],
    },
    {
      title: 'the round in force, when the sequencer went down after the block',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      sequencer: [...UP, { answer: 1n, updatedAt: 500n }],
      block: 499n,
      expected: [1n, 'in force'],
    },
    {
      // The sequencer's feed refreshes its last round in place: only updatedAt moves.
      title: 'the round in force, when the sequencer is up since long ago and was confirmed only now',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      sequencer: [{ answer: 0n, startedAt: -100n * HOURS, updatedAt: 9000n }],
      block: 100n,
      expected: [1n, 'in force'],
    },
    {
      title: 'none, when the feed begins after the block',
      rounds: [{ answer: 1n, updatedAt: 100n }],
      block: 50n,
      expected: 'no_round',
    },
  ])('$title', async ({ rounds, sequencer = UP, block, expected }) => {
    await push(SEQUENCER_FEED, sequencer);
    await push(ETH_USD_FEED, rounds);
    expect(await priceAt(block)).toEqual(expected);
  });
});

test('the feeds are read at the one block that is named, whatever has come since', async () => {
  await push(SEQUENCER_FEED, UP);
  await push(ETH_USD_FEED, [{ answer: 1n, updatedAt: 0n }]);
  const client = createPublicClient({ transport: http(rpcUrl), cacheTime: 0 });
  const head = await client.getBlockNumber();
  await pushPrice(rpcUrl, 2n, { updatedAt: START + 50n });
  expect(await ethPriceAt(client, instantOfSeconds(START + 60n), head)).toMatchObject({
    round: { answer: 1n },
  });
});

test('an RPC that does not answer is no price problem: it throws', async () => {
  const nobody = createPublicClient({
    transport: http(`http://127.0.0.1:${await freePort()}`, { retryCount: 0 }),
  });
  await expect(ethPriceAt(nobody, instantOfSeconds(START), 1n)).rejects.toThrow(/HTTP request failed/);
});
