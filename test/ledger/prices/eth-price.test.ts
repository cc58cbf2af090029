/** Which round of the feeds prices a payment, on a real chain with feeds that answer as Chainlink's do. */
import {
  createPublicClient,
  createTestClient,
  custom,
  type EIP1193RequestFn,
  http,
  type PublicClient,
  publicActions,
  walletActions,
} from 'viem';
import { base } from 'viem/chains';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ETH_USD_FEED, SEQUENCER_FEED } from '../../../contracts-abi/chainlink-feeds.ts';
import { FEED_ACCOUNT } from '../../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../../dev/compile-cache.ts';
import { freePort } from '../../../dev/free-port.ts';
import {
  FIRST_PRICE,
  installFeeds,
  priceFeedControlAbi,
  pushPrice,
  pushPrices,
  skipRounds,
  startFeedPhase,
} from '../../../dev/price-feeds.ts';
import { instantOfSeconds, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import { currentEthPrice, ethPriceFor, feedsAt, type PaymentTime } from '../../../ledger/prices/eth-price.ts';

/** 2026-03-01 15:00:00 UTC. All times below are seconds after it. */
const START = 1_772_377_200n;
const HOURS = 3600n;
const DAYS = 24n * HOURS;
/** When the feeds have their first round; the sequencer has then been up for 30 days. */
const FEEDS_BEGIN = -100n * DAYS;

interface Round {
  readonly answer: bigint;
  readonly startedAt?: bigint;
  readonly updatedAt: bigint;
}

/** A number leaves out so many rounds. */
type Rounds = readonly (Round | number)[];

interface Case {
  readonly title: string;
  /** What the price feed answers after its first round. */
  readonly rounds?: Rounds;
  /** The rounds of the phases after the first. */
  readonly laterPhases?: readonly Rounds[];
  /** What the first phase's aggregator answers besides, although the proxy points to the last phase. */
  readonly goesOn?: readonly Round[];
  readonly sequencer?: Rounds;
  readonly laterSequencerPhases?: readonly Rounds[];
  readonly block: bigint;
  /** The answer that prices the payment, or why none does yet. */
  readonly expected: readonly [bigint, 'in force' | 'late'] | string;
}

let chain: LocalChain;
let rpcUrl: string;
let client: PublicClient;
let control: ReturnType<typeof controlOf>;
beforeAll(async () => {
  chain = await startChain({ port: await freePort(), beginsAt: START + FEEDS_BEGIN });
  rpcUrl = chain.rpcUrl;
  client = createPublicClient({ transport: http(rpcUrl), cacheTime: 0 });
  control = controlOf(rpcUrl);
  await installFeeds(rpcUrl, { cacheFolder: SOLIDITY_CACHE });
});
afterAll(async () => {
  await chain?.kill();
});

// Every test finds the feeds as they were installed.
let snapshot: `0x${string}`;
beforeEach(async () => {
  snapshot = await control.snapshot();
});
afterEach(async () => {
  await control.revert({ id: snapshot });
});

function controlOf(url: string) {
  return createTestClient({
    mode: 'anvil',
    chain: base,
    transport: http(url),
    pollingInterval: 50,
    account: FEED_ACCOUNT.address,
  })
    .extend(publicActions)
    .extend(walletActions);
}

async function pushAll(feed: `0x${string}`, rounds: Rounds, phase?: number): Promise<void> {
  for (const round of rounds) {
    if (typeof round === 'number') {
      await skipRounds(rpcUrl, BigInt(round), feed);
      continue;
    }
    const { answer, updatedAt, startedAt = updatedAt } = round;
    const times = { startedAt: START + startedAt, updatedAt: START + updatedAt };
    await pushPrice(rpcUrl, answer, { feed, phase, ...times });
  }
}

async function pushPhases(feed: `0x${string}`, [first, ...later]: readonly Rounds[]): Promise<void> {
  await pushAll(feed, first ?? []);
  for (const rounds of later) {
    await startFeedPhase(rpcUrl, feed);
    await pushAll(feed, rounds);
  }
}

/** A payment that was seen at once, in a block that was made in time. */
function paidAt(block: bigint, change: Partial<PaymentTime> = {}): PaymentTime {
  const blockAt = instantOfSeconds(START + block);
  return { blockAt, noticedAt: blockAt + SECOND, caughtUpAt: null, ...change };
}

async function priceFor(payment: PaymentTime) {
  const feeds = feedsAt(client, await client.getBlockNumber());
  return await ethPriceFor(feeds, payment, MINUTE);
}

async function priceAt(block: bigint) {
  const price = await priceFor(paidAt(block));
  expect(price.noQuote).toBe(false);
  return price.round ? [price.round.answer, price.late ? 'late' : 'in force'] : price.problem;
}

const CASES: Record<string, Case[]> = {
  'a payment is priced by': [
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
      title: 'the last of two rounds of its second',
      rounds: [
        { answer: 1n, updatedAt: 1000n },
        { answer: 2n, updatedAt: 1000n },
        { answer: 3n, updatedAt: 1001n },
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
        { answer: 3n, updatedAt: 5001n },
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
      title: 'the last of its second, when the first after it is one of two',
      rounds: [
        { answer: 0n, updatedAt: 0n },
        { answer: 1n, updatedAt: 100n },
        { answer: 2n, updatedAt: 100n },
      ],
      block: 50n,
      expected: [2n, 'late'],
    },
    {
      title: 'none yet, while the answers are not positive',
      rounds: [
        { answer: 0n, updatedAt: 0n },
        { answer: -5n, updatedAt: 100n },
      ],
      block: 50n,
      expected: 'price_not_positive',
    },
    {
      title: 'the first round of all, when the feed begins after the block',
      block: FEEDS_BEGIN - DAYS,
      expected: [FIRST_PRICE, 'late'],
    },
  ],
  'where rounds are missing, a payment is priced by': [
    {
      title: 'the last before it',
      rounds: [{ answer: 1n, updatedAt: 0n }, 3, { answer: 2n, updatedAt: 1000n }],
      block: 999n,
      expected: [1n, 'in force'],
    },
    {
      title: 'the right one among many after them',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        7,
        ...Array.from({ length: 8 }, (_, index) => ({
          answer: BigInt(index + 2),
          updatedAt: BigInt(index + 1) * 100n,
        })),
        7,
        { answer: 99n, updatedAt: 9000n },
      ],
      block: 650n,
      expected: [7n, 'in force'],
    },
    {
      title: 'the first after them, when it must be a later one',
      rounds: [{ answer: 1n, updatedAt: 0n }, 5, { answer: 2n, updatedAt: 5000n }],
      block: 2000n,
      expected: [2n, 'late'],
    },
    {
      title: 'the last before them, though they are many',
      rounds: [{ answer: 1n, updatedAt: 0n }, 50, { answer: 2n, updatedAt: 1000n }],
      block: 999n,
      expected: [1n, 'in force'],
    },
  ],
  'while the sequencer is not to be trusted, a payment is priced by': [
    {
      title: 'none yet, while it is down',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 1000n },
      ],
      sequencer: [{ answer: 1n, updatedAt: 500n }],
      block: 600n,
      expected: 'sequencer_down',
    },
    {
      title: 'the first round an hour after it came back',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 1000n + HOURS - 1n },
        { answer: 3n, updatedAt: 1000n + HOURS },
        { answer: 4n, updatedAt: 1000n + 2n * HOURS },
      ],
      sequencer: [
        { answer: 1n, updatedAt: 500n },
        { answer: 0n, updatedAt: 1000n },
      ],
      block: 600n,
      expected: [3n, 'late'],
    },
    {
      title: 'a later round a second before the hour is over',
      rounds: [
        { answer: 1n, updatedAt: 1000n + HOURS - 1n },
        { answer: 2n, updatedAt: 1000n + HOURS },
      ],
      sequencer: [
        { answer: 1n, updatedAt: 500n },
        { answer: 0n, updatedAt: 1000n },
      ],
      block: 1000n + HOURS - 1n,
      expected: [2n, 'late'],
    },
    {
      title: 'the round in force when the hour is over',
      rounds: [
        { answer: 1n, updatedAt: 1000n + HOURS - 1n },
        { answer: 2n, updatedAt: 1001n + HOURS },
      ],
      sequencer: [
        { answer: 1n, updatedAt: 500n },
        { answer: 0n, updatedAt: 1000n },
      ],
      block: 1000n + HOURS,
      expected: [1n, 'in force'],
    },
    {
      title: 'none from an hour that was cut short, but one after the next',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 3000n },
        { answer: 3n, updatedAt: 1000n + HOURS },
        { answer: 4n, updatedAt: 3500n + HOURS },
      ],
      sequencer: [
        { answer: 1n, updatedAt: 500n },
        { answer: 0n, updatedAt: 1000n },
        { answer: 1n, updatedAt: 3000n },
        { answer: 0n, updatedAt: 3500n },
      ],
      block: 600n,
      expected: [4n, 'late'],
    },
    {
      title: 'none, when it was down again by the first round after the hour',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 5000n },
      ],
      sequencer: [
        { answer: 1n, updatedAt: 500n },
        { answer: 0n, updatedAt: 1000n },
        { answer: 1n, updatedAt: 4800n },
      ],
      block: 600n,
      expected: 'sequencer_down',
    },
    {
      title: 'the round in force, when it went down after the block',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      sequencer: [{ answer: 1n, updatedAt: 500n }],
      block: 499n,
      expected: [1n, 'in force'],
    },
    {
      // The sequencer's feed refreshes its last round in place: only updatedAt moves.
      title: 'the round in force, when it is up since long ago and was confirmed only now',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      sequencer: [{ answer: 0n, startedAt: -100n * HOURS, updatedAt: 9000n }],
      block: 100n,
      expected: [1n, 'in force'],
    },
    {
      title: 'what an earlier phase of its feed says of the time before the next',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      sequencer: [{ answer: 1n, updatedAt: 500n }],
      laterSequencerPhases: [[{ answer: 0n, updatedAt: 1000n }]],
      block: 600n,
      expected: 'sequencer_down',
    },
    {
      title: 'the first round an hour after the next phase of its feed says that it is up',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 1000n + HOURS },
      ],
      sequencer: [{ answer: 1n, updatedAt: 500n }],
      laterSequencerPhases: [[{ answer: 0n, updatedAt: 1000n }]],
      block: 600n,
      expected: [2n, 'late'],
    },
  ],
  'across a change of the aggregator, a payment is priced by': [
    {
      title: 'the old one, in a block before the new one begins',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 500n },
      ],
      laterPhases: [[{ answer: 3n, updatedAt: 1000n }]],
      block: 999n,
      expected: [2n, 'in force'],
    },
    {
      title: "the new one, in the block of its first round's second",
      rounds: [{ answer: 1n, updatedAt: 0n }],
      laterPhases: [[{ answer: 2n, updatedAt: 1000n }]],
      block: 1000n,
      expected: [2n, 'in force'],
    },
    {
      title: 'the new one, in a block after',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      laterPhases: [
        [
          { answer: 2n, updatedAt: 1000n },
          { answer: 3n, updatedAt: 2000n },
        ],
      ],
      block: 1999n,
      expected: [2n, 'in force'],
    },
    {
      title: 'the new one, though the old one goes on',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      laterPhases: [[{ answer: 2n, updatedAt: 1000n }]],
      goesOn: [{ answer: 666n, updatedAt: 1500n }],
      block: 1600n,
      expected: [2n, 'in force'],
    },
    {
      title: 'the old one, where the new one was only tried out long before',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      laterPhases: [
        [
          { answer: 2n, updatedAt: -10n * HOURS },
          { answer: 3n, updatedAt: 1000n },
        ],
      ],
      block: 500n,
      expected: [1n, 'in force'],
    },
    {
      title: 'the old one, while the new one has no round',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      laterPhases: [[]],
      block: 100n,
      expected: [1n, 'in force'],
    },
    {
      title: 'one of three phases back',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 100n },
        { answer: 3n, updatedAt: 200n },
      ],
      laterPhases: [[{ answer: 4n, updatedAt: 5000n }], [], [{ answer: 5n, updatedAt: 9000n }]],
      block: 150n,
      expected: [2n, 'in force'],
    },
    {
      title: 'the first of the new one, when the old one had become too old',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      laterPhases: [
        [
          { answer: 2n, updatedAt: 5000n },
          { answer: 3n, updatedAt: 5100n },
        ],
      ],
      block: 1801n,
      expected: [2n, 'late'],
    },
    {
      title: 'the next of the old one, when the new one begins later',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 5000n },
      ],
      laterPhases: [[{ answer: 3n, updatedAt: 6000n }]],
      block: 1801n,
      expected: [2n, 'late'],
    },
    {
      title: 'the new one, when both have their next round in one second',
      rounds: [
        { answer: 1n, updatedAt: 0n },
        { answer: 2n, updatedAt: 5000n },
      ],
      laterPhases: [[{ answer: 3n, updatedAt: 5000n }]],
      block: 1801n,
      expected: [3n, 'late'],
    },
    {
      title: 'none, while the new one answers what cannot be used, though the old one goes on',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      laterPhases: [[{ answer: -1n, updatedAt: 50n }]],
      goesOn: [
        { answer: 666n, updatedAt: 60n },
        { answer: 666n, updatedAt: 150n },
      ],
      block: 100n,
      expected: 'price_not_positive',
    },
    {
      title: 'the next of the old one, once the new one has answered nothing for 30 minutes',
      rounds: [{ answer: 1n, updatedAt: 0n }],
      laterPhases: [[{ answer: -1n, updatedAt: 50n }]],
      goesOn: [
        { answer: 2n, updatedAt: 1850n },
        { answer: 3n, updatedAt: 1851n },
      ],
      block: 100n,
      expected: [3n, 'late'],
    },
    {
      title: 'the first positive round of whichever',
      rounds: [
        { answer: -1n, updatedAt: 0n },
        { answer: 0n, updatedAt: 500n },
      ],
      laterPhases: [
        [
          { answer: 0n, updatedAt: 600n },
          { answer: 2n, updatedAt: 700n },
        ],
      ],
      block: 100n,
      expected: [2n, 'late'],
    },
  ],
};

