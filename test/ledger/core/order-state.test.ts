import { expect, test } from 'vitest';
import { type OrderReceipt, orderState } from '../../../ledger/core/order-state.ts';

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
