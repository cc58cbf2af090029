/** Reversals: what was spent is given back. One row a command; see test/support/scenario.ts for how to read them. */
import { describe, test } from 'vitest';
import { expectScenario } from '../../support/scenario.ts';

describe('a reversal', () => {
  test('on the same day gives back to the lot', () => {
    expectScenario(`
      at               | what              | result                                       | postings
      2026-03-01 15:00 | buy $1            | available 10000                              | issued > available 10000, lot 1
                       |                   |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | spend 7000        | available 3000                               | available > consumed 7000, lot 1
      2026-03-01 17:00 | reverse 7000 of 2 | available 10000                              | consumed > available 7000, lot 1
      2026-03-01 17:00 | reverse 2         | refused: 0 left                              |
      2026-03-01 17:00 | look              | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('on the next day lapses, as the lot has renewed', () => {
    expectScenario(`
      at               | what       | result                                       | postings
      2026-03-01 15:00 | buy $1     | available 10000                              | issued > available 10000, lot 1
                       |            |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | spend 7000 | available 3000                               | available > consumed 7000, lot 1
      2026-03-02 00:00 | renewal    | available 10000                              | renewed > available 7000, lot 1
      2026-03-02 00:00 | reverse 2  | available 10000                              | consumed > breakage 7000, lot 1
      2026-03-02 00:00 | look       | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('after the expiry lapses', () => {
    expectScenario(`
      at               | what       | result          | postings
      2026-03-01 15:00 | buy $1     | available 10000 | issued > available 10000, lot 1
                       |            |                 | deferred_revenue > clearing $1, lot 1
      2026-03-31 14:00 | spend 7000 | available 3000  | available > consumed 7000, lot 1
      2026-03-31 15:00 | expiry     | available 0     | available > breakage 3000, lot 1
                       |            |                 | revenue > deferred_revenue $1, lot 1
      2026-03-31 15:00 | reverse 2  | available 0     | consumed > breakage 7000, lot 1
      2026-03-31 15:00 | look       | no lots         |
    `);
  });

  test('on the next day to a lot that does not renew', () => {
    expectScenario(`
      at               | what           | result                                       | postings
      2026-03-01 15:00 | buy $1 as none | available 10000                              | issued > available 10000, lot 1
                       |                |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | spend 7000     | available 3000                               | available > consumed 7000, lot 1
      2026-03-02 09:00 | reverse 2      | available 10000                              | consumed > available 7000, lot 1
      2026-03-02 09:00 | look           | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });

  test('on the next day, of two lots: the one that does not renew gets its part back, the other part lapses', () => {
    expectScenario(`
      at               | what              | result          | postings
      2026-03-01 15:00 | buy $1            | available 10000 | issued > available 10000, lot 1
                       |                   |                 | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:30 | buy $1 as none    | available 20000 | issued > available 10000, lot 2
                       |                   |                 | deferred_revenue > clearing $1, lot 2
      2026-03-01 16:00 | spend 15000       | available 5000  | available > consumed 10000, lot 1
                       |                   |                 | available > consumed 5000, lot 2
      2026-03-02 00:00 | renewal           | available 15000 | renewed > available 10000, lot 1
      2026-03-02 09:00 | reverse 8000 of 3 | available 20000 | consumed > available 5000, lot 2
                       |                   |                 | consumed > breakage 3000, lot 1
      2026-03-02 09:00 | reverse 3         | available 20000 | consumed > breakage 7000, lot 1
    `);
  });

  test('in parts: the last lot taken is the first to get back, never more than was spent', () => {
    expectScenario(`
      at               | what                     | result                                                                                     | postings
      2026-03-01 15:00 | buy $1                   | available 10000                                                                            | issued > available 10000, lot 1
                       |                          |                                                                                            | deferred_revenue > clearing $1, lot 1
      2026-03-02 15:00 | buy $1                   | available 20000                                                                            | issued > available 10000, lot 2
                       |                          |                                                                                            | deferred_revenue > clearing $1, lot 2
      2026-03-02 16:00 | spend 15000              | available 5000                                                                             | available > consumed 10000, lot 1
                       |                          |                                                                                            | available > consumed 5000, lot 2
      2026-03-02 16:01 | reverse 6000 of 3        | available 11000                                                                            | consumed > available 5000, lot 2
                       |                          |                                                                                            | consumed > available 1000, lot 1
      2026-03-02 16:02 | reverse 9000.000001 of 3 | refused: 9000 left                                                                         |
      2026-03-02 16:02 | reverse 4000 of 3        | available 15000                                                                            | consumed > available 4000, lot 1
      2026-03-02 16:03 | reverse 3                | available 20000                                                                            | consumed > available 5000, lot 1
      2026-03-02 16:03 | look                     | lot 1: 10000 of 10000 until 2026-03-31 15:00; lot 2: 10000 of 10000 until 2026-04-01 15:00 |
    `);
  });

  test('is for the service that spent, and only of what was spent', () => {
    expectScenario(`
      at               | what                 | result                 | postings
      2026-03-01 15:00 | buy $1               | available 10000        | issued > available 10000, lot 1
                       |                      |                        | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | spend 7000           | available 3000         | available > consumed 7000, lot 1
      2026-03-01 16:01 | service 2: reverse 2 | refused: spend_unknown |
      2026-03-01 16:01 | reverse 1            | refused: spend_unknown |
      2026-03-01 16:01 | reverse 99           | refused: spend_unknown |
      2026-03-01 16:02 | reverse 2            | available 10000        | consumed > available 7000, lot 1
      2026-03-01 16:02 | reverse 3            | refused: spend_unknown |
    `);
  });

  test('settles debt first', () => {
    expectScenario(`
      at               | what                  | result                                      | postings
      2026-03-01 15:00 | buy $1                | available 10000                             | issued > available 10000, lot 1
                       |                       |                                             | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:10 | buy $1                | available 20000                             | issued > available 10000, lot 2
                       |                       |                                             | deferred_revenue > clearing $1, lot 2
      2026-03-01 15:30 | spend 15000           | available 5000                              | available > consumed 10000, lot 1
                       |                       |                                             | available > consumed 5000, lot 2
      2026-03-01 16:00 | claw back $1 of lot 1 | available 5000, debt 10000                  | debt > clawed_back 10000, lot 1
                       |                       |                                             | revenue > deferred_revenue $0.001388, lot 1
                       |                       |                                             | clearing > deferred_revenue $0.998612, lot 1
                       |                       |                                             | clearing > refunds $0.001388, lot 1
      2026-03-01 16:01 | reverse 12000 of 3    | available 5000                              | consumed > debt 5000, lot 2
                       |                       |                                             | consumed > debt 5000, lot 1
                       |                       |                                             | consumed > breakage 2000, lot 1
      2026-03-01 16:02 | reverse 3             | available 5000                              | consumed > breakage 3000, lot 1
      2026-03-01 16:02 | look                  | lot 2: 5000 of 10000 until 2026-03-31 15:10 |
    `);
  });

  test('after another lot has settled the debt: the lot gets more than its face, and keeps that when its face is taken back', () => {
    expectScenario(`
      at               | what                    | result                                                                                    | postings
      2026-03-01 15:00 | buy $1                  | available 10000                                                                           | issued > available 10000, lot 1
                       |                         |                                                                                           | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | buy $1                  | available 20000                                                                           | issued > available 10000, lot 2
                       |                         |                                                                                           | deferred_revenue > clearing $1, lot 2
      2026-03-01 15:00 | spend 20000             | available 0                                                                               | available > consumed 10000, lot 1
                       |                         |                                                                                           | available > consumed 10000, lot 2
      2026-03-01 15:00 | claw back $0.4 of lot 1 | available 0, debt 4000                                                                    | debt > clawed_back 4000, lot 1
                       |                         |                                                                                           | clearing > deferred_revenue $0.4, lot 1
      2026-03-01 15:00 | reverse 10000 of 3      | available 6000                                                                            | consumed > debt 4000, lot 2
                       |                         |                                                                                           | consumed > available 6000, lot 2
      2026-03-01 15:00 | reverse 3               | available 16000                                                                           | consumed > available 10000, lot 1
      2026-03-01 15:00 | look                    | lot 1: 10000 of 6000 until 2026-03-31 15:00; lot 2: 6000 of 10000 until 2026-03-31 15:00  |
      2026-03-01 15:00 | claw back $0.6 of lot 1 | available 10000                                                                           | available > clawed_back 6000, lot 1
                       |                         |                                                                                           | clearing > deferred_revenue $0.6, lot 1
      2026-03-01 15:00 | look                    | lot 1: 4000 of 0 until 2026-03-31 15:00; lot 2: 6000 of 10000 until 2026-03-31 15:00      |
      2026-03-02 00:00 | renewal                 | available 14000                                                                           | renewed > available 4000, lot 2
      2026-03-02 09:00 | spend 1000              | available 13000                                                                           | available > consumed 1000, lot 1
      2026-03-03 09:00 | look                    | lot 1: 3000 of 0 until 2026-03-31 15:00; lot 2: 10000 of 10000 until 2026-03-31 15:00     |
      2026-03-31 15:00 | expiry                  | available 0                                                                               | available > breakage 3000, lot 1
                       |                         |                                                                                           | available > breakage 10000, lot 2
                       |                         |                                                                                           | revenue > deferred_revenue $1, lot 2
      2026-03-31 15:00 | sweep                   | available 0                                                                               |
    `);
  });

  test('of a capture counts from when the hold was placed', () => {
    expectScenario(`
      at               | what                   | result                                       | postings
      2026-03-01 15:00 | buy $1                 | available 10000                              | issued > available 10000, lot 1
                       |                        |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:50 | hold 4000              | available 6000, held 4000                    | available > held 4000, lot 1
      2026-03-01 23:55 | spend 1000             | available 5000, held 4000                    | available > consumed 1000, lot 1
      2026-03-02 00:00 | renewal                | available 10000, held 4000                   | renewed > available 5000, lot 1
      2026-03-02 00:01 | capture 3000 of hold 2 | available 10000                              | held > consumed 3000, lot 1
                       |                        |                                              | held > breakage 1000, lot 1
      2026-03-02 00:02 | reverse 5              | available 10000                              | consumed > breakage 3000, lot 1
      2026-03-02 00:02 | look                   | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
    `);
  });
});