describe.each(Object.entries(CASES))('%s', (_title, cases) => {
  test.each(cases)('$title', async ({ block, expected, ...given }) => {
    await pushPhases(SEQUENCER_FEED, [given.sequencer ?? [], ...(given.laterSequencerPhases ?? [])]);
    await pushPhases(ETH_USD_FEED, [given.rounds ?? [], ...(given.laterPhases ?? [])]);
    await pushAll(ETH_USD_FEED, given.goesOn ?? [], 1);
    expect(await priceAt(block)).toEqual(expected);
    if (!given.laterPhases && !given.rounds?.some(round => typeof round === 'number')) return;
    // Newer aggregators answer zeros for a round that they do not have, where older ones revert.
    await answerMissingRounds();
    expect(await priceAt(block)).toEqual(expected);
  });
});

async function answerMissingRounds(): Promise<void> {
  const write = { abi: priceFeedControlAbi, functionName: 'answerMissingRounds', args: [true] } as const;
  for (const address of [ETH_USD_FEED, SEQUENCER_FEED]) {
    const hash = await control.writeContract({ address, ...write });
    await control.waitForTransactionReceipt({ hash });
  }
}

test('a round is found again, whatever phases come after', async () => {
  await pushPhases(ETH_USD_FEED, [[{ answer: 1n, updatedAt: 0n }], [{ answer: 2n, updatedAt: 100n }]]);
  const { round } = await priceFor(paidAt(100n));
  expect(round).toMatchObject({ answer: 2n, roundId: (2n << 64n) | 1n, updatedAt: START + 100n });
  await startFeedPhase(rpcUrl, ETH_USD_FEED);
  await pushAll(ETH_USD_FEED, [{ answer: 3n, updatedAt: 200n }]);
  expect((await priceFor(paidAt(100n))).round).toEqual(round);
});

