import { expect, test } from 'vitest';
import { orderProgress } from '../../../ledger/orders/order-progress.ts';

const confirmed = { credited: false, reversed: false, keptBack: false };
const credited = { ...confirmed, credited: true };
const reversed = { ...confirmed, reversed: true };
const keptBack = { ...confirmed, keptBack: true };

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
  ['one is kept back', [keptBack], false, 'kept_back'],
  ['one is kept back, another on its way', [keptBack], true, 'seen'],
  ['one is credited, another kept back', [keptBack, credited], false, 'credited'],
  ['one was taken back, as it had been kept back', [{ ...keptBack, reversed: true }], false, 'reorged'],
  ['one was taken back, another is credited', [reversed, credited], false, 'credited'],
] as const)('%s', (_title, payments, isSeen, expected) => {
  expect(orderProgress(payments, isSeen)).toBe(expected);
});
