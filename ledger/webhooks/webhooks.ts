/** Webhooks as the ledger's callers know them. */
import type { Instant } from '../core/instant.ts';
import type { WebhookContext } from './context.ts';
import {
  type Delivery,
  type DeliveryCursor,
  type DeliveryPage,
  readDeliveries,
  requestRetry,
  requestTest,
} from './deliveries.ts';
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  type Endpoint,
  type EndpointChange,
  type EndpointWanted,
  type NewEndpoint,
  readEndpoint,
  readEndpoints,
  rotateSecret,
} from './endpoints.ts';
import type { Addressee } from './event.ts';
import { resolvePublicly } from './send.ts';
import { startWebhookWorker, type WebhookWorker } from './webhook-worker.ts';

const ATTEMPT_MS_MAX = 10_000;

/** Every method is about the endpoints of the account that is named, and answers null for those of another. */
export class Webhooks {
  readonly #context: Omit<WebhookContext, 'log'>;

  constructor(context: Pick<WebhookContext, 'db' | 'bucketCount' | 'mode' | 'poster' | 'now'>) {
    this.#context = {
      ...context,
      resolve: resolvePublicly,
      random: Math.random,
      attemptMsMax: ATTEMPT_MS_MAX,
    };
  }

  create(
    accountId: bigint,
    wanted: EndpointWanted,
    now: Instant,
  ): Promise<NewEndpoint | { readonly refusal: 'endpoints_full' }> {
    return createEndpoint(this.#context, accountId, wanted, now);
  }

  /** The oldest first. */
  list(accountId: bigint): Promise<Endpoint[]> {
    return readEndpoints(this.#context, accountId);
  }

  find({ accountId, endpointId }: Addressee): Promise<Endpoint | null> {
    return readEndpoint(this.#context, accountId, endpointId);
  }

  change(
    { accountId, endpointId }: Addressee,
    change: EndpointChange,
    now: Instant,
  ): Promise<Endpoint | null | { readonly refusal: 'threshold_missing' }> {
    return changeEndpoint(this.#context, accountId, endpointId, change, now);
  }

  /** False when there was none. */
  delete({ accountId, endpointId }: Addressee): Promise<boolean> {
    return deleteEndpoint(this.#context, accountId, endpointId);
  }

  /** A new signing secret, shown here once; the one before signs beside it until `oldValidUntil`. */
  rotateSecret(
    { accountId, endpointId }: Addressee,
    now: Instant,
  ): Promise<{ readonly secret: string; readonly oldValidUntil: Instant } | null> {
    return rotateSecret(this.#context, accountId, endpointId, now);
  }

  /** Has a test message sent, once. */
  test(to: Addressee, now: Instant): Promise<Delivery | null> {
    return requestTest(this.#context, to, now);
  }

  deliveries(
    to: Addressee,
    page: { readonly before?: DeliveryCursor | undefined; readonly limit: number },
  ): Promise<DeliveryPage | null> {
    return readDeliveries(this.#context, to, page);
  }

  /** Has a message sent again, or at once. */
  retry(to: Addressee, deliveryId: string, now: Instant): Promise<Delivery | null> {
    return requestRetry(this.#context, to, deliveryId, now);
  }

  /** Starts telling endpoints what happens. Any number may run at once. */
  startWorker(log: (line: string) => void): WebhookWorker {
    return startWebhookWorker({ ...this.#context, log });
  }
}
