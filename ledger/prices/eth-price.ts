import type { PublicClient } from 'viem';
import { ETH_USD_FEED, SEQUENCER_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { type Instant, MICROSECONDS_PER_SECOND } from '../core/instant.ts';
import { type FeedRound, type PriceProblem, priceProblem } from '../core/price.ts';
import { latestRound, roundById, roundInForce } from './feed-rounds.ts';

export type EthPrice =
  | { readonly round: FeedRound; readonly problem: null }
  | { readonly round: null; readonly problem: PriceProblem };

/** The ETH/USD round for a quote made at `now`, or why there is none. Throws when the RPC does not answer. */
export async function currentEthPrice(client: PublicClient, now: Instant): Promise<EthPrice> {
  const [round, sequencer] = await Promise.all([
    latestRound(client, ETH_USD_FEED),
    latestRound(client, SEQUENCER_FEED),
  ]);
  const problem = priceProblem(round, sequencer, now);
  return problem === null ? { round, problem } : { round: null, problem };
}

/** The price of a block, and whether it is the one in force at the block or a later one. */
export type BlockPrice = EthPrice & { readonly late: boolean };

/**
 * The ETH/USD round for a payment in a block at `blockAt`: the one in force then. Where that is stale, the next
 * valid round after it, as soon as there is one. Throws when the RPC does not answer.
 */
export async function ethPriceAt(client: PublicClient, blockAt: Instant): Promise<BlockPrice> {
  const timestamp = blockAt / MICROSECONDS_PER_SECOND;
  const [round, sequencer] = await Promise.all([
    roundInForce(client, ETH_USD_FEED, timestamp),
    roundInForce(client, SEQUENCER_FEED, timestamp),
  ]);
  const problem = priceProblem(round, sequencer, blockAt);
  if (problem === null && round) return { round, problem, late: false };
  if (round === null || problem !== 'price_stale') {
    return { round: null, problem: problem ?? 'no_round', late: true };
  }
  const next = await roundById(client, ETH_USD_FEED, round.roundId + 1n);
  if (!next || next.answer <= 0n) return { round: null, problem, late: true };
  return { round: next, problem: null, late: true };
}
