/** Card payments as the ledger's callers know them. */
import Stripe from 'stripe';
import type { OrderRow } from '../orders/find-order.ts';
import { type CardWorker, type CardWorkerOptions, startCardWorker } from './card-worker.ts';
import { type CheckoutRow, type CheckoutTerms, ensureCheckout, lookAtCheckouts } from './checkout.ts';
import type { CardContext } from './context.ts';
import { storeEvent } from './store-event.ts';
import { ensureStripeAccount } from './stripe-account.ts';
import { isStripeAway } from './take-hints.ts';

/** An order is asked about at Stripe at most this often, however often its buyer asks. */
const LOOK_MS = 2_000;

/** Stripe could not be asked; whatever was wanted can be tried again. */
export class StripeAwayError extends Error {
  override readonly name = 'StripeAwayError';
}

export class Cards {
  readonly #context: CardContext;
  readonly #webhookSecret: string | null;
  readonly #lookedAt = new Map<string, number>();
  #isVerified = false;

  constructor(context: CardContext, webhookSecret: string | null) {
    this.#context = context;
    this.#webhookSecret = webhookSecret;
  }

  /** Whether webhooks can be taken: their signing secret is known. */
  get takesWebhooks(): boolean {
    return this.#webhookSecret !== null;
  }

  /** The hosted page of an order, made if it has none that is open. Rejects with StripeAwayError. */
  async ensureCheckout(order: OrderRow, terms: CheckoutTerms): Promise<CheckoutRow> {
    return await this.#asking(async () => {
      await this.#verify();
      return await ensureCheckout(this.#context, order, terms, await this.#context.now());
    });
  }

  /**
   * Asks Stripe whether an order was paid, for a buyer who is back before the webhook; not more often than every two
   * seconds. What cannot be asked now is heard later.
   */
  async lookAtCheckouts(orderId: string): Promise<void> {
    const now = performance.now();
    for (const [id, at] of this.#lookedAt) if (now - at >= LOOK_MS) this.#lookedAt.delete(id);
    if (this.#lookedAt.has(orderId)) return;
    this.#lookedAt.set(orderId, now);
    try {
      await this.#verify();
      await lookAtCheckouts(this.#context, orderId);
    } catch (error) {
      if (!isStripeAway(error)) throw error;
      this.#context.log(`order ${orderId} could not be looked up at Stripe: ${(error as Error).message}`);
    }
  }

  /**
   * Keeps an event that came to the webhook, unless it is not Stripe's word: its signature is wrong or older than five
   * minutes (docs.stripe.com/webhooks, "Verify webhook signatures").
   * @param payload The body as it came, byte for byte.
   */
  async takeWebhook(payload: Buffer, signature: string): Promise<'kept' | 'signature_invalid'> {
    if (this.#webhookSecret === null) return 'signature_invalid';
    const text = payload.toString('utf8');
    let event: Stripe.Event;
    try {
      event = Stripe.webhooks.constructEvent(text, signature, this.#webhookSecret);
    } catch (error) {
      if (error instanceof Stripe.errors.StripeSignatureVerificationError || error instanceof SyntaxError)
        return 'signature_invalid';
      throw error;
    }
    const { db, installation, now } = this.#context;
    await storeEvent({ db, bucketCount: installation.bucketCount }, event, text, await now());
    return 'kept';
  }

  /** Starts taking in what was heard and what Stripe's lists tell. */
  startWorker(options?: CardWorkerOptions): CardWorker {
    return startCardWorker({ ...this.#context, verify: () => this.#verify() }, options);
  }

  /** Compares the account once; throws InstallationMismatchError when it is another. */
  async #verify(): Promise<void> {
    if (this.#isVerified) return;
    const { db, stripe, installation, now } = this.#context;
    await ensureStripeAccount(db, stripe, installation.mode === 'live', await now());
    this.#isVerified = true;
  }

  async #asking<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isStripeAway(error)) throw new StripeAwayError('Stripe does not answer', { cause: error });
      throw error;
    }
  }
}
