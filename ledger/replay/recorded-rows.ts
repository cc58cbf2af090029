/** What is recorded beside the entries of a book, and belongs to what they did. */
import type { Flaw } from '../audit/problem.ts';
import type { Hold } from '../core/hold.ts';
import type { Instant } from '../core/instant.ts';
import type { Entry } from '../core/journal.ts';
import { type HoldRow, holdOf } from '../store/hold-row.ts';
import { instantText } from '../store/instant-text.ts';
import type { BookComparison } from './book-comparison.ts';
import type { ReplayedBook } from './replayed-book.ts';
import { nextOf, type StoredBooks } from './stored-books.ts';

/** The rows of holds: they alone have the deadline, and say which entry closed which hold. */
export class HoldRecords {
  readonly #comparison: BookComparison;
  readonly #open = new Map<bigint, HoldRow>();
  readonly #closing = new Map<bigint, bigint>();

  constructor(comparison: BookComparison) {
    this.#comparison = comparison;
  }

  async takeIn(rows: StoredBooks, accountId: bigint, seq: bigint): Promise<void> {
    const row = await nextOf(rows.holds, accountId, hold => hold.hold_id <= seq);
    if (!row) return;
    this.#open.set(row.hold_id, row);
    if (row.closed_by !== null) this.#closing.set(row.closed_by, row.hold_id);
  }

  deadlineOf(seq: bigint): Instant | null {
    return this.#open.get(seq)?.deadline ?? null;
  }

  closedAt(seq: bigint): bigint | null {
    return this.#closing.get(seq) ?? null;
  }

  compare(closed: readonly Hold[]): void {
    for (const hold of closed) this.#compareOne(hold);
  }

  end(replayed: ReplayedBook): void {
    for (const hold of replayed.book.holds) this.#compareOne(hold);
    for (const id of this.#open.keys())
      this.#comparison.add(holdFlaw(id, 'is there', 'no such hold', 'a hold'));
  }

  #compareOne(expected: Hold): void {
    const row = this.#open.get(expected.id);
    if (!row) {
      this.#comparison.add(holdFlaw(expected.id, 'is missing', 'a hold', 'no such hold'));
      return;
    }
    this.#open.delete(expected.id);
    if (row.closed_by !== null) this.#closing.delete(row.closed_by);
    const [one, other] = [holdText(expected), holdText(holdOf(row))];
    if (one !== other) this.#comparison.add(holdFlaw(expected.id, 'is another', one, other));
  }
}

/** The rows of reversals: they say which spend an entry reversed. */
export class ReversalRecords {
  readonly #comparison: BookComparison;
  readonly #reversals = new Map<bigint, { spendId: bigint; amount: bigint }>();
  readonly #spends = new Set<bigint>();

  constructor(comparison: BookComparison) {
    this.#comparison = comparison;
  }

  async takeIn(rows: StoredBooks, accountId: bigint, seq: bigint): Promise<void> {
    for (;;) {
      const row = await nextOf(rows.reversals, accountId, reversal => reversal.spend_id <= seq);
      if (!row) return;
      this.#reversals.set(row.seq, { spendId: row.spend_id, amount: row.amount_microcredits });
      this.#spends.add(row.spend_id);
    }
  }

  isReversed(seq: bigint): boolean {
    return this.#spends.has(seq);
  }

  spendOf(seq: bigint): bigint | null {
    return this.#reversals.get(seq)?.spendId ?? null;
  }

  compare({ seq, kind, amountMicrocredits }: Entry): void {
    const recorded = this.#reversals.get(seq);
    if (!recorded || kind !== 'reversal') return;
    this.#reversals.delete(seq);
    if (recorded.amount !== amountMicrocredits) this.#add(seq, amountMicrocredits, recorded.amount);
  }

  /** What is recorded as reversed by entries that reversed nothing. */
  end(): void {
    for (const [seq, { amount }] of this.#reversals) this.#add(seq, 0n, amount);
  }

  #add(seq: bigint, expected: bigint, found: bigint): void {
    const what = 'what it reversed is recorded otherwise';
    this.#comparison.add({ entry: seq, what, expected: String(expected), found: String(found) });
  }
}

function holdFlaw(id: bigint, what: string, expected: string, found: string): Flaw {
  return { entry: id, what: `the hold ${what}`, expected, found };
}

function holdText({ serviceId, keyNumber, placedAt, deadline, takes, closedBy }: Hold): string {
  const from = takes
    .map(({ lotId, amountMicrocredits }) => `${amountMicrocredits} of lot ${lotId}`)
    .join(', ');
  return `${from} for service ${serviceId} by key ${keyNumber ?? 'none'} from ${instantText(placedAt)} to ${instantText(deadline)}, closed by ${closedBy ?? 'nothing'}`;
}
