/** What the books do, told as tables (see test/support/scenario.ts). $1 is 10,000 credits; times are UTC. */
import { describe, expect, test } from 'vitest';
import { EMPTY_BOOK } from '../../../ledger/core/book.ts';
import { decide } from '../../../ledger/core/commands.ts';
import { DAY, type Instant } from '../../../ledger/core/instant.ts';
import { debitOf, purchaseOf } from '../../support/books.ts';
import { expectScenario, readInstant, writeInstant } from '../../support/scenario.ts';

describe('a lot from its payment to its end', () => {
  test('a dollar bought at 15:00: usable at once, full again at each midnight, gone 30 days later to the microsecond', () => {
    expectScenario(`
      at                         | what           | result                                        | postings
      2026-03-01 15:00           | buy $1         | available 10000                               | issued > available 10000, lot 1
                                 |                |                                               | deferred_revenue > clearing $1, lot 1
      2026-03-01 20:00           | spend 7000     | available 3000                                | available > consumed 7000, lot 1
      2026-03-02 00:00           | renewal        | available 10000                               | renewed > available 7000, lot 1
      2026-03-02 09:00           | spend 10000    | available 0                                   | available > consumed 10000, lot 1
      2026-03-02 09:01           | spend 0.000001 | refused: has 0, next renewal 2026-03-03 00:00 |
      2026-03-05 00:00           | look           | lot 1: 10000 of 10000 until 2026-03-31 15:00  |
      2026-03-03 00:00           | renewal        | available 10000                               | renewed > available 10000, lot 1
      2026-03-31 14:59:59.999999 | spend 4000     | available 6000                                | available > consumed 4000, lot 1
      2026-03-31 14:59:59.999999 | look           | lot 1: 6000 of 10000 until 2026-03-31 15:00   |
      2026-03-31 15:00           | expiry         | available 0                                   | available > breakage 6000, lot 1
                                 |                |                                               | revenue > deferred_revenue $1, lot 1
      2026-03-31 15:00           | sweep          | available 0                                   |
      2026-03-31 15:00           | spend 1        | refused: has 0, no renewal                    |
    `);
  });

  test('bought in the last microsecond of a day: the first renewal comes a microsecond later', () => {
    expectScenario(`
      at                         | what       | result                                                | postings
      2026-03-01 23:59:59.999999 | buy $1     | available 10000                                       | issued > available 10000, lot 1
                                 |            |                                                       | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:59:59.999999 | spend 1000 | available 9000                                        | available > consumed 1000, lot 1
      2026-03-02 00:00           | renewal    | available 10000                                       | renewed > available 1000, lot 1
      2026-03-02 00:00           | sweep      | available 10000                                       |
      2026-03-31 00:00           | spend 2000 | available 8000                                        | available > consumed 2000, lot 1
      2026-03-31 23:59:59.999998 | look       | lot 1: 8000 of 10000 until 2026-03-31 23:59:59.999999 |
      2026-03-31 23:59:59.999999 | expiry     | available 0                                           | available > breakage 8000, lot 1
                                 |            |                                                       | revenue > deferred_revenue $1, lot 1
      2026-03-31 23:59:59.999999 | sweep      | available 0                                           |
    `);
  });

  test('bought at midnight: at the last midnight it expires instead of renewing', () => {
    expectScenario(`
      at               | what       | result          | postings
      2026-03-01 00:00 | buy $1     | available 10000 | issued > available 10000, lot 1
                       |            |                 | deferred_revenue > clearing $1, lot 1
      2026-03-30 12:00 | spend 3000 | available 7000  | available > consumed 3000, lot 1
      2026-03-31 00:00 | expiry     | available 0     | available > breakage 7000, lot 1
                       |            |                 | revenue > deferred_revenue $1, lot 1
      2026-03-31 00:00 | sweep      | available 0     |
    `);
  });

  test('bought the day before a leap day: the 29th is a day like any other', () => {
    expectScenario(`
      at                         | what       | result                                       | postings
      2028-02-28 06:00           | buy $1     | available 10000                              | issued > available 10000, lot 1
                                 |            |                                              | deferred_revenue > clearing $1, lot 1
      2028-02-28 12:00           | spend 1000 | available 9000                               | available > consumed 1000, lot 1
      2028-02-29 00:00           | renewal    | available 10000                              | renewed > available 1000, lot 1
      2028-02-29 12:00           | spend 2000 | available 8000                               | available > consumed 2000, lot 1
      2028-03-01 00:00           | renewal    | available 10000                              | renewed > available 2000, lot 1
      2028-03-01 12:00           | spend 3000 | available 7000                               | available > consumed 3000, lot 1
      2028-03-02 00:00           | renewal    | available 10000                              | renewed > available 3000, lot 1
      2028-03-02 00:00           | sweep      | available 10000                              |
      2028-03-29 05:59:59.999999 | look       | lot 1: 10000 of 10000 until 2028-03-29 06:00 |
      2028-03-29 06:00           | look       | no lots                                      |
      2028-03-29 06:00           | expiry     | available 0                                  | available > breakage 10000, lot 1
                                 |            |                                              | revenue > deferred_revenue $1, lot 1
      2028-03-30 06:00           | sweep      | available 0                                  |
    `);
  });

  test('bought on a leap day', () => {
    expectScenario(`
      at                         | what        | result                                       | postings
      2028-02-29 15:00           | buy $1      | available 10000                              | issued > available 10000, lot 1
                                 |             |                                              | deferred_revenue > clearing $1, lot 1
      2028-02-29 16:00           | spend 10000 | available 0                                  | available > consumed 10000, lot 1
      2028-03-01 00:00           | renewal     | available 10000                              | renewed > available 10000, lot 1
      2028-03-01 00:00           | sweep       | available 10000                              |
      2028-03-30 14:59:59.999999 | look        | lot 1: 10000 of 10000 until 2028-03-30 15:00 |
      2028-03-30 15:00           | expiry      | available 0                                  | available > breakage 10000, lot 1
                                 |             |                                              | revenue > deferred_revenue $1, lot 1
      2028-03-30 15:00           | sweep       | available 0                                  |
    `);
  });

  test('an emptied lot has nothing to lapse; its payment is earned all the same', () => {
    expectScenario(`
      at               | what        | result          | postings
      2026-03-01 15:00 | buy $1      | available 10000 | issued > available 10000, lot 1
                       |             |                 | deferred_revenue > clearing $1, lot 1
      2026-03-31 14:00 | spend 10000 | available 0     | available > consumed 10000, lot 1
      2026-03-31 15:00 | expiry      | available 0     | revenue > deferred_revenue $1, lot 1
      2026-04-02 00:00 | sweep       | available 0     |
    `);
  });

  test('lots that end together end in one entry', () => {
    expectScenario(`
      at               | what   | result          | postings
      2026-03-01 15:00 | buy $1 | available 10000 | issued > available 10000, lot 1
                       |        |                 | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | buy $2 | available 30000 | issued > available 20000, lot 2
                       |        |                 | deferred_revenue > clearing $2, lot 2
      2026-03-31 15:00 | expiry | available 0     | available > breakage 10000, lot 1
                       |        |                 | revenue > deferred_revenue $1, lot 1
                       |        |                 | available > breakage 20000, lot 2
                       |        |                 | revenue > deferred_revenue $2, lot 2
      2026-03-31 16:00 | sweep  | available 0     |
    `);
  });

  test('at one midnight one lot expires first, then another renews', () => {
    expectScenario(`
      at               | what        | result          | postings
      2026-03-01 00:00 | buy $1      | available 10000 | issued > available 10000, lot 1
                       |             |                 | deferred_revenue > clearing $1, lot 1
      2026-03-02 12:00 | buy $1      | available 20000 | issued > available 10000, lot 2
                       |             |                 | deferred_revenue > clearing $1, lot 2
      2026-03-30 12:00 | spend 15000 | available 5000  | available > consumed 10000, lot 1
                       |             |                 | available > consumed 5000, lot 2
      2026-03-31 00:00 | expiry      | available 5000  | revenue > deferred_revenue $1, lot 1
      2026-03-31 00:00 | renewal     | available 10000 | renewed > available 5000, lot 2
      2026-03-31 00:00 | sweep       | available 10000 |
    `);
  });

  test('at one midnight a lot expires, a hold ends, a lot renews, an installment comes, a payment is added, and it is spent', () => {
    expectScenario(`
      at               | what                     | result                    | postings
      2026-03-01 00:00 | buy $1                   | available 10000           | issued > available 10000, lot 1
                       |                          |                           | deferred_revenue > clearing $1, lot 1
      2026-03-02 12:00 | buy $1                   | available 20000           | issued > available 10000, lot 2
                       |                          |                           | deferred_revenue > clearing $1, lot 2
      2026-03-30 15:00 | buy $0.3 as installments | available 20100           | issued > available 100, lot 3
                       |                          |                           | issued > unreleased 2900, lot 3
                       |                          |                           | deferred_revenue > clearing $0.3, lot 3
      2026-03-30 23:40 | spend 9000               | available 11100           | available > consumed 9000, lot 1
      2026-03-30 23:50 | hold 3000 for 10 min     | available 8100, held 3000 | available > held 1000, lot 1
                       |                          |                           | available > held 2000, lot 2
      2026-03-30 23:55 | spend 500                | available 7600, held 3000 | available > consumed 500, lot 2
      2026-03-31 00:00 | expiry                   | available 7600, held 3000 | revenue > deferred_revenue $1, lot 1
      2026-03-31 00:00 | hold_timeout             | available 9600            | held > breakage 1000, lot 1
                       |                          |                           | held > available 2000, lot 2
      2026-03-31 00:00 | renewal                  | available 10100           | renewed > available 500, lot 2
      2026-03-31 00:00 | installment              | available 10200           | unreleased > available 100, lot 3
      2026-03-31 00:00 | buy $0.1                 | available 11200           | issued > available 1000, lot 11
                       |                          |                           | deferred_revenue > clearing $0.1, lot 11
      2026-03-31 00:00 | spend 11200              | available 0               | available > consumed 10000, lot 2
                       |                          |                           | available > consumed 200, lot 3
                       |                          |                           | available > consumed 1000, lot 11
    `);
  });

  test.each([
    { bought: '2026-03-01 15:00', first: '2026-03-02 00:00', last: '2026-03-31 00:00', renewals: 30 },
    { bought: '2026-03-01 00:00', first: '2026-03-02 00:00', last: '2026-03-30 00:00', renewals: 29 },
    {
      bought: '2026-03-01 00:00:00.000001',
      first: '2026-03-02 00:00',
      last: '2026-03-31 00:00',
      renewals: 30,
    },
    {
      bought: '2026-03-01 23:59:59.999999',
      first: '2026-03-02 00:00',
      last: '2026-03-31 00:00',
      renewals: 30,
    },
    { bought: '2028-02-28 06:00', first: '2028-02-29 00:00', last: '2028-03-29 00:00', renewals: 30 },
    { bought: '2027-12-31 12:00', first: '2028-01-01 00:00', last: '2028-01-30 00:00', renewals: 30 },
  ])('spent whole each day, bought at $bought: $renewals renewals', ({ bought, first, last, renewals }) => {
    const instants = renewalsWhenSpentAtOnce(readInstant(bought));
    expect(instants.map(writeInstant).at(0)).toBe(first);
    expect(instants.map(writeInstant).at(-1)).toBe(last);
    expect(instants).toHaveLength(renewals);
    expect(new Set(instants.map(instant => writeInstant(instant).slice(11)))).toEqual(new Set(['00:00']));
  });
});

