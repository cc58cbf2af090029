import { type Address, BaseError, ContractFunctionRevertedError, type PublicClient, zeroAddress } from 'viem';
import { aggregatorV3Abi } from '../../contracts-abi/aggregator-v3.ts';
import type { FeedRound } from '../core/price.ts';

/** A full round id is `phase << 64 | round`: the proxy counts its aggregators as phases from 1, each counts its rounds. */
export const PHASE_SHIFT = 64n;

/** A feed, read through an RPC at one block for all reads: behind a balancer the next node may be behind. */
export interface FeedReader {
  readonly client: PublicClient;
  /** The proxy. */
  readonly feed: Address;
  /** A recent block, which any node has the state of; the newest when left out. */
  readonly blockNumber?: bigint;
}

/**
 * The round that the feed calls its latest, or null while its current phase has none. Throws when the RPC does not
 * answer, as all here do.
 */
export async function readLatestRound(reader: FeedReader): Promise<FeedRound | null> {
  return await orMissing(reader.client.readContract({ ...at(reader), functionName: 'latestRoundData' }));
}

/** The round with this full id, or null when the feed has none. */
export async function readRound(reader: FeedReader, roundId: bigint): Promise<FeedRound | null> {
  const read = { ...at(reader), functionName: 'getRoundData', args: [roundId] } as const;
  return await orMissing(reader.client.readContract(read));
}

/** The phase that the feed is in, counted from 1. */
export async function readCurrentPhase(reader: FeedReader): Promise<bigint> {
  return BigInt(await reader.client.readContract({ ...at(reader), functionName: 'phaseId' }));
}

/**
 * The last round of a phase, by the phase's own aggregator, which answers anybody who reads from outside the chain;
 * null where it has none or does not tell.
 */
export async function readLastRound(reader: FeedReader, phase: bigint): Promise<FeedRound | null> {
  const read = { ...at(reader), functionName: 'phaseAggregators', args: [Number(phase)] } as const;
  const aggregator = await reader.client.readContract(read);
  if (aggregator === zeroAddress) return null;
  const last = await readLatestRound({ ...reader, feed: aggregator });
  return last && { ...last, roundId: (phase << PHASE_SHIFT) | last.roundId };
}

function at({ feed, blockNumber }: FeedReader) {
  return { address: feed, abi: aggregatorV3Abi, ...(blockNumber === undefined ? {} : { blockNumber }) };
}

type RoundData = readonly [bigint, bigint, bigint, bigint, bigint];

/** Older aggregators revert for a round that they do not have, newer ones answer with zeros. */
async function orMissing(reading: Promise<RoundData>): Promise<FeedRound | null> {
  try {
    const [roundId, answer, startedAt, updatedAt] = await reading;
    return updatedAt === 0n ? null : { roundId, answer, startedAt, updatedAt };
  } catch (error) {
    if (error instanceof BaseError && error.walk(cause => cause instanceof ContractFunctionRevertedError))
      return null;
    throw error;
  }
}
