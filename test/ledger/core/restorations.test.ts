/** Money of a payment that was taken back and came again. One row a command; see test/support/scenario.ts for how to read them. */
import { describe, test } from 'vitest';
import { expectScenario } from '../../support/scenario.ts';

describe('a refund that failed', () => {
  test('nothing had been spent: a new lot of 30 days', () => {
    expectScenario(`
      at               | what                  | result                                       | postings
      2026-03-01 15:00 | buy $1                | available 10000                              | issued > available 10000, lot 1
                       |                       |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-05 12:00 | claw back $1 of lot 1 | available 0                                  | available > clawed_back 10000, lot 1
                       |                       |                                              | revenue > deferred_revenue $0.129166, lot 1
                       |                       |                                              | clearing > deferred_revenue $0.870834, lot 1
                       |                       |                                              | clearing > refunds $0.129166, lot 1
      2026-03-06 12:00 | restore $1 of lot 1   | available 10000                              | clawed_back > available 10000, lot 3
                       |                       |                                              | deferred_revenue > clearing $1, lot 3
      2026-03-06 12:00 | look                  | lot 3: 10000 of 10000 until 2026-04-05 12:00 |
      2026-03-07 12:00 | claw back $1 of lot 1 | available 0                                  | available > clawed_back 10000, lot 3
                       |                       |                                              | revenue > deferred_revenue $0.033333, lot 3
                       |                       |                                              | clearing > deferred_revenue $0.966667, lot 3
                       |                       |                                              | clearing > refunds $0.033333, lot 3
    `);
  });

  test('what is owed is forgiven first', () => {
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
      2026-03-01 18:00 | restore $0.2 of lot 1 | available 0, debt 1000                     | clawed_back > debt 2000, lot 1
                       |                       |                                            | revenue > clearing $0.2, lot 1
      2026-03-01 19:00 | restore $0.8 of lot 1 | available 7000                             | clawed_back > debt 1000, lot 1
                       |                       |                                            | revenue > clearing $0.1, lot 1
                       |                       |                                            | clawed_back > available 7000, lot 5
                       |                       |                                            | deferred_revenue > clearing $0.7, lot 5
      2026-03-01 19:00 | look                  | lot 5: 7000 of 7000 until 2026-03-31 19:00 |
    `);
  });

  test('taken back once more, what had been forgiven is owed again', () => {
    expectScenario(`
      at               | what                  | result                 | postings
      2026-03-01 15:00 | buy $1                | available 10000        | issued > available 10000, lot 1
                       |                       |                        | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | spend 3000            | available 7000         | available > consumed 3000, lot 1
      2026-03-01 17:00 | claw back $1 of lot 1 | available 0, debt 3000 | available > clawed_back 7000, lot 1
                       |                       |                        | debt > clawed_back 3000, lot 1
                       |                       |                        | revenue > deferred_revenue $0.002777, lot 1
                       |                       |                        | clearing > deferred_revenue $0.997223, lot 1
                       |                       |                        | clearing > refunds $0.002777, lot 1
      2026-03-01 18:00 | restore $1 of lot 1   | available 7000         | clawed_back > debt 3000, lot 1
                       |                       |                        | revenue > clearing $0.3, lot 1
                       |                       |                        | clawed_back > available 7000, lot 4
                       |                       |                        | deferred_revenue > clearing $0.7, lot 4
      2026-03-01 19:00 | claw back $1 of lot 1 | available 0, debt 3000 | available > clawed_back 7000, lot 4
                       |                       |                        | revenue > deferred_revenue $0.000972, lot 4
                       |                       |                        | clearing > deferred_revenue $0.699028, lot 4
                       |                       |                        | clearing > refunds $0.000972, lot 4
                       |                       |                        | debt > clawed_back 3000, lot 1
                       |                       |                        | clearing > refunds $0.3, lot 1
      2026-03-01 19:00 | look                  | no lots                |
    `);
  });

  test('taken back once more, a new lot of less than a micro-dollar is taken back too', () => {
    expectScenario(`
      at               | what                  | result                        | postings
      2026-03-01 15:00 | buy $1                | available 10000               | issued > available 10000, lot 1
                       |                       |                               | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | spend 9999.999999     | available 0.000001            | available > consumed 9999.999999, lot 1
      2026-03-01 15:00 | claw back $1 of lot 1 | available 0, debt 9999.999999 | available > clawed_back 0.000001, lot 1
                       |                       |                               | debt > clawed_back 9999.999999, lot 1
                       |                       |                               | clearing > deferred_revenue $1, lot 1
      2026-03-01 16:00 | restore $1 of lot 1   | available 0.000001            | clawed_back > debt 9999.999999, lot 1
                       |                       |                               | revenue > clearing $0.999999, lot 1
                       |                       |                               | clawed_back > available 0.000001, lot 4
                       |                       |                               | deferred_revenue > clearing $0.000001, lot 4
      2026-03-01 16:00 | claw back $1 of lot 1 | available 0, debt 9999.999999 | available > clawed_back 0.000001, lot 4
                       |                       |                               | clearing > deferred_revenue $0.000001, lot 4
                       |                       |                               | debt > clawed_back 9999.999999, lot 1
                       |                       |                               | clearing > refunds $0.999999, lot 1
      2026-03-02 00:00 | look                  | no lots                       |
    `);
  });

  test('taken back once more after a midnight: what was held of the closed lot had not renewed, and settles its debt', () => {
    expectScenario(`
      at               | what                  | result                            | postings
      2026-03-01 15:00 | buy $1                | available 10000                   | issued > available 10000, lot 1
                       |                       |                                   | deferred_revenue > clearing $1, lot 1
      2026-03-01 23:50 | hold 4000 for 1 h     | available 6000, held 4000         | available > held 4000, lot 1
      2026-03-01 23:51 | claw back $1 of lot 1 | available 0, held 4000, debt 4000 | available > clawed_back 6000, lot 1
                       |                       |                                   | debt > clawed_back 4000, lot 1
                       |                       |                                   | revenue > deferred_revenue $0.012291, lot 1
                       |                       |                                   | clearing > deferred_revenue $0.987709, lot 1
                       |                       |                                   | clearing > refunds $0.012291, lot 1
      2026-03-01 23:52 | restore $1 of lot 1   | available 6000, held 4000         | clawed_back > debt 4000, lot 1
                       |                       |                                   | revenue > clearing $0.4, lot 1
                       |                       |                                   | clawed_back > available 6000, lot 4
                       |                       |                                   | deferred_revenue > clearing $0.6, lot 4
      2026-03-02 00:05 | claw back $1 of lot 1 | available 0, held 4000, debt 4000 | available > clawed_back 6000, lot 4
                       |                       |                                   | revenue > deferred_revenue $0.00018, lot 4
                       |                       |                                   | clearing > deferred_revenue $0.59982, lot 4
                       |                       |                                   | clearing > refunds $0.00018, lot 4
                       |                       |                                   | debt > clawed_back 4000, lot 1
                       |                       |                                   | clearing > refunds $0.4, lot 1
      2026-03-02 00:06 | release hold 2        | available 0                       | held > debt 4000, lot 1
    `);
  });

  test('what other payments owe is not forgiven but settled out of the new lot', () => {
    expectScenario(`
      at               | what                  | result                                                                                     | postings
      2026-03-01 15:00 | buy $1                | available 10000                                                                            | issued > available 10000, lot 1
                       |                       |                                                                                            | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | buy $1                | available 20000                                                                            | issued > available 10000, lot 2
                       |                       |                                                                                            | deferred_revenue > clearing $1, lot 2
      2026-03-01 16:00 | spend 20000           | available 0                                                                                | available > consumed 10000, lot 1
                       |                       |                                                                                            | available > consumed 10000, lot 2
      2026-03-01 17:00 | claw back $1 of lot 1 | available 0, debt 10000                                                                    | debt > clawed_back 10000, lot 1
                       |                       |                                                                                            | revenue > deferred_revenue $0.002777, lot 1
                       |                       |                                                                                            | clearing > deferred_revenue $0.997223, lot 1
                       |                       |                                                                                            | clearing > refunds $0.002777, lot 1
      2026-03-01 17:00 | claw back $1 of lot 2 | available 0, debt 20000                                                                    | debt > clawed_back 10000, lot 2
                       |                       |                                                                                            | revenue > deferred_revenue $0.002777, lot 2
                       |                       |                                                                                            | clearing > deferred_revenue $0.997223, lot 2
                       |                       |                                                                                            | clearing > refunds $0.002777, lot 2
      2026-03-01 18:00 | restore $1 of lot 2   | available 0, debt 10000                                                                    | clawed_back > debt 10000, lot 2
                       |                       |                                                                                            | revenue > clearing $1, lot 2
      2026-03-01 18:00 | buy $2                | available 10000                                                                            | issued > debt 10000, lot 7
                       |                       |                                                                                            | issued > available 10000, lot 7
                       |                       |                                                                                            | deferred_revenue > clearing $2, lot 7
                       |                       |                                                                                            | revenue > deferred_revenue $1, lot 7
      2026-03-01 19:00 | restore $1 of lot 1   | available 20000                                                                            | clawed_back > available 10000, lot 8
                       |                       |                                                                                            | deferred_revenue > clearing $1, lot 8
      2026-03-01 19:00 | look                  | lot 7: 10000 of 10000 until 2026-03-31 18:00; lot 8: 10000 of 10000 until 2026-03-31 19:00 |
    `);
  });

  test('less than a micro-dollar of it settles what another payment owes: all of its money is earned', () => {
    expectScenario(`
      at               | what                  | result                         | postings
      2026-03-01 15:00 | buy $1                | available 10000                | issued > available 10000, lot 1
                       |                       |                                | deferred_revenue > clearing $1, lot 1
      2026-03-01 15:00 | buy $1                | available 20000                | issued > available 10000, lot 2
                       |                       |                                | deferred_revenue > clearing $1, lot 2
      2026-03-01 15:00 | spend 19999.995       | available 0.005                | available > consumed 10000, lot 1
                       |                       |                                | available > consumed 9999.995, lot 2
      2026-03-01 15:00 | claw back $1 of lot 1 | available 0.005, debt 10000    | debt > clawed_back 10000, lot 1
                       |                       |                                | clearing > deferred_revenue $1, lot 1
      2026-03-01 15:00 | claw back $1 of lot 2 | available 0, debt 19999.995    | available > clawed_back 0.005, lot 2
                       |                       |                                | debt > clawed_back 9999.995, lot 2
                       |                       |                                | clearing > deferred_revenue $1, lot 2
      2026-03-01 15:00 | restore $1 of lot 2   | available 0, debt 9999.995     | clawed_back > debt 9999.995, lot 2
                       |                       |                                | revenue > clearing $0.999999, lot 2
                       |                       |                                | clawed_back > debt 0.005, lot 6
                       |                       |                                | deferred_revenue > clearing $0.000001, lot 6
                       |                       |                                | revenue > deferred_revenue $0.000001, lot 6
      2026-03-01 15:00 | look                  | no lots                        |
    `);
  });
});

describe('a dispute that is won', () => {
  test('before the lot would have expired', () => {
    expectScenario(`
      at               | what                  | result                                       | postings
      2026-03-01 15:00 | buy $1                | available 10000                              | issued > available 10000, lot 1
                       |                       |                                              | deferred_revenue > clearing $1, lot 1
      2026-03-10 12:00 | claw back $1 of lot 1 | available 0                                  | available > clawed_back 10000, lot 1
                       |                       |                                              | revenue > deferred_revenue $0.295833, lot 1
                       |                       |                                              | clearing > deferred_revenue $0.704167, lot 1
                       |                       |                                              | clearing > refunds $0.295833, lot 1
      2026-03-20 12:00 | restore $1 of lot 1   | available 10000                              | clawed_back > available 10000, lot 3
                       |                       |                                              | deferred_revenue > clearing $1, lot 3
      2026-04-01 12:00 | look                  | lot 3: 10000 of 10000 until 2026-04-19 12:00 |
    `);
  });

  test('after it would have', () => {
    expectScenario(`
      at               | what                  | result                                     | postings
      2026-03-01 15:00 | buy $1 as none        | available 10000                            | issued > available 10000, lot 1
                       |                       |                                            | deferred_revenue > clearing $1, lot 1
      2026-03-02 12:00 | spend 4000            | available 6000                             | available > consumed 4000, lot 1
      2026-03-10 12:00 | claw back $1 of lot 1 | available 0, debt 4000                     | available > clawed_back 6000, lot 1
                       |                       |                                            | debt > clawed_back 4000, lot 1
                       |                       |                                            | revenue > deferred_revenue $0.4, lot 1
                       |                       |                                            | clearing > deferred_revenue $0.6, lot 1
                       |                       |                                            | clearing > refunds $0.4, lot 1
      2026-04-20 12:00 | restore $1 of lot 1   | available 6000                             | clawed_back > debt 4000, lot 1
                       |                       |                                            | revenue > clearing $0.4, lot 1
                       |                       |                                            | clawed_back > available 6000, lot 4
                       |                       |                                            | deferred_revenue > clearing $0.6, lot 4
      2026-04-20 12:00 | look                  | lot 4: 6000 of 6000 until 2026-05-20 12:00 |
    `);
  });

  test('after it had expired, as when the money was taken back: what is owed is forgiven, and no lot is left to give', () => {
    expectScenario(`
      at               | what                  | result                  | postings
      2026-03-01 15:00 | buy $1                | available 10000         | issued > available 10000, lot 1
                       |                       |                         | deferred_revenue > clearing $1, lot 1
      2026-03-31 15:00 | expiry                | available 0             | available > breakage 10000, lot 1
                       |                       |                         | revenue > deferred_revenue $1, lot 1
      2026-04-01 00:00 | claw back $1 of lot 1 | available 0, debt 10000 | debt > clawed_back 10000, lot 1
                       |                       |                         | clearing > refunds $1, lot 1
      2026-04-20 12:00 | restore $1 of lot 1   | available 0             | clawed_back > debt 10000, lot 1
                       |                       |                         | revenue > clearing $1, lot 1
      2026-04-20 12:00 | look                  | no lots                 |
    `);
  });
});

describe('a refund in three parts', () => {
  test('of an unspent lot', () => {
    expectScenario(`
      at               | what                     | result          | postings
      2026-03-01 15:00 | buy $1                   | available 10000 | issued > available 10000, lot 1
                       |                          |                 | deferred_revenue > clearing $1, lot 1
      2026-03-02 15:00 | claw back $0.25 of lot 1 | available 7500  | available > clawed_back 2500, lot 1
                       |                          |                 | revenue > deferred_revenue $0.033333, lot 1
                       |                          |                 | clearing > deferred_revenue $0.25, lot 1
      2026-03-02 15:00 | claw back $0.25 of lot 1 | available 5000  | available > clawed_back 2500, lot 1
                       |                          |                 | clearing > deferred_revenue $0.25, lot 1
      2026-03-02 15:00 | claw back $0.5 of lot 1  | available 0     | available > clawed_back 5000, lot 1
                       |                          |                 | clearing > deferred_revenue $0.466667, lot 1
                       |                          |                 | clearing > refunds $0.033333, lot 1
      2026-03-02 15:00 | look                     | no lots         |
    `);
  });

  test('of a lot that was spent day after day: never more than its face is owed', () => {
    expectScenario(`
      at               | what                    | result                                     | postings
      2026-03-01 15:00 | buy $1                  | available 10000                            | issued > available 10000, lot 1
                       |                         |                                            | deferred_revenue > clearing $1, lot 1
      2026-03-01 20:00 | spend 10000             | available 0                                | available > consumed 10000, lot 1
      2026-03-02 00:00 | renewal                 | available 10000                            | renewed > available 10000, lot 1
      2026-03-02 20:00 | spend 10000             | available 0                                | available > consumed 10000, lot 1
      2026-03-03 00:00 | renewal                 | available 10000                            | renewed > available 10000, lot 1
      2026-03-03 20:00 | spend 9000              | available 1000                             | available > consumed 9000, lot 1
      2026-03-03 21:00 | claw back $0.3 of lot 1 | available 0, debt 2000                     | available > clawed_back 1000, lot 1
                       |                         |                                            | debt > clawed_back 2000, lot 1
                       |                         |                                            | revenue > deferred_revenue $0.075, lot 1
                       |                         |                                            | clearing > deferred_revenue $0.3, lot 1
      2026-03-03 21:00 | claw back $0.3 of lot 1 | available 0, debt 5000                     | debt > clawed_back 3000, lot 1
                       |                         |                                            | clearing > deferred_revenue $0.3, lot 1
      2026-03-04 00:00 | look                    | lot 1: 4000 of 4000 until 2026-03-31 15:00 |
      2026-03-04 00:00 | renewal                 | available 4000, debt 5000                  | renewed > available 4000, lot 1
      2026-03-04 21:00 | claw back $0.4 of lot 1 | available 0, debt 5000                     | available > clawed_back 4000, lot 1
                       |                         |                                            | revenue > deferred_revenue $0.011711, lot 1
                       |                         |                                            | clearing > deferred_revenue $0.313289, lot 1
                       |                         |                                            | clearing > refunds $0.086711, lot 1
      2026-03-04 21:00 | look                    | no lots                                    |
    `);
  });
});
