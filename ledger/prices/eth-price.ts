import type { PublicClient } from 'viem';
import { ETH_USD_FEED, SEQUENCER_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { type Instant, instantOfSeconds, MICROSECONDS_PER_SECOND } from '../core/instant.ts';
import { type FeedRound, type PriceProblem, priceProblem } from '../core/price.ts';
import { type FeedReader, latestRound, roundById, roundInForce } from './feed-rounds.ts';

export type EthPrice =
  | { readonly round: FeedRound; readonly problem: null }
  | { readonly round: null; readonly problem: PriceProblem };

/** The ETH/USD round for a quote made at `now`, or why there is none. Throws when the RPC does not answer. */
export async function currentEthPrice(client: PublicClient, now: Instant): Promise<EthPrice> {
  const [round, sequencer] = await Promise.all([
    latestRound({ client, feed: ETH_USD_FEED }),
    latestRound({ client, feed: SEQUENCER_FEED }),
  ]);
  const problem = priceProblem(round, sequencer, now);
  return problem === null ? { round, problem } : { round: null, problem };
}

/** The price of a block, and whether it is the one in force at the block or a later one. */
export type BlockPrice = EthPrice & { readonly late: boolean };

/**
 * The ETH/USD round for a payment in a block at `blockAt`: the one in force then. Where that cannot be used (stale, not
 * positive, or the sequencer was down), the first valid round after it, as soon as there is one. Throws when the RPC
 * does not answer.
 * @param blockNumber The block at which the feeds are read: the newest known, not before the payment's.
 */
export async function ethPriceAt(
  client: PublicClient,
  blockAt: Instant,
  blockNumber: bigint,
): Promise<BlockPrice> {
  const prices: FeedReader = { client, feed: ETH_USD_FEED, blockNumber };
  const sequencerAt = (at: Instant) =>
    roundInForce({ client, feed: SEQUENCER_FEED, blockNumber }, at / MICROSECONDS_PER_SECOND, 'startedAt');
  const [round, sequencer] = await Promise.all([
    roundInForce(prices, blockAt / MICROSECONDS_PER_SECOND),
    sequencerAt(blockAt),
  ]);
  const problem = priceProblem(round, sequencer, blockAt);
  if (round === null) return { round: null, problem: problem ?? 'no_round', late: true };
  if (problem === null) return { round, problem, late: false };
  for (let next = await after(prices, round); next; next = await after(prices, next)) {
    const updatedAt = instantOfSeconds(next.updatedAt);
    if (priceProblem(next, await sequencerAt(updatedAt), updatedAt) === null)
      return { round: next, problem: null, late: true };
  }
  return { round: null, problem, late: true };
}

function after(prices: FeedReader, round: FeedRound): Promise<FeedRound | null> {
  return roundById(prices, round.roundId + 1n);
}
