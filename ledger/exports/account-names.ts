/** The ledger's accounts under the five roots that plain-text accounting knows. */
import type { FixedAccount } from '../core/chart.ts';

/** Each part begins with a capital or a digit and has letters, digits and dashes only, as beancount wants it. */
const NAMES: Readonly<Record<FixedAccount, string>> = {
  'CREDIT:available': 'Assets:Credit:Available',
  'CREDIT:held': 'Assets:Credit:Held',
  'CREDIT:unreleased': 'Assets:Credit:Unreleased',
  'CREDIT:debt': 'Liabilities:Credit:Debt',
  'CREDIT:issued': 'Equity:Credit:Issued',
  'CREDIT:renewed': 'Equity:Credit:Renewed',
  'CREDIT:consumed': 'Expenses:Credit:Consumed',
  'CREDIT:breakage': 'Expenses:Credit:Breakage',
  'CREDIT:clawed_back': 'Equity:Credit:Clawed-Back',
  'USD:cash:stripe': 'Assets:USD:Cash:Stripe',
  'USD:clearing': 'Assets:USD:Clearing',
  'USD:suspense': 'Liabilities:USD:Suspense',
  'USD:trading': 'Equity:USD:Trading',
  'USD:deferred_revenue': 'Liabilities:USD:Deferred-Revenue',
  'USD:revenue': 'Income:USD:Revenue',
  'USD:refunds': 'Expenses:USD:Refunds',
  'USD:fees': 'Expenses:USD:Fees',
  'ETH:suspense': 'Liabilities:ETH:Suspense',
  'ETH:trading': 'Equity:ETH:Trading',
  'ETH:withdrawals': 'Equity:ETH:Withdrawals',
  'ETH:gas': 'Expenses:ETH:Gas',
};

const TREASURY = /^ETH:treasury:(\d+):(0x[0-9a-f]{40})$/;

/** The name of a ledger account in a journal. Throws for one that the chart does not know. */
export function journalAccount(account: string): string {
  if (account in NAMES) return NAMES[account as FixedAccount];
  const treasury = TREASURY.exec(account);
  if (!treasury) throw new Error(`ledger account ${account} has no name in a journal`);
  return `Assets:ETH:Treasury:${treasury[1]}:${treasury[2]}`;
}
