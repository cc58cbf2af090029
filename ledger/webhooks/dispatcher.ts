import type { Instant } from '../core/instant.ts';
import { attempt, type DueDelivery, readDue } from './attempt.ts';
import type { WebhookContext } from './context.ts';

/** So many attempts go on at a time in one worker. */
const SLOTS = 32;
/** Of these, endpoints that have failed lately get so many: where they hang, the others are still told at once. */
const SLOTS_OF_FAILING = 16;

/**
 * Sends what is due: one message at a time to an endpoint, and many endpoints side by side, so that a slow one holds up
 * nobody but itself.
 */
export class Dispatcher {
  readonly #context: WebhookContext;
  readonly #inFlight = new Map<string, { readonly isFailing: boolean; readonly done: Promise<void> }>();

  constructor(context: WebhookContext) {
    this.#context = context;
  }

  /** Starts as many of the messages that are due at `now` as there is room for. Returns how many. */
  async start(now: Instant): Promise<number> {
    let started = 0;
    for (const due of await readDue(this.#context, now)) {
      if (this.#inFlight.size >= SLOTS) break;
      if (this.#inFlight.has(due.endpoint_id) || (due.is_failing && !this.#hasSlotForFailing)) continue;
      this.#begin(due, now);
      started += 1;
    }
    return started;
  }

  /** Resolves when nothing is in flight. Never rejects: what fails is logged, and tried again when its claim ends. */
  async idle(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all([...this.#inFlight.values()].map(({ done }) => done));
  }

  get #hasSlotForFailing(): boolean {
    const failing = [...this.#inFlight.values()].filter(({ isFailing }) => isFailing);
    return failing.length < SLOTS_OF_FAILING;
  }

  #begin(due: DueDelivery, now: Instant): void {
    const done = attempt(this.#context, due, now)
      .catch((error: unknown) => {
        const { delivery_id: id } = due;
        this.#context.log(`webhook ${id} could not be sent, trying again: ${String(error)}`);
      })
      .finally(() => {
        this.#inFlight.delete(due.endpoint_id);
      });
    this.#inFlight.set(due.endpoint_id, { isFailing: due.is_failing, done });
  }
}
