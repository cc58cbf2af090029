/** One book as it is stored against the same book made again: entries in their order, each with what is wrong with it. */
import type { Flaw } from '../audit/problem.ts';
import { GENESIS_HASH } from '../core/encoding.ts';
import type { Entry } from '../core/journal.ts';
import { hashEntry } from '../posting/seal.ts';
import { entryDifference } from './entry-differences.ts';

export interface StoredEntry {
  readonly entry: Entry;
  readonly hash: Uint8Array;
}

/** So many differences of a book are told: what follows the first ones mostly hangs on them. */
const DIFFERENCES_MAX = 20;

export class BookComparison {
  readonly #name: string;
  readonly #flaws: Flaw[] = [];
  #head: Uint8Array = GENESIS_HASH;
  #more = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** The hash of the last entry that was made again. */
  get head(): Uint8Array {
    return this.#head;
  }

  get flaws(): readonly Flaw[] {
    if (this.#more === 0) return this.#flaws;
    const what = 'there are more differences in this book';
    return [...this.#flaws, { entry: null, what, expected: 'none', found: `${this.#more} more` }];
  }

  add(flaw: Flaw): void {
    if (this.#flaws.length < DIFFERENCES_MAX) this.#flaws.push(flaw);
    else this.#more += 1;
  }

  /** What was made again must be what is stored, one by one. */
  compare(made: readonly Entry[], stored: readonly StoredEntry[]): void {
    const length = Math.max(made.length, stored.length);
    for (let index = 0; index < length; index += 1) {
      const [expected, found] = [made[index], stored[index]];
      if (expected) this.#head = hashEntry(this.#head, this.#name, expected);
      if (expected && found) this.#compareOne(expected, found);
      else if (expected) this.add(missing(expected));
      else if (found) this.add(unfounded(found.entry));
    }
  }

  #compareOne(expected: Entry, { entry, hash }: StoredEntry): void {
    const difference = entryDifference(this.#name, expected, entry);
    if (difference) this.add(difference);
    // Behind a difference every hash is another.
    else if (this.#flaws.length === 0 && !Buffer.from(this.#head).equals(hash))
      this.add({
        entry: entry.seq,
        what: 'its hash is another',
        expected: hex(this.#head),
        found: hex(hash),
      });
  }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function missing({ seq, kind, amountMicrocredits }: Entry): Flaw {
  return {
    entry: seq,
    what: 'an entry that follows from what is recorded is missing',
    expected: `${kind} of ${amountMicrocredits}`,
    found: 'no such entry',
  };
}

function unfounded({ seq, kind, amountMicrocredits }: Entry): Flaw {
  return {
    entry: seq,
    what: 'nothing that is recorded leads to this entry',
    expected: 'no such entry',
    found: `${kind} of ${amountMicrocredits}`,
  };
}
