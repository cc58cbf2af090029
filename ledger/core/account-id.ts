/**
 * An account's number is 63 random bits, kept as a bigint; people and APIs see it as `acct_` and 16 hex digits.
 * Account 0 of a bucket is that bucket's system book.
 */
export const SYSTEM_ACCOUNT_ID = 0n;

const PREFIX = 'acct_';

/** The account's name, or the system book's for account 0 of `bucket`: what the sealed bytes and reports carry. */
export function bookName(bucket: number, accountId: bigint): string {
  return accountId === SYSTEM_ACCOUNT_ID ? `system_${bucket}` : accountName(accountId);
}

export function accountName(accountId: bigint): string {
  return PREFIX + accountId.toString(16).padStart(16, '0');
}

/** The number of an account's name; null when the text is none. */
export function parseAccountName(name: string): bigint | null {
  return /^acct_[0-7][0-9a-f]{15}$/.test(name) ? BigInt(`0x${name.slice(PREFIX.length)}`) : null;
}
