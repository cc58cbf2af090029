import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type Address,
  createClient,
  encodeFunctionData,
  type Hash,
  type Hex,
  http,
  parseAbi,
  publicActions,
  testActions,
  walletActions,
} from 'viem';
import { aggregatorV3Abi } from '../contracts-abi/aggregator-v3.ts';
import { ETH_USD_FEED, SEQUENCER_FEED } from '../contracts-abi/chainlink-feeds.ts';
import { FEED_ACCOUNT } from './accounts.ts';
import { compileSolidity } from './compile-solidity.ts';
import { localBase } from './local-base.ts';

/** $3,000.00000000, with the feed's 8 decimals. */
export const FIRST_PRICE = 300_000_000_000n;

/** What `dev/contracts/PriceFeed.sol` has beyond Chainlink's ABI. */
export const priceFeedControlAbi = parseAbi([
  'function initialize(uint8 decimals, string description)',
  'function push(int256 answer, uint256 startedAt, uint256 updatedAt)',
  'function pushTo(uint16 phase, int256 answer, uint256 startedAt, uint256 updatedAt)',
  'function pushMany(int256 answer, uint256 updatedAt, uint256 every, uint256 count)',
  'function skip(uint256 count)',
  'function startPhase()',
  'function answerMissingRounds(bool answers)',
]);

const priceFeedSource = fileURLToPath(new URL('contracts/PriceFeed.sol', import.meta.url));
const DAY_S = 86_400n;

export interface InstallFeedsOptions {
  /** Keeps the compiled contract, which otherwise takes about two seconds. */
  readonly cacheFolder?: string | undefined;
  /** The first price in USD with 8 decimals; `FIRST_PRICE` when left out. */
  readonly price?: bigint | undefined;
}

/**
 * Puts the stand-in feeds at the addresses of Chainlink's on Base: ETH/USD with one round of now, and the
 * sequencer's, up for 30 days. What is there already (after a restart, on a fork of Base) stays as it is, so
 * it may be called at every start.
 *
 * @throws when the chain does not answer or is no Anvil
 */
export async function installFeeds(rpcUrl: string, options: InstallFeedsOptions = {}): Promise<void> {
  const chain = feedClient(rpcUrl);
  const { timestamp } = await chain.getBlock();
  const upSince = timestamp - 30n * DAY_S;
  await installFeed(chain, {
    ...options,
    address: ETH_USD_FEED,
    decimals: 8,
    description: 'ETH / USD',
    firstRound: [options.price ?? FIRST_PRICE, 0n, 0n],
  });
  await installFeed(chain, {
    ...options,
    address: SEQUENCER_FEED,
    decimals: 0,
    description: 'L2 Sequencer Uptime Status Feed',
    firstRound: [0n, upSince, upSince],
  });
}

export interface PushOptions {
  /** The feed; ETH/USD when left out. */
  readonly feed?: Address | undefined;
  /** Seconds since the epoch; the block's time when left out. */
  readonly updatedAt?: bigint | undefined;
  /** Seconds since the epoch; `updatedAt` when left out. */
  readonly startedAt?: bigint | undefined;
  /** The phase whose aggregator gets the round; the current one when left out. */
  readonly phase?: number | undefined;
}

/**
 * Appends a round to a stand-in feed and waits for its block.
 *
 * @param answer USD per ETH with 8 decimals, or the sequencer's 0 and 1
 * @returns the hash of the transaction
 * @throws when there is no stand-in feed at the address (call `installFeeds` first)
 */
export async function pushPrice(rpcUrl: string, answer: bigint, options: PushOptions = {}): Promise<Hash> {
  const { feed = ETH_USD_FEED, updatedAt = 0n, startedAt = 0n, phase } = options;
  const data =
    phase === undefined
      ? pushData(answer, startedAt, updatedAt)
      : encodeFunctionData({
          abi: priceFeedControlAbi,
          functionName: 'pushTo',
          args: [phase, answer, startedAt, updatedAt],
        });
  return await send(feedClient(rpcUrl), feed, data);
}

/** Appends many rounds to a stand-in feed's current phase in one transaction, the answers 1 apart; at most 500. */
export async function pushPrices(
  rpcUrl: string,
  rounds: { answer: bigint; updatedAt: bigint; everySeconds: bigint; count: bigint; feed?: Address },
): Promise<Hash> {
  const { answer, updatedAt, everySeconds, count, feed = ETH_USD_FEED } = rounds;
  const data = encodeFunctionData({
    abi: priceFeedControlAbi,
    functionName: 'pushMany',
    args: [answer, updatedAt, everySeconds, count],
  });
  return await send(feedClient(rpcUrl), feed, data);
}

/** Leaves out rounds of a stand-in feed's current phase, as if its aggregator had lost them. */
export async function skipRounds(rpcUrl: string, count: bigint, feed: Address = ETH_USD_FEED): Promise<Hash> {
  const data = encodeFunctionData({ abi: priceFeedControlAbi, functionName: 'skip', args: [count] });
  return await send(feedClient(rpcUrl), feed, data);
}

/**
 * Moves a stand-in feed to its next phase, as Chainlink does when it replaces an aggregator. The new phase has
 * no round until one is pushed.
 */
export async function startFeedPhase(rpcUrl: string, feed: Address = ETH_USD_FEED): Promise<Hash> {
  const data = encodeFunctionData({ abi: priceFeedControlAbi, functionName: 'startPhase' });
  return await send(feedClient(rpcUrl), feed, data);
}