describe('midnight', () => {
  test('spent in the last microsecond of a day and at midnight itself: midnight renews first, and once', () => {
    expectScenario(`
      at                         | what        | result                                        | postings
      2026-03-01 15:00           | buy $1      | available 10000                               | issued > available 10000, lot 1
                                 |             |                                               | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:59:59.999999 | spend 10000 | available 0                                   | available > consumed 10000, lot 1
      2026-03-02 00:00           | renewal     | available 10000                               | renewed > available 10000, lot 1
      2026-03-02 00:00           | spend 6000  | available 4000                                | available > consumed 6000, lot 1
      2026-03-02 00:00           | spend 4000  | available 0                                   | available > consumed 4000, lot 1
      2026-03-02 00:00           | spend 1     | refused: has 0, next renewal 2026-03-03 00:00 |
      2026-03-02 00:00:00.000001 | spend 1     | refused: has 0, next renewal 2026-03-03 00:00 |
    `);
  });

  test('a midnight with nothing to renew posts nothing: one renewal in eighteen days', () => {
    expectScenario(`
      at               | what    | result          | postings
      2026-03-01 15:00 | buy $1  | available 10000 | issued > available 10000, lot 1
                       |         |                 | deferred_revenue > clearing $1, lot 1
      2026-03-02 00:00 | sweep   | available 10000 |
      2026-03-10 12:00 | spend 1 | available 9999  | available > consumed 1, lot 1
      2026-03-11 00:00 | renewal | available 10000 | renewed > available 1, lot 1
      2026-03-20 12:00 | sweep   | available 10000 |
      2026-03-31 15:00 | expiry  | available 0     | available > breakage 10000, lot 1
                       |         |                 | revenue > deferred_revenue $1, lot 1
      2026-03-31 15:00 | sweep   | available 0     |
    `);
  });
});

