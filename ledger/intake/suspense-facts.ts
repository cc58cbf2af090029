import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { SuspenseReason } from '../core/suspense-reason.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { Included } from './receipt-facts.ts';

/**
 * Writes down why an inclusion is in suspense, in a transaction that holds the lock of its system book: because the
 * assignment of this number was kept back, or, with number 0, because there is none.
 */
export async function writeSuspenseReason(
  trx: Kysely<Tables>,
  { bucket, receiptId, version }: Included,
  { assignmentNumber, reason }: { readonly assignmentNumber: number; readonly reason: SuspenseReason },
  now: Instant,
): Promise<void> {
  await trx
    .insertInto('suspense_reasons')
    .values({
      bucket,
      receipt_id: receiptId,
      version,
      assignment_number: assignmentNumber,
      reason,
      decided_at: instantText(now),
    })
    .execute();
}
