/** The tests would notice: with any one rule told wrongly, the core and the plain rules are found to differ. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brokenPlainBook } from '../../support/broken-plain-book.ts';
import { SEED, wishes, wishesAroundEnds, wishesAroundPayments } from '../../support/histories.ts';
import { tryAllHistories } from '../../support/history-tree.ts';
import { sameAs } from '../../support/plain-rules.ts';
import { scopeOf } from '../../support/small-scopes.ts';

/** As many histories as the properties themselves are given; the first difference is enough. */
const RUNS = { seed: SEED, numRuns: 800, endOnFailure: true };
const WISHES = fc.oneof(wishes, wishesAroundEnds, wishesAroundPayments);

const RULES = [
  {
    rule: 'the lot that expires first burns last',
    told: 'of this.#inBurnOrder()) {\n      const part',
    broken: 'of this.#inBurnOrder().reverse()) {\n      const part',
  },
  {
    rule: 'at one instant a lot renews before it expires',
    told: 'if (lot.end !== now) continue;',
    broken: 'if (lot.end !== now) continue;\nif (now % DAY === 0n) liveMidnight(lot);',
  },
  {
    rule: 'a lot takes back what was taken before it renewed',
    told: 'if (lot.renewals === renewals) {',
    broken: '{',
  },
  {
    rule: 'debt is not settled first',
    told: 'lesser(credits, this.debt)',
    broken: '0n',
  },
  {
    rule: 'at one instant a lot renews before a hold ends',
    told: 'if (hold.open && hold.deadline === now) this',
    broken:
      'if (hold.open && hold.deadline === now)\n' +
      'for (const lot of this.#lots) if (now % DAY === 0n && now < lot.end) liveMidnight(lot);\n' +
      'for (const hold of this.#holds) if (hold.open && hold.deadline === now) this',
  },
  {
    rule: 'the first take is given back first',
    told: 'spent.takes.toReversed()',
    broken: 'spent.takes',
  },
  {
    rule: 'what was forgiven is not owed again',
    told: 'lot.settled += forgiven;',
    broken: '',
  },
] as const;

/** In no small scope is a payment noticed so late. */
const RULE_OF_LATE_PAYMENTS = {
  rule: 'a lot that was noticed late keeps its block time',
  told: 'instant - paidAt > DAY ? instant : paidAt',
  broken: 'paidAt',
} as const;

describe(`by the properties, seed ${SEED}`, () => {
  test('nothing differs while no rule is broken', async () => {
    fc.assert(
      sameAs(await brokenPlainBook('export class PlainBook', 'export class PlainBook'), WISHES),
      RUNS,
    );
  });

  test.each([...RULES, RULE_OF_LATE_PAYMENTS])('$rule: noticed', async ({ told, broken }) => {
    const Rules = await brokenPlainBook(told, broken);
    expect(() => fc.assert(sameAs(Rules, WISHES), RUNS)).toThrow('Property failed after');
  });
});

describe('by the small scopes', () => {
  const scope = scopeOf(['at refill', 'after refill', 'later refill'], 4);

  test.each(RULES)('$rule: noticed', async ({ told, broken }) => {
    const Rules = await brokenPlainBook(told, broken);
    expect(() => tryAllHistories(scope, Rules)).toThrow(/to deeply equal|have been refused/);
  });
});
