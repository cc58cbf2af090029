/** The signed text: its bytes, as published, and that nothing else is read as one. */
import { describe, expect, test } from 'vitest';
import { readNetstrings } from '../../../ledger/core/encoding.ts';
import {
  documentText,
  hashText,
  readDocument,
  readTotals,
  type SealDocument,
  totalsText,
} from '../../../ledger/seals/seal-document.ts';
import { generateSealKey, isSignedBy, readSealKey } from '../../../ledger/seals/seal-key.ts';
import { leafOf, leafText } from '../../../ledger/seals/sealed-book.ts';

const DOCUMENT: SealDocument = {
  chainId: 8453,
  paymentAddress: `0x${'ab'.repeat(20)}`,
  number: 7,
  through: 1_772_409_600_000_000n,
  previousHash: '11'.repeat(32),
  root: '22'.repeat(32),
  bookCount: 2,
  totalsHash: '33'.repeat(32),
  publicKey: '44'.repeat(32),
};
const TEXT =
  `22:aispace-credits/seal/1,4:8453,42:0x${'ab'.repeat(20)},1:7,16:1772409600000000,` +
  `64:${'11'.repeat(32)},64:${'22'.repeat(32)},1:2,64:${'33'.repeat(32)},64:${'44'.repeat(32)},`;

describe('the document', () => {
  test('has these bytes, and is read back', () => {
    expect(documentText(DOCUMENT)).toBe(TEXT);
    expect(readDocument(TEXT)).toEqual(DOCUMENT);
    expect(hashText(TEXT)).toBe('26c7e785b4509b8cc32cbf7d62e770941b8c0762fe9c7c93d9245c987aa6d6e3');
  });

  test.each([
    ['nothing', ''],
    ['another version', TEXT.replace('seal/1', 'seal/2')],
    ['a number with a zero before it', TEXT.replace('1:7,', '2:07,')],
    ['a field more', `${TEXT}1:x,`],
    ['a field less', TEXT.slice(0, TEXT.lastIndexOf('64:'))],
    ['a length that is wrong', TEXT.replace('1:7,', '2:7,')],
    ['a root in capitals', TEXT.replaceAll('22'.repeat(32), 'AA'.repeat(32))],
    ['an address of mixed case', TEXT.replace('ab', 'Ab')],
    ['something behind it', `${TEXT} `],
  ])('is none with %s', (_, text) => {
    expect(readDocument(text)).toBeNull();
  });
});

test('totals have these bytes, in the order of the chart, and are read back', () => {
  const totals = [
    { code: 2000, account: 'USD:cash:stripe', balance: -5n },
    { code: 1000, account: 'CREDIT:available', balance: 12n },
  ];
  const text = '24:aispace-credits/totals/1,4:1000,16:CREDIT:available,2:12,4:2000,15:USD:cash:stripe,2:-5,';
  expect(totalsText(totals)).toBe(text);
  expect(readTotals(text)).toEqual([totals[1], totals[0]]);
  for (const other of [`${text}1:1,`, text.replace('2:12', '3:012'), text.replace('totals', 'Totals'), 'x'])
    expect(readTotals(other)).toBeNull();
});

test('a leaf has these bytes', () => {
  const book = {
    name: 'acct_0000000000000001',
    seq: 3n,
    head: Buffer.alloc(32, 0xcd),
    availableMicrocredits: 10n,
    heldMicrocredits: 0n,
    debtMicrocredits: 2n,
  };
  const text = `22:aispace-credits/leaf/1,21:acct_0000000000000001,1:3,64:${'cd'.repeat(32)},2:10,1:0,1:2,`;
  expect(leafText(book)).toBe(text);
  expect(leafOf({ ...book, debtMicrocredits: 3n })).not.toEqual(leafOf(book));
});

test.each(['3:ab,', '1:a', ':a,', '01:a,', '-1:a,', '1a:b,', '1:ab', 'x', '1'])(
  '%s is no list of netstrings',
  text => {
    expect(readNetstrings(text)).toBeNull();
  },
);

describe('a key', () => {
  test('signs, and another does not', () => {
    const key = readSealKey(generateSealKey());
    const signature = key.sign(TEXT);
    expect(signature).toHaveLength(64);
    expect(isSignedBy(key.publicKey, TEXT, signature)).toBe(true);
    expect(isSignedBy(key.publicKey, `${TEXT} `, signature)).toBe(false);
    expect(isSignedBy(readSealKey(generateSealKey()).publicKey, TEXT, signature)).toBe(false);
    expect(isSignedBy('nonsense', TEXT, signature)).toBe(false);
  });

  test.each(['', 'nonsense', '-----BEGIN PRIVATE KEY-----\nS3cr3t\n-----END PRIVATE KEY-----'])(
    'is not %j, which is not repeated',
    text => {
      expect(() => readSealKey(text)).toThrow(/^The seal key is no Ed25519 key in PEM/);
      expect(() => readSealKey(text)).not.toThrow(/S3cr3t/);
    },
  );
});
