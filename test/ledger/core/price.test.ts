import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { microusdOfWei, weiOfMicrousd } from '../../../ledger/core/amount.ts';
import { HOUR, instantOfSeconds, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import {
  type FeedRound,
  isBehind,
  isPlausible,
  priceProblem,
  type Quote,
  showsLag,
  valueReceipt,
} from '../../../ledger/core/price.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { SEED } from '../../support/histories.ts';

const ETH = 10n ** 18n;
const DEADLINE = parseInstant('2026-03-01T15:10:00Z');
/** $2,000. */
const QUOTED = 200_000_000_000n;

/** Half an ETH promised at $2,000: a thousand dollars. */
const quote: Quote = { answer: QUOTED, guaranteedWei: ETH / 2n, usedWei: 0n, deadline: DEADLINE };

describe('a quoted price', () => {
  test.each([
    { title: 'holds up to its deadline, inclusive', blockAt: DEADLINE, quotedWei: ETH / 2n },
    { title: 'is gone a microsecond later', blockAt: DEADLINE + 1n, quotedWei: 0n },
  ])('$title', ({ blockAt, quotedWei }) => {
    const block = QUOTED - 1_000_000_000n;
    const valued = valueReceipt(ETH / 2n, blockAt, block, quote);
    expect(valued).toEqual({
      quotedWei,
      amountMicrousd: quotedWei > 0n ? 1_000_000_000n : microusdOfWei(ETH / 2n, block),
    });
  });

  // 2 % of the block's price, in 8 decimals: at $2,500 exactly $50.
  test.each([
    { block: 250_000_000_000n, answer: 255_000_000_000n, holds: true },
    { block: 250_000_000_000n, answer: 255_000_000_001n, holds: false },
    { block: 250_000_000_000n, answer: 245_000_000_000n, holds: true },
    { block: 250_000_000_000n, answer: 244_999_999_999n, holds: false },
    { block: 250_000_000_000n, answer: 250_000_000_000n, holds: true },
    // 2 % of the quoted price would be another amount: the block's decides.
    { block: 196_078_431_373n, answer: 200_000_000_000n, holds: true },
    { block: 196_078_431_372n, answer: 200_000_000_000n, holds: false },
  ])('of $answer against a block at $block: $holds', ({ block, answer, holds }) => {
    const { quotedWei } = valueReceipt(ETH / 10n, DEADLINE, block, { ...quote, answer });
    expect(quotedWei).toBe(holds ? ETH / 10n : 0n);
  });

  test.each([
    { title: 'less than was promised', wei: ETH / 4n, used: 0n, quotedWei: ETH / 4n },
    { title: 'exactly what was promised', wei: ETH / 2n, used: 0n, quotedWei: ETH / 2n },
    { title: 'a wei more than was promised', wei: ETH / 2n + 1n, used: 0n, quotedWei: ETH / 2n },
    { title: 'the second part of it', wei: ETH / 4n, used: ETH / 4n, quotedWei: ETH / 4n },
    { title: 'more than is left of it', wei: ETH / 2n, used: ETH / 4n, quotedWei: ETH / 4n },
    { title: 'nothing is left of it', wei: ETH / 2n, used: ETH / 2n, quotedWei: 0n },
    { title: 'more was used than was promised', wei: ETH / 2n, used: ETH, quotedWei: 0n },
  ])('covers the promised amount and no more: $title', ({ wei, used, quotedWei }) => {
    const block = QUOTED + 2_000_000_000n;
    const valued = valueReceipt(wei, DEADLINE, block, { ...quote, usedWei: used });
    expect(valued).toEqual({
      quotedWei,
      // Rounded down once, not once for each part.
      amountMicrousd: (quotedWei * QUOTED + (wei - quotedWei) * block) / 10n ** 20n,
    });
  });

  test('a whole order at its quote is worth what was asked for, to the micro-dollar', () => {
    const answer = 345_678_901_234n;
    const wei = weiOfMicrousd(25_000_000n, answer);
    const valued = valueReceipt(wei, DEADLINE, answer + 1n, { ...quote, answer, guaranteedWei: wei });
    expect(valued.amountMicrousd).toBe(25_000_000n);
  });
});

describe(`seed ${SEED}`, () => {
  const wei = fc.bigInt({ min: 0n, max: 100n * ETH });
  const answer = fc.bigInt({ min: 10n ** 10n, max: 10n ** 12n });
  // Mostly near the block's price, so that the quote is in force.
  const nearby = fc.bigInt({ min: -300n, max: 300n });

  test('no receipt is worth more than at the better of both prices, nor less than at the worse', () => {
    fc.assert(
      fc.property(
        wei,
        answer,
        nearby,
        wei,
        wei,
        fc.boolean(),
        (amount, block, apart, promised, used, late) => {
          const quoted = block + (block * apart) / 10_000n;
          const valued = valueReceipt(amount, late ? DEADLINE + 1n : DEADLINE, block, {
            answer: quoted,
            guaranteedWei: promised,
            usedWei: used,
            deadline: DEADLINE,
          });
          const [low, high] = quoted < block ? [quoted, block] : [block, quoted];
          expect(valued.amountMicrousd <= microusdOfWei(amount, high)).toBe(true);
          expect(valued.amountMicrousd >= microusdOfWei(amount, low)).toBe(true);
          expect(valued.quotedWei >= 0n && valued.quotedWei <= amount).toBe(true);
          expect(valued.quotedWei + used <= promised || valued.quotedWei === 0n).toBe(true);
          if (late) expect(valued).toEqual({ amountMicrousd: microusdOfWei(amount, block), quotedWei: 0n });
        },
      ),
      { seed: SEED, numRuns: 3000 },
    );
  });
});

describe('whether a round may be used', () => {
  const blockAt = parseInstant('2026-03-01T15:00:00Z');
  const blockSeconds = blockAt / SECOND;
  const round: FeedRound = { roundId: 7n, answer: QUOTED, startedAt: blockSeconds, updatedAt: blockSeconds };
  const up: FeedRound = { roundId: 1n, answer: 0n, startedAt: blockSeconds - 7200n, updatedAt: blockSeconds };
  test.each([
    { title: 'a fresh one', given: round, sequencer: up, problem: null },
    {
      title: '1,800 s old',
      given: { ...round, updatedAt: blockSeconds - 1800n },
      sequencer: up,
      problem: null,
    },
    {
      title: '1,801 s old',
      given: { ...round, updatedAt: blockSeconds - 1801n },
      sequencer: up,
      problem: 'price_stale',
    },
    { title: 'zero', given: { ...round, answer: 0n }, sequencer: up, problem: 'price_not_positive' },
    { title: 'negative', given: { ...round, answer: -1n }, sequencer: up, problem: 'price_not_positive' },
    { title: 'none', given: null, sequencer: up, problem: 'no_round' },
    { title: 'no sequencer round', given: round, sequencer: null, problem: 'no_round' },
    { title: 'sequencer down', given: round, sequencer: { ...up, answer: 1n }, problem: 'sequencer_down' },
    {
      title: 'sequencer up for an hour less a second',
      given: round,
      sequencer: { ...up, startedAt: blockSeconds - 3599n },
      problem: 'sequencer_down',
    },
    {
      title: 'sequencer up for an hour',
      given: round,
      sequencer: { ...up, startedAt: blockSeconds - 3600n },
      problem: null,
    },
  ])('$title: $problem', ({ given, sequencer, problem }) => {
    expect(priceProblem(given, sequencer, blockAt)).toBe(problem);
  });

  test('an hour is an hour', () => {
    expect(instantOfSeconds(blockSeconds) - instantOfSeconds(blockSeconds - 3600n)).toBe(HOUR);
  });
});

describe('whether the chain is behind the clock', () => {
  const now = parseInstant('2026-03-01T15:00:00Z');
  test.each([
    { title: 'ahead of it', headAt: now + SECOND, lagMax: MINUTE, behind: false },
    { title: 'by a minute', headAt: now - MINUTE, lagMax: MINUTE, behind: false },
    { title: 'by a minute and a microsecond', headAt: now - MINUTE - 1n, lagMax: MINUTE, behind: true },
    { title: 'by an hour, where it may be', headAt: now - HOUR, lagMax: null, behind: false },
  ])('$title: $behind', ({ headAt, lagMax, behind }) => {
    expect(isBehind(headAt, now, lagMax)).toBe(behind);
  });

  test.each([
    { title: 'before', observed: -5n, shows: false },
    { title: 'a minute after', observed: 60n, shows: false },
    { title: 'more than a minute after', observed: 61n, shows: true },
  ])('told by a round that was signed $title its block: $shows', ({ observed, shows }) => {
    const updatedAt = now / SECOND;
    const round = { roundId: 1n, answer: QUOTED, startedAt: updatedAt + observed, updatedAt };
    expect(showsLag(round, MINUTE)).toBe(shows);
  });
});

// An odd answer, whose half is no whole one.
test.each([
  { answer: 50n, plausible: false },
  { answer: 51n, plausible: true },
  { answer: 202n, plausible: true },
  { answer: 203n, plausible: false },
])('$answer after an answer of 101 is plausible: $plausible', ({ answer, plausible }) => {
  expect(isPlausible(answer, 101n)).toBe(plausible);
});
