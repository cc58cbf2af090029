import Stripe from 'stripe';
import { clearAlarm, raiseAlarm } from '../alarms/alarm.ts';
import { isPassing } from '../posting/passing-errors.ts';
import { applyPayment, cardReceiptId } from './apply-payment.ts';
import type { CardContext } from './context.ts';

/** So many payments are looked at before new hints are read. */
const HINTS_AT_ONCE = 100;

/**
 * Looks at every payment that something was heard of. What Stripe cannot be asked about stays for the next time. Any
 * number of workers may do so at once. Returns how many hints are left.
 */
export async function takeHints(context: CardContext): Promise<number> {
  const hints = await context.db
    .selectFrom('stripe_hints')
    .select(['bucket', 'payment_intent_id', 'source'])
    .orderBy('heard_at')
    .limit(HINTS_AT_ONCE)
    .execute();
  let left = 0;
  for (const [paymentIntentId, ofPayment] of Map.groupBy(hints, hint => hint.payment_intent_id)) {
    try {
      await applyPayment(context, paymentIntentId);
    } catch (error) {
      // Away, or too many requests: neither is this payment's fault, and the next one would fare no better.
      if (isPassing(error) || isStripeAway(error)) throw error;
      context.log(`card payment ${paymentIntentId} could not be taken in, trying again: ${String(error)}`);
      await raiseAlarm(context, {
        kind: 'card_payment_stuck',
        subject: cardReceiptId(paymentIntentId),
        message: error instanceof Error ? error.message : String(error),
      });
      left += ofPayment.length;
      continue;
    }
    await clearAlarm(context, 'card_payment_stuck', cardReceiptId(paymentIntentId));
    for (const { bucket, source } of ofPayment)
      await context.db
        .deleteFrom('stripe_hints')
        .where('bucket', '=', bucket)
        .where('payment_intent_id', '=', paymentIntentId)
        .where('source', '=', source)
        .execute();
  }
  return left;
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
