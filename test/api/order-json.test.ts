import { expect, it } from 'vitest';
import { pendingPaymentOf } from '../../api/order-json.ts';
import { referenceCalldata } from '../../ledger/index.ts';

const reference = 'ab'.repeat(16);
const calldata = referenceCalldata(reference);
const payment = { transactionHash: '0x1', fromAddress: '0x2', amountWei: 5n, input: '0x' };
const plain = { reference, quoted_wei: 7n, amount_reserved_until: null };
const unique = { ...plain, amount_reserved_until: 1n };

it.each([
  ['its reference, whatever the amount', plain, { ...payment, input: calldata }, true],
  ['its reference in capitals', plain, { ...payment, input: calldata.toUpperCase() }, true],
  ['the amount that is its own', unique, { ...payment, amountWei: 7n }, true],
  ['the amount that it shares with others', plain, { ...payment, amountWei: 7n }, false],
  ['another amount', unique, payment, false],
  ['another order’s reference', plain, { ...payment, input: referenceCalldata('00'.repeat(16)) }, false],
])('a payment on its way is the order’s by %s', (_, order, pending, isOwn) => {
  expect(pendingPaymentOf(order, [payment, pending])).toEqual(isOwn ? pending : null);
});
