/** The ETH/USD price to quote by, and the one for a payment. */
import type { PublicClient } from 'viem';
import { ETH_USD_FEED, SEQUENCER_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { type Instant, instantOfSeconds, MICROSECONDS_PER_SECOND } from '../core/instant.ts';
import {
  type FeedRound,
  isBehind,
  isSequencerTrusted,
  isStale,
  type PriceProblem,
  priceProblem,
  SEQUENCER_GRACE,
  showsLag,
} from '../core/price.ts';
import { FeedHistory } from './feed-history.ts';
import { readLatestRound } from './read-round.ts';

export type EthPrice =
  | { readonly round: FeedRound; readonly problem: null }
  | { readonly round: null; readonly problem: PriceProblem };

/**
 * The ETH/USD round for a quote made at `now`, or why there is none. Throws when the RPC does not answer.
 * @param lagMax How old the chain's newest block may be; null: any age.
 */
export async function currentEthPrice(
  client: PublicClient,
  now: Instant,
  lagMax: Instant | null,
): Promise<EthPrice> {
  const [head, round, sequencer] = await Promise.all([
    client.getBlock({ blockTag: 'latest' }),
    readLatestRound({ client, feed: ETH_USD_FEED }),
    readLatestRound({ client, feed: SEQUENCER_FEED }),
  ]);
  const problem = isBehind(instantOfSeconds(head.timestamp), now, lagMax)
    ? 'chain_behind'
    : priceProblem(round, sequencer, now);
  // A round that is null is a problem.
  return problem === null && round !== null
    ? { round, problem }
    : { round: null, problem: problem ?? 'no_round' };
}

/** The round that the ETH/USD feed calls its latest, however old; null without one. Throws when the RPC does not answer. */
export function latestEthRound(client: PublicClient): Promise<FeedRound | null> {
  return readLatestRound({ client, feed: ETH_USD_FEED });
}

/** Both feeds as of one block. */
export interface Feeds {
  readonly prices: FeedHistory;
  readonly sequencer: FeedHistory;
}

/** @param blockNumber The block at which the feeds are read: the newest known, not before those of the payments. */
export function feedsAt(client: PublicClient, blockNumber: bigint): Feeds {
  return {
    prices: new FeedHistory({ client, feed: ETH_USD_FEED, blockNumber }, 'updatedAt'),
    sequencer: new FeedHistory({ client, feed: SEQUENCER_FEED, blockNumber }, 'startedAt'),
  };
}

/** A payment, as far as its price goes. */
export interface PaymentTime {
  /** The time of its block, in whole seconds. */
  readonly blockAt: Instant;
  /** When it was first seen. */
  readonly noticedAt: Instant;
  /** When the chain had caught up again, where it was seen to be behind the clock as it made the block; null: it was not. */
  readonly caughtUpAt: Instant | null;
}

export type BlockPrice = EthPrice & {
  /** False for the round in force at the block, true for a later one. */
  readonly late: boolean;
  /** True where the chain was behind the clock: whoever paid might have known what the price would become. */
  readonly noQuote: boolean;
};

/**
 * The ETH/USD round for a payment: the one in force at its block. Where that cannot be used (stale, not positive, the
 * sequencer down or the chain behind the clock), the first valid round after, as soon as there is one. Throws when the
 * RPC does not answer.
 *
 * The chain may also have been behind while nobody watched. Then the first round after the block tells, where its
 * oracles signed long after the time of their own block; only for a payment that was not seen in time, as one that was
 * cannot have been made late.
 * @param lagMax How long after the time of its block a payment was seen in time; null: whenever it was seen.
 */
export async function ethPriceFor(
  feeds: Feeds,
  payment: PaymentTime,
  lagMax: Instant | null,
): Promise<BlockPrice> {
  const { blockAt } = payment;
  const caughtUpAt = payment.caughtUpAt ?? (await unwatchedLagEnd(feeds, payment, lagMax));
  if (caughtUpAt !== null) return await priceAfter(feeds, caughtUpAt, 'chain_behind');
  const [sequencer, round] = await Promise.all([
    feeds.sequencer.roundInForce(blockAt / MICROSECONDS_PER_SECOND),
    answerAt(feeds.prices, blockAt / MICROSECONDS_PER_SECOND),
  ]);
  const problem = priceProblem(round, sequencer, blockAt);
  if (problem !== null || round === null) return await priceAfter(feeds, blockAt, problem ?? 'no_round');
  return { round, problem, late: false, noQuote: false };
}

/**
 * The feed's answer at `time`: the round in force in the newest phase that was answering then. Where none was, the newest
 * phase's, which is too old. The proxy may have pointed to an older phase; but an aggregator that was replaced goes on
 * unwatched, if it does, and counts only while there is no other.
 */
async function answerAt(prices: FeedHistory, time: bigint): Promise<FeedRound | null> {
  let newest: FeedRound | null = null;
  for await (const round of prices.roundsInForce(time)) {
    if (!isStale(round, instantOfSeconds(time))) return round;
    newest ??= round;
  }
  return newest;
}

/** When the oracles signed the first round after a payment that nobody saw in time, if that shows the chain behind. */
async function unwatchedLagEnd(
  { prices }: Feeds,
  { blockAt, noticedAt }: PaymentTime,
  lagMax: Instant | null,
): Promise<Instant | null> {
  if (lagMax === null || noticedAt - blockAt <= lagMax) return null;
  const next = await prices.firstFrom(blockAt / MICROSECONDS_PER_SECOND + 1n);
  return next && showsLag(next, lagMax) ? instantOfSeconds(next.startedAt) : null;
}

/** So many rounds that cannot be used, and so many changes of the sequencer's status, are gone through. */
const STEPS_MAX = 32;

/** The first valid round after `instant`: a positive answer of the feed at a time when the sequencer could be trusted. */
async function priceAfter(feeds: Feeds, instant: Instant, problem: PriceProblem): Promise<BlockPrice> {
  const noQuote = problem === 'chain_behind';
  let from = instant / MICROSECONDS_PER_SECOND + 1n;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const trusted = await nextTrusted(feeds.sequencer, from);
    const next = trusted === null ? null : await feeds.prices.firstFrom(trusted, isPositive);
    if (trusted === null || next === null) break;
    from = next.updatedAt;
    // The sequencer may have gone down in between.
    if ((await nextTrusted(feeds.sequencer, from)) !== from) continue;
    // It counts if it is what the feed answered at its time.
    const round = await answerAt(feeds.prices, from);
    if (round && isPositive(round) && round.updatedAt >= trusted)
      return { round, problem: null, late: true, noQuote };
    from += 1n;
  }
  return { round: null, problem, late: true, noQuote };
}

function isPositive({ answer }: FeedRound): boolean {
  return answer > 0n;
}

/** The first second from `time` on at which the sequencer can be trusted, as far as its feed knows; null while down. */
async function nextTrusted(sequencer: FeedHistory, time: bigint): Promise<bigint | null> {
  let at = time;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const status = await sequencer.roundInForce(at);
    if (status && isSequencerTrusted(status, instantOfSeconds(at))) return at;
    if (status?.answer === 0n) {
      at = status.startedAt + SEQUENCER_GRACE / MICROSECONDS_PER_SECOND;
      continue;
    }
    const next = await sequencer.firstFrom(at + 1n);
    if (next === null) return null;
    at = next.startedAt;
  }
  return null;
}
