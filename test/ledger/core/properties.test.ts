/** What holds of every history of a book, tried on thousands of arbitrary ones. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Book } from '../../../ledger/core/book.ts';
import { GENESIS_HASH } from '../../../ledger/core/encoding.ts';
import { DAY, type Instant } from '../../../ledger/core/instant.ts';
import { sealEntries } from '../../../ledger/posting/seal.ts';
import {
  anyWishes,
  type Dated,
  resolve,
  runHistory,
  SEED,
  wishesAroundEnds,
  wishesAroundPayments,
} from '../../support/histories.ts';
import { PlainBook } from '../../support/plain-book.ts';
import { sameAs } from '../../support/plain-rules.ts';
import { assertSoundJournal } from '../../support/sound-journal.ts';

const RUNS = { seed: SEED, numRuns: 400 };

describe(`seed ${SEED}`, () => {
  test('after every command the journal is sound: zero per asset, nothing negative, every noted balance true', () => {
    fc.assert(
      fc.property(anyWishes, wanted => {
        const history = resolve(wanted);
        for (let length = 1; length <= history.length; length += 1) {
          const { entries, book } = runHistory(history.slice(0, length));
          assertSoundJournal(entries, book);
        }
      }),
      { ...RUNS, numRuns: 150 },
    );
  });

  test('the core does what the rules say, told plainly', () => {
    fc.assert(sameAs(PlainBook), RUNS);
  });

  test('the core does what the rules say around midnights and the ends of lots', () => {
    fc.assert(sameAs(PlainBook, wishesAroundEnds), RUNS);
  });

  test('the core does what the rules say of payments that come and go', () => {
    fc.assert(sameAs(PlainBook, wishesAroundPayments), RUNS);
  });

  test('looking in between changes nothing: the same entries and hashes however often the book is advanced', () => {
    fc.assert(
      fc.property(
        anyWishes,
        fc.array(fc.array(fc.nat({ max: 1000 }), { maxLength: 4 })),
        (wanted, moments) => {
          const history = withEnd(resolve(wanted));
          const once = runHistory(history);
          const often = runHistory(withAdvances(history, moments));
          expect(often.entries).toEqual(once.entries);
          expect(headOf(often.entries)).toEqual(headOf(once.entries));
        },
      ),
      RUNS,
    );
  });

  test('closed lots need not be loaded, except the one a clawback names', () => {
    fc.assert(
      fc.property(anyWishes, wanted => {
        const history = withEnd(resolve(wanted));
        const reloaded = runWithoutClosedLots(history);
        expect(headOf(reloaded)).toEqual(headOf(runHistory(history).entries));
      }),
      RUNS,
    );
  });

  test('a refusal leaves nothing behind: without the refused commands the entries are the same', () => {
    fc.assert(
      fc.property(anyWishes, wanted => {
        const history = withEnd(resolve(wanted));
        const { entries, accepted } = runHistory(history);
        const rest = runHistory(history.filter((_, index) => accepted[index]));
        expect(rest.entries).toEqual(entries);
      }),
      RUNS,
    );
  });
});

/** Two months later: whatever time still had to do is done. */
function withEnd(history: readonly Dated[]): Dated[] {
  const end = (history.at(-1)?.instant ?? 0n) + 60n * DAY;
  return [...history, { command: { type: 'advance' }, instant: end }];
}

/** Puts advances before each command, at `moments` in thousandths of the time since the command before it. */
function withAdvances(history: readonly Dated[], moments: readonly number[][]): Dated[] {
  let before: Instant = history[0]?.instant ?? 0n;
  return history.flatMap((dated, index) => {
    const since = before;
    before = dated.instant;
    const sorted = [...(moments[index % Math.max(moments.length, 1)] ?? [])].sort((a, b) => a - b);
    const advances = sorted.map((moment): Dated => {
      const instant = since + ((dated.instant - since) * BigInt(moment)) / 1000n;
      return { command: { type: 'advance' }, instant };
    });
    return [...advances, dated];
  });
}

function runWithoutClosedLots(history: readonly Dated[]) {
  const closed = new Map<bigint, Book['lots'][number]>();
  return runHistory(history, (book, next) => {
    for (const lot of book.lots) {
      // A payment that is taken back or comes again opens its lot once more.
      if (lot.open) closed.delete(lot.id);
      else closed.set(lot.id, lot);
    }
    const payment = next.type === 'clawback' || next.type === 'restoration' ? next.lotId : null;
    const named = [...closed.values()].filter(lot => lot.id === payment || lot.restoresLotId === payment);
    const lots = book.lots.filter(lot => lot.open);
    const holdId = next.type === 'capture' || next.type === 'release' ? next.holdId : null;
    const holds = book.holds.filter(hold => hold.closedBy === null || hold.id === holdId);
    return { ...book, lots: payment === null ? lots : [...lots, ...named], holds };
  }).entries;
}

function headOf(entries: ReturnType<typeof runHistory>['entries']): string {
  return Buffer.from(sealEntries(GENESIS_HASH, 'acct_0000000000000001', entries).head).toString('hex');
}
