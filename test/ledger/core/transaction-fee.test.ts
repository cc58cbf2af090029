import { expect, test } from 'vitest';
import { transactionFee } from '../../../ledger/core/transaction-fee.ts';

const plain = {
  isDeposit: false,
  gasUsed: 39_122n,
  gasPriceWei: 5_000_279n,
  l1FeeWei: 7_321_157_647n,
  operatorFeeScalar: 0n,
  operatorFeeConstantWei: 0n,
  isJovian: true,
};

test.each([
  ['gas and the L1 fee', {}, 0n, 202_942_072_685n],
  ['gas alone, where there is no L1', { l1FeeWei: 0n }, 0n, 195_620_915_038n],
  // 39,122 × 7 × 100 + 11
  ['an operator fee', { operatorFeeScalar: 7n, operatorFeeConstantWei: 11n }, 27_385_411n, 202_969_458_096n],
  [
    // floor(39,122 × 70,000 / 1,000,000) + 11
    'an operator fee before Jovian',
    { operatorFeeScalar: 70_000n, operatorFeeConstantWei: 11n, isJovian: false },
    2_749n,
    202_942_075_434n,
  ],
] as const)('%s', (_what, change, operatorFeeWei, feeWei) => {
  expect(transactionFee({ ...plain, ...change })).toMatchObject({ operatorFeeWei, feeWei });
});

test('a deposit from L1 pays nothing, whatever its receipt says', () => {
  const fee = transactionFee({ ...plain, isDeposit: true, operatorFeeConstantWei: 11n });
  expect(fee).toEqual({ gasUsed: 39_122n, gasPriceWei: 0n, l1FeeWei: 0n, operatorFeeWei: 0n, feeWei: 0n });
});
