/** Sends events to the webhook endpoint as Stripe does: signed, in no promised order, again until they are taken. */
import { setTimeout as sleep } from 'node:timers/promises';
import Stripe from 'stripe';
import type { Records, StoredEvent } from './records.ts';

export interface WebhookEndpoint {
  readonly url: string;
  readonly secret: string;
}

/** Stripe tries again over three days; here nobody waits that long. */
const RETRY_MS = [200, 500, 1_000, 2_000, 5_000, 10_000, 30_000];
const TIMEOUT_MS = 5_000;

export class WebhookSender {
  readonly #endpoint: WebhookEndpoint;
  readonly #records: Records;
  readonly #stopping = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  #paused = false;

  constructor(endpoint: WebhookEndpoint, records: Records) {
    this.#endpoint = endpoint;
    this.#records = records;
    // Those that a restart had kept from being taken.
    for (const event of records.all('event')) if (event.pending_webhooks > 0) this.send(event);
  }

  /** While it is paused, events happen but nobody is told: a webhook that never comes. */
  set paused(paused: boolean) {
    this.#paused = paused;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** How many events are on their way. */
  get underWay(): number {
    return this.#sending.size;
  }

  send(event: StoredEvent): void {
    if (this.#paused) return;
    const sending = this.#sendUntilTaken(event).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#sending);
  }

  async #sendUntilTaken(event: StoredEvent): Promise<void> {
    for (const pauseMs of [...RETRY_MS, null]) {
      if (await this.#isTaken(event)) {
        event.pending_webhooks = 0;
        this.#records.keep();
        return;
      }
      if (pauseMs === null) return;
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return;
    }
  }

  async #isTaken(event: StoredEvent): Promise<boolean> {
    const payload = JSON.stringify(event, null, 2);
    const { url, secret } = this.#endpoint;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'stripe-signature': Stripe.webhooks.generateTestHeaderString({
            payload,
            secret,
            // When it is sent, whatever the simulated time of the event.
            timestamp: Math.floor(Date.now() / 1000),
          }),
        },
        body: payload,
        redirect: 'error',
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }
}
