/** Handing a receipt that is somebody's and has its price on to the customer's book. */
import type { Kysely, Selectable } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { assignmentPostings } from '../core/system-book.ts';
import { bookSystemEntries } from '../posting/system-entries.ts';
import type { BookRow } from '../store/books.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { AssignmentTable, PriceRecordTable, Tables } from '../store/tables.ts';
import type { IntakeContext } from './context.ts';
import { inclusionEntry } from './inclusion-entry.ts';
import type { Included } from './receipt-facts.ts';

/** An inclusion with what is recorded of it. */
export interface PricedAssignment {
  readonly inclusion: Included;
  readonly assignment: Pick<Selectable<AssignmentTable>, 'account_id' | 'order_id' | 'matched_by'>;
  readonly price: Pick<
    Selectable<PriceRecordTable>,
    'answer' | 'round_id' | 'quoted_wei' | 'amount_microusd'
  >;
  /** When it counts as paid; null: when it is posted, so that no life is lost while it waited. */
  readonly paidAt: Instant | null;
}

/**
 * Books the exchange of the receipt's ETH into dollars and puts the purchase in the outbox, in the transaction `trx`,
 * which holds the lock of the system book `book`. Does nothing below a micro-dollar: there is nothing to credit, and
 * it stays in suspense. Once per inclusion.
 */
export async function bookAssignment(
  context: IntakeContext,
  { trx, book }: { readonly trx: Kysely<Tables>; readonly book: BookRow },
  { inclusion, assignment, price, paidAt }: PricedAssignment,
  now: Instant,
): Promise<void> {
  if (price.amount_microusd === 0n) return;
  const postings = assignmentPostings(inclusion.amountWei, price.amount_microusd);
  const entry = inclusionEntry(inclusion, 'assignment', postings);
  await bookSystemEntries(runIn(trx), context.codes, book, [entry], now);
  await trx
    .insertInto('outbox')
    .values({
      bucket: inclusion.bucket,
      receipt_id: inclusion.receiptId,
      version: inclusion.version,
      action: 'purchase',
      account_id: assignment.account_id,
      amount_microusd: price.amount_microusd,
      paid_at: paidAt === null ? null : instantText(paidAt),
      details: JSON.stringify({
        receipt: inclusion.receiptId,
        version: inclusion.version,
        order: assignment.order_id,
        matched_by: assignment.matched_by,
        policy: 'refill',
        answer: price.answer.toString(),
        // An operator's price has none.
        round_id: price.round_id?.toString() ?? null,
        quoted_wei: price.quoted_wei.toString(),
        amount_wei: inclusion.amountWei.toString(),
      }),
      decided_at: instantText(now),
    })
    .execute();
}
