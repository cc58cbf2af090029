import { expect, test } from 'vitest';
import { orderProgress } from '../../../ledger/orders/order-progress.ts';

const credited = { credited: true, reversed: false };
const confirmed = { credited: false, reversed: false };
const reversed = { credited: false, reversed: true };

test.each([
  ['nothing is known', [], false, 'waiting'],
  ['one is on its way', [], true, 'seen'],
  ['one is in a block', [confirmed], false, 'confirmed'],
  ['one is in a block, another on its way', [confirmed], true, 'confirmed'],
  ['one is credited', [credited], false, 'credited'],
  ['one is credited, another in a block', [confirmed, credited], false, 'credited'],
  ['one was taken back', [reversed], false, 'reorged'],
  ['one was taken back and is on its way again', [reversed], true, 'seen'],
  ['one was taken back, another is in a block', [reversed, confirmed], false, 'confirmed'],
  ['one was taken back, another is credited', [reversed, credited], false, 'credited'],
] as const)('%s', (_title, payments, isSeen, expected) => {
  expect(orderProgress(payments, isSeen)).toBe(expected);
});
