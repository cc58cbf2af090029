/**
 * What the last batches have left of books. The head of a book commits to everything that was ever posted to it, so a
 * book that is found locked under the head it was left with, whoever posted meanwhile, need not be loaded.
 */
import type { Book } from '../core/book.ts';

/** Of the limits others may change, and no entry tells of it: they are loaded every time. */
export type RememberedBook = Pick<Book, 'lots' | 'holds'>;

/** Books, lots and holds together; each takes well under a kilobyte. */
const SIZE_MAX = 100_000;

interface Remembered {
  readonly head: Uint8Array;
  readonly book: RememberedBook;
}

export class RememberedBooks {
  /** Those used longest ago come first. */
  readonly #byAccount = new Map<bigint, Remembered>();
  #size = 0;

  /** Whether the account's book is remembered, as it was at some time. */
  has(accountId: bigint): boolean {
    return this.#byAccount.has(accountId);
  }

  /** The book, if `head` is the hash of its last entry; undefined if it is not known as of that entry. */
  find(accountId: bigint, head: Uint8Array): RememberedBook | undefined {
    const remembered = this.#byAccount.get(accountId);
    return remembered && Buffer.compare(remembered.head, head) === 0 ? remembered.book : undefined;
  }

  /** Remembers what is open in `book`. To be told only of what was committed. */
  remember(accountId: bigint, head: Uint8Array, book: RememberedBook): void {
    this.#forget(accountId);
    const lots = book.lots.filter(lot => lot.open);
    const holds = book.holds.filter(hold => hold.closedBy === null);
    const remembered = { head, book: { lots, holds } };
    this.#byAccount.set(accountId, remembered);
    this.#size += sizeOf(remembered);
    if (this.#size > SIZE_MAX) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const accountId of this.#byAccount.keys()) {
      if (this.#size <= SIZE_MAX) break;
      this.#forget(accountId);
    }
  }

  #forget(accountId: bigint): void {
    const remembered = this.#byAccount.get(accountId);
    if (!remembered) return;
    this.#byAccount.delete(accountId);
    this.#size -= sizeOf(remembered);
  }
}

function sizeOf({ book }: Remembered): number {
  return 1 + book.lots.length + book.holds.length;
}
