import { createHash } from 'node:crypto';
import { encodeEntry } from '../core/encoding.ts';
import type { Entry } from '../core/journal.ts';
import type { SealedEntry } from '../store/write-entries.ts';

/** The hash of `entry` behind `head`, the hash of the entry before it (see core/encoding.ts). */
export function hashEntry(head: Uint8Array, book: string, entry: Entry): Buffer {
  return createHash('sha256').update(head).update(encodeEntry(book, entry), 'utf8').digest();
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
