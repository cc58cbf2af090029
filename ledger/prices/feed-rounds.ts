import { type Address, BaseError, ContractFunctionRevertedError, type PublicClient } from 'viem';
import { aggregatorV3Abi } from '../../contracts-abi/aggregator-v3.ts';
import type { FeedRound } from '../core/price.ts';

/** A full round id is `phase << 64 | round`: the proxy counts its aggregators as phases. */
const PHASE_BITS = 64n;
const ROUND_MASK = (1n << PHASE_BITS) - 1n;

/** Payments are priced seconds after their block, so the round is the newest or one of its neighbours. */
const NEIGHBOURS = 3n;

/** A feed, read through an RPC at one block for all reads: behind a balancer the next node may be behind. */
export interface FeedReader {
  readonly client: PublicClient;
  readonly feed: Address;
  /** A recent block, which any node has the state of; the newest when left out. */
  readonly blockNumber?: bigint;
}

/** The newest round of the feed. */
export async function latestRound({ client, feed, blockNumber }: FeedReader): Promise<FeedRound> {
  return toRound(
    await client.readContract({
      address: feed,
      abi: aggregatorV3Abi,
      functionName: 'latestRoundData',
      ...(blockNumber === undefined ? {} : { blockNumber }),
    }),
  );
}

/** The round with this full id, or null when the feed has none. */
export async function roundById(
  { client, feed, blockNumber }: FeedReader,
  roundId: bigint,
): Promise<FeedRound | null> {
  try {
    const round = toRound(
      await client.readContract({
        address: feed,
        abi: aggregatorV3Abi,
        functionName: 'getRoundData',
        args: [roundId],
        ...(blockNumber === undefined ? {} : { blockNumber }),
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
 * The round in force at `timestamp` (seconds): the last of the current phase that was there by then, read from recent
 * state, so that no archive node is needed. Null when the phase begins later. Throws when the RPC does not answer.
 * @param since What counts: prices are in force since they were updated; the sequencer's status since it started, as
 * its feed refreshes `updatedAt` in place.
 */
export async function roundInForce(
  reader: FeedReader,
  timestamp: bigint,
  since: 'updatedAt' | 'startedAt' = 'updatedAt',
): Promise<FeedRound | null> {
  const isInForce = (round: FeedRound) => round[since] <= timestamp;
  const latest = await latestRound(reader);
  if (isInForce(latest)) return latest;
  const phase = latest.roundId & ~ROUND_MASK;
  const last = latest.roundId & ROUND_MASK;
  for (let back = 1n; back <= NEIGHBOURS && last - back >= 1n; back += 1n) {
    const round = await roundById(reader, phase | (last - back));
    if (round && isInForce(round)) return round;
  }
  // Rounds are in order of time, so halve what is left. A missing round counts as too late: its neighbour decides.
  let low = 1n;
  let high = last - NEIGHBOURS - 1n;
  let found: FeedRound | null = null;
  while (low <= high) {
    const middle = (low + high) / 2n;
    const round = await roundById(reader, phase | middle);
    if (round && isInForce(round)) {
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
