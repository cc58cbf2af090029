/** Every route of the API, in the order in which the reference tells of them. */
import { getLot, getUsage, listLots, listTransactions } from './account-history.ts';
import { getCredits } from './credits.ts';
import { createDebit, createDebitBatch, reverseDebit } from './debits.ts';
import { changeGrant, createGrant, listGrants, listServices, revokeGrant } from './grants.ts';
import { captureHold, createHold, getHold, releaseHold } from './holds.ts';
import { changeKey, createKey, getKey, listKeys, revokeKey, rotateKey } from './keys.ts';
import { assignReceipt, getTrialBalance, listAlarms, listSuspense, priceReceipt } from './operator.ts';
import {
  createAdjustment,
  createService,
  createServiceToken,
  getAccount,
  getStatement,
  listOperatorActions,
  listOperatorServices,
  listPrices,
  listTokens,
  revokeToken,
} from './operator-accounts.ts';
import { getOverview, listDebts, listReceipts } from './operator-overview.ts';
import {
  exportJournal,
  getChainAudit,
  getJournalVerification,
  getReconciliation,
  getReplay,
  getReport,
  getVerification,
} from './operator-reports.ts';
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
import { getPayment, getPrice } from './payments.ts';
import { getJournal, getProof, listSeals } from './proofs.ts';
import { createRateCard, getRateCard, listRateCards } from './rate-cards.ts';
import type { Route } from './route.ts';
import { createSession, deleteSession, getSession } from './sessions.ts';
import { getHealth, getMetrics, getOpenApi, getReadiness, getReference, takeStripeEvent } from './system.ts';
import { createUsage } from './usage.ts';
import {
  claimPayments,
  createChallenge,
  linkWallet,
  listWallets,
  recoverAccount,
  unlinkWallet,
  withdrawWallet,
} from './wallets.ts';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhookDeliveries,
  listWebhooks,
  retryWebhookDelivery,
  rotateWebhookSecret,
  testWebhook,
} from './webhooks.ts';

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
  ...[getPrice, getPayment],
  ...[getCredits],
  ...[createDebit, createDebitBatch, reverseDebit, createUsage, getRateCard],
  ...[createHold, getHold, captureHold, releaseHold],
  ...[listLots, getLot, listTransactions, getUsage],
  ...[getProof, getJournal],
  ...[getKey, listKeys, createKey, changeKey, rotateKey, revokeKey],
  ...[createSession, getSession, deleteSession],
  ...[listServices, listGrants, createGrant, changeGrant, revokeGrant],
  ...[createChallenge, listWallets, linkWallet, withdrawWallet, claimPayments, recoverAccount, unlinkWallet],
  ...[createWebhook, listWebhooks, getWebhook, changeWebhook, deleteWebhook, rotateWebhookSecret],
  ...[testWebhook, listWebhookDeliveries, retryWebhookDelivery],
  ...[getOverview, listReceipts, listDebts],
  ...[getTrialBalance, listAlarms, listSuspense, assignReceipt, priceReceipt],
  ...[
    getReconciliation,
    getReport,
    getJournalVerification,
    getReplay,
    getChainAudit,
    exportJournal,
    getVerification,
  ],
  ...[createRateCard, listRateCards],
  ...[getAccount, getStatement, createAdjustment, listPrices, listOperatorActions, listSeals],
  ...[listOperatorServices, createService, createServiceToken, listTokens, revokeToken],
  ...[getHealth, getReadiness, getMetrics, getOpenApi, getReference, takeStripeEvent],
] as readonly Route[];
