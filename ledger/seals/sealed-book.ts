import { netstrings } from '../core/encoding.ts';
import { hashLeaf } from './merkle.ts';

export const LEAF_VERSION = 'aispace-credits/leaf/1';

/** Where a book stands at a seal: its last entry by then. */
export interface SealedBook {
  /** `acct_…` or `system_…`. */
  readonly name: string;
  readonly seq: bigint;
  /** The hash of that entry, and so of the whole book up to it. */
  readonly head: Uint8Array;
  readonly availableMicrocredits: bigint;
  readonly heldMicrocredits: bigint;
  readonly debtMicrocredits: bigint;
}

/** The text of a book's leaf: netstrings, as core/encoding.ts has them. */
export function leafText(book: SealedBook): string {
  return netstrings([
    LEAF_VERSION,
    book.name,
    book.seq,
    Buffer.from(book.head).toString('hex'),
    book.availableMicrocredits,
    book.heldMicrocredits,
    book.debtMicrocredits,
  ]);
}

export function leafOf(book: SealedBook): Buffer {
  return hashLeaf(leafText(book));
}
