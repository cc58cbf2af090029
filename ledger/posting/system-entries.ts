import { bookName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { EMPTY_BOOK } from '../core/book.ts';
import { GENESIS_HASH } from '../core/encoding.ts';
import type { Instant } from '../core/instant.ts';
import type { Entry } from '../core/journal.ts';
import { appendSystemEntry, type SystemEntry } from '../core/system-book.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import { createBooks, lockBooks } from '../store/books.ts';
import type { RunSql } from '../store/run-sql.ts';
import { writeEntries } from '../store/write-entries.ts';
import { sealEntries } from './seal.ts';

/**
 * Books system entries of `bucket` at `instant`, in the transaction that `run` belongs to and that writes the
 * facts they rest on. An entry whose key has been consumed fails by the database's uniqueness: the caller decides
 * from facts of the same transaction whether it is due.
 */
export async function bookSystemEntries(
  run: RunSql,
  codes: AccountCodes,
  bucket: number,
  drafts: readonly SystemEntry[],
  instant: Instant,
): Promise<void> {
  if (drafts.length === 0) return;
  const key = { bucket, accountId: SYSTEM_ACCOUNT_ID };
  await createBooks(run, [key], GENESIS_HASH);
  const [row] = await lockBooks(run, [key]);
  if (!row) throw new Error(`the system book of bucket ${bucket} is missing`);
  let book = { ...EMPTY_BOOK, seq: row.seq, bookedAt: row.bookedAt };
  const entries: Entry[] = [];
  for (const draft of drafts) {
    const step = appendSystemEntry(book, draft, instant);
    book = { ...step.book, lots: [] };
    entries.push(...step.entries);
  }
  const { head, sealed } = sealEntries(row.head, bookName(bucket, SYSTEM_ACCOUNT_ID), entries);
  await writeEntries(run, codes, [{ ...key, book, head, entries: sealed, lots: [] }]);
}