describe('a payment is noticed late, or early', () => {
  test('seconds late and over midnight: its 30 days begin when it was paid', () => {
    expectScenario(`
      at                  | what                            | result                                      | postings
      2026-03-02 00:00:05 | buy $1 paid 2026-03-01 23:59:58 | available 10000                             | issued > available 10000, lot 1
                          |                                 |                                             | deferred_revenue > clearing $1, lot 1
      2026-03-02 00:00:06 | spend 10000                     | available 0                                 | available > consumed 10000, lot 1
      2026-03-02 00:00:07 | look                            | lot 1: 0 of 10000 until 2026-03-31 23:59:58 |
    `);
  });

  test('24 hours late it still begins when it was paid; a microsecond later it begins now', () => {
    expectScenario(`
      at                         | what                         | result                                                                                               | postings
      2026-03-02 15:00           | buy $1 paid 2026-03-01 15:00 | available 10000                                                                                      | issued > available 10000, lot 1
                                 |                              |                                                                                                      | deferred_revenue > clearing $1, lot 1
      2026-03-02 15:00           | look                         | lot 1: 10000 of 10000 until 2026-03-31 15:00                                                         |
      2026-03-02 15:00:00.000001 | buy $1 paid 2026-03-01 15:00 | available 20000                                                                                      | issued > available 10000, lot 2
                                 |                              |                                                                                                      | deferred_revenue > clearing $1, lot 2
      2026-03-02 15:00:00.000001 | look                         | lot 1: 10000 of 10000 until 2026-03-31 15:00; lot 2: 10000 of 10000 until 2026-04-01 15:00:00.000001 |
    `);
  });

  test('25 hours late: no life is lost', () => {
    expectScenario(`
      at               | what                         | result                                       | postings
      2026-03-02 16:00 | buy $1 paid 2026-03-01 15:00 | available 10000                              | issued > available 10000, lot 1
                       |                              |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-02 16:00 | look                         | lot 1: 10000 of 10000 until 2026-04-01 16:00 |
    `);
  });

  test('31 days late: no life is lost', () => {
    expectScenario(`
      at               | what                         | result                                       | postings
      2026-04-01 15:00 | buy $1 paid 2026-03-01 15:00 | available 10000                              | issued > available 10000, lot 1
                       |                              |                                              | deferred_revenue > clearing $1, lot 1
      2026-04-01 15:00 | look                         | lot 1: 10000 of 10000 until 2026-05-01 15:00 |
    `);
  });

  test('priced late: it begins when it is decided, however soon that is', () => {
    expectScenario(`
      at               | what               | result                                       | postings
      2026-03-01 15:07 | buy $1 priced late | available 10000                              | issued > available 10000, lot 1
                       |                    |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:07 | look               | lot 1: 10000 of 10000 until 2026-03-31 15:07 |
    `);
  });

  test('what was decided before it was noticed stays as it is, although it would have been spent first', () => {
    expectScenario(`
      at               | what                         | result                                                                                    | postings
      2026-03-01 15:00 | buy $1                       | available 10000                                                                           | issued > available 10000, lot 1
                       |                              |                                                                                           | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:01 | spend 10001                  | refused: has 10000, next renewal 2026-03-02 00:00                                         |
      2026-03-01 15:01 | spend 4000                   | available 6000                                                                            | available > consumed 4000, lot 1
      2026-03-01 15:02 | buy $1 paid 2026-03-01 14:59 | available 16000                                                                           | issued > available 10000, lot 3
                       |                              |                                                                                           | deferred_revenue > clearing $1, lot 3
      2026-03-01 15:02 | look                         | lot 3: 10000 of 10000 until 2026-03-31 14:59; lot 1: 6000 of 10000 until 2026-03-31 15:00 |
      2026-03-01 15:03 | spend 1000                   | available 15000                                                                           | available > consumed 1000, lot 3
    `);
  });

  test('the clock of the block is ahead of ours: it can be spent at once, and first renews inside its own life', () => {
    expectScenario(`
      at                  | what                            | result                                          | postings
      2026-03-01 23:59:57 | buy $1 paid 2026-03-02 00:00:03 | available 10000                                 | issued > available 10000, lot 1
                          |                                 |                                                 | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:59:58 | spend 4000                      | available 6000                                  | available > consumed 4000, lot 1
      2026-03-02 00:00:04 | sweep                           | available 6000                                  |
      2026-03-03 00:00    | renewal                         | available 10000                                 | renewed > available 4000, lot 1
      2026-03-03 00:00    | sweep                           | available 10000                                 |
      2026-03-31 15:00    | look                            | lot 1: 10000 of 10000 until 2026-04-01 00:00:03 |
    `);
  });
});