describe('in a block that the chain made behind the clock, a payment is priced by', () => {
  const rounds = [
    { answer: 1n, updatedAt: 0n },
    { answer: 2n, updatedAt: 700n },
    { answer: 3n, updatedAt: 701n },
  ];
  const seen = paidAt(100n, { noticedAt: at(690n), caughtUpAt: at(700n) });

  test('the first round after it had caught up, and no quote holds', async () => {
    await pushAll(ETH_USD_FEED, rounds);
    expect(await priceFor(seen)).toMatchObject({ round: { answer: 3n }, late: true, noQuote: true });
  });

  test('none before that', async () => {
    await pushAll(ETH_USD_FEED, rounds.slice(0, 2));
    expect(await priceFor(seen)).toMatchObject({ round: null, problem: 'chain_behind', noQuote: true });
  });

  test('none of the hour after the sequencer came back, if its feed tells', async () => {
    await pushAll(SEQUENCER_FEED, [
      { answer: 1n, updatedAt: 300n },
      { answer: 0n, updatedAt: 650n },
    ]);
    await pushAll(ETH_USD_FEED, [...rounds, { answer: 4n, updatedAt: 650n + HOURS }]);
    expect(await priceFor(seen)).toMatchObject({ round: { answer: 4n }, late: true, noQuote: true });
  });
});

