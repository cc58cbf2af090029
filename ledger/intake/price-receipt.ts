/** Giving a receipt its price, for ever, and handing it on to the customer's book. */
import type { Kysely } from 'kysely';
import { ETH_USD_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { type Instant, instantOfSeconds } from '../core/instant.ts';
import { type FeedRound, PRICE_RULE_VERSION } from '../core/price.ts';
import { recordActionIn } from '../operators/record-action.ts';
import { lockSystemBook } from '../posting/system-entries.ts';
import type { BookRow } from '../store/books.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import { matchOf, readLastAssignment } from './assignment-facts.ts';
import { bookAssignment } from './book-assignment.ts';
import type { IntakeContext } from './context.ts';
import { isDecidedByPerson } from './decided-by-person.ts';
import { keepBack } from './keep-back.ts';
import { type Included, readLatestInclusion, readPrice } from './receipt-facts.ts';
import { blockValue, valuePayment } from './value-payment.ts';
import { whyKeptBack } from './why-kept-back.ts';

/** What an inclusion is to be priced by: a round of the feed, or what an operator says. */
export type GivenPrice = (
  | { readonly round: FeedRound }
  | { readonly answer: bigint; readonly operator: string; readonly reason: string }
) & {
  /** Whether it is not the round in force at its block: then the credits count from when they are posted. */
  readonly late: boolean;
  /** True where no quoted price holds, whatever was promised. */
  readonly noQuote?: boolean;
};

/**
 * Records the price of `inclusion` and, when it belongs to an account, books the exchange and puts the purchase in
 * the outbox, in one transaction; or keeps it back in suspense. Does nothing when the inclusion has its price or no
 * longer holds: the round was read from the chain before, and much may have happened since. False when it must wait for
 * the price of another payment of its order, which comes before it in the chain.
 */
export async function priceReceipt(
  context: IntakeContext,
  inclusion: Included,
  price: GivenPrice,
  now: Instant,
): Promise<boolean> {
  const { late, noQuote = false } = price;
  const answer = 'round' in price ? price.round.answer : price.answer;
  return await context.db.transaction().execute(async trx => {
    const locked = await lockSystemBook(runIn(trx), inclusion.bucket);
    if (!(await isUnpriced(trx, inclusion))) return true;
    const assignment = await readLastAssignment(trx, inclusion);
    const match = assignment && matchOf(assignment);
    const value = await valuePayment(context, trx, {
      payment: inclusion,
      price: { answer, noQuote },
      match,
    });
    if (value.mustWait) return false;
    const book = await recordIfOperator(context, { trx, book: locked }, { inclusion, price }, now);
    const keptBackFor = match && (await whyKeptBack(context, trx, match, value, now));
    // What stays in suspense uses no quote.
    const valued = keptBackFor ? blockValue(inclusion, answer) : value;
    const priced = {
      answer,
      round_id: 'round' in price ? price.round.roundId : null,
      quoted_wei: valued.quotedWei,
      amount_microusd: valued.amountMicrousd,
      no_quote: noQuote,
    };
    await trx
      .insertInto('price_records')
      .values({
        bucket: inclusion.bucket,
        receipt_id: inclusion.receiptId,
        version: inclusion.version,
        ...priced,
        ...sourceColumns(price),
        rule_version: PRICE_RULE_VERSION,
        quote_answer: valued.quoteAnswer,
        decided_at: instantText(now),
      })
      .execute();
    if (!assignment) return true;
    if (keptBackFor) {
      await keepBack(
        context,
        { trx, book },
        { inclusion, assignment, reason: keptBackFor, price: priced },
        now,
      );
      return true;
    }
    // Priced late or claimed out of suspense: no life is to be lost while it waited.
    const paidAt = late || isDecidedByPerson(assignment.matched_by) ? null : inclusion.blockAt;
    await bookAssignment(context, { trx, book }, { inclusion, assignment, price: priced, paidAt }, now);
    return true;
  });
}

/** Seals who gave the price and why, when an operator did. Returns the book as it is then. */
async function recordIfOperator(
  { codes }: Pick<IntakeContext, 'codes'>,
  held: { readonly trx: Kysely<Tables>; readonly book: BookRow },
  { inclusion, price }: { readonly inclusion: Included; readonly price: GivenPrice },
  now: Instant,
): Promise<BookRow> {
  if ('round' in price) return held.book;
  const { operator, reason, answer } = price;
  const { receiptId, version } = inclusion;
  const decided = { version, answer: answer.toString() };
  const action = { action: 'price_receipt', operator, subject: receiptId, reason, decided } as const;
  return await recordActionIn(codes, held, { ...action, occasion: String(version) }, now);
}

function sourceColumns(price: GivenPrice) {
  if (!('round' in price))
    return { source: 'operator', operator: price.operator, reason: price.reason } as const;
  return {
    source: 'chainlink',
    feed: ETH_USD_FEED.toLowerCase(),
    round_started_at: instantText(instantOfSeconds(price.round.startedAt)),
    round_updated_at: instantText(instantOfSeconds(price.round.updatedAt)),
  } as const;
}

/** Whether `inclusion` is still the latest of its receipt and has no price. */
async function isUnpriced(db: Kysely<Tables>, inclusion: Included): Promise<boolean> {
  const { bucket, receiptId, version } = inclusion;
  const latest = await readLatestInclusion(db, bucket, receiptId);
  if (latest?.version !== version) return false;
  return (await readPrice(db, inclusion)) === null;
}
