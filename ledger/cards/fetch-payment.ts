/** Asking Stripe for everything that has happened to a payment, and adding it up. */
import Stripe from 'stripe';
import { MICROUSD_PER_CENT } from '../core/amount.ts';
import { type CardPaymentState, NO_CARD_PAYMENT } from '../core/card-payment.ts';
import { type Instant, instantOfSeconds } from '../core/instant.ts';

/** What Stripe says of a payment. */
export interface FetchedPayment {
  /** Null while the buyer has not tried to pay. */
  readonly state: CardPaymentState | null;
  readonly livemode: boolean;
  /** Of the payment and of Stripe's balance, in lower case; more than one where Stripe converted. */
  readonly currencies: ReadonlySet<string>;
  /** The sessions of the payment: which order it pays. */
  readonly sessions: readonly Stripe.Checkout.Session[];
  /** Null while no charge was made. */
  readonly chargeId: string | null;
  readonly receiptUrl: string | null;
  /** Disputes that wait for an answer. */
  readonly openDisputeIds: readonly string[];
  /** Warnings of the card's issuer about which something can still be done. */
  readonly fraudWarningIds: readonly string[];
}

/**
 * The payment with this id as it is now, or null where Stripe has none. Throws what the SDK throws when Stripe does not
 * answer.
 */
export async function fetchPayment(stripe: Stripe, paymentIntentId: string): Promise<FetchedPayment | null> {
  const intent = await stripe.paymentIntents
    .retrieve(paymentIntentId, {
      expand: ['latest_charge.balance_transaction', 'latest_charge.failure_balance_transaction'],
    })
    .catch(missingAsNull);
  if (!intent) return null;
  const ofPayment = { payment_intent: paymentIntentId, limit: 100 } as const;
  const [sessions, refunds, disputes, warnings] = await Promise.all([
    collect(stripe.checkout.sessions.list(ofPayment)),
    collect(
      stripe.refunds.list({
        ...ofPayment,
        expand: ['data.balance_transaction', 'data.failure_balance_transaction'],
      }),
    ),
    collect(stripe.disputes.list(ofPayment)),
    collect(stripe.radar.earlyFraudWarnings.list(ofPayment)),
  ]);
  const charge = typeof intent.latest_charge === 'string' ? null : intent.latest_charge;
  return {
    ...addUp(intent, charge, refunds, disputes),
    livemode: intent.livemode,
    sessions,
    chargeId: charge?.id ?? null,
    receiptUrl: charge?.receipt_url ?? null,
    openDisputeIds: disputes.filter(({ status }) => status.endsWith('needs_response')).map(({ id }) => id),
    fraudWarningIds: warnings.filter(({ actionable }) => actionable).map(({ id }) => id),
  };
}

/**
 * The state of a payment out of its objects, in which every balance transaction is expanded. What Stripe's balance has
 * is the sum of these transactions and of nothing else: a refund that has not left it yet is none.
 */
function addUp(
  intent: Stripe.PaymentIntent,
  charge: Stripe.Charge | null,
  refunds: readonly Stripe.Refund[],
  disputes: readonly Stripe.Dispute[],
): { readonly state: CardPaymentState | null; readonly currencies: ReadonlySet<string> } {
  const { paid, undone } = movesOfCharge(charge);
  const ofRefunds = refunds.flatMap(refund => [
    ...transactionsOf(refund.balance_transaction),
    ...transactionsOf(refund.failure_balance_transaction),
  ]);
  const ofDisputes = disputes.flatMap(dispute => dispute.balance_transactions);
  const all = [...paid, ...undone, ...ofRefunds, ...ofDisputes];
  const currencies = new Set([intent.currency, ...all.map(({ currency }) => currency)]);
  const [payment] = paid;
  if (!payment) {
    const status = intent.status === 'processing' ? 'processing' : 'failed';
    // Of a debit that the bank refused nothing is left but what Stripe took for it.
    const left = { feeMicrousd: sum(undone.map(({ fee }) => fee)), movedAt: latestOf(undone) };
    return { state: charge === null ? null : { ...NO_CARD_PAYMENT, ...left, status }, currencies };
  }
  return {
    currencies,
    state: {
      status: 'paid',
      paidAt: instantOfSeconds(BigInt(payment.created)),
      movedAt: latestOf(all),
      paidMicrousd: microusdOfCents(payment.amount),
      feeMicrousd: sum(all.map(({ fee }) => fee)),
      // One that failed came back by a transaction of its own.
      refundedMicrousd: -sum(ofRefunds.map(({ amount }) => amount)),
      withdrawnMicrousd: sum(ofDisputes.map(({ amount }) => Math.max(-amount, 0))),
      reinstatedMicrousd: sum(ofDisputes.map(({ amount }) => Math.max(amount, 0))),
    },
  };
}

/**
 * What a charge moved: the payment once it has succeeded, or what cancels out because it failed. A debit under way has
 * its transaction already (docs.stripe.com/reports/balance-transaction-types, payment_failure_refund), which counts once
 * it is known which of the two it becomes.
 */
function movesOfCharge(
  charge: Stripe.Charge | null,
): Record<'paid' | 'undone', readonly Stripe.BalanceTransaction[]> {
  if (charge?.status === 'succeeded' && charge.captured)
    return { paid: transactionsOf(charge.balance_transaction), undone: [] };
  const undoing = charge?.status === 'failed' ? transactionsOf(charge.failure_balance_transaction) : [];
  return {
    paid: [],
    undone: undoing.length === 0 ? [] : [...transactionsOf(charge?.balance_transaction), ...undoing],
  };
}

function transactionsOf(
  field: string | Stripe.BalanceTransaction | null | undefined,
): Stripe.BalanceTransaction[] {
  if (typeof field === 'string') throw new Error('a balance transaction that was to be expanded is not');
  return field ? [field] : [];
}

function latestOf(transactions: readonly Stripe.BalanceTransaction[]): Instant | null {
  if (transactions.length === 0) return null;
  return instantOfSeconds(BigInt(Math.max(...transactions.map(({ created }) => created))));
}

/** Stripe's amounts are whole cents. BigInt throws for anything else. */
function microusdOfCents(cents: number): bigint {
  return BigInt(cents) * MICROUSD_PER_CENT;
}

function sum(cents: readonly number[]): bigint {
  return cents.reduce((total, amount) => total + microusdOfCents(amount), 0n);
}

/** All pages of a list. */
async function collect<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of list) all.push(each);
  return all;
}

function missingAsNull(error: unknown): null {
  if (error instanceof Stripe.errors.StripeInvalidRequestError && error.code === 'resource_missing')
    return null;
  throw error;
}