describe('of a payment that nobody saw in time, the next round tells whether the chain was behind', () => {
  const unseen = paidAt(100n, { noticedAt: at(5000n) });
  const before = { answer: 1n, updatedAt: 0n };
  const after = { answer: 9n, updatedAt: 1000n };

  test.each([
    { lag: 60, expected: { round: { answer: 1n }, late: false, noQuote: false } },
    { lag: 61, expected: { round: { answer: 9n }, late: true, noQuote: true } },
  ])('signed $lag s after the time of its block', async ({ lag, expected }) => {
    await pushAll(ETH_USD_FEED, [
      before,
      { answer: 2n, updatedAt: 110n, startedAt: 110n + BigInt(lag) },
      after,
    ]);
    expect(await priceFor(unseen)).toMatchObject(expected);
  });

  test('from when it was signed', async () => {
    const lagging = { answer: 2n, updatedAt: 110n, startedAt: 710n };
    await pushAll(ETH_USD_FEED, [before, lagging, { answer: 3n, updatedAt: 710n }]);
    expect(await priceFor(unseen)).toMatchObject({ round: null, problem: 'chain_behind' });
    await pushAll(ETH_USD_FEED, [{ answer: 4n, updatedAt: 711n }]);
    expect(await priceFor(unseen)).toMatchObject({ round: { answer: 4n }, late: true, noQuote: true });
  });

  test('as one that was seen within a minute cannot have been made late', async () => {
    await pushAll(ETH_USD_FEED, [before, { answer: 2n, updatedAt: 110n, startedAt: 710n }, after]);
    const seenInTime = { ...unseen, noticedAt: unseen.blockAt + MINUTE };
    expect(await priceFor(seenInTime)).toMatchObject({ round: { answer: 1n }, late: false });
    expect(await priceFor({ ...seenInTime, noticedAt: seenInTime.noticedAt + 1n })).toMatchObject({
      round: { answer: 9n },
      late: true,
    });
  });

  test('and does not, where the chain may be any time behind', async () => {
    await pushAll(ETH_USD_FEED, [before, { answer: 2n, updatedAt: 110n, startedAt: 710n }, after]);
    const feeds = feedsAt(client, await client.getBlockNumber());
    expect(await ethPriceFor(feeds, unseen, null)).toMatchObject({ round: { answer: 1n }, late: false });
  });
});

