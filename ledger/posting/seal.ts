import { hash } from 'node:crypto';
import { encodeEntry } from '../core/encoding.ts';
import type { Entry } from '../core/journal.ts';
import type { SealedEntry } from '../store/write-entries.ts';

/** Where an entry is written out to be hashed; entries are of a few hundred bytes. */
const scratch = Buffer.alloc(16 * 1024);

/** The hash of `entry` behind `head`, the hash of the entry before it (see core/encoding.ts). */
export function hashEntry(head: Uint8Array, book: string, entry: Entry): Buffer {
  const text = encodeEntry(book, entry);
  // A character takes up to three bytes.
  if (head.length + text.length * 3 > scratch.length)
    return hash('sha256', Buffer.concat([head, Buffer.from(text, 'utf8')]), 'buffer');
  scratch.set(head);
  const end = head.length + scratch.write(text, head.length, 'utf8');
  return hash('sha256', scratch.subarray(0, end), 'buffer');
}

/** Chains `entries` onto `head`, and returns them with the new head. */
export function sealEntries(
  head: Uint8Array,
  book: string,
  entries: readonly Entry[],
): { head: Uint8Array; sealed: SealedEntry[] } {
  let last = head;
  const sealed = entries.map(entry => {
    last = hashEntry(last, book, entry);
    return { entry, hash: last };
  });
  return { head: last, sealed };
}
