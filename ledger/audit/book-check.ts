import { lesserOf } from '../core/amount.ts';
import { assetOf, type LedgerAccount } from '../core/chart.ts';
import { GENESIS_HASH } from '../core/encoding.ts';
import type { Instant } from '../core/instant.ts';
import { type Entry, hasPostings, type Posting } from '../core/journal.ts';
import { hashEntry } from '../posting/seal.ts';
import { instantText } from '../store/instant-text.ts';
import { LotHoldings, type StandingLot } from './lot-holdings.ts';
import { LotTerms, type StatedTerms } from './lot-terms.ts';
import type { Flaw } from './problem.ts';

/** Where a book says that it stands. */
export interface Standing {
  readonly seq: bigint;
  readonly head: Uint8Array;
  readonly bookedAt: Instant;
  readonly debtMicrocredits: bigint;
}

/**
 * Checks one book, customer's or system's: its entries in their order, where it says that it stands, and each of its
 * lots. Everything that is expected is recomputed from the entries before, and nothing is known of their kinds but
 * which of them move nothing. What
 * follows the first flaw hangs on it: once a flaw was returned, there is nothing more to ask.
 */
export class BookCheck {
  readonly #name: string;
  readonly #balances = new Map<LedgerAccount, bigint>();
  readonly #lots = new LotHoldings();
  readonly #terms = new LotTerms();
  #seq = 0n;
  #head: Uint8Array = GENESIS_HASH;
  #bookedAt: Instant = 0n;
  #standingDeferred = 0n;

  /** `name` is the book's, `acct_…` or `system_…`: it is sealed with each entry. */
  constructor(name: string) {
    this.#name = name;
  }

  /** A flaw unless the next entry is number `seq`. */
  number(seq: bigint): Flaw | null {
    const next = this.#seq + 1n;
    if (seq === next) return null;
    return { entry: next, what: 'the entry is missing', expected: `entry ${next}`, found: `entry ${seq}` };
  }

  /** Takes in the next entry, which is stored with `hash`. */
  takeIn(entry: Entry, hash: Uint8Array): Flaw | null {
    const flaw = postingsFlaw(entry) ?? this.#sealFlaw(entry, hash) ?? this.#followPostings(entry);
    this.#seq = entry.seq;
    this.#head = hash;
    this.#bookedAt = entry.bookedAt;
    return flaw;
  }

  /** A flaw unless the entries lead to `standing`: asked after the last of them. */
  end(standing: Standing): Flaw | null {
    const seq = this.#seq;
    if (standing.seq !== seq) {
      const entry = lesserOf(standing.seq, seq) + 1n;
      const what = 'the book ends with another entry than its journal';
      return { entry, what, expected: `entry ${seq}`, found: `entry ${standing.seq}` };
    }
    return (
      differenceAt(seq, "the book's head is not the hash of its last entry", {
        expected: hex(this.#head),
        found: hex(standing.head),
      }) ??
      differenceAt(seq, "the book's booked_at is not its last entry's", {
        expected: instantText(this.#bookedAt),
        found: instantText(standing.bookedAt),
      }) ??
      differenceAt(seq, "the book's debt is not the sum of its postings", {
        expected: -this.#balance('CREDIT:debt'),
        found: standing.debtMicrocredits,
      })
    );
  }

  /** Takes in a lot as it stands after the last entry. */
  takeInLot(lot: StandingLot & StatedTerms): Flaw | null {
    this.#standingDeferred += lot.deferredMicrousd;
    return this.#lots.standing(lot) ?? this.#terms.stated(lot);
  }

  /** A flaw unless the entries lead to the lots that were taken in: asked after the last of them. */
  endOfLots(): Flaw | null {
    return (
      this.#lots.missing() ??
      differenceAt(this.#seq, 'what its lots have deferred is not the sum of its postings', {
        expected: -this.#balance('USD:deferred_revenue'),
        found: this.#standingDeferred,
      })
    );
  }

  #sealFlaw(entry: Entry, hash: Uint8Array): Flaw | null {
    const computed = hashEntry(this.#head, this.#name, entry);
    if (!computed.equals(hash)) {
      const what = 'the hash is not that of this entry behind the one before it';
      return { entry: entry.seq, what, expected: hex(computed), found: hex(hash) };
    }
    if (entry.bookedAt >= this.#bookedAt) return null;
    return {
      entry: entry.seq,
      what: 'the entry is booked before the one that precedes it',
      expected: `${instantText(this.#bookedAt)} or later`,
      found: instantText(entry.bookedAt),
    };
  }

  #followPostings(entry: Entry): Flaw | null {
    this.#terms.follow(entry);
    for (const { from, to, amount } of entry.postings) {
      this.#balances.set(from, this.#balance(from) - amount);
      this.#balances.set(to, this.#balance(to) + amount);
    }
    return (
      differenceAt(entry.seq, 'what is available after it is not the sum of the postings', {
        expected: this.#balance('CREDIT:available'),
        found: entry.availableAfterMicrocredits,
      }) ??
      differenceAt(entry.seq, 'what is held after it is not the sum of the postings', {
        expected: this.#balance('CREDIT:held'),
        found: entry.heldAfterMicrocredits,
      }) ??
      differenceAt(entry.seq, 'the debt after it is not the sum of the postings', {
        expected: -this.#balance('CREDIT:debt'),
        found: entry.debtAfterMicrocredits,
      }) ??
      this.#lots.follow(entry)
    );
  }

  #balance(account: LedgerAccount): bigint {
    return this.#balances.get(account) ?? 0n;
  }
}

/** What double entry asks of any entry. */
function postingsFlaw({ seq, kind, postings }: Entry): Flaw | null {
  if (!hasPostings(kind) && postings.length > 0) {
    const what = 'the entry is a note and has postings';
    return { entry: seq, what, expected: 'none', found: String(postings.length) };
  }
  if (hasPostings(kind) && postings.length === 0)
    return { entry: seq, what: 'the entry has no posting', expected: 'one or more', found: 'none' };
  for (const posting of postings) {
    const flaw = postingFlaw(seq, posting);
    if (flaw) return flaw;
  }
  return null;
}

function postingFlaw(seq: bigint, { from, to, amount }: Posting): Flaw | null {
  const flawed = (what: string, expected: string, found: string) => ({
    entry: seq,
    what: `the posting from ${from} to ${to} ${what}`,
    expected,
    found,
  });
  if (amount <= 0n) return flawed('moves nothing', 'more than 0', String(amount));
  if (from === to) return flawed('goes nowhere', 'two accounts', 'one account');
  if (assetOf(from) !== assetOf(to)) return flawed('leaves its asset', assetOf(from), assetOf(to));
  return null;
}

function differenceAt<Value extends bigint | string>(
  entry: bigint,
  what: string,
  { expected, found }: { expected: Value; found: Value },
): Flaw | null {
  return expected === found ? null : { entry, what, expected: String(expected), found: String(found) };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
