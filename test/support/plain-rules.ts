/** The comparison of the core with the rules told plainly, for every history. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { heldOf } from '../../ledger/core/book.ts';
import type { Command } from '../../ledger/core/commands.ts';
import type { Entry } from '../../ledger/core/journal.ts';
import { type Dated, resolve, runHistory, wishes } from './histories.ts';
import { type PlainBook, plainLots } from './plain-book.ts';

/** After every command of any history the core and a book of `Rules` hold the same. */
export function sameAs(Rules: typeof PlainBook, wanted = wishes) {
  return fc.property(wanted, all => assertSame(resolve(all), Rules));
}

/** Fails at the first command after which the core holds something else than a book of `Rules`. */
export function assertSame(history: readonly Dated[], Rules: typeof PlainBook): void {
  const plain = new Rules();
  let length = 0;
  for (const { command, instant } of history) {
    length += 1;
    const { book, entries, accepted } = runHistory([
      ...history.slice(0, length),
      { command: { type: 'advance' }, instant },
    ]);
    expect(accepted.at(-2)).toBe(plain.carryOut(command, instant, numberOfLast(entries, command)));
    expect(plainLots(book.lots, instant)).toEqual(plain.lots());
    expect(heldOf(book)).toBe(plain.held());
    expect(lapsedIn(entries)).toBe(plain.lapsed);
    expect(book.debtMicrocredits).toBe(plain.debt);
  }
}

/** What has become breakage. */
export function lapsedIn(entries: readonly Entry[]): bigint {
  let lapsed = 0n;
  for (const { postings } of entries)
    for (const { to, amount } of postings) if (to === 'CREDIT:breakage') lapsed += amount;
  return lapsed;
}

/** The number of the entry that `command`, the last of a history but for an advance, has led to. */
function numberOfLast(entries: readonly Entry[], command: Command): bigint {
  return 'identity' in command ? (entries.at(-1)?.seq ?? 0n) : 0n;
}
