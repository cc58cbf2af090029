/** What the package offers. */
export type * from './account-types.ts';
export { amountText, microcreditsOf } from './amount.ts';
export { type CallOptions, CreditsClient } from './credits-client.ts';
export { CreditsError, CreditsUnreachableError } from './credits-error.ts';
export { CustomerClient } from './customer-client.ts';
export { HeldCredits, HoldExceededError } from './held-credits.ts';
export type { PageOptions } from './pages.ts';
export type { ClientOptions } from './transport.ts';
export type * from './types.ts';
export { type ReceivedWebhook, verifyWebhook, type WebhookEvent, WebhookInvalidError } from './webhook.ts';