describe('what it costs in calls to the RPC', () => {
  let untouched: `0x${string}`;
  /** A feed of a thousand rounds, a minute apart, in each of two phases. */
  beforeAll(async () => {
    untouched = await control.snapshot();
    for (const begin of [0n, 1000n]) {
      for (const half of [0n, 500n])
        await pushPrices(rpcUrl, {
          answer: 1n + begin + half,
          updatedAt: START + (begin + half) * 60n,
          everySeconds: 60n,
          count: 500n,
        });
      if (begin === 0n) await startFeedPhase(rpcUrl, ETH_USD_FEED);
    }
  });
  afterAll(async () => {
    await control.revert({ id: untouched });
  });

  test.each([
    { what: 'seconds after its block', block: 1999n * 60n + 5n, answer: 2000n, calls: 2 },
    { what: 'a round later', block: 1998n * 60n + 5n, answer: 1999n, calls: 3 },
    { what: 'a hundred rounds later', block: 1899n * 60n + 5n, answer: 1900n, calls: 15 },
    { what: 'a thousand rounds later', block: 1001n * 60n + 5n, answer: 1002n, calls: 21 },
    // The new phase has no round that early: its thousand rounds are gone back through in ten doublings.
    { what: 'in the phase before', block: 500n * 60n + 5n, answer: 501n, calls: 31 },
  ])('$what', async ({ block, answer, calls }) => {
    const counted = countingClient();
    const feeds = feedsAt(counted.client, await client.getBlockNumber());
    const price = await ethPriceFor(feeds, paidAt(block), MINUTE);
    expect(price).toMatchObject({ round: { answer }, late: false });
    expect(counted.calls()).toBe(calls);
    // All the payments of a look share what was read.
    const before = counted.calls();
    expect(await ethPriceFor(feeds, paidAt(block), MINUTE)).toEqual(price);
    expect(counted.calls()).toBe(before);
  });

  test('while none can be had', async () => {
    await pushAll(SEQUENCER_FEED, [{ answer: 1n, updatedAt: 100n }]);
    const counted = countingClient();
    const feeds = feedsAt(counted.client, await client.getBlockNumber());
    expect(await ethPriceFor(feeds, paidAt(1900n * 60n), MINUTE)).toMatchObject({
      problem: 'sequencer_down',
    });
    expect(counted.calls()).toBe(15);
  });
});

