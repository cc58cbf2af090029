/** What the card simulator knows: Stripe's objects as the API shows them, kept in one file over restarts. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type Stripe from 'stripe';

/** The objects by their kind, in the order in which they were made. */
export interface Collections {
  readonly 'checkout.session': Stripe.Checkout.Session[];
  readonly payment_intent: Stripe.PaymentIntent[];
  readonly charge: Stripe.Charge[];
  readonly refund: Stripe.Refund[];
  readonly dispute: Stripe.Dispute[];
  readonly balance_transaction: Stripe.BalanceTransaction[];
  readonly 'radar.early_fraud_warning': Stripe.Radar.EarlyFraudWarning[];
  readonly event: StoredEvent[];
}

/** An event as it was when it happened. The SDK's own type is a union of every event there is. */
export interface StoredEvent {
  readonly id: string;
  readonly object: 'event';
  readonly api_version: string;
  readonly created: number;
  readonly data: { readonly object: object };
  readonly livemode: false;
  pending_webhooks: number;
  readonly request: null;
  readonly type: Stripe.Event['type'];
}

/** An answer that is given again to the same Idempotency-Key. */
interface KeptAnswer {
  readonly request: string;
  readonly status: number;
  readonly body: string;
}

interface Kept {
  readonly accountId: string;
  readonly collections: Collections;
  readonly answers: Record<string, KeptAnswer>;
  readonly intentIds: Record<string, string>;
}

export class Records {
  readonly accountId: string;
  readonly collections: Collections;
  readonly answers: Record<string, KeptAnswer>;
  /** The payment intent of each session, which the session names only once the buyer has submitted it. */
  readonly intentIds: Record<string, string>;
  readonly #file: string | undefined;

  /** @param file Where they are kept; in memory only without one. */
  constructor(file?: string) {
    const kept = file === undefined ? null : readKept(file);
    this.#file = file;
    this.accountId = kept?.accountId ?? newId('acct');
    this.answers = kept?.answers ?? {};
    this.intentIds = kept?.intentIds ?? {};
    this.collections = kept?.collections ?? {
      'checkout.session': [],
      payment_intent: [],
      charge: [],
      refund: [],
      dispute: [],
      balance_transaction: [],
      'radar.early_fraud_warning': [],
      event: [],
    };
    // The account must be the same at the next start, also if nothing was ever bought by card.
    this.keep();
  }

  all<Kind extends keyof Collections>(kind: Kind): Collections[Kind] {
    return this.collections[kind];
  }

  find<Kind extends keyof Collections>(kind: Kind, id: string): Collections[Kind][number] | undefined {
    return this.collections[kind].find(object => object.id === id);
  }

  /** Any object by its id. */
  findAny(id: string): object | undefined {
    for (const objects of Object.values(this.collections) as { id: string }[][]) {
      const found = objects.find(object => object.id === id);
      if (found) return found;
    }
    return undefined;
  }

  /** Writes everything down, whole or not at all. */
  keep(): void {
    if (this.#file === undefined) return;
    const { accountId, collections, answers, intentIds } = this;
    const draft = `${this.#file}.draft`;
    writeFileSync(draft, JSON.stringify({ accountId, collections, answers, intentIds } satisfies Kept), {
      mode: 0o600,
    });
    renameSync(draft, this.#file);
  }
}

/** A new id as Stripe makes them, such as ch_ and 24 characters. */
export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(18).toString('base64url').replaceAll('-', 'A').replaceAll('_', 'B')}`;
}

function readKept(file: string): Kept | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
