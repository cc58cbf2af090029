import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SECOND } from '../../../ledger/core/instant.ts';
import { type OrderReceipt, orderState, wasThereAt } from '../../../ledger/core/order-state.ts';
import { SEED } from '../../support/histories.ts';

const order = { quotedWei: 100n, deadline: 1000n };
const paid: OrderReceipt = {
  amountWei: 100n,
  blockAt: 900n,
  amountMicrousd: 5n,
  credited: true,
  reversed: false,
  keptBack: false,
};

test.each([
  { title: 'nothing yet', receipts: [], at: 900n, is: 'none live' },
  { title: 'nothing at the deadline', receipts: [], at: 1000n, is: 'none live' },
  { title: 'nothing after the deadline', receipts: [], at: 1001n, is: 'none expired' },
  { title: 'paid', receipts: [paid], at: 900n, is: 'exact live' },
  { title: 'a wei short', receipts: [{ ...paid, amountWei: 99n }], at: 900n, is: 'under live' },
  { title: 'a wei over', receipts: [{ ...paid, amountWei: 101n }], at: 900n, is: 'over live' },
  {
    title: 'in two parts',
    receipts: [
      { ...paid, amountWei: 40n },
      { ...paid, amountWei: 60n },
    ],
    at: 900n,
    is: 'exact live',
  },
  {
    title: 'in a block at the deadline',
    receipts: [{ ...paid, blockAt: 1000n }],
    at: 2000n,
    is: 'exact expired',
  },
  {
    title: 'in a block after the deadline',
    receipts: [{ ...paid, blockAt: 1001n }],
    at: 2000n,
    is: 'exact expired late',
  },
  {
    title: 'without a price yet',
    receipts: [{ ...paid, amountMicrousd: null, credited: false }],
    at: 900n,
    is: 'exact live price_pending',
  },
  { title: 'on its way', receipts: [{ ...paid, credited: false }], at: 900n, is: 'exact live processing' },
  {
    title: 'too little to be worth anything: nothing is on its way',
    receipts: [{ ...paid, amountWei: 1n, amountMicrousd: 0n, credited: false }],
    at: 900n,
    is: 'under live',
  },
  {
    title: 'taken back by the chain',
    receipts: [{ ...paid, credited: false, reversed: true }],
    at: 900n,
    is: 'none live reorged',
  },
  {
    title: 'taken back and paid again, late',
    receipts: [
      { ...paid, credited: false, reversed: true },
      { ...paid, blockAt: 1001n },
    ],
    at: 2000n,
    is: 'exact expired late reorged',
  },
  {
    title: 'paid, and a little more that is kept back',
    receipts: [paid, { ...paid, amountWei: 1n, keptBack: true, credited: false }],
    at: 900n,
    is: 'exact live kept_back',
  },
  {
    title: 'kept back, late: nothing is paid',
    receipts: [{ ...paid, blockAt: 1001n, keptBack: true, credited: false }],
    at: 2000n,
    is: 'none expired kept_back',
  },
  {
    title: 'kept back, then taken back by the chain',
    receipts: [{ ...paid, keptBack: true, credited: false, reversed: true }],
    at: 900n,
    is: 'none live reorged',
  },
])('$title: $is', ({ receipts, at, is }) => {
  const { amount, quote, flags } = orderState(order, receipts, at);
  expect([amount, quote, ...flags].join(' ')).toBe(is);
});

describe(`seed ${SEED}`, () => {
  const receipt: fc.Arbitrary<OrderReceipt> = fc
    .record({
      amountWei: fc.bigInt({ min: 1n, max: 120n }),
      blockAt: fc.bigInt({ min: 800n, max: 1200n }),
      amountMicrousd: fc.option(fc.bigInt({ min: 0n, max: 5n })),
      credited: fc.boolean(),
      reversed: fc.boolean(),
      keptBack: fc.boolean(),
    })
    // What has no price or stays in suspense is not credited.
    .map(one => ({ ...one, credited: one.credited && one.amountMicrousd !== null && !one.keptBack }));
  const receipts = fc.array(receipt, { maxLength: 6 });
  const instant = fc.bigInt({ min: 800n, max: 1200n });
  const check = (holds: (given: readonly OrderReceipt[], at: bigint) => void) =>
    fc.assert(fc.property(receipts, instant, holds), { seed: SEED, numRuns: 1000 });
  const counts = (one: OrderReceipt) => !one.reversed && !one.keptBack;

  test('the order in which payments became known does not matter', () => {
    check((given, at) => {
      expect(orderState(order, [...given].reverse(), at)).toEqual(orderState(order, given, at));
    });
  });

  test('what is paid is what stands and is not kept back, to the wei', () => {
    check((given, at) => {
      const paid = given.filter(counts).reduce((sum, one) => sum + one.amountWei, 0n);
      const expected = paid === 0n ? 'none' : paid < 100n ? 'under' : paid === 100n ? 'exact' : 'over';
      expect(orderState(order, given, at).amount).toBe(expected);
    });
  });

  test('what the chain took back leaves nothing but its flag', () => {
    check((given, at) => {
      const { flags, ...rest } = orderState(order, given, at);
      const without = orderState(
        order,
        given.filter(one => !one.reversed),
        at,
      );
      expect({ ...rest, flags: flags.filter(flag => flag !== 'reorged') }).toEqual(without);
      expect(flags.includes('reorged')).toBe(given.some(one => one.reversed));
    });
  });

  test('what is kept back leaves nothing but its flag', () => {
    check((given, at) => {
      const { flags, ...rest } = orderState(order, given, at);
      const without = orderState(
        order,
        given.filter(one => !one.keptBack || one.reversed),
        at,
      );
      expect({ ...rest, flags: flags.filter(flag => flag !== 'kept_back') }).toEqual(without);
      expect(flags.includes('kept_back')).toBe(given.some(one => one.keptBack && !one.reversed));
    });
  });

  test('time moves the quote and nothing else, once', () => {
    check((given, at) => {
      const { quote, ...rest } = orderState(order, given, at);
      const { quote: _, ...later } = orderState(order, given, at + 1n);
      expect(rest).toEqual(later);
      expect(quote).toBe(at <= order.deadline ? 'live' : 'expired');
    });
  });
});

test.each([
  ['made in the second of the block', 5n * SECOND + 999_999n, true],
  ['made in the second after it', 6n * SECOND, false],
  ['made long before', 0n, true],
])('an order %s', (_, createdAt, expected) => {
  expect(wasThereAt({ createdAt }, 5n * SECOND)).toBe(expected);
});
