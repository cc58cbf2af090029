import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { SuspenseReason } from '../core/suspense-reason.ts';
import type { BookRow } from '../store/books.ts';
import type { Tables } from '../store/tables.ts';
import { assignInclusion, type RecordedPrice } from './assign-inclusion.ts';
import type { LastAssignment } from './assignment-facts.ts';
import { carryOverAssignment } from './carry-over-assignment.ts';
import type { IntakeContext } from './context.ts';
import type { Included } from './receipt-facts.ts';
import { writeSuspenseReason } from './suspense-facts.ts';

/**
 * Leaves an inclusion that was assigned in suspense, until an operator assigns it anew. Where one had done so wherever
 * the chain had it before, that holds here too. In the transaction `trx`, which holds the lock of the system book `book`.
 */
export async function keepBack(
  context: IntakeContext,
  { trx, book }: { readonly trx: Kysely<Tables>; readonly book: BookRow },
  {
    inclusion,
    assignment,
    reason,
    price,
  }: {
    readonly inclusion: Included;
    readonly assignment: LastAssignment;
    readonly reason: SuspenseReason;
    readonly price: RecordedPrice;
  },
  now: Instant,
): Promise<void> {
  const { number } = assignment;
  await writeSuspenseReason(trx, inclusion, { assignmentNumber: number, reason }, now);
  const match = await carryOverAssignment(context, trx, inclusion);
  if (match === null || 'noMatch' in match || match.matchedBy !== 'operator') return;
  await assignInclusion(context, { trx, book }, { inclusion, match, number: number + 1, price }, now);
}