export interface PriceMovesOptions {
  readonly rpcUrl: string;
  /** The age at which a round is followed by the next; 10 minutes when left out. */
  readonly everyMs?: number | undefined;
  /** Called when a round could not be read or pushed; it is tried again after half a minute. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/**
 * Keeps the ETH/USD feed fresh: whenever the newest round is older than `everyMs` by the chain's own clock, at
 * once if it is so at the start, a round that differs by at most 0.3 % is pushed.
 */
export function startPriceMoves(options: PriceMovesOptions): { stop(): Promise<void> } {
  const { rpcUrl, everyMs = 600_000 } = options;
  const chain = feedClient(rpcUrl);
  const stopping = new AbortController();
  const { signal } = stopping;
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      // Looked at often, because a laptop that slept must not wait for another ten minutes.
      let waitMs = LOOK_MS_MAX;
      try {
        const leftMs = await pushWhenDue(chain, everyMs);
        waitMs = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, leftMs));
      } catch (error) {
        if (!signal.aborted) options.onError?.(error instanceof Error ? error : new Error(String(error)));
      }
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  };
  const ended = loop();
  return {
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

/**
 * The next step of the walk: at most 0.3 % away from `price`, and within half and double of `FIRST_PRICE`.
 *
 * @param stepPpm between -3000 and 3000
 */
export function movedPrice(price: bigint, stepPpm: number): bigint {
  const moved = price + (price * BigInt(stepPpm)) / 1_000_000n;
  const [least, most] = [FIRST_PRICE / 2n, FIRST_PRICE * 2n];
  // A price that was set outside of the bounds on purpose stays where it is.
  return moved < least || moved > most ? price : moved;
}

const LOOK_MS_MIN = 100;
const LOOK_MS_MAX = 30_000;
const STEP_PPM_MAX = 3_000;

/** Pushes a round if one is due. Answers how long until the next one is, in milliseconds. */
async function pushWhenDue(chain: FeedClient, everyMs: number): Promise<number> {
  const [, price, , updatedAt] = await chain.readContract({
    address: ETH_USD_FEED,
    abi: aggregatorV3Abi,
    functionName: 'latestRoundData',
  });
  // The pending block has the chain's own time, which tests and demos may have moved on.
  const { timestamp } = await chain.getBlock({ blockTag: 'pending' });
  const ageMs = Number(timestamp - updatedAt) * 1000;
  if (ageMs < everyMs) return everyMs - ageMs;
  const stepPpm = randomInt(-STEP_PPM_MAX, STEP_PPM_MAX + 1);
  await send(chain, ETH_USD_FEED, pushData(movedPrice(price, stepPpm)));
  return everyMs;
}

interface FeedInstallation extends InstallFeedsOptions {
  readonly address: Address;
  readonly decimals: number;
  readonly description: string;
  /** answer, startedAt, updatedAt */
  readonly firstRound: readonly [bigint, bigint, bigint];
}

/** Each step looks whether it was done, because a crash may come between any two. */
async function installFeed(chain: FeedClient, feed: FeedInstallation): Promise<void> {
  const { address } = feed;
  if ((await chain.getCode({ address })) === undefined) {
    const { PriceFeed } = compileSolidity({ 'PriceFeed.sol': priceFeedSource }, feed);
    if (PriceFeed === undefined) throw new Error(`There is no contract PriceFeed in ${priceFeedSource}.`);
    await chain.setCode({ address, bytecode: PriceFeed.deployedBytecode });
  }
  const proxy = { address, abi: aggregatorV3Abi } as const;
  if ((await chain.readContract({ ...proxy, functionName: 'phaseId' })) === 0) {
    const args = [feed.decimals, feed.description] as const;
    const data = encodeFunctionData({ abi: priceFeedControlAbi, functionName: 'initialize', args });
    await send(chain, address, data);
  }
  const hasRound = await chain.readContract({ ...proxy, functionName: 'latestRoundData' }).then(
    () => true,
    () => false,
  );
  if (!hasRound) await send(chain, address, pushData(...feed.firstRound));
}

type FeedClient = ReturnType<typeof feedClient>;

function feedClient(rpcUrl: string) {
  return createClient({
    chain: localBase,
    transport: http(rpcUrl),
    pollingInterval: 50,
    account: FEED_ACCOUNT.address,
  })
    .extend(testActions({ mode: 'anvil' }))
    .extend(publicActions)
    .extend(walletActions);
}

/** A 0 as time means the block's. */
function pushData(answer: bigint, startedAt = 0n, updatedAt = 0n): Hex {
  const args = [answer, startedAt, updatedAt] as const;
  return encodeFunctionData({ abi: priceFeedControlAbi, functionName: 'push', args });
}

async function send(chain: FeedClient, to: Address, data: Hex): Promise<Hash> {
  const hash = await sendNumbered(chain, to, data);
  const { status } = await chain.waitForTransactionReceipt({ hash });
  if (status !== 'success')
    throw new Error(`The contract at ${to} is not a stand-in feed: call installFeeds first.`);
  return hash;
}

/**
 * Anvil signs and numbers the transaction, but gives two that arrive at once the same number and refuses the
 * second: that one is sent again.
 */
async function sendNumbered(chain: FeedClient, to: Address, data: Hex, attemptsLeft = 20): Promise<Hash> {
  try {
    return await chain.sendTransaction({ to, data });
  } catch (error) {
    const clash =
      error instanceof Error && /replacement transaction underpriced|nonce too low/.test(error.message);
    if (!clash || attemptsLeft === 0) throw error;
    await sleep(randomInt(5, 50));
    return await sendNumbered(chain, to, data, attemptsLeft - 1);
  }
}
