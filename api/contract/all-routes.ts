/** Every route of the API, in the order in which the reference tells of them. */
import { getCredits } from './credits.ts';
import { createDebit } from './debits.ts';
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
  ...[createOrder, getOrder, openOrderCheckout, watchOrder, claimKey, acknowledgeKey],
  ...[getCredits],
  ...[createDebit],
  ...[createChallenge, listWallets, linkWallet, withdrawWallet, claimPayments, recoverAccount, unlinkWallet],
  ...[createWebhook, listWebhooks, getWebhook, changeWebhook, deleteWebhook, rotateWebhookSecret],
  ...[testWebhook, listWebhookDeliveries, retryWebhookDelivery],
  ...[getTrialBalance, listAlarms, listSuspense, assignReceipt, priceReceipt],
  ...[getHealth, getReadiness, getMetrics, getOpenApi, getReference, takeStripeEvent],
] as readonly Route[];