describe('spending', () => {
  test('soonest expiry first, then the earliest added, then the lowest number; one debit may take from many lots', () => {
    expectScenario(`
      at               | what                         | result                                                                                                                                   | postings
      2026-03-01 15:00 | buy $2                       | available 20000                                                                                                                          | issued > available 20000, lot 1
                       |                              |                                                                                                                                          | deferred_revenue > clearing $2, lot 1
      2026-03-01 16:00 | buy $1 paid 2026-03-01 14:00 | available 30000                                                                                                                          | issued > available 10000, lot 2
                       |                              |                                                                                                                                          | deferred_revenue > clearing $1, lot 2
      2026-03-01 17:00 | buy $3 paid 2026-03-01 15:00 | available 60000                                                                                                                          | issued > available 30000, lot 3
                       |                              |                                                                                                                                          | deferred_revenue > clearing $3, lot 3
      2026-03-01 17:00 | look                         | lot 2: 10000 of 10000 until 2026-03-31 14:00; lot 1: 20000 of 20000 until 2026-03-31 15:00; lot 3: 30000 of 30000 until 2026-03-31 15:00 |
      2026-03-01 18:00 | spend 5000                   | available 55000                                                                                                                          | available > consumed 5000, lot 2
      2026-03-01 18:01 | spend 35000                  | available 20000                                                                                                                          | available > consumed 5000, lot 2
                       |                              |                                                                                                                                          | available > consumed 20000, lot 1
                       |                              |                                                                                                                                          | available > consumed 10000, lot 3
      2026-03-01 18:02 | spend 20000.000001           | refused: has 20000, next renewal 2026-03-02 00:00                                                                                        |
      2026-03-01 18:03 | spend 20000                  | available 0                                                                                                                              | available > consumed 20000, lot 3
      2026-03-02 00:00 | renewal                      | available 60000                                                                                                                          | renewed > available 10000, lot 2
                       |                              |                                                                                                                                          | renewed > available 20000, lot 1
                       |                              |                                                                                                                                          | renewed > available 30000, lot 3
      2026-03-02 00:00 | sweep                        | available 60000                                                                                                                          |
    `);
  });

  test('what does not suffice is refused as a whole; the smallest payment and the smallest debit', () => {
    expectScenario(`
      at               | what               | result                                            | postings
      2026-03-01 15:00 | spend 1            | refused: has 0, no renewal                        |
      2026-03-01 15:00 | buy $0.000001      | available 0.01                                    | issued > available 0.01, lot 1
                       |                    |                                                   | deferred_revenue > clearing $0.000001, lot 1
      2026-03-01 15:00 | spend 0.01         | available 0                                       | available > consumed 0.01, lot 1
      2026-03-01 15:01 | spend 0.000001     | refused: has 0, next renewal 2026-03-02 00:00     |
      2026-03-02 00:00 | renewal            | available 0.01                                    | renewed > available 0.01, lot 1
      2026-03-30 15:00 | buy $1             | available 10000.01                                | issued > available 10000, lot 4
                       |                    |                                                   | deferred_revenue > clearing $1, lot 4
      2026-03-31 16:00 | spend 10000.000001 | refused: has 10000, next renewal 2026-04-01 00:00 |
    `);
  });
});

