import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { accountName, bookName, parseAccountName } from '../../../ledger/core/account-id.ts';
import { bucketOf, bucketOfAccount } from '../../../ledger/store/bucket.ts';

test.each([
  // The first 4 bytes of SHA-256, by the SHA-256 of every other program.
  { key: '', first: 0xe3b0c442 },
  { key: 'abc', first: 0xba7816bf },
])('the bucket of "$key" is $first modulo the count', ({ key, first }) => {
  expect(bucketOf(key, 64)).toBe(first % 64);
  expect(bucketOf(Buffer.from(key), 1000)).toBe(first % 1000);
  expect(bucketOf(key, 1)).toBe(0);
});

test('an account has the bucket of its name', () => {
  const name = 'acct_0123456789abcdef';
  const first = createHash('sha256').update(name).digest().readUInt32BE(0);
  expect(bucketOfAccount(0x0123456789abcdefn, 64)).toBe(first % 64);
});

test('names of accounts', () => {
  expect(accountName(1n)).toBe('acct_0000000000000001');
  expect(accountName(2n ** 63n - 1n)).toBe('acct_7fffffffffffffff');
  expect(parseAccountName('acct_7fffffffffffffff')).toBe(2n ** 63n - 1n);
  for (const text of ['acct_8000000000000000', 'acct_1', 'acct_000000000000000A', 'system_0', '', ' acct_0'])
    expect(parseAccountName(text)).toBeNull();
  expect(bookName(5, 0n)).toBe('system_5');
  expect(bookName(5, 1n)).toBe('acct_0000000000000001');
});
