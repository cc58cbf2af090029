/** Cells that other programs read back as they were, and that no spreadsheet carries out. */
import { expect, test } from 'vitest';
import { decimalText } from '../../../ledger/core/decimal-text.ts';
import { csvLine } from '../../../ledger/store/csv-line.ts';

test.each([
  { value: 'plain', cell: 'plain' },
  { value: null, cell: '' },
  { value: -5n, cell: '-5' },
  { value: 10n ** 30n, cell: '1000000000000000000000000000000' },
  { value: false, cell: 'false' },
  { value: 'a,b', cell: '"a,b"' },
  { value: 'say "x"', cell: '"say ""x"""' },
  { value: 'two\nlines', cell: '"two\nlines"' },
  { value: ' blank', cell: '" blank"' },
  { value: '=1+1', cell: "'=1+1" },
  { value: '+1', cell: "'+1" },
  { value: '-1', cell: "'-1" },
  { value: '@SUM(A1)', cell: "'@SUM(A1)" },
  { value: '\t=1', cell: "'\t=1" },
  { value: '=HYPERLINK("x";"y"),', cell: `"'=HYPERLINK(""x"";""y""),"` },
])('$value is $cell', ({ value, cell }) => {
  expect(csvLine([value])).toBe(`${cell}\r\n`);
  expect(csvLine(['x', value, 'y'])).toBe(`x,${cell},y\r\n`);
});

test.each([
  { amount: 0n, asset: 'USD', text: '0.000000' },
  { amount: 1n, asset: 'CREDIT', text: '0.000001' },
  { amount: -1_500_000n, asset: 'USD', text: '-1.500000' },
  { amount: 10n ** 18n + 1n, asset: 'ETH', text: '1.000000000000000001' },
])('$amount of $asset is $text', ({ amount, asset, text }) => {
  expect(decimalText(amount, asset)).toBe(text);
});
