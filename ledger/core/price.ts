import { microusdOfWei, microusdOfWeiTimesAnswer } from './amount.ts';
import { DAY, HOUR, type Instant, instantOfSeconds, MINUTE, SECOND } from './instant.ts';

/** The rules by which prices are chosen and applied, recorded with every price. A new rule is a new version. */
export const PRICE_RULE_VERSION = 2;

/** Chainlink's ETH/USD feed on Base beats every 1,200 s; an answer older than this is not used. */
export const PRICE_STALE_AFTER = 1800n * SECOND;
/** After the sequencer came back, prices are not trusted for this long (Chainlink's own advice). */
export const SEQUENCER_GRACE = HOUR;

/** Base makes a block every 2 s: a chain whose newest block is older than this by our clock is behind it. */
export const CHAIN_LAG_MAX = MINUTE;
/** A payment that waits for its price for so long is a person's to look at, who may then give it one. */
export const PRICE_WAIT_MAX = DAY;

/** How long a quoted price holds. */
export const QUOTE_LIFE = 10n * MINUTE;
/** A quote does not hold when the block's price is further away than this, in hundredths of a percent. */
const QUOTE_TOLERANCE_BASIS_POINTS = 200n;

/** One round of a Chainlink feed, as the proxy reports it. */
export interface FeedRound {
  /** Full round id: phase << 64 | round of the aggregator. */
  readonly roundId: bigint;
  readonly answer: bigint;
  /** Seconds since the epoch. */
  readonly startedAt: bigint;
  /** Seconds since the epoch. */
  readonly updatedAt: bigint;
}

export type PriceProblem =
  | 'price_stale'
  | 'price_not_positive'
  | 'sequencer_down'
  | 'no_round'
  | 'chain_behind';

/** Whether a round is too old to be used at `at`. */
export function isStale(round: FeedRound, at: Instant): boolean {
  return at - instantOfSeconds(round.updatedAt) > PRICE_STALE_AFTER;
}

/**
 * Whether prices could be trusted at `at`, by the round of the sequencer's feed that was in force then: answer 0 means
 * that the sequencer is up, and `startedAt` tells since when (https://docs.chain.link/data-feeds/l2-sequencer-feeds).
 */
export function isSequencerTrusted(status: FeedRound, at: Instant): boolean {
  return status.answer === 0n && at - instantOfSeconds(status.startedAt) >= SEQUENCER_GRACE;
}

/**
 * Whether a payment in a block at `blockAt` may be priced by `round`, the last one not after the block; with
 * the sequencer feed's round at that time. Null when it may.
 */
export function priceProblem(
  round: FeedRound | null,
  sequencer: FeedRound | null,
  blockAt: Instant,
): PriceProblem | null {
  if (round === null || sequencer === null) return 'no_round';
  if (!isSequencerTrusted(sequencer, blockAt)) return 'sequencer_down';
  if (round.answer <= 0n) return 'price_not_positive';
  return isStale(round, blockAt) ? 'price_stale' : null;
}

/** Whether the chain is behind the clock at `now` with a newest block of `headAt`. Never without a limit. */
export function isBehind(headAt: Instant, now: Instant, lagMax: Instant | null): boolean {
  return lagMax !== null && now - headAt > lagMax;
}

/**
 * Whether a round tells by itself that the chain was behind the clock when its block was made. Its oracles sign when
 * they observed the price (`startedAt`), the chain adds the time of the block it came in (`updatedAt`): where that is
 * long before, the block was made later than it says.
 */
export function showsLag(round: FeedRound, lagMax: Instant): boolean {
  return instantOfSeconds(round.startedAt - round.updatedAt) > lagMax;
}

/** Whether a price that a person names is within half and double of the last that is known. */
export function isPlausible(answer: bigint, lastAnswer: bigint): boolean {
  return answer * 2n >= lastAnswer && answer <= lastAnswer * 2n;
}

/** A price promised to an order, and how much of the promise earlier receipts have used. */
export interface Quote {
  readonly answer: bigint;
  /** The promise covers this much and no more. */
  readonly guaranteedWei: bigint;
  readonly usedWei: bigint;
  readonly deadline: Instant;
}

export interface Valuation {
  readonly amountMicrousd: bigint;
  /** How much of the receipt was taken at the quoted price; the rest was taken at the block's. */
  readonly quotedWei: bigint;
}

/**
 * What a receipt of `amountWei` is worth. The quoted price holds for blocks up to its deadline, for what is left
 * of the guaranteed amount, and only while it is within 2 % of the block's price; everything else is taken at
 * the block's price. Rounded down once, to the micro-dollar.
 */
export function valueReceipt(
  amountWei: bigint,
  blockAt: Instant,
  blockAnswer: bigint,
  quote: Quote | null,
): Valuation {
  if (quote === null || blockAt > quote.deadline || !isWithinTolerance(quote.answer, blockAnswer))
    return { amountMicrousd: microusdOfWei(amountWei, blockAnswer), quotedWei: 0n };
  const left = quote.guaranteedWei > quote.usedWei ? quote.guaranteedWei - quote.usedWei : 0n;
  const quotedWei = amountWei < left ? amountWei : left;
  const restWei = amountWei - quotedWei;
  return {
    amountMicrousd: microusdOfWeiTimesAnswer(quotedWei * quote.answer + restWei * blockAnswer),
    quotedWei,
  };
}

function isWithinTolerance(quoted: bigint, block: bigint): boolean {
  const apart = quoted > block ? quoted - block : block - quoted;
  return apart * 10_000n <= block * QUOTE_TOLERANCE_BASIS_POINTS;
}
