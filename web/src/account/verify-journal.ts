/** Recomputes the hash chain of a book from its journal, with nothing but the browser (see docs/proof.md). */
import type { SealedEntry } from './answers.ts';
import { bytesOf, hexOf, readNetstrings, sha256 } from './hashing.ts';

/** What the text of an entry tells that a seal is compared with. */
export interface VerifiedEntry {
  readonly hash: string;
  /** In microseconds since the epoch. */
  readonly bookedAt: bigint;
  /** What was available, held and owed after it, in microcredits. */
  readonly after: readonly string[];
}

export interface VerifiedJournal {
  readonly entries: readonly VerifiedEntry[];
  /** `acct_…`; null without entries. */
  readonly book: string | null;
  /** The hash of the last entry, in hex; null without entries. */
  readonly head: string | null;
}

/** Encoding, book, number, kind, effective and booked instant, six more, and what was left. */
const FIELDS = 15;
const BOOKED_AT = 5;
const AFTER = 12;

/** The head as `entries` lead to it. Throws an Error that names the first entry that does not hold. */
export async function verifyJournal(entries: readonly SealedEntry[]): Promise<VerifiedJournal> {
  let before: Uint8Array = new Uint8Array(32);
  let book: string | null = null;
  const verified: VerifiedEntry[] = [];
  for (const [index, { seq, sealed, hash }] of entries.entries()) {
    const text = bytesOf(sealed);
    const fields = readNetstrings(text, FIELDS);
    const [version, ofBook = '', ofSeq] = fields;
    const place = `Entry ${index + 1}`;
    if (version !== 'aispace-credits/entry/1')
      throw new Error(`${place} is no entry that this page can read.`);
    book ??= ofBook;
    if (ofBook !== book) throw new Error(`${place} is of another book.`);
    if (seq !== String(index + 1) || ofSeq !== seq) throw new Error(`${place} is missing, or there twice.`);
    before = await sha256(before, text);
    if (hexOf(before) !== hash)
      throw new Error(`${place} does not hold: its hash is not that of its text and of the entry before.`);
    const after = fields.slice(AFTER);
    verified.push({ hash, bookedAt: BigInt(fields[BOOKED_AT] ?? ''), after });
  }
  return { entries: verified, book, head: verified.at(-1)?.hash ?? null };
}
