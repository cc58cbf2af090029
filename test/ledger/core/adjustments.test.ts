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

  test('takes for good, also out of the face: what it took is not owed when the payment is taken back', () => {
    expectScenario(`
      at               | what                  | result         | postings
      2026-03-01 15:00 | buy $1                | available 10000 | issued > available 10000, lot 1
                       |                       |                 | deferred_revenue > clearing $1, lot 1
      2026-03-16 15:00 | take 4000             | available 6000  | available > clawed_back 4000, lot 1
      2026-03-17 00:00 | sweep                 | available 6000  |
      2026-03-31 09:00 | claw back $1 of lot 1 | available 0     | available > clawed_back 6000, lot 1
                       |                       |                 | revenue > deferred_revenue $0.991666, lot 1
                       |                       |                 | clearing > deferred_revenue $0.008334, lot 1
                       |                       |                 | clearing > refunds $0.991666, lot 1
      2026-03-31 09:00 | look                  | no lots         |
    `);
  });

  test('takes a lot that has renewed: what was held of it before lapses, and its debt stays', () => {
    expectScenario(`
      at               | what                    | result                               | postings
      2026-03-01 15:00 | buy $1                  | available 10000                      | issued > available 10000, lot 1
                       |                         |                                      | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:50 | hold 4000 for 1 h       | available 6000, held 4000            | available > held 4000, lot 1
      2026-03-01 23:51 | spend 6000              | available 0, held 4000               | available > consumed 6000, lot 1
      2026-03-01 23:52 | claw back $0.3 of lot 1 | available 0, held 4000, debt 3000    | debt > clawed_back 3000, lot 1
                       |                         |                                      | revenue > deferred_revenue $0.012314, lot 1
                       |                         |                                      | clearing > deferred_revenue $0.3, lot 1
      2026-03-02 00:00 | renewal                 | available 7000, held 4000, debt 3000 | renewed > available 7000, lot 1
      2026-03-02 00:05 | take 7000               | available 0, held 4000, debt 3000    | available > clawed_back 7000, lot 1
                       |                         |                                      | revenue > deferred_revenue $0.687686, lot 1
      2026-03-02 00:06 | release hold 2          | available 0, debt 3000               | held > breakage 4000, lot 1
    `);
  });
});
