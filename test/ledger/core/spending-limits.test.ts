/** Limits of keys and grants, at their boundary and at their reset; see test/support/scenario.ts for how to read the tables. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advance } from '../../../ledger/core/advance.ts';
import { type Book, EMPTY_BOOK } from '../../../ledger/core/book.ts';
import { decide } from '../../../ledger/core/commands.ts';
import type { Hold } from '../../../ledger/core/hold.ts';
import { DAY, type Instant } from '../../../ledger/core/instant.ts';
import type { Entry } from '../../../ledger/core/journal.ts';
import {
  heldBy,
  LIMIT_PERIODS,
  type LimitPeriod,
  periodEndOf,
  periodStartOf,
  type SpendingLimit,
  standingOf,
  usedAt,
} from '../../../ledger/core/spending-limit.ts';
import { anyWishes, resolve } from '../../support/histories.ts';
import { expectScenario, readInstant, writeInstant } from '../../support/scenario.ts';

describe('a limit', () => {
  test('is spent to its last microcredit, and not one more', () => {
    expectScenario(`
      at                      | what                     | result                                   | postings
      2026-03-01 15:00        | buy $1                   | available 10000                          | issued > available 10000, lot 1
                              |                          |                                          | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00        | limit key 2 to 100 a day | 100 of 100 left until 2026-03-02 00:00   |
      2026-03-01 15:01        | key 2: spend 100.000001  | refused: 100 left until 2026-03-02 00:00 |
      2026-03-01 15:01        | key 2: spend 99.999999   | available 9900.000001                    | available > consumed 99.999999, lot 1
      2026-03-01 15:01        | key 2: spend 0.000002    | refused: 0.000001 left until 2026-03-02 00:00 |
      2026-03-01 15:01        | key 2: spend 0.000001    | available 9900                           | available > consumed 0.000001, lot 1
      2026-03-01 15:01        | key 2: spend 0.000001    | refused: 0 left until 2026-03-02 00:00   |
      2026-03-01 15:01        | key 3: spend 500         | available 9400                           | available > consumed 500, lot 1
      2026-03-01 15:01        | spend 500                | available 8900                           | available > consumed 500, lot 1
    `);
  });

  test('of a day is new at 00:00:00 UTC, and not a microsecond before', () => {
    expectScenario(`
      at                         | what                     | result                                   | postings
      2026-03-01 15:00           | buy $1 as none           | available 10000                          | issued > available 10000, lot 1
                                 |                          |                                          | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00           | limit key 2 to 100 a day | 100 of 100 left until 2026-03-02 00:00   |
      2026-03-01 15:01           | key 2: spend 60          | available 9940                           | available > consumed 60, lot 1
      2026-03-01 23:59:59.999999 | key 2: spend 41          | refused: 40 left until 2026-03-02 00:00  |
      2026-03-01 23:59:59.999999 | key 2: spend 40          | available 9900                           | available > consumed 40, lot 1
      2026-03-02 00:00           | look at key 2            | 100 of 100 left until 2026-03-03 00:00   |
      2026-03-02 00:00           | key 2: spend 101         | refused: 100 left until 2026-03-03 00:00 |
      2026-03-02 00:00           | key 2: spend 100         | available 9800                           | available > consumed 100, lot 1
      2026-03-02 00:00           | key 2: spend 1           | refused: 0 left until 2026-03-03 00:00   |
    `);
  });

  test('of a week is new on Monday, of a month on its first day, of a lifetime never', () => {
    expectScenario(`
      at                         | what                            | result                                   | postings
      2026-03-01 15:00           | buy $1 as none                  | available 10000                          | issued > available 10000, lot 1
                                 |                                 |                                          | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00           | limit key 2 to 100 a week       | 100 of 100 left until 2026-03-02 00:00   |
      2026-03-01 15:00           | limit key 3 to 100 a month      | 100 of 100 left until 2026-04-01 00:00   |
      2026-03-01 15:00           | limit key 4 to 100 a lifetime   | 100 of 100 left                          |
      2026-03-01 15:01           | key 2: spend 100                | available 9900                           | available > consumed 100, lot 1
      2026-03-01 15:01           | key 3: spend 100                | available 9800                           | available > consumed 100, lot 1
      2026-03-01 15:01           | key 4: spend 100                | available 9700                           | available > consumed 100, lot 1
      2026-03-02 00:00           | look at key 2                   | 100 of 100 left until 2026-03-09 00:00   |
      2026-03-02 00:00           | key 2: spend 100                | available 9600                           | available > consumed 100, lot 1
      2026-03-08 23:59:59.999999 | key 2: spend 1                  | refused: 0 left until 2026-03-09 00:00   |
      2026-03-09 00:00           | key 2: spend 1                  | available 9599                           | available > consumed 1, lot 1
      2026-03-31 14:59:59.999999 | key 3: spend 1                  | refused: 0 left until 2026-04-01 00:00   |
      2026-03-31 14:59:59.999999 | key 4: spend 1                  | refused: 0 left                          |
      2026-03-31 14:59:59.999999 | buy $1 as none                  | available 19599                          | issued > available 10000, lot 7
                                 |                                 |                                          | deferred_revenue > clearing $1, lot 7
      2026-03-31 15:00           | expiry                          | available 10000                          | available > breakage 9599, lot 1
                                 |                                 |                                          | revenue > deferred_revenue $1, lot 1
      2026-03-31 23:59:59.999999 | sweep                           | available 10000                          |
      2026-03-31 23:59:59.999999 | key 3: spend 1                  | refused: 0 left until 2026-04-01 00:00   |
      2026-04-01 00:00           | key 3: spend 1                  | available 9999                           | available > consumed 1, lot 7
      2026-04-01 00:00           | key 4: spend 1                  | refused: 0 left                          |
    `);
  });

  test('counts what is held until the hold closes, and then what was captured', () => {
    expectScenario(`
      at               | what                     | result                                  | postings
      2026-03-01 15:00 | buy $1                   | available 10000                         | issued > available 10000, lot 1
                       |                          |                                         | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | limit key 2 to 100 a day | 100 of 100 left until 2026-03-02 00:00  |
      2026-03-01 16:00 | key 2: hold 70           | available 9930, held 70                 | available > held 70, lot 1
      2026-03-01 16:01 | look at key 2            | 30 of 100 left until 2026-03-02 00:00   |
      2026-03-01 16:01 | key 2: hold 31           | refused: 30 left until 2026-03-02 00:00 |
      2026-03-01 16:01 | key 2: spend 31          | refused: 30 left until 2026-03-02 00:00 |
      2026-03-01 16:02 | key 2: hold 30           | available 9900, held 100                | available > held 30, lot 1
      2026-03-01 16:03 | release hold 3           | available 9930, held 70                 | held > available 30, lot 1
      2026-03-01 16:03 | look at key 2            | 30 of 100 left until 2026-03-02 00:00   |
      2026-03-01 16:04 | key 3: capture 50 of hold 2 | available 9950                       | held > consumed 50, lot 1
                       |                          |                                         | held > available 20, lot 1
      2026-03-01 16:04 | look at key 2            | 50 of 100 left until 2026-03-02 00:00   |
      2026-03-01 16:10 | key 2: hold 50           | available 9900, held 50                 | available > held 50, lot 1
      2026-03-01 16:10 | key 2: spend 1           | refused: 0 left until 2026-03-02 00:00  |
      2026-03-01 16:25 | hold_timeout             | available 9950                          | held > available 50, lot 1
      2026-03-01 16:25 | key 2: spend 50          | available 9900                          | available > consumed 50, lot 1
      2026-03-01 16:25 | look at key 2            | 0 of 100 left until 2026-03-02 00:00    |
    `);
  });

  test('counts a hold that is open over its reset in both periods, and its capture in the second', () => {
    expectScenario(`
      at                         | what                       | result                                  | postings
      2026-03-01 15:00           | buy $1 as none             | available 10000                         | issued > available 10000, lot 1
                                 |                            |                                         | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00           | limit key 2 to 100 a day   | 100 of 100 left until 2026-03-02 00:00  |
      2026-03-01 23:59           | key 2: spend 40            | available 9960                          | available > consumed 40, lot 1
      2026-03-01 23:59           | key 2: hold 60             | available 9900, held 60                 | available > held 60, lot 1
      2026-03-02 00:00           | look at key 2              | 40 of 100 left until 2026-03-03 00:00   |
      2026-03-02 00:00           | key 2: spend 41            | refused: 40 left until 2026-03-03 00:00 |
      2026-03-02 00:00           | key 2: spend 40            | available 9860, held 60                 | available > consumed 40, lot 1
      2026-03-02 00:01           | capture 60 of hold 3       | available 9860                          | held > consumed 60, lot 1
      2026-03-02 00:01           | look at key 2              | 0 of 100 left until 2026-03-03 00:00    |
      2026-03-03 00:00           | look at key 2              | 100 of 100 left until 2026-03-04 00:00  |
    `);
  });

  test('gets back what is reversed of its own period, and nothing of an earlier one', () => {
    expectScenario(`
      at               | what                     | result                                  | postings
      2026-03-01 15:00 | buy $1 as none           | available 10000                         | issued > available 10000, lot 1
                       |                          |                                         | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | limit key 2 to 100 a day | 100 of 100 left until 2026-03-02 00:00  |
      2026-03-01 15:01 | key 2: spend 80          | available 9920                          | available > consumed 80, lot 1
      2026-03-01 15:02 | reverse 30 of 2          | available 9950                          | consumed > available 30, lot 1
      2026-03-01 15:02 | look at key 2            | 50 of 100 left until 2026-03-02 00:00   |
      2026-03-01 15:03 | key 2: hold 50           | available 9900, held 50                 | available > held 50, lot 1
      2026-03-01 15:04 | capture 50 of hold 4     | available 9900                          | held > consumed 50, lot 1
      2026-03-01 15:04 | look at key 2            | 0 of 100 left until 2026-03-02 00:00    |
      2026-03-01 15:05 | reverse 20 of 5          | available 9920                          | consumed > available 20, lot 1
      2026-03-01 15:05 | look at key 2            | 20 of 100 left until 2026-03-02 00:00   |
      2026-03-02 00:00 | reverse 10 of 2          | available 9930                          | consumed > available 10, lot 1
      2026-03-02 00:00 | look at key 2            | 100 of 100 left until 2026-03-03 00:00  |
      2026-03-02 00:01 | key 2: spend 60          | available 9870                          | available > consumed 60, lot 1
      2026-03-02 00:02 | reverse 5                | available 9900                          | consumed > available 30, lot 1
      2026-03-02 00:02 | look at key 2            | 40 of 100 left until 2026-03-03 00:00   |
    `);
  });

  test('may be lowered below what is used: nothing is left, and open holds may still be captured', () => {
    expectScenario(`
      at               | what                     | result                                 | postings
      2026-03-01 15:00 | buy $1 as none           | available 10000                        | issued > available 10000, lot 1
                       |                          |                                        | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | limit key 2 to 100 a day | 100 of 100 left until 2026-03-02 00:00 |
      2026-03-01 15:01 | key 2: spend 30          | available 9970                         | available > consumed 30, lot 1
      2026-03-01 15:01 | key 2: hold 50           | available 9920, held 50                | available > held 50, lot 1
      2026-03-01 15:02 | limit key 2 to 40 a day  | 0 of 40 left until 2026-03-02 00:00    |
      2026-03-01 15:02 | key 2: spend 1           | refused: 0 left until 2026-03-02 00:00 |
      2026-03-01 15:03 | capture 50 of hold 3     | available 9920                         | held > consumed 50, lot 1
      2026-03-01 15:03 | limit key 2 to 90 a day  | 10 of 90 left until 2026-03-02 00:00   |
    `);
  });

  test('is told before the credits are, and after a debt', () => {
    expectScenario(`
      at               | what                      | result                                  | postings
      2026-03-01 15:00 | buy $1 as none            | available 10000                         | issued > available 10000, lot 1
                       |                           |                                         | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | limit key 2 to 20000 a day | 20000 of 20000 left until 2026-03-02 00:00 |
      2026-03-01 15:00 | key 2: spend 20001        | refused: 20000 left until 2026-03-02 00:00 |
      2026-03-01 15:00 | key 2: spend 20000        | refused: has 10000, no renewal          |
      2026-03-01 15:01 | spend 10000               | available 0                             | available > consumed 10000, lot 1
      2026-03-01 15:02 | claw back $1 of lot 1     | available 0, debt 10000                 | debt > clawed_back 10000, lot 1
                       |                           |                                         | revenue > deferred_revenue $1, lot 1
                       |                           |                                         | clearing > refunds $1, lot 1
      2026-03-01 15:02 | key 2: spend 20001        | refused: owes 10000                     |
    `);
  });
});

describe('periods', () => {
  test.each([
    ['day', '2026-03-01 15:00', '2026-03-01 00:00', '2026-03-02 00:00'],
    ['day', '2026-03-01 00:00', '2026-03-01 00:00', '2026-03-02 00:00'],
    ['day', '2026-02-28 23:59:59.999999', '2026-02-28 00:00', '2026-03-01 00:00'],
    ['week', '2026-03-01 15:00', '2026-02-23 00:00', '2026-03-02 00:00'],
    ['week', '2026-03-01 23:59:59.999999', '2026-02-23 00:00', '2026-03-02 00:00'],
    ['week', '2026-03-02 00:00', '2026-03-02 00:00', '2026-03-09 00:00'],
    ['week', '2027-01-01 12:00', '2026-12-28 00:00', '2027-01-04 00:00'],
    ['month', '2026-02-28 23:59:59.999999', '2026-02-01 00:00', '2026-03-01 00:00'],
    ['month', '2026-03-01 00:00', '2026-03-01 00:00', '2026-04-01 00:00'],
    ['month', '2028-02-29 12:00', '2028-02-01 00:00', '2028-03-01 00:00'],
    ['month', '2026-12-31 23:59:59.999999', '2026-12-01 00:00', '2027-01-01 00:00'],
    ['month', '2027-01-01 00:00', '2027-01-01 00:00', '2027-02-01 00:00'],
  ] as const)('of a %s: %s is in the one from %s to %s', (period, at, start, end) => {
    const begun = periodStartOf(period, readInstant(at));
    expect(writeInstant(begun)).toBe(start);
    expect(writeInstant(periodEndOf(period, begun) ?? 0n)).toBe(end);
  });

  test('a lifetime has begun, and does not end', () => {
    expect(periodStartOf('lifetime', readInstant('2026-03-01 15:00'))).toBe(0n);
    expect(periodEndOf('lifetime', 0n)).toBeNull();
  });

  test('are those of the calendar on each day of four centuries and before 1970', () => {
    for (let day = -40_000n; day < 146_100n; day += 1n) {
      const date = new Date(Number(day) * 86_400_000);
      const weekday = (date.getUTCDay() + 6) % 7;
      const noon = day * DAY + DAY / 2n;
      const found = [periodStartOf('week', noon) / DAY, periodStartOf('month', noon) / DAY];
      const wanted = [day - BigInt(weekday), day - BigInt(date.getUTCDate() - 1)];
      if (found[0] !== wanted[0] || found[1] !== wanted[1])
        expect([date.toISOString(), found]).toEqual([date.toISOString(), wanted]);
    }
  });
});

/** What a credential has used in the period of `instant`, by the entries alone. */
function usedByJournal(
  entries: readonly Entry[],
  holds: readonly Hold[],
  of: { readonly keyNumber: number; readonly period: LimitPeriod; readonly instant: Instant },
): bigint {
  const start = periodStartOf(of.period, of.instant);
  const authorOf = (entry: Entry) =>
    entry.kind === 'capture'
      ? holds.find(hold => hold.closedBy === entry.seq)?.keyNumber
      : entry.command?.keyNumber;
  const spends = entries.filter(
    entry =>
      (entry.kind === 'debit' || entry.kind === 'capture') &&
      entry.bookedAt >= start &&
      authorOf(entry) === of.keyNumber,
  );
  const seqs = new Set(spends.map(({ seq }) => String(seq)));
  const reversed = entries.filter(
    ({ kind, details }) =>
      kind === 'reversal' && seqs.has((JSON.parse(details ?? '{}') as { reverses: string }).reverses),
  );
  const sum = (of: readonly Entry[]) => of.reduce((total, entry) => total + entry.amountMicrocredits, 0n);
  return sum(spends) - sum(reversed);
}

