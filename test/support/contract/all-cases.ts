/** The cases of all routes of the contract. */
import { CREDITS_CASES } from './credits-cases.ts';
import { DEBITS_CASES } from './debits-cases.ts';
import { OPERATOR_CASES } from './operator-cases.ts';
import { ORDERS_CASES } from './orders-cases.ts';
import type { RouteCases } from './route-case.ts';
import { SPEND_CASES } from './spend-cases.ts';
import { SYSTEM_CASES } from './system-cases.ts';
import { WALLETS_CASES } from './wallets-cases.ts';

export const CONTRACT_CASES: RouteCases = {
  ...ORDERS_CASES,
  ...CREDITS_CASES,
  ...DEBITS_CASES,
  ...SPEND_CASES,
  ...WALLETS_CASES,
  ...OPERATOR_CASES,
  ...SYSTEM_CASES,
};
