import { advance } from '../core/advance.ts';
import { availableOf, type Book, heldOf, renewsAt } from '../core/book.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import { isLive, type Lot, midnightsLeft } from '../core/lot.ts';
import { readLatestBook } from './latest-book.ts';
import { readPastBook } from './past-book.ts';
import type { ReadOptions } from './read-options.ts';

/** A lot as its owner sees it. */
export interface LotStatus
  extends Pick<
    Lot,
    | 'id'
    | 'addedAt'
    | 'expiresAt'
    | 'policy'
    | 'faceMicrocredits'
    | 'availableMicrocredits'
    | 'heldMicrocredits'
    | 'unreleasedMicrocredits'
    | 'paidMicrousd'
  > {
  /** How many renewals it still has ahead of it. */
  readonly renewalsLeft: number;
}

export interface Credits {
  readonly at: Instant;
  readonly availableMicrocredits: bigint;
  readonly heldMicrocredits: bigint;
  readonly debtMicrocredits: bigint;
  /** When credits renew next; null when no lot does. */
  readonly renewsAt: Instant | null;
  /** Live lots in burn order. */
  readonly lots: readonly LotStatus[];
}

/**
 * What an account has at `now`: its book advanced in memory, nothing is written. An account without a book has
 * nothing. Costs one look-up and the account's open lots, whatever its history.
 */
export async function readCredits(options: ReadOptions, accountId: bigint, now: Instant): Promise<Credits> {
  const book = await readLatestBook(options, accountId);
  return creditsOf(book, laterOf(now, book.bookedAt));
}

/**
 * What an account had at `at`, to the microsecond, holds included: everything booked by then, that instant included,
 * and what time had made due, whether or not it was posted by then. Costs a few look-ups and the lots of that time,
 * whatever its history. An instant still to come tells what will be there if nothing happens until then.
 */
export async function readCreditsAt(options: ReadOptions, accountId: bigint, at: Instant): Promise<Credits> {
  return creditsOf(await readPastBook(options, accountId, at), at);
}

function creditsOf(known: Book, at: Instant): Credits {
  const { book } = advance(known, at);
  return {
    at,
    availableMicrocredits: availableOf(book),
    heldMicrocredits: heldOf(book),
    debtMicrocredits: book.debtMicrocredits,
    renewsAt: renewsAt(book, at),
    lots: book.lots
      .filter(lot => isLive(lot, at))
      .map(lot => ({ ...lot, renewalsLeft: lot.policy === 'refill' ? midnightsLeft(lot, at) : 0 })),
  };
}
