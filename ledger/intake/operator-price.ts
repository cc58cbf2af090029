/** Giving a receipt a price by the word of an operator, where the feed gave none for a day. */
import { BaseError } from 'viem';
import { clearAlarm } from '../alarms/alarm.ts';
import type { Instant } from '../core/instant.ts';
import { isPlausible, PRICE_WAIT_MAX } from '../core/price.ts';
import { latestEthRound } from '../prices/eth-price.ts';
import { bucketOf } from '../store/bucket.ts';
import { readCaughtUp } from './chain-head.ts';
import type { IntakeContext } from './context.ts';
import { priceReceipt } from './price-receipt.ts';
import { included, type PriceRow, readLatestInclusion, readPrice } from './receipt-facts.ts';

export interface OperatorPrice {
  readonly receiptId: string;
  /** Dollars for an ETH with 8 decimals, as the feed has them; more than 0. */
  readonly answer: bigint;
  /** The name of the operator's token. */
  readonly operator: string;
  /** Why, kept with the price. */
  readonly reason: string;
  /** That the price is meant although it is far from the feed's latest, or that cannot be read. */
  readonly isConfirmed: boolean;
  readonly now: Instant;
}

/** Why a price was not recorded. A refusal changes nothing. */
export type OperatorPriceRefusal =
  | { readonly code: 'reason_required' }
  | { readonly code: 'receipt_unknown' }
  /** The chain took it back. */
  | { readonly code: 'receipt_absent' }
  /** It has its price, and keeps it. */
  | { readonly code: 'receipt_priced' }
  /** It has not waited for a day: the feed may still price it. */
  | { readonly code: 'price_not_due'; readonly possibleFrom: Instant }
  /** A payment of the same order that is before this one in the chain has no price: it goes first. */
  | { readonly code: 'earlier_unpriced' }
  /** Less than half or more than double of the feed's latest answer; null: there is none to compare with. */
  | { readonly code: 'price_unconfirmed'; readonly latestAnswer: bigint | null };

export type OperatorPriceOutcome =
  | {
      readonly status: 'priced';
      /** The inclusion that was priced. */
      readonly version: number;
      readonly amountMicrousd: bigint;
      readonly decidedAt: Instant;
    }
  | { readonly status: 'refused'; readonly refusal: OperatorPriceRefusal };

/**
 * Records an operator's price for the standing inclusion of a receipt that has waited for its price for 24 hours since
 * it was noticed, and hands it on as any priced receipt; its credits count from when they are posted. Asking for the
 * same again (answer, operator and reason) gives the same answer. A reason is kept without the white space around it.
 */
export async function recordOperatorPrice(
  context: IntakeContext,
  request: OperatorPrice,
): Promise<OperatorPriceOutcome> {
  const { receiptId, answer, operator, isConfirmed, now } = request;
  if (answer <= 0n) throw new Error('a price is more than 0');
  const reason = request.reason.trim();
  const given = { answer, operator, reason };
  if (reason === '') return refused({ code: 'reason_required' });
  const bucket = bucketOf(receiptId, context.installation.bucketCount);
  const latest = await readLatestInclusion(context.db, bucket, receiptId);
  if (!latest) return refused({ code: 'receipt_unknown' });
  if (latest.outcome !== 'included') return refused({ code: 'receipt_absent' });
  const inclusion = included(latest);
  const before = await readPrice(context.db, inclusion);
  if (before) return outcomeOf(before, given);
  const possibleFrom = inclusion.noticedAt + PRICE_WAIT_MAX;
  if (now < possibleFrom) return refused({ code: 'price_not_due', possibleFrom });
  if (!isConfirmed) {
    const latestAnswer = await readLatestAnswer(context);
    if (latestAnswer === null || !isPlausible(answer, latestAnswer))
      return refused({ code: 'price_unconfirmed', latestAnswer });
  }
  const noQuote = (await readCaughtUp(context, inclusion)) !== null;
  if (!(await priceReceipt(context, inclusion, { ...given, late: true, noQuote }, now)))
    return refused({ code: 'earlier_unpriced' });
  // The worker may have been quicker, or a reorg.
  const recorded = await readPrice(context.db, inclusion);
  if (!recorded) return refused({ code: 'receipt_absent' });
  await clearAlarm(context, 'price_pending', receiptId);
  return outcomeOf(recorded, given);
}

/** What the price that an inclusion has is to somebody who gave one. */
function outcomeOf(
  price: PriceRow,
  given: { readonly answer: bigint; readonly operator: string; readonly reason: string },
): OperatorPriceOutcome {
  const { source, answer, operator, reason } = price;
  if (
    source !== 'operator' ||
    answer !== given.answer ||
    operator !== given.operator ||
    reason !== given.reason
  )
    return refused({ code: 'receipt_priced' });
  return {
    status: 'priced',
    version: price.version,
    amountMicrousd: price.amount_microusd,
    decidedAt: price.decided_at,
  };
}

/** The feed's latest answer, however old; null when there is none or it cannot be read. */
async function readLatestAnswer({ client }: IntakeContext): Promise<bigint | null> {
  try {
    const round = await latestEthRound(client);
    return round && round.answer > 0n ? round.answer : null;
  } catch (error) {
    if (error instanceof BaseError) return null;
    throw error;
  }
}

function refused(refusal: OperatorPriceRefusal): OperatorPriceOutcome {
  return { status: 'refused', refusal };
}
