/**
 * The chart of accounts. A posting moves an amount from one account to another of the same asset, so every
 * asset sums to zero by construction. A positive balance is a debit balance (what we own or has been used up),
 * a negative one a credit balance (what we owe or have earned). Thousands of the code are the asset, which the
 * database checks on every posting.
 */
export const FIXED_ACCOUNTS = {
  // CREDIT: where each customer's credits are.
  'CREDIT:available': 1000,
  'CREDIT:held': 1010,
  'CREDIT:unreleased': 1020,
  'CREDIT:debt': 1030,
  'CREDIT:issued': 1100,
  'CREDIT:renewed': 1110,
  'CREDIT:consumed': 1200,
  'CREDIT:breakage': 1210,
  'CREDIT:clawed_back': 1220,
  // USD: what customers paid and what of it is earned.
  'USD:cash:stripe': 2000,
  'USD:clearing': 2100,
  'USD:suspense': 2110,
  'USD:trading': 2120,
  'USD:deferred_revenue': 2200,
  'USD:revenue': 2300,
  'USD:refunds': 2310,
  'USD:fees': 2400,
  // ETH: where the coins are. Treasuries (one a chain and address) have codes from 3500 on.
  'ETH:suspense': 3000,
  'ETH:trading': 3010,
  'ETH:withdrawals': 3020,
  'ETH:gas': 3030,
} as const;

/** The first code of the treasuries, which are added when an installation is made. */
export const FIRST_TREASURY_CODE = 3500;

export type FixedAccount = keyof typeof FIXED_ACCOUNTS;
export type TreasuryAccount = `ETH:treasury:${number}:${string}`;
export type LedgerAccount = FixedAccount | TreasuryAccount;

/** The account of the coins at `address` (any case) on the chain `chainId`. */
export function treasuryAccount(chainId: number, address: string): TreasuryAccount {
  return `ETH:treasury:${chainId}:${address.toLowerCase()}`;
}

/** The field of a lot that an account of the chart adds up over all lots. */
export const LOT_FIELD_OF: Partial<
  Record<LedgerAccount, 'availableMicrocredits' | 'heldMicrocredits' | 'unreleasedMicrocredits'>
> = {
  'CREDIT:available': 'availableMicrocredits',
  'CREDIT:held': 'heldMicrocredits',
  'CREDIT:unreleased': 'unreleasedMicrocredits',
};

/** The asset an account is kept in: the part of its name before the first colon. */
export function assetOf(account: LedgerAccount): string {
  return account.slice(0, account.indexOf(':'));
}
