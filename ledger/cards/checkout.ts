/** Stripe's hosted page for an order, and looking at it. */
import type { Kysely, Selectable } from 'kysely';
import type Stripe from 'stripe';
import { MICROUSD_PER_CENT } from '../core/amount.ts';
import { type Instant, instantOfSeconds, MINUTE } from '../core/instant.ts';
import type { OrderRow } from '../orders/find-order.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { OrderCheckoutTable, Tables } from '../store/tables.ts';
import { applyPayment } from './apply-payment.ts';
import type { CardContext } from './context.ts';
import { paymentIntentOf } from './store-event.ts';

export type CheckoutRow = Selectable<OrderCheckoutTable>;

/** What the buyer reads on the page, and where it sends them. */
export interface CheckoutTerms {
  /** Such as "100,000 credits". */
  readonly name: string;
  readonly successUrl: string;
  readonly cancelUrl: string;
}

/** A page that ends sooner than this is not worth sending a buyer to. */
const LIFE_MIN = 5n * MINUTE;

/** Where an order can be paid, or why it needs no page: it was paid on the one it has, or a debit is under way. */
export type Checkout =
  | { readonly status: 'open'; readonly page: CheckoutRow }
  | { readonly status: 'paid' }
  | { readonly status: 'processing' };

/**
 * The hosted page on which `order` can be paid: the one it has, or a new one when that has ended unpaid or is about to.
 * Asking twice at once gives the same page: Stripe answers one idempotency key once. Throws when Stripe does not answer.
 */
export async function ensureCheckout(
  context: CardContext,
  order: OrderRow,
  terms: CheckoutTerms,
  now: Instant,
): Promise<Checkout> {
  const latest = await readLatestCheckout(context.db, order);
  const state = latest === null ? 'over' : await stateOf(context, latest, now);
  if (state === 'paid' || state === 'processing') return { status: state };
  if (latest && state === 'open') return { status: 'open', page: latest };
  return { status: 'open', page: await openCheckout(context, order, terms, (latest?.attempt ?? 0) + 1, now) };
}

/** How a page stands at Stripe. One that a debit was begun on and that the bank refused is over: it takes no other. */
async function stateOf(
  { stripe }: CardContext,
  page: CheckoutRow,
  now: Instant,
): Promise<'open' | 'paid' | 'processing' | 'over'> {
  const session = await stripe.checkout.sessions.retrieve(page.session_id, { expand: ['payment_intent'] });
  if (session.status === 'open') return page.expires_at - now > LIFE_MIN ? 'open' : 'over';
  if (session.status !== 'complete') return 'over';
  if (session.payment_status !== 'unpaid') return 'paid';
  const intent = session.payment_intent;
  return typeof intent === 'object' && intent?.status === 'processing' ? 'processing' : 'over';
}

async function openCheckout(
  context: CardContext,
  order: OrderRow,
  terms: CheckoutTerms,
  attempt: number,
  now: Instant,
): Promise<CheckoutRow> {
  const session = await context.stripe.checkout.sessions.create(sessionOf(order, terms), {
    idempotencyKey: `checkout:${order.order_id}:${attempt}`,
  });
  if (session.url === null) throw new Error(`session ${session.id} has no page`);
  await context.db
    .insertInto('order_checkouts')
    .values({
      bucket: order.bucket,
      order_id: order.order_id,
      attempt,
      session_id: session.id,
      url: session.url,
      expires_at: instantText(instantOfSeconds(BigInt(session.expires_at))),
      created_at: instantText(now),
    })
    .onConflict(conflict => conflict.columns(['bucket', 'order_id', 'attempt']).doNothing())
    .execute();
  const made = await readLatestCheckout(context.db, order);
  if (!made) throw new Error(`the checkout of order ${order.order_id} was not kept`);
  return made;
}

/** The order's newest hosted page; null when it never had one. */
export async function readLatestCheckout(
  db: Kysely<Tables>,
  order: Pick<OrderRow, 'bucket' | 'order_id'>,
): Promise<CheckoutRow | null> {
  const row = await db
    .selectFrom('order_checkouts')
    .selectAll()
    .where('bucket', '=', order.bucket)
    .where('order_id', '=', order.order_id)
    .orderBy('attempt', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/**
 * Asks Stripe about every page of the order that may have been paid, and takes in what it says: for a buyer who is back
 * before the webhook. Throws when Stripe does not answer.
 */
export async function lookAtCheckouts(context: CardContext, orderId: string): Promise<void> {
  const checkouts = await context.db
    .selectFrom('order_checkouts')
    .select('session_id')
    .where('bucket', '=', bucketOf(orderId, context.installation.bucketCount))
    .where('order_id', '=', orderId)
    .execute();
  for (const { session_id: sessionId } of checkouts) {
    const session = await context.stripe.checkout.sessions.retrieve(sessionId);
    const paymentIntentId = paymentIntentOf(session);
    if (paymentIntentId !== null) await applyPayment(context, paymentIntentId);
  }
}

/** The same for the same order, so that its idempotency key can be used again. */
function sessionOf(order: OrderRow, terms: CheckoutTerms): Stripe.Checkout.SessionCreateParams {
  const metadata = { order: order.order_id };
  return {
    mode: 'payment',
    line_items: [
      {
        quantity: 1,
        price_data: {
          currency: 'usd',
          unit_amount: Number(order.amount_microusd / MICROUSD_PER_CENT),
          product_data: { name: terms.name },
        },
      },
    ],
    success_url: terms.successUrl,
    cancel_url: terms.cancelUrl,
    client_reference_id: order.order_id,
    metadata,
    // Captured at once: Stripe's balance then tells at once when the payment counts as paid.
    payment_intent_data: { metadata, capture_method: 'automatic' },
    // What is paid is what was ordered, in dollars.
    adaptive_pricing: { enabled: false },
  };
}