function countingClient() {
  let calls = 0;
  const request: EIP1193RequestFn = async (asked: { method: string }) => {
    if (asked.method === 'eth_call') calls += 1;
    return await (client.request as EIP1193RequestFn)(asked as never);
  };
  return {
    client: createPublicClient({ transport: custom({ request }), cacheTime: 0 }),
    calls: () => calls,
  };
}

test('the feeds are read at the one block that is named, whatever has come since', async () => {
  await pushAll(ETH_USD_FEED, [{ answer: 1n, updatedAt: 0n }]);
  const feeds = feedsAt(client, await client.getBlockNumber());
  await pushAll(ETH_USD_FEED, [{ answer: 2n, updatedAt: 50n }]);
  expect(await ethPriceFor(feeds, paidAt(60n), MINUTE)).toMatchObject({ round: { answer: 1n } });
});

test('an RPC that does not answer, or does not have the block, is no price problem: it throws', async () => {
  const nobody = createPublicClient({
    transport: http(`http://127.0.0.1:${await freePort()}`, { retryCount: 0 }),
  });
  await expect(ethPriceFor(feedsAt(nobody, 1n), paidAt(0n), MINUTE)).rejects.toThrow(/HTTP request failed/);
  const ahead = feedsAt(client, (await client.getBlockNumber()) + 10n);
  await expect(ethPriceFor(ahead, paidAt(0n), MINUTE)).rejects.toThrow();
});

describe('a quote', () => {
  test.each([
    { age: 60, limit: 'a minute', lagMax: MINUTE, problem: null },
    { age: 61, limit: 'a minute', lagMax: MINUTE, problem: 'chain_behind' },
    { age: 61, limit: 'none', lagMax: null, problem: null },
  ])('$age s after the newest block, the limit being $limit: $problem', async ({ age, lagMax, problem }) => {
    await pushPrice(rpcUrl, 5n);
    const head = await client.getBlock();
    const price = await currentEthPrice(client, instantOfSeconds(head.timestamp + BigInt(age)), lagMax);
    expect(price.problem).toBe(problem);
  });

  test('is not made while the newest phase has no round', async () => {
    await startFeedPhase(rpcUrl, ETH_USD_FEED);
    const { timestamp } = await client.getBlock();
    const price = await currentEthPrice(client, instantOfSeconds(timestamp), MINUTE);
    expect(price).toEqual({ round: null, problem: 'no_round' });
  });
});

function at(seconds: bigint) {
  return instantOfSeconds(START + seconds);
}
