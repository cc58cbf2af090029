/** Making an inclusion in suspense somebody's. */
import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { BookRow } from '../store/books.ts';
import type { Tables } from '../store/tables.ts';
import { writeAssignment } from './assignment-facts.ts';
import { bookAssignment, type PricedAssignment } from './book-assignment.ts';
import type { IntakeContext } from './context.ts';
import type { Match } from './match-inclusion.ts';
import type { Included, PriceRow } from './receipt-facts.ts';
import { valuePayment } from './value-payment.ts';

/** As its price record has it. */
export type RecordedPrice = PricedAssignment['price'] & Pick<PriceRow, 'no_quote'>;

/**
 * Writes down whose the inclusion is and, when it has its price, books the exchange, with the quote of the order where
 * that still promises something; in the transaction `trx`, which holds the lock of the system book `book`. Returns what
 * it is worth, null while it waits for its price.
 */
export async function assignInclusion(
  context: IntakeContext,
  { trx, book }: { readonly trx: Kysely<Tables>; readonly book: BookRow },
  {
    inclusion,
    match,
    number,
    price,
  }: {
    readonly inclusion: Included;
    readonly match: Match;
    readonly number: number;
    readonly price: RecordedPrice | null;
  },
  now: Instant,
): Promise<bigint | null> {
  if (!price) {
    await writeAssignment(trx, inclusion, match, { number, now });
    return null;
  }
  const { quoteAnswer, quotedWei, amountMicrousd } = await valuePayment(context, trx, {
    payment: inclusion,
    price: { answer: price.answer, noQuote: price.no_quote },
    match,
  });
  const worth = quoteAnswer === null ? null : { quoteAnswer, quotedWei, amountMicrousd };
  await writeAssignment(trx, inclusion, match, { number, now, worth });
  const assignment = { account_id: match.accountId, order_id: match.orderId, matched_by: match.matchedBy };
  const valued = { ...price, quoted_wei: quotedWei, amount_microusd: amountMicrousd };
  await bookAssignment(context, { trx, book }, { inclusion, assignment, price: valued, paidAt: null }, now);
  return amountMicrousd;
}
