/** Every route of the API, in the order in which the reference tells of them. */
import { getLot, getUsage, listLots, listTransactions } from './account-history.ts';
import { getCredits } from './credits.ts';
import { createDebit } from './debits.ts';
import { changeGrant, createGrant, listGrants, listServices, revokeGrant } from './grants.ts';
import { changeKey, createKey, getKey, listKeys, revokeKey, rotateKey } from './keys.ts';
import { assignReceipt, getTrialBalance, listAlarms, listSuspense, priceReceipt } from './operator.ts';
import { acknowledgeKey, claimKey, createOrder, getOrder, openOrderCheckout, watchOrder } from './orders.ts';
import type { Route } from './route.ts';
import { getHealth, getMetrics, getOpenApi, getReadiness, getReference, takeStripeEvent } from './system.ts';
import {
  claimPayments,
  createChallenge,
  linkWallet,
  listWallets,
  recoverAccount,
  unlinkWallet,
  withdrawWallet,
} from './wallets.ts';

export const ALL_ROUTES = [
  ...[createOrder, getOrder, openOrderCheckout, watchOrder, claimKey, acknowledgeKey],
  ...[getCredits],
  ...[listLots, getLot, listTransactions, getUsage],
  ...[getKey, listKeys, createKey, changeKey, rotateKey, revokeKey],
  ...[listServices, listGrants, createGrant, changeGrant, revokeGrant],
  ...[createDebit],
  ...[createChallenge, listWallets, linkWallet, withdrawWallet, claimPayments, recoverAccount, unlinkWallet],
  ...[getTrialBalance, listAlarms, listSuspense, assignReceipt, priceReceipt],
  ...[getHealth, getReadiness, getMetrics, getOpenApi, getReference, takeStripeEvent],
] as readonly Route[];
