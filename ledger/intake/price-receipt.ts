/** Giving a receipt its price, for ever, and handing it on to the customer's book. */
import { type Kysely, sql } from 'kysely';
import { ETH_USD_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { type Instant, instantOfSeconds } from '../core/instant.ts';
import { type FeedRound, PRICE_RULE_VERSION, type Quote, valueReceipt } from '../core/price.ts';
import { findOrder, type OrderRow } from '../orders/find-order.ts';
import { lockSystemBook } from '../posting/system-entries.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import { bookAssignment } from './book-assignment.ts';
import type { IntakeContext } from './context.ts';
import { isDecidedByPerson } from './decided-by-person.ts';
import { type Included, readLatestInclusion, readPrice } from './receipt-facts.ts';

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
 * the outbox, in one transaction. Does nothing when the inclusion has its price or no longer holds: the round was read
 * from the chain before, and much may have happened since.
 */
export async function priceReceipt(
  context: IntakeContext,
  inclusion: Included,
  price: GivenPrice,
  now: Instant,
): Promise<void> {
  const answer = 'round' in price ? price.round.answer : price.answer;
  await context.db.transaction().execute(async trx => {
    const at = { bucket: inclusion.bucket, receipt_id: inclusion.receiptId, version: inclusion.version };
    const book = await lockSystemBook(runIn(trx), inclusion.bucket);
    if (!(await isUnpriced(trx, inclusion))) return;
    const assignment = await trx
      .selectFrom('assignments')
      .select(['account_id', 'order_id', 'matched_by'])
      .where('bucket', '=', at.bucket)
      .where('receipt_id', '=', at.receipt_id)
      .where('version', '=', at.version)
      .executeTakeFirst();
    const order = assignment?.order_id
      ? // Locked, so that two payments of one order never use the same part of its quote.
        await findOrder({ db: trx, bucketCount: context.installation.bucketCount }, assignment.order_id, true)
      : null;
    // Whoever claims a payment later chooses the order, and must not choose its price with it.
    const isChosenLater = assignment && isDecidedByPerson(assignment.matched_by);
    const quote = order && !price.noQuote && !isChosenLater ? await quoteOf(trx, order) : null;
    const valuation = valueReceipt(inclusion.amountWei, inclusion.blockAt, answer, quote);
    const priced = {
      answer,
      round_id: 'round' in price ? price.round.roundId : null,
      quoted_wei: valuation.quotedWei,
      amount_microusd: valuation.amountMicrousd,
    };
    await trx
      .insertInto('price_records')
      .values({
        ...at,
        ...priced,
        ...sourceColumns(price),
        rule_version: PRICE_RULE_VERSION,
        quote_answer: valuation.quotedWei > 0n ? (quote?.answer ?? null) : null,
        decided_at: instantText(now),
      })
      .execute();
    if (!assignment) return;
    // Priced late or claimed out of suspense: no life is to be lost while it waited.
    const paidAt = price.late || isDecidedByPerson(assignment.matched_by) ? null : inclusion.blockAt;
    await bookAssignment(context, { trx, book }, { inclusion, assignment, price: priced, paidAt }, now);
  });
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

/** The order's promise, less what payments that stand have used of it. */
async function quoteOf(db: Kysely<Tables>, order: OrderRow): Promise<Quote | null> {
  if (order.quote_answer === null || order.guaranteed_wei === null) return null;
  const { rows } = await sql<{ used: bigint }>`
    select coalesce(sum(p.quoted_wei), 0) as used
    from assignments a
    join price_records p on p.bucket = a.bucket and p.receipt_id = a.receipt_id and p.version = a.version
    where a.order_id = ${order.order_id}
      and not exists (select from receipt_inclusions later where later.bucket = a.bucket
        and later.receipt_id = a.receipt_id and later.version > a.version)`.execute(db);
  return {
    answer: order.quote_answer,
    guaranteedWei: order.guaranteed_wei,
    usedWei: rows[0]?.used ?? 0n,
    deadline: order.deadline,
  };
}
