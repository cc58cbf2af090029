/** Card payments as the ledger's callers know them. */
import Stripe from 'stripe';
import type { OrderRow } from '../orders/find-order.ts';
import { type CardWorker, type CardWorkerOptions, startCardWorker } from './card-worker.ts';
import { type Checkout, type CheckoutTerms, ensureCheckout, lookAtCheckouts } from './checkout.ts';
import type { CardContext } from './context.ts';
import { type ReceivedEvent, storeEvent } from './store-event.ts';
import { ensureStripeAccount } from './stripe-account.ts';
import { isStripeAway } from './take-hints.ts';

/** An order is asked about at Stripe at most this often, however often its buyer asks. */
const LOOK_MS = 2_000;
/** A look holds a connection to the database while Stripe answers: a slow Stripe must leave some for everybody else. */
const LOOKS_AT_ONCE = 3;

/** Stripe could not be asked; whatever was wanted can be tried again. */
export class StripeAwayError extends Error {
  override readonly name = 'StripeAwayError';
}

export class Cards {
  readonly #context: CardContext;
  readonly #webhookSecret: string | null;
  readonly #lookedAt = new Map<string, number>();
  #looks = 0;
  #isVerified = false;

  constructor(context: CardContext, webhookSecret: string | null) {
    this.#context = context;
    this.#webhookSecret = webhookSecret;
  }

  /** Whether webhooks can be taken: their signing secret is known. */
  get takesWebhooks(): boolean {
    return this.#webhookSecret !== null;
  }

  /** The hosted page of an order, made if it has none that can be paid. Rejects with StripeAwayError. */
  async ensureCheckout(order: OrderRow, terms: CheckoutTerms): Promise<Checkout> {
    return await this.#asking(async () => {
      await this.#verify();
      return await ensureCheckout(this.#context, order, terms, await this.#context.now());
    });
  }

  /**
   * Asks Stripe whether an order was paid, for a buyer who is back before the webhook; not more often than every two
   * seconds, and a few orders at a time. What is not asked now is heard later.
   */
  async lookAtCheckouts(orderId: string): Promise<void> {
    const now = performance.now();
    for (const [id, at] of this.#lookedAt) if (now - at >= LOOK_MS) this.#lookedAt.delete(id);
    if (this.#lookedAt.has(orderId) || this.#looks >= LOOKS_AT_ONCE) return;
    this.#lookedAt.set(orderId, now);
    this.#looks += 1;
    try {
      await this.#verify();
      await lookAtCheckouts(this.#context, orderId);
    } catch (error) {
      if (!isStripeAway(error)) throw error;
      this.#context.log(`order ${orderId} could not be looked up at Stripe: ${(error as Error).message}`);
    } finally {
      this.#looks -= 1;
    }
  }

  /**
   * Keeps an event that came to the webhook, unless it is not Stripe's word: its signature is wrong or older than five
   * minutes (docs.stripe.com/webhooks, "Verify webhook signatures").
   * @param payload The body as it came, byte for byte.
   */
  async takeWebhook(
    payload: Buffer,
    signature: string,
  ): Promise<'kept' | 'signature_invalid' | 'not_an_event'> {
    if (this.#webhookSecret === null) return 'signature_invalid';
    const text = payload.toString('utf8');
    const event = readEvent(text, signature, this.#webhookSecret);
    if (event === 'signature_invalid' || event === 'not_an_event') return event;
    const { db, installation, now } = this.#context;
    await storeEvent({ db, bucketCount: installation.bucketCount }, event, text, await now());
    return 'kept';
  }

  /** Starts taking in what was heard and what Stripe's lists tell. */
  startWorker(options?: CardWorkerOptions): CardWorker {
    return startCardWorker({ ...this.#context, verify: () => this.#verify() }, options);
  }

  /**
   * Compares the Stripe account with this installation's. Throws InstallationMismatchError when it is another. While
   * Stripe is away that is said in the log, and compared before the account is first used.
   */
  async compareAccount(): Promise<void> {
    try {
      await this.#verify();
    } catch (error) {
      if (!isStripeAway(error)) throw error;
      this.#context.log(`the Stripe account cannot be compared yet: ${(error as Error).message}`);
    }
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

/** The event that was signed, or why it is none. */
function readEvent(
  text: string,
  signature: string,
  secret: string,
): ReceivedEvent | 'signature_invalid' | 'not_an_event' {
  try {
    const event: unknown = Stripe.webhooks.constructEvent(text, signature, secret);
    return isEvent(event) ? event : 'not_an_event';
  } catch (error) {
    if (error instanceof Stripe.errors.StripeSignatureVerificationError) return 'signature_invalid';
    // Signed, but no JSON, or an event of another kind than is taken here ("thin"): the SDK throws a plain error.
    return 'not_an_event';
  }
}

function isEvent(value: unknown): value is ReceivedEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { object, id, type, data } = value as Partial<Record<keyof Stripe.Event, unknown>>;
  return (
    object === 'event' &&
    typeof id === 'string' &&
    typeof type === 'string' &&
    typeof data === 'object' &&
    data !== null &&
    'object' in data
  );
}
