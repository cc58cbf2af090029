import type pg from 'pg';
import { bookName } from '../core/account-id.ts';
import type { Book } from '../core/book.ts';
import { GENESIS_HASH } from '../core/encoding.ts';
import type { Entry } from '../core/journal.ts';
import { sealEntries } from '../posting/seal.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import type { BookKey } from '../store/book-statement.ts';
import { createBooks } from '../store/books.ts';
import { runOn } from '../store/run-sql.ts';
import { type BookChange, type SealedEntry, writeEntries } from '../store/write-entries.ts';
import type { ReplayedBook } from './replayed-book.ts';

/** So many entries travel at once. */
const CHUNK = 500;

/** Writes a book in chunks; the lots, which change until its end, come last. */
export class BookWriter {
  readonly #client: pg.ClientBase;
  readonly #codes: AccountCodes;
  readonly #key: BookKey;
  #sealed: SealedEntry[] = [];
  #holds: BookChange['holds'][number][] = [];
  #head: Uint8Array = GENESIS_HASH;

  private constructor(client: pg.ClientBase, codes: AccountCodes, key: BookKey) {
    this.#client = client;
    this.#codes = codes;
    this.#key = key;
  }

  /** Makes the book, which there is not yet, in the transaction of `client` and the first schema of its path. */
  static async begin(client: pg.ClientBase, codes: AccountCodes, key: BookKey): Promise<BookWriter> {
    await createBooks(runOn(client), [key], GENESIS_HASH);
    return new BookWriter(client, codes, key);
  }

  get head(): Uint8Array {
    return this.#head;
  }

  async add(entries: readonly Entry[], book: Book): Promise<void> {
    const { bucket, accountId } = this.#key;
    const { head, sealed } = sealEntries(this.#head, bookName(bucket, accountId), entries);
    this.#head = head;
    this.#sealed.push(...sealed);
    if (this.#sealed.length >= CHUNK) await this.flush(book);
  }

  noteHolds(holds: BookChange['holds']): void {
    this.#holds.push(...holds);
  }

  /** @param ended At the end of a customer's book: what it has besides its entries. */
  async flush(book: Book, ended?: ReplayedBook): Promise<void> {
    if (this.#sealed.length === 0 && !ended) return;
    const change: BookChange = {
      ...this.#key,
      book,
      head: this.#head,
      entries: this.#sealed,
      newLots: ended?.lots ?? [],
      changedLots: [],
      faces: ended?.faces ?? [],
      holds: this.#holds,
      reversals: ended?.reversals ?? [],
      // Their rows are copied with what was used of them.
      limits: [],
    };
    this.#sealed = [];
    this.#holds = [];
    await writeEntries(runOn(this.#client), this.#codes, [change]);
  }
}
