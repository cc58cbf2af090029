/** Holds: credits reserved, spent in part, given back. One row a command; see test/support/scenario.ts for how to read them. */
import { describe, expect, test } from 'vitest';
import { expectScenario } from '../../support/scenario.ts';

describe('a hold', () => {
  test('takes its credits at once, and none of them twice', () => {
    expectScenario(`
      at               | what       | result                                           | postings
      2026-03-01 15:00 | buy $1     | available 10000                                  | issued > available 10000, lot 1
                       |            |                                                  | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | hold 7000  | available 3000, held 7000                        | available > held 7000, lot 1
      2026-03-01 16:01 | spend 3001 | refused: has 3000, next renewal 2026-03-02 00:00 |
      2026-03-01 16:02 | spend 3000 | available 0, held 7000                           | available > consumed 3000, lot 1
      2026-03-01 16:02 | look       | lot 1: 0 of 10000 until 2026-03-31 15:00         |
      2026-03-01 16:03 | hold 1     | refused: has 0, next renewal 2026-03-02 00:00    |
    `);
  });

  test('is captured in part: the rest is given back, and it is closed', () => {
    expectScenario(`
      at               | what                     | result                                        | postings
      2026-03-01 15:00 | buy $1                   | available 10000                               | issued > available 10000, lot 1
                       |                          |                                               | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | hold 7000                | available 3000, held 7000                     | available > held 7000, lot 1
      2026-03-01 16:05 | capture 5000.5 of hold 2 | available 4999.5                              | held > consumed 5000.5, lot 1
                       |                          |                                               | held > available 1999.5, lot 1
      2026-03-01 16:06 | capture 1 of hold 2      | refused: hold_closed                          |
      2026-03-01 16:06 | release hold 2           | refused: hold_closed                          |
      2026-03-01 16:06 | look                     | lot 1: 4999.5 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('is captured whole', () => {
    expectScenario(`
      at               | what                           | result                                   | postings
      2026-03-01 15:00 | buy $1                         | available 10000                          | issued > available 10000, lot 1
                       |                                |                                          | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | hold 10000                     | available 0, held 10000                  | available > held 10000, lot 1
      2026-03-01 16:05 | capture 10000.000001 of hold 2 | refused: holds 10000                     |
      2026-03-01 16:05 | capture 10000 of hold 2        | available 0                              | held > consumed 10000, lot 1
      2026-03-01 16:06 | look                           | lot 1: 0 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('is released by the service that placed it, and by nobody else', () => {
    expectScenario(`
      at               | what                           | result                                       | postings
      2026-03-01 15:00 | buy $1                         | available 10000                              | issued > available 10000, lot 1
                       |                                |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | hold 7000                      | available 3000, held 7000                    | available > held 7000, lot 1
      2026-03-01 16:01 | service 2: release hold 2      | refused: hold_unknown                        |
      2026-03-01 16:01 | service 2: capture 1 of hold 2 | refused: hold_unknown                        |
      2026-03-01 16:02 | release hold 2                 | available 10000                              | held > available 7000, lot 1
      2026-03-01 16:02 | release hold 3                 | refused: hold_unknown                        |
      2026-03-01 16:02 | look                           | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('ends at its deadline, not a microsecond before', () => {
    expectScenario(`
      at                         | what                | result                                           | postings
      2026-03-01 15:00           | buy $1              | available 10000                                  | issued > available 10000, lot 1
                                 |                     |                                                  | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00           | hold 7000           | available 3000, held 7000                        | available > held 7000, lot 1
      2026-03-01 16:14:59.999999 | sweep               | available 3000                                   |
      2026-03-01 16:14:59.999999 | spend 3001          | refused: has 3000, next renewal 2026-03-02 00:00 |
      2026-03-01 16:15           | capture 1 of hold 2 | refused: hold_closed                             |
      2026-03-01 16:15           | hold_timeout        | available 10000                                  | held > available 7000, lot 1
      2026-03-01 16:15           | spend 3001          | available 6999                                   | available > consumed 3001, lot 1
    `);
  });

  test('and another that end together end in one entry', () => {
    expectScenario(`
      at               | what                | result                    | postings
      2026-03-01 15:00 | buy $1              | available 10000           | issued > available 10000, lot 1
                       |                     |                           | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | hold 7000 for 2 h   | available 3000, held 7000 | available > held 7000, lot 1
      2026-03-01 17:00 | hold 1000 for 1 h   | available 2000, held 8000 | available > held 1000, lot 1
      2026-03-01 17:30 | hold 500 for 3 h    | refused: too_many_holds   |
      2026-03-01 17:40 | service 2: hold 500 | available 1500, held 8500 | available > held 500, lot 1
      2026-03-01 17:55 | hold_timeout        | available 2000, held 8000 | held > available 500, lot 1
      2026-03-01 18:00 | hold_timeout        | available 10000           | held > available 7000, lot 1
                       |                     |                           | held > available 1000, lot 1
      2026-03-01 20:30 | sweep               | available 10000           |
    `);
  });

  test('lasts 24 hours at most: after a midnight of its lot it lapses', () => {
    expectScenario(`
      at               | what               | result                     | postings
      2026-03-01 15:00 | buy $1             | available 10000            | issued > available 10000, lot 1
                       |                    |                            | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | hold 4000 for 24 h | available 6000, held 4000  | available > held 4000, lot 1
      2026-03-02 00:00 | renewal            | available 10000, held 4000 | renewed > available 4000, lot 1
      2026-03-02 16:00 | hold_timeout       | available 10000            | held > breakage 4000, lot 1
      2026-03-02 16:00 | sweep              | available 10000            |
    `);
    expect(() =>
      expectScenario(`
        at               | what            | result | postings
        2026-03-01 15:00 | hold 1 for 25 h |        |
      `),
    ).toThrow('a hold must end, within a day');
  });

  test('of a service is limited in number, and those of all services together', () => {
    expectScenario(`
      at               | what              | result                  | postings
      2026-03-01 15:00 | buy $1            | available 10000         | issued > available 10000, lot 1
                       |                   |                         | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | hold 1            | available 9999, held 1  | available > held 1, lot 1
      2026-03-01 16:00 | hold 1            | available 9998, held 2  | available > held 1, lot 1
      2026-03-01 16:00 | hold 1            | refused: too_many_holds |
      2026-03-01 16:00 | service 2: hold 1 | available 9997, held 3  | available > held 1, lot 1
      2026-03-01 16:00 | service 3: hold 1 | refused: too_many_holds |
      2026-03-01 16:01 | release hold 2    | available 9998, held 2  | held > available 1, lot 1
      2026-03-01 16:01 | service 3: hold 1 | available 9997, held 3  | available > held 1, lot 1
    `);
  });

  test('over several lots is captured in the order in which it was taken', () => {
    expectScenario(`
      at               | what                    | result                                                                                | postings
      2026-03-01 15:00 | buy $1                  | available 10000                                                                       | issued > available 10000, lot 1
                       |                         |                                                                                       | deferred_revenue > clearing $1, lot 1
      2026-03-02 15:00 | buy $1                  | available 20000                                                                       | issued > available 10000, lot 2
                       |                         |                                                                                       | deferred_revenue > clearing $1, lot 2
      2026-03-02 16:00 | hold 15000              | available 5000, held 15000                                                            | available > held 10000, lot 1
                       |                         |                                                                                       | available > held 5000, lot 2
      2026-03-02 16:01 | capture 12000 of hold 3 | available 8000                                                                        | held > consumed 10000, lot 1
                       |                         |                                                                                       | held > consumed 2000, lot 2
                       |                         |                                                                                       | held > available 3000, lot 2
      2026-03-02 16:02 | look                    | lot 1: 0 of 10000 until 2026-03-31 15:00; lot 2: 8000 of 10000 until 2026-04-01 15:00 |
    `);
  });
});

describe('a hold and midnight', () => {
  test('the lot renews beside what is held; captured afterwards, nothing is missing', () => {
    expectScenario(`
      at               | what                   | result                                       | postings
      2026-03-01 15:00 | buy $1                 | available 10000                              | issued > available 10000, lot 1
                       |                        |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:50 | hold 7000              | available 3000, held 7000                    | available > held 7000, lot 1
      2026-03-02 00:00 | renewal                | available 10000, held 7000                   | renewed > available 7000, lot 1
      2026-03-02 00:01 | capture 7000 of hold 2 | available 10000                              | held > consumed 7000, lot 1
      2026-03-02 00:01 | look                   | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('released after the renewal, what was held lapses: the lot would have more than its face', () => {
    expectScenario(`
      at               | what           | result                                       | postings
      2026-03-01 15:00 | buy $1         | available 10000                              | issued > available 10000, lot 1
                       |                |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:50 | hold 7000      | available 3000, held 7000                    | available > held 7000, lot 1
      2026-03-02 00:00 | renewal        | available 10000, held 7000                   | renewed > available 7000, lot 1
      2026-03-02 00:01 | release hold 2 | available 10000                              | held > breakage 7000, lot 1
      2026-03-02 00:01 | look           | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('with a deadline of midnight it is given back first, and there is nothing left to renew', () => {
    expectScenario(`
      at               | what         | result                                       | postings
      2026-03-01 15:00 | buy $1       | available 10000                              | issued > available 10000, lot 1
                       |              |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:45 | hold 7000    | available 3000, held 7000                    | available > held 7000, lot 1
      2026-03-02 00:00 | hold_timeout | available 10000                              | held > available 7000, lot 1
      2026-03-02 00:00 | sweep        | available 10000                              |
      2026-03-02 00:00 | look         | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('a lot that never renews takes back at any time', () => {
    expectScenario(`
      at               | what           | result                                       | postings
      2026-03-01 15:00 | buy $1 as none | available 10000                              | issued > available 10000, lot 1
                       |                |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:50 | hold 7000      | available 3000, held 7000                    | available > held 7000, lot 1
      2026-03-02 00:01 | release hold 2 | available 10000                              | held > available 7000, lot 1
      2026-03-02 00:01 | look           | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });
});

describe('a hold and the expiry of its lot', () => {
  test('what is held stays, and is captured after the expiry', () => {
    expectScenario(`
      at               | what                   | result                    | postings
      2026-03-01 15:00 | buy $1                 | available 10000           | issued > available 10000, lot 1
                       |                        |                           | deferred_revenue > clearing $1, lot 1
      2026-03-31 14:50 | hold 7000              | available 3000, held 7000 | available > held 7000, lot 1
      2026-03-31 15:00 | expiry                 | available 0, held 7000    | available > breakage 3000, lot 1
                       |                        |                           | revenue > deferred_revenue $1, lot 1
      2026-03-31 15:01 | capture 7000 of hold 2 | available 0               | held > consumed 7000, lot 1
      2026-03-31 15:02 | sweep                  | available 0               |
    `);
  });

  test('captured in part after the expiry, the rest lapses', () => {
    expectScenario(`
      at               | what                   | result                    | postings
      2026-03-01 15:00 | buy $1                 | available 10000           | issued > available 10000, lot 1
                       |                        |                           | deferred_revenue > clearing $1, lot 1
      2026-03-31 14:50 | hold 7000              | available 3000, held 7000 | available > held 7000, lot 1
      2026-03-31 15:00 | expiry                 | available 0, held 7000    | available > breakage 3000, lot 1
                       |                        |                           | revenue > deferred_revenue $1, lot 1
      2026-03-31 15:01 | capture 5000 of hold 2 | available 0               | held > consumed 5000, lot 1
                       |                        |                           | held > breakage 2000, lot 1
    `);
  });

  test('released after the expiry, it lapses', () => {
    expectScenario(`
      at               | what           | result                    | postings
      2026-03-01 15:00 | buy $1         | available 10000           | issued > available 10000, lot 1
                       |                |                           | deferred_revenue > clearing $1, lot 1
      2026-03-31 14:50 | hold 7000      | available 3000, held 7000 | available > held 7000, lot 1
      2026-03-31 15:00 | expiry         | available 0, held 7000    | available > breakage 3000, lot 1
                       |                |                           | revenue > deferred_revenue $1, lot 1
      2026-03-31 15:01 | release hold 2 | available 0               | held > breakage 7000, lot 1
      2026-03-31 15:01 | look           | no lots                   |
    `);
  });

  test('with a deadline at the expiry, the lot ends first', () => {
    expectScenario(`
      at               | what         | result                    | postings
      2026-03-01 15:00 | buy $1       | available 10000           | issued > available 10000, lot 1
                       |              |                           | deferred_revenue > clearing $1, lot 1
      2026-03-31 14:45 | hold 7000    | available 3000, held 7000 | available > held 7000, lot 1
      2026-03-31 15:00 | expiry       | available 0, held 7000    | available > breakage 3000, lot 1
                       |              |                           | revenue > deferred_revenue $1, lot 1
      2026-03-31 15:00 | hold_timeout | available 0               | held > breakage 7000, lot 1
      2026-03-31 15:00 | sweep        | available 0               |
    `);
  });
});

describe('a hold and debt', () => {
  test('held credits are not seized; the hold may be captured while the debt is open', () => {
    expectScenario(`
      at               | what                   | result                            | postings
      2026-03-01 15:00 | buy $1                 | available 10000                   | issued > available 10000, lot 1
                       |                        |                                   | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:10 | hold 4000 for 2 h      | available 6000, held 4000         | available > held 4000, lot 1
      2026-03-01 16:00 | claw back $1 of lot 1  | available 0, held 4000, debt 4000 | available > clawed_back 6000, lot 1
                       |                        |                                   | debt > clawed_back 4000, lot 1
                       |                        |                                   | revenue > deferred_revenue $0.001388, lot 1
                       |                        |                                   | clearing > deferred_revenue $0.998612, lot 1
                       |                        |                                   | clearing > refunds $0.001388, lot 1
      2026-03-01 16:01 | hold 1                 | refused: owes 4000                |
      2026-03-01 16:02 | capture 4000 of hold 2 | available 0, debt 4000            | held > consumed 4000, lot 1
      2026-03-01 16:03 | look                   | no lots                           |
    `);
  });

  test('what is given back settles the debt first', () => {
    expectScenario(`
      at               | what                    | result                                      | postings
      2026-03-01 15:00 | buy $1                  | available 10000                             | issued > available 10000, lot 1
                       |                         |                                             | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | buy $1                  | available 20000                             | issued > available 10000, lot 2
                       |                         |                                             | deferred_revenue > clearing $1, lot 2
      2026-03-01 15:10 | hold 14000 for 2 h      | available 6000, held 14000                  | available > held 10000, lot 1
                       |                         |                                             | available > held 4000, lot 2
      2026-03-01 16:00 | claw back $1 of lot 1   | available 6000, held 14000, debt 10000      | debt > clawed_back 10000, lot 1
                       |                         |                                             | revenue > deferred_revenue $0.001388, lot 1
                       |                         |                                             | clearing > deferred_revenue $0.998612, lot 1
                       |                         |                                             | clearing > refunds $0.001388, lot 1
      2026-03-01 16:02 | capture 10000 of hold 3 | available 6000, debt 6000                   | held > consumed 10000, lot 1
                       |                         |                                             | held > debt 4000, lot 2
      2026-03-01 16:03 | look                    | lot 2: 6000 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('at its deadline it settles the debt of its lot, which has closed; the other lot gets its part back', () => {
    expectScenario(`
      at               | what                  | result                                 | postings
      2026-03-01 15:00 | buy $1                | available 10000                        | issued > available 10000, lot 1
                       |                       |                                        | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | buy $1                | available 20000                        | issued > available 10000, lot 2
                       |                       |                                        | deferred_revenue > clearing $1, lot 2
      2026-03-01 15:00 | hold 14000            | available 6000, held 14000             | available > held 10000, lot 1
                       |                       |                                        | available > held 4000, lot 2
      2026-03-01 15:00 | claw back $1 of lot 1 | available 6000, held 14000, debt 10000 | debt > clawed_back 10000, lot 1
                       |                       |                                        | clearing > deferred_revenue $1, lot 1
      2026-03-01 15:15 | hold_timeout          | available 10000                        | held > debt 10000, lot 1
                       |                       |                                        | held > available 4000, lot 2
      2026-03-01 15:15 | sweep                 | available 10000                        |
    `);
  });
});
