/** What the package offers. */
export { amountText, microcreditsOf } from './amount.ts';
export { type CallOptions, CreditsClient } from './credits-client.ts';
export { CreditsError, CreditsUnreachableError } from './credits-error.ts';
export { HeldCredits, HoldExceededError } from './held-credits.ts';
export type { ClientOptions } from './transport.ts';
export type * from './types.ts';
export { type ReceivedWebhook, verifyWebhook, type WebhookEvent, WebhookInvalidError } from './webhook.ts';