describe('taking back', () => {
  test('an unspent payment: nothing is owed, and nothing renews any more', () => {
    expectScenario(`
      at               | what                  | result          | postings
      2026-03-01 15:00 | buy $1                | available 10000 | issued > available 10000, lot 1
                       |                       |                 | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | claw back $1 of lot 1 | available 0     | available > clawed_back 10000, lot 1
                       |                       |                 | revenue > deferred_revenue $0.001388, lot 1
                       |                       |                 | clearing > deferred_revenue $0.998612, lot 1
                       |                       |                 | clearing > refunds $0.001388, lot 1
      2026-03-01 16:00 | look                  | no lots         |
      2026-03-02 00:00 | sweep                 | available 0     |
    `);
  });

  test('part of a payment: the lot goes on with a smaller face, and renews to that', () => {
    expectScenario(`
      at               | what                    | result                                     | postings
      2026-03-01 15:00 | buy $1                  | available 10000                            | issued > available 10000, lot 1
                       |                         |                                            | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | claw back $0.4 of lot 1 | available 6000                             | available > clawed_back 4000, lot 1
                       |                         |                                            | revenue > deferred_revenue $0.001388, lot 1
                       |                         |                                            | clearing > deferred_revenue $0.4, lot 1
      2026-03-01 16:00 | look                    | lot 1: 6000 of 6000 until 2026-03-31 15:00 |
      2026-03-01 17:00 | spend 6000              | available 0                                | available > consumed 6000, lot 1
      2026-03-02 00:00 | renewal                 | available 6000                             | renewed > available 6000, lot 1
      2026-03-02 00:00 | sweep                   | available 6000                             |
      2026-03-02 01:00 | claw back $0.6 of lot 1 | available 0                                | available > clawed_back 6000, lot 1
                       |                         |                                            | revenue > deferred_revenue $0.007493, lot 1
                       |                         |                                            | clearing > deferred_revenue $0.591119, lot 1
                       |                         |                                            | clearing > refunds $0.008881, lot 1
      2026-03-02 01:00 | look                    | no lots                                    |
    `);
  });

  test('a partly spent payment: what was spent is owed, and a debt refuses debits', () => {
    expectScenario(`
      at               | what                  | result                 | postings
      2026-03-01 15:00 | buy $1                | available 10000        | issued > available 10000, lot 1
                       |                       |                        | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:30 | spend 3000            | available 7000         | available > consumed 3000, lot 1
      2026-03-01 16:00 | claw back $1 of lot 1 | available 0, debt 3000 | available > clawed_back 7000, lot 1
                       |                       |                        | debt > clawed_back 3000, lot 1
                       |                       |                        | revenue > deferred_revenue $0.001388, lot 1
                       |                       |                        | clearing > deferred_revenue $0.998612, lot 1
                       |                       |                        | clearing > refunds $0.001388, lot 1
      2026-03-01 16:01 | spend 1               | refused: owes 3000     |
      2026-03-02 00:00 | look                  | no lots                |
    `);
  });

  test('a payment spent whole', () => {
    expectScenario(`
      at               | what                  | result                  | postings
      2026-03-01 15:00 | buy $1                | available 10000         | issued > available 10000, lot 1
                       |                       |                         | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:30 | spend 10000           | available 0             | available > consumed 10000, lot 1
      2026-03-01 16:00 | claw back $1 of lot 1 | available 0, debt 10000 | debt > clawed_back 10000, lot 1
                       |                       |                         | revenue > deferred_revenue $0.001388, lot 1
                       |                       |                         | clearing > deferred_revenue $0.998612, lot 1
                       |                       |                         | clearing > refunds $0.001388, lot 1
      2026-03-03 00:00 | look                  | no lots                 |
    `);
  });

  test('a lot spent whole for ten days and full again: of the 100,000 credits that were used nothing is owed', () => {
    expectScenario(`
      at               | what                  | result          | postings
      2026-03-01 15:00 | buy $1                | available 10000 | issued > available 10000, lot 1
                       |                       |                 | deferred_revenue > clearing $1, lot 1
      2026-03-01 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-02 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-02 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-03 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-03 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-04 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-04 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-05 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-05 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-06 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-06 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-07 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-07 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-08 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-08 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-09 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-09 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-10 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-10 20:00 | spend 10000           | available 0     | available > consumed 10000, lot 1
      2026-03-11 00:00 | renewal               | available 10000 | renewed > available 10000, lot 1
      2026-03-11 12:00 | claw back $1 of lot 1 | available 0     | available > clawed_back 10000, lot 1
                       |                       |                 | revenue > deferred_revenue $0.329166, lot 1
                       |                       |                 | clearing > deferred_revenue $0.670834, lot 1
                       |                       |                 | clearing > refunds $0.329166, lot 1
      2026-03-11 12:00 | look                  | no lots         |
    `);
  });

  test('a lot spent for ten days: only what is missing from its face on the tenth is owed', () => {
    expectScenario(`
      at               | what                  | result                 | postings
      2026-03-01 15:00 | buy $1                | available 10000        | issued > available 10000, lot 1
                       |                       |                        | deferred_revenue > clearing $1, lot 1
      2026-03-01 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-02 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-02 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-03 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-03 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-04 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-04 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-05 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-05 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-06 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-06 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-07 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-07 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-08 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-08 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-09 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-09 20:00 | spend 10000           | available 0            | available > consumed 10000, lot 1
      2026-03-10 00:00 | renewal               | available 10000        | renewed > available 10000, lot 1
      2026-03-10 20:00 | spend 7500            | available 2500         | available > consumed 7500, lot 1
      2026-03-10 21:00 | claw back $1 of lot 1 | available 0, debt 7500 | available > clawed_back 2500, lot 1
                       |                       |                        | debt > clawed_back 7500, lot 1
                       |                       |                        | revenue > deferred_revenue $0.308333, lot 1
                       |                       |                        | clearing > deferred_revenue $0.691667, lot 1
                       |                       |                        | clearing > refunds $0.308333, lot 1
      2026-03-11 00:00 | look                  | no lots                |
    `);
  });

  test('a debt refuses debits while other lots go on; purchases settle it first, and their face is reduced', () => {
    expectScenario(`
      at               | what                  | result                                                                                   | postings
      2026-03-01 15:00 | buy $1                | available 10000                                                                          | issued > available 10000, lot 1
                       |                       |                                                                                          | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | buy $2                | available 30000                                                                          | issued > available 20000, lot 2
                       |                       |                                                                                          | deferred_revenue > clearing $2, lot 2
      2026-03-01 15:30 | spend 10000           | available 20000                                                                          | available > consumed 10000, lot 1
      2026-03-01 16:00 | claw back $1 of lot 1 | available 20000, debt 10000                                                              | debt > clawed_back 10000, lot 1
                       |                       |                                                                                          | revenue > deferred_revenue $0.001388, lot 1
                       |                       |                                                                                          | clearing > deferred_revenue $0.998612, lot 1
                       |                       |                                                                                          | clearing > refunds $0.001388, lot 1
      2026-03-01 16:01 | spend 1               | refused: owes 10000                                                                      |
      2026-03-02 00:00 | sweep                 | available 20000                                                                          |
      2026-03-02 10:00 | buy $0.25             | available 20000, debt 7500                                                               | issued > debt 2500, lot 5
                       |                       |                                                                                          | deferred_revenue > clearing $0.25, lot 5
                       |                       |                                                                                          | revenue > deferred_revenue $0.25, lot 5
      2026-03-02 10:01 | spend 1               | refused: owes 7500                                                                       |
      2026-03-02 10:02 | buy $1                | available 22500                                                                          | issued > debt 7500, lot 6
                       |                       |                                                                                          | issued > available 2500, lot 6
                       |                       |                                                                                          | deferred_revenue > clearing $1, lot 6
                       |                       |                                                                                          | revenue > deferred_revenue $0.75, lot 6
      2026-03-02 10:03 | look                  | lot 2: 20000 of 20000 until 2026-03-31 15:00; lot 6: 2500 of 2500 until 2026-04-01 10:02 |
      2026-03-02 10:04 | spend 1               | available 22499                                                                          | available > consumed 1, lot 2
    `);
  });

  test('a lot that settled a debt renews to its reduced face', () => {
    expectScenario(`
      at               | what                  | result                 | postings
      2026-03-01 15:00 | buy $1                | available 10000        | issued > available 10000, lot 1
                       |                       |                        | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:30 | spend 4000            | available 6000         | available > consumed 4000, lot 1
      2026-03-01 16:00 | claw back $1 of lot 1 | available 0, debt 4000 | available > clawed_back 6000, lot 1
                       |                       |                        | debt > clawed_back 4000, lot 1
                       |                       |                        | revenue > deferred_revenue $0.001388, lot 1
                       |                       |                        | clearing > deferred_revenue $0.998612, lot 1
                       |                       |                        | clearing > refunds $0.001388, lot 1
      2026-03-01 17:00 | buy $1                | available 6000         | issued > debt 4000, lot 4
                       |                       |                        | issued > available 6000, lot 4
                       |                       |                        | deferred_revenue > clearing $1, lot 4
                       |                       |                        | revenue > deferred_revenue $0.4, lot 4
      2026-03-01 18:00 | spend 6000            | available 0            | available > consumed 6000, lot 4
      2026-03-02 00:00 | renewal               | available 6000         | renewed > available 6000, lot 4
      2026-03-02 00:00 | sweep                 | available 6000         |
      2026-03-31 17:00 | expiry                | available 0            | available > breakage 6000, lot 4
                       |                       |                        | revenue > deferred_revenue $0.6, lot 4
      2026-03-31 17:00 | sweep                 | available 0            |
    `);
  });

  test('a debt that is no whole number of micro-dollars; taking back the payment that settled it', () => {
    expectScenario(`
      at               | what                         | result                                             | postings
      2026-03-01 15:00 | buy $1                       | available 10000                                    | issued > available 10000, lot 1
                       |                              |                                                    | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:30 | spend 3333.333333            | available 6666.666667                              | available > consumed 3333.333333, lot 1
      2026-03-01 16:00 | claw back $1 of lot 1        | available 0, debt 3333.333333                      | available > clawed_back 6666.666667, lot 1
                       |                              |                                                    | debt > clawed_back 3333.333333, lot 1
                       |                              |                                                    | revenue > deferred_revenue $0.001388, lot 1
                       |                              |                                                    | clearing > deferred_revenue $0.998612, lot 1
                       |                              |                                                    | clearing > refunds $0.001388, lot 1
      2026-03-01 17:00 | buy $0.333334                | available 0.006667                                 | issued > debt 3333.333333, lot 4
                       |                              |                                                    | issued > available 0.006667, lot 4
                       |                              |                                                    | deferred_revenue > clearing $0.333334, lot 4
                       |                              |                                                    | revenue > deferred_revenue $0.333333, lot 4
      2026-03-01 17:00 | look                         | lot 4: 0.006667 of 0.006667 until 2026-03-31 17:00 |
      2026-03-01 18:00 | claw back $0.333334 of lot 4 | available 0, debt 3333.333333                      | available > clawed_back 0.006667, lot 4
                       |                              |                                                    | debt > clawed_back 3333.333333, lot 4
                       |                              |                                                    | clearing > deferred_revenue $0.000001, lot 4
                       |                              |                                                    | clearing > refunds $0.333333, lot 4
    `);
  });

  test('after its end nothing is left to take: all of it is owed, and the money comes out of refunds', () => {
    expectScenario(`
      at               | what                  | result                  | postings
      2026-03-01 15:00 | buy $1                | available 10000         | issued > available 10000, lot 1
                       |                       |                         | deferred_revenue > clearing $1, lot 1
      2026-03-31 15:00 | expiry                | available 0             | available > breakage 10000, lot 1
                       |                       |                         | revenue > deferred_revenue $1, lot 1
      2026-04-01 00:00 | claw back $1 of lot 1 | available 0, debt 10000 | debt > clawed_back 10000, lot 1
                       |                       |                         | clearing > refunds $1, lot 1
    `);
  });

  test('more than was paid can never be taken back', () => {
    expect(() =>
      expectScenario(`
        at               | what                           | result          | postings
        2026-03-01 15:00 | buy $1                         | available 10000 | issued > available 10000, lot 1
                         |                                |                 | deferred_revenue > clearing $1, lot 1
        2026-03-01 15:00 | claw back $0.4 of lot 1        | available 6000  | available > clawed_back 4000, lot 1
                         |                                |                 | clearing > deferred_revenue $0.4, lot 1
        2026-03-01 15:00 | claw back $0.600001 of lot 1   |                 |
      `),
    ).toThrow('clawback of 600001 micro-dollars, more than is left of lot 1');
  });
});

/** The renewals of a dollar's lot that is spent whole when it is bought and again at each of 40 midnights. */
function renewalsWhenSpentAtOnce(bought: Instant): Instant[] {
  const renewals: Instant[] = [];
  let book = EMPTY_BOOK;
  const midnights = Array.from({ length: 40 }, (_, day) => bought - (bought % DAY) + BigInt(day + 1) * DAY);
  for (const [command, instant] of [
    [purchaseOf(1n, bought, 'payment'), bought] as const,
    ...[bought, ...midnights].map(at => [debitOf(10_000n, `job at ${at}`), at] as const),
  ]) {
    const decision = decide(book, command, instant);
    if (!decision.accepted) continue;
    book = decision.step.book;
    for (const entry of decision.step.entries) if (entry.kind === 'renewal') renewals.push(entry.bookedAt);
  }
  return renewals;
}
