/** What the operator gives and takes. One row a command; see test/support/scenario.ts for how to read them. */
import { describe, test } from 'vitest';
import { expectScenario } from '../../support/scenario.ts';

describe('an adjustment', () => {
  test('gives a lot that nobody paid for', () => {
    expectScenario(`
      at               | what             | result        | postings
      2026-03-01 15:00 | give 500 as none | available 500 | issued > available 500, lot 1
      2026-03-01 16:00 | spend 100        | available 400 | available > consumed 100, lot 1
      2026-03-31 15:00 | expiry           | available 0   | available > breakage 400, lot 1
      2026-03-31 15:00 | sweep            | available 0   |
    `);
  });

  test('may renew like a bought one', () => {
    expectScenario(`
      at               | what      | result                                   | postings
      2026-03-01 15:00 | give 500  | available 500                            | issued > available 500, lot 1
      2026-03-01 16:00 | spend 500 | available 0                              | available > consumed 500, lot 1
      2026-03-02 00:00 | look      | lot 1: 500 of 500 until 2026-03-31 15:00 |
    `);
  });

  test('settles debt first', () => {
    expectScenario(`
      at               | what                  | result                                     | postings
      2026-03-01 15:00 | buy $1                | available 10000                            | issued > available 10000, lot 1
                       |                       |                                            | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | spend 3000            | available 7000                             | available > consumed 3000, lot 1
      2026-03-01 17:00 | claw back $1 of lot 1 | available 0, debt 3000                     | available > clawed_back 7000, lot 1
                       |                       |                                            | debt > clawed_back 3000, lot 1
                       |                       |                                            | revenue > deferred_revenue $0.002777, lot 1
                       |                       |                                            | clearing > deferred_revenue $0.997223, lot 1
                       |                       |                                            | clearing > refunds $0.002777, lot 1
      2026-03-01 18:00 | give 2000             | available 0, debt 1000                     | issued > debt 2000, lot 4
      2026-03-01 18:00 | give 2000             | available 1000                             | issued > debt 1000, lot 5
                       |                       |                                            | issued > available 1000, lot 5
      2026-03-01 18:00 | look                  | lot 5: 1000 of 1000 until 2026-03-31 18:00 |
    `);
  });

  test('takes in burn order what is available, and no more', () => {
    expectScenario(`
      at               | what              | result                                            | postings
      2026-03-01 15:00 | buy $1            | available 10000                                   | issued > available 10000, lot 1
                       |                   |                                                   | deferred_revenue > clearing $1, lot 1
      2026-03-02 15:00 | buy $1            | available 20000                                   | issued > available 10000, lot 2
                       |                   |                                                   | deferred_revenue > clearing $1, lot 2
      2026-03-02 16:00 | take 20000.000001 | refused: has 20000, next renewal 2026-03-03 00:00 |
      2026-03-02 16:00 | take 15000        | available 5000                                    | available > clawed_back 10000, lot 1
                       |                   |                                                   | available > clawed_back 5000, lot 2
                       |                   |                                                   | revenue > deferred_revenue $1, lot 1
      2026-03-02 16:00 | look              | lot 2: 5000 of 5000 until 2026-04-01 15:00        |
    `);
  });
});
