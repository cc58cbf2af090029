import type { Instant } from '../core/instant.ts';
import type { Posting } from '../core/journal.ts';
import type { SystemEntry } from '../core/system-book.ts';
import { commandIdentity, OWN_SERVICE_ID } from '../posting/identity.ts';

/** The entry of the system book about a version of a card payment; its key makes it the only one. */
export function cardEntry(
  { receiptId, version, orderId }: { receiptId: string; version: number; orderId: string },
  effectiveAt: Instant,
  postings: readonly Posting[],
): SystemEntry {
  return {
    kind: 'card_payment',
    identity: commandIdentity({
      serviceId: OWN_SERVICE_ID,
      keyNumber: null,
      idempotencyKey: `card_payment:${receiptId}:${version}`,
      payload: JSON.stringify({ receipt: receiptId, version }),
    }),
    effectiveAt,
    postings,
    details: JSON.stringify({ receipt: receiptId, version, order: orderId }),
  };
}
