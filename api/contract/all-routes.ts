/** Every route of the API, in the order in which the reference tells of them. */
import { getCredits } from './credits.ts';
import { createDebit } from './debits.ts';
import { assignReceipt, getTrialBalance, listAlarms, listSuspense, priceReceipt } from './operator.ts';
import {
  createAdjustment,
  createService,
  createServiceToken,
  getAccount,
  getStatement,
  listOperatorActions,
  listPrices,
  listServices,
  listTokens,
  revokeToken,
} from './operator-accounts.ts';
import {
  acknowledgeKey,
  claimKey,
  createOrder,
  getOrder,
  getOrderReceipt,
  getPaymentMethods,
  openOrderCheckout,
  watchOrder,
} from './orders.ts';
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
  ...[
    getPaymentMethods,
    createOrder,
    getOrder,
    openOrderCheckout,
    getOrderReceipt,
    watchOrder,
    claimKey,
    acknowledgeKey,
  ],
  ...[getCredits],
  ...[createDebit],
  ...[createChallenge, listWallets, linkWallet, withdrawWallet, claimPayments, recoverAccount, unlinkWallet],
  ...[getTrialBalance, listAlarms, listSuspense, assignReceipt, priceReceipt],
  ...[getAccount, getStatement, createAdjustment, listPrices, listOperatorActions],
  ...[listServices, createService, createServiceToken, listTokens, revokeToken],
  ...[getHealth, getReadiness, getMetrics, getOpenApi, getReference, takeStripeEvent],
] as readonly Route[];
