/** The sweep on a test database, by the clock that the books of the test have. */

import { openKysely } from '../../ledger/store/postgres.ts';
import type { SweepContext } from '../../ledger/sweep/context.ts';
import { type Swept, sweep } from '../../ledger/sweep/sweep.ts';
import type { Books } from './books.ts';

/** What a sweep of `books` works with, `change` included. Its log is `lines`. */
export function sweepContext(
  books: Books,
  change: Partial<SweepContext> = {},
): SweepContext & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    db: openKysely(books.pool),
    poster: books.poster,
    bucketCount: books.bucketCount,
    now: async () => {
      if (books.now === null) throw new Error('a test that sweeps has a clock of its own');
      return books.now;
    },
    log: line => lines.push(line),
    ...change,
    lines,
  };
}

/** Sweeps everything that is due at the instant of the books' clock. */
export async function sweepNow(books: Books): Promise<Swept> {
  return await sweep(sweepContext(books), new AbortController().signal);
}
