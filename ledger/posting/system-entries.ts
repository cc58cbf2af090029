import { bookName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { type Book, EMPTY_BOOK } from '../core/book.ts';
import { GENESIS_HASH } from '../core/encoding.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import type { Entry } from '../core/journal.ts';
import { appendSystemEntry, type SystemEntry } from '../core/system-book.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import { type BookRow, createBooks, lockBooks } from '../store/books.ts';
import type { RunSql } from '../store/run-sql.ts';
import { readSealFence } from '../store/seal-fence.ts';
import { writeEntries } from '../store/write-entries.ts';
import { sealEntries } from './seal.ts';

/**
 * Locks the system book of `bucket` until the transaction of `run` ends. Whoever decides about a receipt of the bucket
 * takes this lock first and then reads what is recorded of it, so that two never decide on the same state. Many read the
 * clock before they lock: the book is told to be booked through the seals' fence, so that nothing comes before one.
 */
export async function lockSystemBook(run: RunSql, bucket: number): Promise<BookRow> {
  const key = { bucket, accountId: SYSTEM_ACCOUNT_ID };
  await createBooks(run, [key], GENESIS_HASH);
  const [row] = await lockBooks(run, [key]);
  if (!row) throw new Error(`the system book of bucket ${bucket} is missing`);
  const fence = await readSealFence(run);
  return fence === null ? row : { ...row, bookedAt: laterOf(row.bookedAt, fence + 1n) };
}

/**
 * Books system entries at `instant`, in the transaction that `run` belongs to, which holds the lock of `locked` and
 * writes the facts they rest on. Returns what the book is then, for what the transaction books next: `locked` is no
 * longer it.
 */
export async function bookSystemEntries(
  run: RunSql,
  codes: AccountCodes,
  locked: BookRow,
  drafts: readonly SystemEntry[],
  instant: Instant,
): Promise<BookRow> {
  if (drafts.length === 0) return locked;
  let book: Book = { ...EMPTY_BOOK, seq: locked.seq, bookedAt: locked.bookedAt };
  const entries: Entry[] = [];
  for (const draft of drafts) {
    const step = appendSystemEntry(book, draft, instant);
    book = step.book;
    entries.push(...step.entries);
  }
  const { bucket, accountId } = locked;
  const { head, sealed } = sealEntries(locked.head, bookName(bucket, accountId), entries);
  await writeEntries(run, codes, [
    {
      bucket,
      accountId,
      book,
      head,
      entries: sealed,
      newLots: [],
      changedLots: [],
      faces: [],
      holds: [],
      reversals: [],
      limits: [],
    },
  ]);
  return { ...locked, seq: book.seq, bookedAt: book.bookedAt, head };
}
