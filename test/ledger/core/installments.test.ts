/** Lots that come in thirty installments, and lots that come once. One row a command; see test/support/scenario.ts for how to read them. */
import { describe, test } from 'vitest';
import { expectScenario } from '../../support/scenario.ts';

describe('installments', () => {
  test('bought at 15:00: one at once, the others at the first 29 midnights, the last with the remainder', () => {
    expectScenario(`
      at               | what                          | result             | postings
      2026-03-01 15:00 | buy $0.000031 as installments | available 0.010333 | issued > available 0.010333, lot 1
                       |                               |                    | issued > unreleased 0.299667, lot 1
                       |                               |                    | deferred_revenue > clearing $0.000031, lot 1
      2026-03-02 00:00 | installment                   | available 0.020666 | unreleased > available 0.010333, lot 1
      2026-03-02 00:00 | spend 0.01                    | available 0.010666 | available > consumed 0.01, lot 1
      2026-03-02 00:00 | spend 0.010001                | available 0.000665 | available > consumed 0.010001, lot 1
      2026-03-03 00:00 | installment                   | available 0.010998 | unreleased > available 0.010333, lot 1
      2026-03-04 00:00 | installment                   | available 0.021331 | unreleased > available 0.010333, lot 1
      2026-03-05 00:00 | installment                   | available 0.031664 | unreleased > available 0.010333, lot 1
      2026-03-06 00:00 | installment                   | available 0.041997 | unreleased > available 0.010333, lot 1
      2026-03-07 00:00 | installment                   | available 0.05233  | unreleased > available 0.010333, lot 1
      2026-03-08 00:00 | installment                   | available 0.062663 | unreleased > available 0.010333, lot 1
      2026-03-09 00:00 | installment                   | available 0.072996 | unreleased > available 0.010333, lot 1
      2026-03-10 00:00 | installment                   | available 0.083329 | unreleased > available 0.010333, lot 1
      2026-03-11 00:00 | installment                   | available 0.093662 | unreleased > available 0.010333, lot 1
      2026-03-12 00:00 | installment                   | available 0.103995 | unreleased > available 0.010333, lot 1
      2026-03-13 00:00 | installment                   | available 0.114328 | unreleased > available 0.010333, lot 1
      2026-03-14 00:00 | installment                   | available 0.124661 | unreleased > available 0.010333, lot 1
      2026-03-15 00:00 | installment                   | available 0.134994 | unreleased > available 0.010333, lot 1
      2026-03-16 00:00 | installment                   | available 0.145327 | unreleased > available 0.010333, lot 1
      2026-03-17 00:00 | installment                   | available 0.15566  | unreleased > available 0.010333, lot 1
      2026-03-18 00:00 | installment                   | available 0.165993 | unreleased > available 0.010333, lot 1
      2026-03-19 00:00 | installment                   | available 0.176326 | unreleased > available 0.010333, lot 1
      2026-03-20 00:00 | installment                   | available 0.186659 | unreleased > available 0.010333, lot 1
      2026-03-21 00:00 | installment                   | available 0.196992 | unreleased > available 0.010333, lot 1
      2026-03-22 00:00 | installment                   | available 0.207325 | unreleased > available 0.010333, lot 1
      2026-03-23 00:00 | installment                   | available 0.217658 | unreleased > available 0.010333, lot 1
      2026-03-24 00:00 | installment                   | available 0.227991 | unreleased > available 0.010333, lot 1
      2026-03-25 00:00 | installment                   | available 0.238324 | unreleased > available 0.010333, lot 1
      2026-03-26 00:00 | installment                   | available 0.248657 | unreleased > available 0.010333, lot 1
      2026-03-27 00:00 | installment                   | available 0.25899  | unreleased > available 0.010333, lot 1
      2026-03-28 00:00 | installment                   | available 0.269323 | unreleased > available 0.010333, lot 1
      2026-03-28 23:59 | sweep                         | available 0.269323 |
      2026-03-29 00:00 | installment                   | available 0.279656 | unreleased > available 0.010333, lot 1
      2026-03-29 00:00 | sweep                         | available 0.279656 |
      2026-03-30 00:00 | installment                   | available 0.289999 | unreleased > available 0.010343, lot 1
      2026-03-30 00:00 | sweep                         | available 0.289999 |
      2026-03-31 00:00 | sweep                         | available 0.289999 |
      2026-03-31 15:00 | expiry                        | available 0        | available > breakage 0.289999, lot 1
                       |                               |                    | revenue > deferred_revenue $0.000031, lot 1
      2026-03-31 15:00 | sweep                         | available 0        |
    `);
  });

  test('bought at 00:00: there are 29 midnights within its life, and all are released', () => {
    expectScenario(`
      at               | what                         | result                                    | postings
      2026-03-01 00:00 | buy $0.00003 as installments | available 0.01                            | issued > available 0.01, lot 1
                       |                              |                                           | issued > unreleased 0.29, lot 1
                       |                              |                                           | deferred_revenue > clearing $0.00003, lot 1
      2026-03-01 00:00 | look                         | lot 1: 0.01 of 0.3 until 2026-03-31 00:00 |
      2026-03-02 00:00 | installment                  | available 0.02                            | unreleased > available 0.01, lot 1
      2026-03-03 00:00 | installment                  | available 0.03                            | unreleased > available 0.01, lot 1
      2026-03-04 00:00 | installment                  | available 0.04                            | unreleased > available 0.01, lot 1
      2026-03-05 00:00 | installment                  | available 0.05                            | unreleased > available 0.01, lot 1
      2026-03-06 00:00 | installment                  | available 0.06                            | unreleased > available 0.01, lot 1
      2026-03-07 00:00 | installment                  | available 0.07                            | unreleased > available 0.01, lot 1
      2026-03-08 00:00 | installment                  | available 0.08                            | unreleased > available 0.01, lot 1
      2026-03-09 00:00 | installment                  | available 0.09                            | unreleased > available 0.01, lot 1
      2026-03-10 00:00 | installment                  | available 0.1                             | unreleased > available 0.01, lot 1
      2026-03-11 00:00 | installment                  | available 0.11                            | unreleased > available 0.01, lot 1
      2026-03-12 00:00 | installment                  | available 0.12                            | unreleased > available 0.01, lot 1
      2026-03-13 00:00 | installment                  | available 0.13                            | unreleased > available 0.01, lot 1
      2026-03-14 00:00 | installment                  | available 0.14                            | unreleased > available 0.01, lot 1
      2026-03-15 00:00 | installment                  | available 0.15                            | unreleased > available 0.01, lot 1
      2026-03-16 00:00 | installment                  | available 0.16                            | unreleased > available 0.01, lot 1
      2026-03-17 00:00 | installment                  | available 0.17                            | unreleased > available 0.01, lot 1
      2026-03-18 00:00 | installment                  | available 0.18                            | unreleased > available 0.01, lot 1
      2026-03-19 00:00 | installment                  | available 0.19                            | unreleased > available 0.01, lot 1
      2026-03-20 00:00 | installment                  | available 0.2                             | unreleased > available 0.01, lot 1
      2026-03-21 00:00 | installment                  | available 0.21                            | unreleased > available 0.01, lot 1
      2026-03-22 00:00 | installment                  | available 0.22                            | unreleased > available 0.01, lot 1
      2026-03-23 00:00 | installment                  | available 0.23                            | unreleased > available 0.01, lot 1
      2026-03-24 00:00 | installment                  | available 0.24                            | unreleased > available 0.01, lot 1
      2026-03-25 00:00 | installment                  | available 0.25                            | unreleased > available 0.01, lot 1
      2026-03-26 00:00 | installment                  | available 0.26                            | unreleased > available 0.01, lot 1
      2026-03-27 00:00 | installment                  | available 0.27                            | unreleased > available 0.01, lot 1
      2026-03-28 00:00 | installment                  | available 0.28                            | unreleased > available 0.01, lot 1
      2026-03-29 00:00 | installment                  | available 0.29                            | unreleased > available 0.01, lot 1
      2026-03-29 00:00 | spend 0.28                   | available 0.01                            | available > consumed 0.28, lot 1
      2026-03-30 00:00 | installment                  | available 0.02                            | unreleased > available 0.01, lot 1
      2026-03-30 00:00 | spend 0.02                   | available 0                               | available > consumed 0.02, lot 1
      2026-03-31 00:00 | expiry                       | available 0                               | revenue > deferred_revenue $0.00003, lot 1
      2026-03-31 00:00 | sweep                        | available 0                               |
    `);
  });

  test('noticed the day after: the second comes along at once', () => {
    expectScenario(`
      at               | what                                            | result                                  | postings
      2026-03-02 09:00 | buy $0.03 as installments paid 2026-03-01 15:00 | available 20                            | issued > available 20, lot 1
                       |                                                 |                                         | issued > unreleased 280, lot 1
                       |                                                 |                                         | deferred_revenue > clearing $0.03, lot 1
      2026-03-02 09:00 | look                                            | lot 1: 20 of 300 until 2026-03-31 15:00 |
      2026-03-03 00:00 | installment                                     | available 30                            | unreleased > available 10, lot 1
      2026-03-03 00:00 | sweep                                           | available 30                            |
    `);
  });

  test('taken back in part: what was not released first, then what is available; no more comes at later midnights', () => {
    expectScenario(`
      at               | what                       | result                               | postings
      2026-03-01 15:00 | buy $0.003 as installments | available 1                          | issued > available 1, lot 1
                       |                            |                                      | issued > unreleased 29, lot 1
                       |                            |                                      | deferred_revenue > clearing $0.003, lot 1
      2026-03-02 00:00 | installment                | available 2                          | unreleased > available 1, lot 1
      2026-03-03 00:00 | installment                | available 3                          | unreleased > available 1, lot 1
      2026-03-04 00:00 | installment                | available 4                          | unreleased > available 1, lot 1
      2026-03-05 00:00 | installment                | available 5                          | unreleased > available 1, lot 1
      2026-03-05 12:00 | spend 4                    | available 1                          | available > consumed 4, lot 1
      2026-03-05 12:00 | claw back $0.0026 of lot 1 | available 0                          | unreleased > clawed_back 25, lot 1
                       |                            |                                      | available > clawed_back 1, lot 1
                       |                            |                                      | revenue > deferred_revenue $0.000387, lot 1
                       |                            |                                      | clearing > deferred_revenue $0.0026, lot 1
      2026-03-05 12:00 | look                       | lot 1: 0 of 4 until 2026-03-31 15:00 |
      2026-03-31 15:00 | expiry                     | available 0                          | revenue > deferred_revenue $0.000013, lot 1
      2026-03-31 15:00 | sweep                      | available 0                          |
    `);
  });

  test('taken back: what was not released first, then what is available, the rest is owed', () => {
    expectScenario(`
      at               | what                     | result                | postings
      2026-03-01 15:00 | buy $0.3 as installments | available 100         | issued > available 100, lot 1
                       |                          |                       | issued > unreleased 2900, lot 1
                       |                          |                       | deferred_revenue > clearing $0.3, lot 1
      2026-03-02 00:00 | installment              | available 200         | unreleased > available 100, lot 1
      2026-03-03 00:00 | installment              | available 300         | unreleased > available 100, lot 1
      2026-03-03 12:00 | spend 250                | available 50          | available > consumed 250, lot 1
      2026-03-03 12:00 | claw back $0.3 of lot 1  | available 0, debt 250 | unreleased > clawed_back 2700, lot 1
                       |                          |                       | available > clawed_back 50, lot 1
                       |                          |                       | debt > clawed_back 250, lot 1
                       |                          |                       | revenue > deferred_revenue $0.01875, lot 1
                       |                          |                       | clearing > deferred_revenue $0.28125, lot 1
                       |                          |                       | clearing > refunds $0.01875, lot 1
      2026-03-03 12:01 | look                     | no lots               |
    `);
  });

  test('less than thirty millionths come all at the end', () => {
    expectScenario(`
      at               | what                          | result             | postings
      2026-03-01 15:00 | give 0.000029 as installments | available 0        | issued > unreleased 0.000029, lot 1
      2026-03-29 23:00 | sweep                         | available 0        |
      2026-03-30 00:00 | installment                   | available 0.000029 | unreleased > available 0.000029, lot 1
      2026-03-30 00:00 | sweep                         | available 0.000029 |
    `);
  });

  test('given back on the next day: there is no renewal that stands in for it', () => {
    expectScenario(`
      at               | what                     | result                                    | postings
      2026-03-01 15:00 | buy $0.3 as installments | available 100                             | issued > available 100, lot 1
                       |                          |                                           | issued > unreleased 2900, lot 1
                       |                          |                                           | deferred_revenue > clearing $0.3, lot 1
      2026-03-01 16:00 | spend 80                 | available 20                              | available > consumed 80, lot 1
      2026-03-02 00:00 | installment              | available 120                             | unreleased > available 100, lot 1
      2026-03-02 09:00 | reverse 2                | available 200                             | consumed > available 80, lot 1
      2026-03-02 09:00 | look                     | lot 1: 200 of 3000 until 2026-03-31 15:00 |
    `);
  });

  test('restored: the new lot comes in thirty installments again', () => {
    expectScenario(`
      at               | what                     | result        | postings
      2026-03-01 15:00 | buy $0.3 as installments | available 100 | issued > available 100, lot 1
                       |                          |               | issued > unreleased 2900, lot 1
                       |                          |               | deferred_revenue > clearing $0.3, lot 1
      2026-03-01 15:00 | claw back $0.3 of lot 1  | available 0   | unreleased > clawed_back 2900, lot 1
                       |                          |               | available > clawed_back 100, lot 1
                       |                          |               | clearing > deferred_revenue $0.3, lot 1
      2026-03-05 12:00 | restore $0.3 of lot 1    | available 100 | clawed_back > available 100, lot 3
                       |                          |               | clawed_back > unreleased 2900, lot 3
                       |                          |               | deferred_revenue > clearing $0.3, lot 3
      2026-03-06 00:00 | installment              | available 200 | unreleased > available 100, lot 3
      2026-03-06 00:00 | sweep                    | available 200 |
    `);
  });
});

