/** Recomputes the hash chain of a book from its journal, with nothing but the browser (see docs/proof.md). */
import type { SealedEntry } from './answers.ts';

export interface VerifiedJournal {
  readonly count: number;
  /** The hash of the last entry, in hex; null without entries. */
  readonly head: string | null;
}

/** The head as `entries` lead to it. Throws an Error that names the first entry that does not hold. */
export async function verifyJournal(entries: readonly SealedEntry[]): Promise<VerifiedJournal> {
  let before: Uint8Array<ArrayBuffer> = new Uint8Array(32);
  let book: string | undefined;
  for (const [index, { seq, sealed, hash }] of entries.entries()) {
    const text = new TextEncoder().encode(sealed);
    const [version, ofBook, ofSeq] = firstNetstrings(text, 3);
    const place = `Entry ${index + 1}`;
    if (version !== 'aispace-credits/entry/1')
      throw new Error(`${place} is no entry that this page can read.`);
    book ??= ofBook;
    if (ofBook !== book) throw new Error(`${place} is of another book.`);
    if (seq !== String(index + 1) || ofSeq !== seq) throw new Error(`${place} is missing, or there twice.`);
    const both = new Uint8Array(before.length + text.length);
    both.set(before);
    both.set(text, before.length);
    before = new Uint8Array(await crypto.subtle.digest('SHA-256', both));
    if (hexOf(before) !== hash)
      throw new Error(`${place} does not hold: its hash is not that of its text and of the entry before.`);
  }
  return { count: entries.length, head: entries.length === 0 ? null : hexOf(before) };
}

/** `<length in bytes>:<bytes>,` so many times; fewer where the text ends or is none of that. */
function firstNetstrings(bytes: Uint8Array, count: number): string[] {
  const values: string[] = [];
  for (let at = 0; values.length < count; ) {
    const colon = bytes.indexOf(58, at);
    const length = new TextDecoder().decode(bytes.subarray(at, colon));
    if (colon < 0 || !/^(0|[1-9]\d{0,8})$/.test(length)) break;
    const end = colon + 1 + Number(length);
    if (bytes[end] !== 44) break;
    values.push(new TextDecoder().decode(bytes.subarray(colon + 1, end)));
    at = end + 1;
  }
  return values;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
