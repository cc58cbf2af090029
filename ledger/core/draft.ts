/**
 * An entry in the making. Postings go on one after the other, and each moves the lot it names along, so that what an
 * entry says of a lot and what the lot holds can never differ.
 */
import { lesserOf } from './amount.ts';
import { append, type Book, type Step, withLots } from './book.ts';
import { type LedgerAccount, LOT_FIELD_OF } from './chart.ts';
import type { Hold, Take } from './hold.ts';
import type { Instant } from './instant.ts';
import { type CommandIdentity, type EntryKind, lotAfter, type Posting } from './journal.ts';
import { isOpen, type Lot } from './lot.ts';
import type { SpendingLimit } from './spending-limit.ts';

/** What is not said by the postings. */
export interface EntryHead {
  readonly kind: EntryKind;
  readonly instant: Instant;
  /** The value date, where it is not the instant. */
  readonly effectiveAt?: Instant;
  readonly identity: CommandIdentity | null;
  readonly amountMicrocredits: bigint;
  readonly details: string | null;
}

export class Draft {
  readonly #book: Book;
  readonly #postings: Posting[] = [];
  readonly #lots = new Map<bigint, Lot>();
  readonly #holds = new Map<bigint, Hold>();
  #bookLots: ReadonlyMap<bigint, Lot> | null = null;
  #limits: readonly SpendingLimit[];
  #debt: bigint;

  constructor(book: Book) {
    this.#book = book;
    this.#limits = book.limits;
    this.#debt = book.debtMicrocredits;
  }

  /** The number the entry will have. */
  get seq(): bigint {
    return this.#book.seq + 1n;
  }

  get isEmpty(): boolean {
    return this.#postings.length === 0;
  }

  get debtMicrocredits(): bigint {
    return this.#debt;
  }

  /** The lot as it is by now; undefined when it is not in the book, which only closed ones are not. */
  lot(id: bigint): Lot | undefined {
    this.#bookLots ??= new Map(this.#book.lots.map(lot => [lot.id, lot]));
    return this.#lots.get(id) ?? this.#bookLots.get(id);
  }

  /** Puts a new lot or new terms of a lot; what it holds is moved by postings alone. */
  put(lot: Lot): void {
    this.#lots.set(lot.id, lot);
  }

  /** A new hold, or the end of one. */
  putHold(hold: Hold): void {
    this.#holds.set(hold.id, hold);
  }

  /** Limits of which something was used or given back. */
  putLimits(limits: readonly SpendingLimit[]): void {
    this.#limits = limits;
  }

  /** Posts `amount`, moving the lot of that number along. Nothing when it is zero. */
  move(from: LedgerAccount, to: LedgerAccount, amount: bigint, lotId: bigint): void {
    if (amount === 0n) return;
    const lot = this.lot(lotId);
    if (lot) this.put(moved(lot, from, to, amount));
    this.#postings.push({ from, to, amount, lot: lotAfter(this.lot(lotId) ?? goneLot(lotId)) });
    if (from === 'CREDIT:debt') this.#debt += amount;
    if (to === 'CREDIT:debt') this.#debt -= amount;
  }

  /**
   * Settles open debt by up to `amount` with credits that come from `from` and belong to the lot `lotId`: what is owed
   * because of the lots `owing`, the oldest first; of all lots when left out. Returns how much that was.
   */
  settleDebt(from: LedgerAccount, amount: bigint, lotId: bigint, owing = this.#book.lots): bigint {
    let settled = 0n;
    for (const { id } of owing.filter(owes).sort(byId)) {
      const lot = this.lot(id);
      if (!lot) continue;
      const part = lesserOf(lot.debtMicrocredits, amount - settled);
      this.put({ ...lot, debtMicrocredits: lot.debtMicrocredits - part });
      settled += part;
    }
    this.move(from, 'CREDIT:debt', settled, lotId);
    return settled;
  }

  /** Takes up to `amount` of what the lots have available, in burn order, moving it to `to`. Returns the takes. */
  burn(to: LedgerAccount, amount: bigint): Take[] {
    const takes: Take[] = [];
    let rest = amount;
    for (const { id, availableMicrocredits } of this.#book.lots) {
      if (rest === 0n) break;
      if (availableMicrocredits === 0n) continue;
      const take = lesserOf(availableMicrocredits, rest);
      this.move('CREDIT:available', to, take, id);
      takes.push({ lotId: id, amountMicrocredits: take });
      rest -= take;
    }
    return takes;
  }

  /** Closes the entry: numbers it, notes the balances after it and checks it. */
  close(head: EntryHead): Step {
    for (const [id, lot] of this.#lots) this.#lots.set(id, { ...lot, open: isOpen(lot, head.instant) });
    return append(
      this.#book,
      {
        kind: head.kind,
        effectiveAt: head.effectiveAt ?? head.instant,
        bookedAt: head.instant,
        command: head.identity,
        amountMicrocredits: head.amountMicrocredits,
        details: head.details,
        postings: this.#postings,
      },
      {
        lots: withLots(this.#book.lots, this.#lots),
        holds: withHolds(this.#book.holds, this.#holds),
        limits: this.#limits,
        debt: this.#debt,
      },
    );
  }
}

function moved(lot: Lot, from: LedgerAccount, to: LedgerAccount, amount: bigint): Lot {
  const next: { -readonly [Field in keyof Lot]: Lot[Field] } = { ...lot };
  const left = LOT_FIELD_OF[from];
  const reached = LOT_FIELD_OF[to];
  if (left) next[left] -= amount;
  if (reached) next[reached] += amount;
  // A credit balance: what leaves it is owed more, what reaches it is owed less.
  if (from === 'USD:deferred_revenue') next.deferredMicrousd += amount;
  if (to === 'USD:deferred_revenue') next.deferredMicrousd -= amount;
  return next;
}

/** A lot that closed long ago holds nothing, and nothing reaches it. */
function goneLot(id: bigint): Parameters<typeof lotAfter>[0] {
  return { id, availableMicrocredits: 0n, heldMicrocredits: 0n, unreleasedMicrocredits: 0n };
}

function owes(lot: Lot): boolean {
  return lot.debtMicrocredits > 0n;
}

function byId(a: Lot, b: Lot): number {
  return a.id < b.id ? -1 : 1;
}

function withHolds(holds: readonly Hold[], changed: ReadonlyMap<bigint, Hold>): readonly Hold[] {
  if (changed.size === 0) return holds;
  const kept = holds.filter(hold => !changed.has(hold.id));
  return [...kept, ...changed.values()];
}
