import { microusdOfWei, microusdOfWeiTimesAnswer } from './amount.ts';
import { HOUR, type Instant, instantOfSeconds, MINUTE, SECOND } from './instant.ts';

/** The rules by which prices are chosen and applied, recorded with every price. A new rule is a new version. */
export const PRICE_RULE_VERSION = 1;

/** Chainlink's ETH/USD feed on Base beats every 1,200 s; an answer older than this is not used. */
export const PRICE_STALE_AFTER = 1800n * SECOND;
/** After the sequencer came back, prices are not trusted for this long (Chainlink's own advice). */
export const SEQUENCER_GRACE = HOUR;

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

export type PriceProblem = 'price_stale' | 'price_not_positive' | 'sequencer_down' | 'no_round';

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
  // Chainlink: answer 0 means that the sequencer is up, startedAt tells since when.
  if (sequencer.answer !== 0n || blockAt - instantOfSeconds(sequencer.startedAt) < SEQUENCER_GRACE)
    return 'sequencer_down';
  if (round.answer <= 0n) return 'price_not_positive';
  if (blockAt - instantOfSeconds(round.updatedAt) > PRICE_STALE_AFTER) return 'price_stale';
  return null;
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