test('whatever happens, what is used follows from the journal and never goes beyond the limit with what is held', () => {
  fc.assert(
    fc.property(
      anyWishes,
      fc.constantFrom(...LIMIT_PERIODS),
      fc.bigInt({ min: 1n, max: 20_000_000_000n }),
      (history, period, limitMicrocredits) => {
        const limits: SpendingLimit[] = [1, 2].map(keyNumber => ({
          keyNumber,
          limitMicrocredits,
          period,
          periodStart: 0n,
          usedMicrocredits: 0n,
        }));
        let book: Book = { ...EMPTY_BOOK, limits };
        const entries: Entry[] = [];
        for (const { command, instant } of resolve(history, book)) {
          const decision = decide(book, command, instant);
          if (!decision.accepted) continue;
          book = decision.step.book;
          entries.push(...decision.step.entries);
          const now = advance(book, instant).book;
          for (const limit of now.limits) {
            const { keyNumber } = limit;
            const used = usedAt(limit, instant);
            expect(used).toBe(usedByJournal(entries, now.holds, { keyNumber, period, instant }));
            expect(used >= 0n && used + heldBy(now.holds, keyNumber) <= limitMicrocredits).toBe(true);
            expect(standingOf(limit, now.holds, instant).remainingMicrocredits).toBe(
              limitMicrocredits - used - heldBy(now.holds, keyNumber),
            );
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});
