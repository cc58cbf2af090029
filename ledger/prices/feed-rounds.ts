import { type Address, BaseError, ContractFunctionRevertedError, type PublicClient } from 'viem';
import { aggregatorV3Abi } from '../../contracts-abi/aggregator-v3.ts';
import type { FeedRound } from '../core/price.ts';

/** A full round id is `phase << 64 | round`: the proxy counts its aggregators as phases. */
const PHASE_BITS = 64n;
const ROUND_MASK = (1n << PHASE_BITS) - 1n;

/** Payments are priced seconds after their block, so the round is the newest or one of its neighbours. */
const NEIGHBOURS = 3n;

/** The newest round of the feed, by the RPC's current state. */
export async function latestRound(client: PublicClient, feed: Address): Promise<FeedRound> {
  return toRound(
    await client.readContract({ address: feed, abi: aggregatorV3Abi, functionName: 'latestRoundData' }),
  );
}

/** The round with this full id, or null when the feed has none. */
export async function roundById(
  client: PublicClient,
  feed: Address,
  roundId: bigint,
): Promise<FeedRound | null> {
  try {
    const round = toRound(
      await client.readContract({
        address: feed,
        abi: aggregatorV3Abi,
        functionName: 'getRoundData',
        args: [roundId],
      }),
    );
    // Some aggregators answer zeros for a round they do not have instead of reverting.
    return round.updatedAt === 0n ? null : round;
  } catch (error) {
    if (error instanceof BaseError && error.walk(cause => cause instanceof ContractFunctionRevertedError))
      return null;
    throw error;
  }
}

/**
 * The round in force at `timestamp` (seconds): the last of the current phase that was updated by then, read from
 * the RPC's current state, so that no archive node is needed. Null when the phase begins later. Throws when the
 * RPC does not answer.
 */
export async function roundInForce(
  client: PublicClient,
  feed: Address,
  timestamp: bigint,
): Promise<FeedRound | null> {
  const latest = await latestRound(client, feed);
  if (latest.updatedAt <= timestamp) return latest;
  const phase = latest.roundId & ~ROUND_MASK;
  const last = latest.roundId & ROUND_MASK;
  for (let back = 1n; back <= NEIGHBOURS && last - back >= 1n; back += 1n) {
    const round = await roundById(client, feed, phase | (last - back));
    if (round && round.updatedAt <= timestamp) return round;
  }
  // Rounds are in order of time, so halve what is left. A missing round counts as too late: its neighbour decides.
  let low = 1n;
  let high = last - NEIGHBOURS - 1n;
  let found: FeedRound | null = null;
  while (low <= high) {
    const middle = (low + high) / 2n;
    const round = await roundById(client, feed, phase | middle);
    if (round && round.updatedAt <= timestamp) {
      found = round;
      low = middle + 1n;
    } else {
      high = middle - 1n;
    }
  }
  return found;
}

function toRound([roundId, answer, startedAt, updatedAt]: readonly [
  bigint,
  bigint,
  bigint,
  bigint,
  bigint,
]): FeedRound {
  return { roundId, answer, startedAt, updatedAt };
}