describe('a lot that comes once', () => {
  test('is not renewed; what is earned of it is what was used', () => {
    expectScenario(`
      at               | what                    | result                                     | postings
      2026-03-01 15:00 | buy $1 as none          | available 10000                            | issued > available 10000, lot 1
                       |                         |                                            | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | spend 2500              | available 7500                             | available > consumed 2500, lot 1
      2026-03-05 00:00 | sweep                   | available 7500                             |
      2026-03-05 10:00 | claw back $0.5 of lot 1 | available 2500                             | available > clawed_back 5000, lot 1
                       |                         |                                            | revenue > deferred_revenue $0.25, lot 1
                       |                         |                                            | clearing > deferred_revenue $0.5, lot 1
      2026-03-05 10:00 | look                    | lot 1: 2500 of 5000 until 2026-03-31 15:00 |
      2026-03-31 15:00 | expiry                  | available 0                                | available > breakage 2500, lot 1
                       |                         |                                            | revenue > deferred_revenue $0.25, lot 1
      2026-03-31 15:00 | sweep                   | available 0                                |
    `);
  });

  test('taken back whole after it was used: what was used is owed, and was earned', () => {
    expectScenario(`
      at               | what                  | result                  | postings
      2026-03-01 15:00 | buy $1 as none        | available 10000         | issued > available 10000, lot 1
                       |                       |                         | deferred_revenue > clearing $1, lot 1
      2026-03-01 16:00 | spend 10000           | available 0             | available > consumed 10000, lot 1
      2026-03-05 10:00 | claw back $1 of lot 1 | available 0, debt 10000 | debt > clawed_back 10000, lot 1
                       |                       |                         | revenue > deferred_revenue $1, lot 1
                       |                       |                         | clearing > refunds $1, lot 1
    `);
  });
});
