import { expect, test } from 'vitest';
import { parseReference, referenceCalldata } from '../../../ledger/orders/reference.ts';

const REFERENCE = '00112233445566778899aabbccddeeff';
/** "AISC", the reference, and CRC32 of both: wallets that are out there write exactly this. */
const CALLDATA = `0x41495343${REFERENCE}d4c9808c`;

test('the calldata of a reference', () => {
  expect(referenceCalldata(REFERENCE)).toBe(CALLDATA);
  expect(CALLDATA).toHaveLength(2 + 2 * 24);
  expect(parseReference(CALLDATA)).toBe(REFERENCE);
});

test('hex may be in any case', () => {
  expect(parseReference(CALLDATA.toUpperCase())).toBe(REFERENCE);
});

test.each([
  ['nothing', ''],
  ['no bytes', '0x'],
  ['without 0x', CALLDATA.slice(2)],
  ['a byte too short', CALLDATA.slice(0, -2)],
  ['half a byte too long', `${CALLDATA}0`],
  ['a byte behind it', `${CALLDATA}00`],
  ['a line behind it', `${CALLDATA}\n`],
  ['a byte before it', `0x00${CALLDATA.slice(2)}`],
  ['within the arguments of a function', `0xa9059cbb${'00'.repeat(32)}${CALLDATA.slice(2)}${'00'.repeat(8)}`],
  ['twice', `${CALLDATA}${CALLDATA.slice(2)}`],
  ['other magic', CALLDATA.replace('41495343', '41495344')],
  ['what is no hex', `0x41495343${'g'.repeat(40)}`],
])('%s is no reference', (_, input) => {
  expect(parseReference(input)).toBeNull();
});

test('every single wrong digit is noticed', () => {
  for (let place = 2; place < CALLDATA.length; place += 1)
    for (const digit of '0123456789abcdef') {
      if (digit === CALLDATA[place]) continue;
      const wrong = CALLDATA.slice(0, place) + digit + CALLDATA.slice(place + 1);
      expect(parseReference(wrong), wrong).toBeNull();
    }
});

test.each(['', REFERENCE.slice(1), `${REFERENCE}0`, REFERENCE.toUpperCase(), `0x${REFERENCE.slice(2)}`])(
  '%j is nothing to make calldata of',
  reference => {
    expect(() => referenceCalldata(reference)).toThrow('16 bytes');
  },
);
