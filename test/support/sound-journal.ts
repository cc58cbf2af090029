/** What must hold of any customer's journal, checked from its entries alone and without the core's own sums. */
import { expect } from 'vitest';
import type { Book } from '../../ledger/core/book.ts';
import { assetOf } from '../../ledger/core/chart.ts';
import type { Entry, LotAfter, Posting } from '../../ledger/core/journal.ts';

interface Held {
  available: bigint;
  held: bigint;
  unreleased: bigint;
}

/** A lot as its postings leave it. */
interface Followed {
  readonly holds: Held;
  /** What of it was given back after it had been taken. */
  givenBack: bigint;
}

/** The accounts of the chart that say where a lot's credits are. */
const PLACES = {
  'CREDIT:available': 'available',
  'CREDIT:held': 'held',
  'CREDIT:unreleased': 'unreleased',
} as const;

/**
 * Fails unless the entries are numbered without gaps and in order of booking; every asset adds up to zero and no
 * customer balance falls below zero after any entry; the balances noted after each entry, and the lots' noted with
 * each posting, are the running sums of the postings; and `book` is where all of them lead, its closed lots having nothing
 * left of anything.
 */
export function assertSoundJournal(entries: readonly Entry[], book: Book): void {
  const balances = new Map<string, bigint>();
  const lots = new Map<bigint, Followed>();
  const balance = (account: string) => balances.get(account) ?? 0n;
  let seq = 0n;
  let bookedAt = 0n;
  for (const entry of entries) {
    seq += 1n;
    expect(entry.seq).toBe(seq);
    expect(entry.bookedAt >= bookedAt, `entry ${seq} is booked before the one that precedes it`).toBe(true);
    bookedAt = entry.bookedAt;
    for (const posting of entry.postings) {
      expect(posting.amount > 0n, `entry ${seq} posts nothing`).toBe(true);
      expect(assetOf(posting.from)).toBe(assetOf(posting.to));
      balances.set(posting.from, balance(posting.from) - posting.amount);
      balances.set(posting.to, balance(posting.to) + posting.amount);
      followLot(lots, posting, seq);
    }
    assertLotsNoted(lots, entry);
    expect({
      available: entry.availableAfterMicrocredits,
      held: entry.heldAfterMicrocredits,
      debt: entry.debtAfterMicrocredits,
    }).toEqual({
      available: balance('CREDIT:available'),
      held: balance('CREDIT:held'),
      debt: -balance('CREDIT:debt'),
    });
    for (const left of [balance('CREDIT:available'), balance('CREDIT:held'), -balance('CREDIT:debt')])
      expect(left >= 0n, `entry ${seq} leaves a balance below zero`).toBe(true);
  }
  for (const asset of ['CREDIT', 'USD'])
    expect(sum([...balances].filter(([account]) => assetOf(account as never) === asset))).toBe(0n);
  assertLeadsTo(book, { seq, lots, balance });
}

/** A posting that moves credits of a lot notes what the lot holds after it. */
function followLot(lots: Map<bigint, Followed>, { from, to, amount, lot }: Posting, seq: bigint): void {
  const left = place(from);
  const entered = place(to);
  if (left === null && entered === null) return;
  if (lot === null) throw new Error(`entry ${seq} moves credits of no lot`);
  const followed = lots.get(lot.id) ?? nothing();
  if (left !== null) followed.holds[left] -= amount;
  if (entered !== null) followed.holds[entered] += amount;
  if (entered === 'available' && (left === 'held' || from === 'CREDIT:consumed'))
    followed.givenBack += amount;
  lots.set(lot.id, followed);
  expect(noted(lot), `entry ${seq}, ${from} to ${to}`).toEqual(followed.holds);
}

/** Whatever else an entry posts about a lot, its last word is what the lot holds after the entry. */
function assertLotsNoted(lots: ReadonlyMap<bigint, Followed>, entry: Entry): void {
  const lastWord = new Map(entry.postings.flatMap(({ lot }) => (lot === null ? [] : [[lot.id, lot]])));
  for (const [id, lot] of lastWord) expect(noted(lot)).toEqual((lots.get(id) ?? nothing()).holds);
}

function assertLeadsTo(
  book: Book,
  end: { seq: bigint; lots: ReadonlyMap<bigint, Followed>; balance: (account: string) => bigint },
): void {
  expect(book.seq).toBe(end.seq);
  expect(book.debtMicrocredits).toBe(-end.balance('CREDIT:debt'));
  const standing = new Set<bigint>();
  let deferred = 0n;
  for (const lot of book.lots) {
    standing.add(lot.id);
    deferred += lot.deferredMicrousd;
    const { holds, givenBack } = end.lots.get(lot.id) ?? nothing();
    expect(noted(lot)).toEqual(holds);
    // What is given back may lie above a face that was reduced in between.
    const most = lot.faceMicrocredits + givenBack;
    expect(lot.availableMicrocredits <= most, `lot ${lot.id} exceeds its face`).toBe(true);
    expect(lot.deferredMicrousd >= 0n, `lot ${lot.id} has given back more than was paid`).toBe(true);
    const left =
      holds.available + holds.held + holds.unreleased + lot.debtMicrocredits + lot.deferredMicrousd;
    expect(lot.open || left === 0n, `lot ${lot.id} is closed before its time`).toBe(true);
  }
  // What is deferred is owed for lots that still stand, to the micro-dollar.
  expect(deferred).toBe(-end.balance('USD:deferred_revenue'));
  for (const [id, { holds }] of end.lots) if (!standing.has(id)) expect(holds).toEqual(nothing().holds);
}

function nothing(): Followed {
  return { holds: { available: 0n, held: 0n, unreleased: 0n }, givenBack: 0n };
}

function place(account: string): keyof Held | null {
  return account in PLACES ? PLACES[account as keyof typeof PLACES] : null;
}

function noted(lot: LotAfter): Held {
  return {
    available: lot.availableMicrocredits,
    held: lot.heldMicrocredits,
    unreleased: lot.unreleasedMicrocredits,
  };
}

function sum(balances: readonly (readonly [string, bigint])[]): bigint {
  return balances.reduce((total, [, value]) => total + value, 0n);
}
