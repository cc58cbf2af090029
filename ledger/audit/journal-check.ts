import { bookName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { AssetSums } from './asset-sums.ts';
import { BookCheck } from './book-check.ts';
import { type BookRow, type BucketRows, type LotRow, nextAccount } from './bucket-rows.ts';
import type { Cursor } from './cursor.ts';
import type { Flaw, Problem } from './problem.ts';
import type { StoredChart } from './stored-chart.ts';
import { type EntryRow, type PostingRow, readAmount, readEntry, readInstant } from './stored-entry.ts';

export interface JournalCheckOptions {
  readonly chart: StoredChart;
  readonly bucketCount: number;
  /** Told from time to time how many entries were read. */
  readonly onProgress: (entriesDone: number) => void;
}

const ENTRIES_A_REPORT = 2000;

/** Checks all books that it is given, and counts what it reads. */
export class JournalCheck {
  readonly #options: JournalCheckOptions;
  readonly #sums: AssetSums;
  readonly #problems: Problem[] = [];
  #books = 0;
  #entries = 0;
  #postings = 0;

  constructor(options: JournalCheckOptions) {
    this.#options = options;
    this.#sums = new AssetSums(options.chart);
  }

  /** What was read so far, with the first flaw of each book and then what concerns no book. */
  get result() {
    return {
      books: this.#books,
      entries: this.#entries,
      postings: this.#postings,
      problems: [...this.#problems, ...this.#options.chart.problems, ...this.#sums.problems()],
    };
  }

  /** Checks every book of the bucket, and whatever is there without a book. Reads `rows` to their end. */
  async bucket(bucket: number, rows: BucketRows): Promise<void> {
    for (let id = await nextAccount(rows); id !== null; id = await nextAccount(rows)) {
      const flaw = await this.#account(bucket, id, rows);
      if (flaw) this.#problems.push({ book: bookName(bucket, id), ...flaw });
    }
  }

  /** Reads all that an account has; what follows its first flaw is read and no longer judged. */
  async #account(bucket: number, accountId: bigint, rows: BucketRows): Promise<Flaw | null> {
    const book = await next(rows.books, accountId);
    if (book) this.#books += 1;
    const check = book && new BookCheck(bookName(bucket, accountId));
    let flaw = book && this.#bucketFlaw(bucket, accountId);
    for (let row = await next(rows.entries, accountId); row; row = await next(rows.entries, accountId)) {
      this.#countEntry();
      flaw ??= check ? check.number(row.seq) : withoutBook('the entry', row.seq);
      const stray = await this.#passStrays(rows.postings, row);
      flaw ??= stray;
      const postings = await this.#postingsOf(rows.postings, row);
      if (check) flaw ??= this.#entryFlaw(check, row, postings);
    }
    const stray = await this.#passStrays(rows.postings, { account_id: accountId, seq: null });
    flaw ??= stray;
    if (check) flaw ??= endFlaw(check, book);
    for (let lot = await next(rows.lots, accountId); lot; lot = await next(rows.lots, accountId))
      flaw ??= check ? check.takeInLot(standingLot(lot)) : withoutBook(`lot ${lot.lot_id}`, null);
    if (check) flaw ??= check.endOfLots();
    return flaw;
  }

  #entryFlaw(check: BookCheck, row: EntryRow, postings: readonly PostingRow[]): Flaw | null {
    const read = readEntry(row, postings, this.#options.chart);
    return 'flaw' in read ? read.flaw : check.takeIn(read.entry, row.hash);
  }

  /** Passes the postings of entries that are not there: those of the account before `entry`, or all that are left. */
  async #passStrays(
    postings: Cursor<PostingRow>,
    entry: { readonly account_id: bigint; readonly seq: bigint | null },
  ): Promise<Flaw | null> {
    let flaw: Flaw | null = null;
    for (;;) {
      const row = await postings.peek();
      if (!row || row.account_id !== entry.account_id) return flaw;
      if (entry.seq !== null && row.seq >= entry.seq) return flaw;
      this.#takePosting(postings, row);
      const what = `posting ${row.line} is there without its entry`;
      flaw ??= { entry: row.seq, what, expected: `entry ${row.seq}`, found: 'no such entry' };
    }
  }

  async #postingsOf(postings: Cursor<PostingRow>, entry: EntryRow): Promise<PostingRow[]> {
    const taken: PostingRow[] = [];
    for (;;) {
      const row = await postings.peek();
      if (!row || row.account_id !== entry.account_id || row.seq !== entry.seq) return taken;
      this.#takePosting(postings, row);
      taken.push(row);
    }
  }

  #takePosting(postings: Cursor<PostingRow>, row: PostingRow): void {
    postings.pass();
    this.#postings += 1;
    const amount = readAmount(row.amount);
    if (amount !== null) this.#sums.add(row.from_code, row.to_code, amount);
  }

  #countEntry(): void {
    this.#entries += 1;
    if (this.#entries % ENTRIES_A_REPORT === 0) this.#options.onProgress(this.#entries);
  }

  /** Nobody looks for a book in a bucket that is not its own. */
  #bucketFlaw(bucket: number, accountId: bigint): Flaw | null {
    const { bucketCount } = this.#options;
    if (accountId === SYSTEM_ACCOUNT_ID) {
      if (bucket >= 0 && bucket < bucketCount) return null;
      const expected = `a bucket from 0 to ${bucketCount - 1}`;
      return { entry: null, what: 'there is no such bucket', expected, found: `bucket ${bucket}` };
    }
    const own = bucketOfAccount(accountId, bucketCount);
    if (own === bucket) return null;
    const what = 'the book is in a bucket that is not its own';
    return { entry: null, what, expected: `bucket ${own}`, found: `bucket ${bucket}` };
  }
}

/** The next row of the account, which is passed; null when there is none left. */
async function next<Row extends { readonly account_id: bigint }>(
  cursor: Cursor<Row>,
  accountId: bigint,
): Promise<Row | null> {
  const row = await cursor.peek();
  if (row?.account_id !== accountId) return null;
  cursor.pass();
  return row;
}

function withoutBook(thing: string, entry: bigint | null): Flaw {
  return { entry, what: `${thing} is there without a book`, expected: 'a book', found: 'none' };
}

function standingLot(row: LotRow) {
  return {
    id: row.lot_id,
    availableMicrocredits: row.available_microcredits,
    heldMicrocredits: row.held_microcredits,
    unreleasedMicrocredits: row.unreleased_microcredits,
    deferredMicrousd: row.deferred_microusd,
    addedAt: readInstant(row.added_at),
    expiresAt: readInstant(row.expires_at),
    policy: row.policy,
    paidMicrousd: row.paid_microusd,
    faceMicrocredits: row.face_microcredits,
    firstFaceMicrocredits: row.first_face,
    lastFaceMicrocredits: row.last_face,
  };
}

function endFlaw(check: BookCheck, row: BookRow): Flaw | null {
  const bookedAt = readInstant(row.booked_at);
  if (bookedAt === null) {
    const what = "the book's booked_at is no instant of a book";
    return { entry: row.seq, what, expected: 'an instant', found: row.booked_at };
  }
  const { seq, head, debt_microcredits: debtMicrocredits } = row;
  return check.end({ seq, head, bookedAt, debtMicrocredits });
}
