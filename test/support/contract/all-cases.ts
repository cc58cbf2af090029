/** The cases of all routes of the contract. */
import { ACCOUNT_HISTORY_CASES } from './account-history-cases.ts';
import { CREDITS_CASES } from './credits-cases.ts';
import { DEBITS_CASES } from './debits-cases.ts';
import { GRANTS_CASES } from './grants-cases.ts';
import { KEYS_CASES } from './keys-cases.ts';
import { OPERATOR_ACCOUNTS_CASES } from './operator-accounts-cases.ts';
import { OPERATOR_CASES } from './operator-cases.ts';
import { OPERATOR_OVERVIEW_CASES } from './operator-overview-cases.ts';
import { OPERATOR_REPORTS_CASES } from './operator-reports-cases.ts';
import { ORDERS_CASES } from './orders-cases.ts';
import { PAYMENTS_CASES } from './payments-cases.ts';
import { PROOFS_CASES } from './proofs-cases.ts';
import type { RouteCases } from './route-case.ts';
import { SESSIONS_CASES } from './sessions-cases.ts';
import { SPEND_CASES } from './spend-cases.ts';
import { SYSTEM_CASES } from './system-cases.ts';
import { WALLETS_CASES } from './wallets-cases.ts';
import { WEBHOOKS_CASES } from './webhooks-cases.ts';

export const CONTRACT_CASES: RouteCases = {
  ...ORDERS_CASES,
  ...PAYMENTS_CASES,
  ...CREDITS_CASES,
  ...ACCOUNT_HISTORY_CASES,
  ...PROOFS_CASES,
  ...KEYS_CASES,
  ...SESSIONS_CASES,
  ...GRANTS_CASES,
  ...DEBITS_CASES,
  ...SPEND_CASES,
  ...WALLETS_CASES,
  ...WEBHOOKS_CASES,
  ...OPERATOR_CASES,
  ...OPERATOR_ACCOUNTS_CASES,
  ...OPERATOR_OVERVIEW_CASES,
  ...OPERATOR_REPORTS_CASES,
  ...SYSTEM_CASES,
};
