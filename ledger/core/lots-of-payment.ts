import type { Book } from './book.ts';
import type { Lot } from './lot.ts';

/**
 * The lots that a payment has led to: the one that was bought, and those that gave it back after it had been taken back;
 * the newest first. Throws when the bought one is not in the book.
 */
export function lotsOfPayment(book: Book, lotId: bigint): Lot[] {
  const lots = book.lots.filter(lot => lot.id === lotId || lot.restoresLotId === lotId);
  if (!lots.some(lot => lot.id === lotId)) throw new Error(`lot ${lotId} is not in the book`);
  return lots.sort((a, b) => (a.id > b.id ? -1 : 1));
}
