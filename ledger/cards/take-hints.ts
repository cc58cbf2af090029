import { type Kysely, sql } from 'kysely';
import Stripe from 'stripe';
import { clearAlarm, raiseAlarm } from '../alarms/alarm.ts';
import { isPassing } from '../posting/passing-errors.ts';
import type { Tables } from '../store/tables.ts';
import { applyPayment, cardReceiptId } from './apply-payment.ts';
import type { CardContext } from './context.ts';

/** So many hints are read before new ones are. */
const HINTS_AT_ONCE = 100;
/** A look waits for Stripe most of the time, and holds a connection to the database while it does. */
const LOOKS_AT_ONCE = 3;

interface Hint {
  readonly bucket: number;
  readonly payment_intent_id: string;
  readonly source: string;
}

/**
 * Looks at every payment that something was heard of, a few at a time. What Stripe cannot be asked about stays for the
 * next time, and keeps back nothing behind it. Any number of workers may do so at once. Returns how many hints are left.
 */
export async function takeHints(context: CardContext): Promise<number> {
  let left = 0;
  for (;;) {
    const hints = await readHints(context.db, left);
    left += await takeAll(context, hints);
    if (hints.length < HINTS_AT_ONCE) return left;
  }
}

/** What webhooks told before what lists told, as its buyers are waiting; the oldest first. @param skip So many stay. */
async function readHints(db: Kysely<Tables>, skip: number): Promise<Hint[]> {
  const { rows } = await sql<Hint>`
    select bucket, payment_intent_id, source from stripe_hints
    order by source like 'list:%', heard_at, payment_intent_id, source
    limit ${HINTS_AT_ONCE} offset ${skip}`.execute(db);
  return rows;
}

/** Returns how many of the hints are left. Throws when Stripe or the database is away. */
async function takeAll(context: CardContext, hints: readonly Hint[]): Promise<number> {
  const waiting = [...Map.groupBy(hints, hint => hint.payment_intent_id)];
  let left = 0;
  const takeInTurn = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      try {
        if (!(await isTaken(context, ...next))) left += next[1].length;
      } catch (error) {
        // Nobody begins another.
        waiting.length = 0;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: LOOKS_AT_ONCE }, takeInTurn));
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  return left;
}

/** Whether the payment could be taken in; its hints are then gone. Throws when Stripe or the database is away. */
async function isTaken(
  context: CardContext,
  paymentIntentId: string,
  hints: readonly Hint[],
): Promise<boolean> {
  const subject = cardReceiptId(paymentIntentId);
  try {
    await applyPayment(context, paymentIntentId);
  } catch (error) {
    // Away, or too many requests: neither is this payment's fault, and the next one would fare no better.
    if (isPassing(error) || isStripeAway(error)) throw error;
    context.log(`card payment ${paymentIntentId} could not be taken in, trying again: ${String(error)}`);
    const message = error instanceof Error ? error.message : String(error);
    await raiseAlarm(context, { kind: 'card_payment_stuck', subject, message });
    return false;
  }
  await clearAlarm(context, 'card_payment_stuck', subject);
  for (const { bucket, source } of hints)
    await context.db
      .deleteFrom('stripe_hints')
      .where('bucket', '=', bucket)
      .where('payment_intent_id', '=', paymentIntentId)
      .where('source', '=', source)
      .execute();
  return true;
}

/** Whether Stripe could not be asked at all: it is away, busy, or does not take our key (any more). */
export function isStripeAway(error: unknown): boolean {
  return (
    error instanceof Stripe.errors.StripeConnectionError ||
    error instanceof Stripe.errors.StripeAPIError ||
    error instanceof Stripe.errors.StripeRateLimitError ||
    error instanceof Stripe.errors.StripeAuthenticationError ||
    error instanceof Stripe.errors.StripePermissionError
  );
}
