import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import { advance } from '../core/advance.ts';
import type { Book } from '../core/book.ts';
import type { Instant } from '../core/instant.ts';
import type { Entry } from '../core/journal.ts';
import { findDueBooks } from '../store/due-books.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import { readLatestBook } from './latest-book.ts';
import type { ReadOptions } from './read-options.ts';

/** A book in which something is due. */
export interface UnpostedBook {
  readonly accountId: bigint;
  /** As it is stored. */
  readonly before: Book;
  /** With what is due. */
  readonly after: Book;
  readonly entries: readonly Entry[];
}

const PAGE = 500;

/** The books in which time has made something due by `at` that nobody has posted yet, advanced in memory. */
export async function* readUnposted(options: ReadOptions, at: Instant): AsyncGenerator<UnpostedBook> {
  for (const bucket of await bucketsWithOpen(options.db)) {
    let last: bigint | null = 0n;
    while (last !== null) {
      const page = await findDueBooks(runIn(options.db), { bucket, after: last, through: at, limit: PAGE });
      for (const accountId of page.accountIds) {
        const before = await readLatestBook(options, accountId);
        const { book: after, entries } = advance(before, at);
        yield { accountId, before, after, entries };
      }
      last = page.last;
    }
  }
}

/** The buckets in which something may be due: those of an open lot or an open hold. */
async function bucketsWithOpen(db: Kysely<Tables>): Promise<number[]> {
  const { rows } = await sql<{ bucket: number }>`
    select bucket from lots where open
    union
    select bucket from holds where closed_by is null
    order by bucket`.execute(db);
  return rows.map(({ bucket }) => bucket);
}
