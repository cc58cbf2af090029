/** The properties would notice: with any one rule told wrongly, the core and the plain rules are found to differ. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brokenPlainBook } from '../../support/broken-plain-book.ts';
import { SEED, wishes, wishesAroundEnds } from '../../support/histories.ts';
import { sameAs } from '../../support/plain-rules.ts';

/** As many histories as the properties themselves are given; the first difference is enough. */
const RUNS = { seed: SEED, numRuns: 800, endOnFailure: true };
const WISHES = fc.oneof(wishes, wishesAroundEnds);

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
    rule: 'a lot that was noticed late keeps its block time',
    told: 'instant - paidAt > DAY ? instant : paidAt',
    broken: 'paidAt',
  },
] as const;

describe(`seed ${SEED}`, () => {
  test('nothing differs while no rule is broken', async () => {
    fc.assert(
      sameAs(await brokenPlainBook('export class PlainBook', 'export class PlainBook'), WISHES),
      RUNS,
    );
  });

  test.each(RULES)('$rule: noticed', async ({ told, broken }) => {
    const Rules = await brokenPlainBook(told, broken);
    expect(() => fc.assert(sameAs(Rules, WISHES), RUNS)).toThrow('Property failed after');
  });
});
