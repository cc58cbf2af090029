import { advance } from '../core/advance.ts';
import type { Book } from '../core/book.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import { LOT_LIFE } from '../core/lot.ts';
import { readLatestBook } from './latest-book.ts';
import type { ReadOptions } from './read-options.ts';

/** What a lot loses at its end. */
export interface Lapse {
  readonly at: Instant;
  readonly lotId: bigint;
  /** Never zero: a lot that ends empty loses nothing. */
  readonly amountMicrocredits: bigint;
}

/**
 * What lapses when, the soonest first, if nothing is spent or bought any more: a lot that renews loses its whole face,
 * as it is full again by then. Held credits are not in it, but for those given back before.
 */
export async function readExpirySchedule(
  options: ReadOptions,
  accountId: bigint,
  now: Instant,
): Promise<Lapse[]> {
  return lapsesOf(await readLatestBook(options, accountId), now);
}

/** The same of a book that was read before. */
export function lapsesOf(known: Book, now: Instant): Lapse[] {
  const { book } = advance(known, now);
  const last = book.lots.reduce((latest, lot) => laterOf(lot.expiresAt, latest), now + LOT_LIFE);
  return advance(book, last)
    .entries.filter(({ kind }) => kind === 'expiry')
    .flatMap(({ bookedAt, postings }) => {
      const byLot = new Map<bigint, bigint>();
      for (const { to, lot, amount } of postings)
        if (to === 'CREDIT:breakage' && lot) byLot.set(lot.id, (byLot.get(lot.id) ?? 0n) + amount);
      return [...byLot].map(([lotId, amountMicrocredits]) => ({ at: bookedAt, lotId, amountMicrocredits }));
    });
}
