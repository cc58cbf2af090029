/** What happens to payments: the moves of the buyer, of the merchant in the dashboard, and of the buyer's bank. */
import Stripe from 'stripe';
import {
  newBalanceTransaction,
  newCharge,
  newDispute,
  newPaymentIntent,
  newRefund,
  newSession,
  type SessionTerms,
} from './new-objects.ts';
import { newId, type Records, type StoredEvent } from './records.ts';

/** Something that cannot be done with an object as it is; the message says why. */
export class MoveRefused extends Error {
  override readonly name = 'MoveRefused';
}

/** What Stripe takes of a card payment in the US: 2.9 % and 30 cents. */
const CARD_FEE_PERMILLE = 29;
const CARD_FEE_CENTS = 30;
/** What it takes of a bank debit, for one that fails, and for a dispute. */
const DEBIT_FEE_CENTS = 80;
const DEBIT_FAILURE_FEE_CENTS = 400;
const DISPUTE_FEE_CENTS = 1_500;

type ObjectOf<Type extends Stripe.Event['type']> = Extract<
  Stripe.Event,
  { readonly type: Type }
>['data']['object'];

export type PaymentChoice = 'card' | 'card_declined' | 'bank_debit';

export class CardBank {
  readonly #records: Records;
  readonly #nowSeconds: () => number;
  readonly #baseUrl: string;
  readonly #happened: (event: StoredEvent) => void;

  constructor(
    records: Records,
    options: {
      readonly nowSeconds: () => number;
      readonly baseUrl: string;
      /** Told of every event, once it is written down. */
      readonly happened: (event: StoredEvent) => void;
    },
  ) {
    this.#records = records;
    this.#nowSeconds = options.nowSeconds;
    this.#baseUrl = options.baseUrl;
    this.#happened = options.happened;
  }

  openSession(
    terms: Omit<SessionTerms, 'baseUrl' | 'expiresAt'> & { readonly expiresAt?: number | undefined },
  ) {
    const now = this.#nowSeconds();
    const expiresAt = terms.expiresAt ?? now + 86_400;
    const session = newSession({ ...terms, baseUrl: this.#baseUrl, expiresAt }, now);
    const { amountCents, currency, paymentIntentMetadata: metadata } = terms;
    const intent = newPaymentIntent({ amountCents, currency, metadata }, now);
    intent.payment_method_types = terms.paymentMethodTypes;
    this.#records.all('payment_intent').push(intent);
    this.#records.all('checkout.session').push(session);
    this.#records.intentIds[session.id] = intent.id;
    this.#event('payment_intent.created', intent);
    return session;
  }

  /** The buyer submits the hosted page. Returns whether the page is done with. */
  submit(session: Stripe.Checkout.Session, choice: PaymentChoice): boolean {
    this.#mustBeOpen(session);
    const intent = this.#intentOf(session);
    switch (choice) {
      case 'card_declined':
        // From the first attempt on the session names its payment, as Stripe's does.
        session.payment_intent = intent.id;
        this.#decline(intent);
        return false;
      case 'bank_debit':
        this.#startDebit(session, intent);
        return true;
      case 'card':
        this.#succeed(session, intent, this.#charge(intent, 'card'));
        this.#event('checkout.session.completed', session);
        return true;
    }
  }

  expire(session: Stripe.Checkout.Session): void {
    if (session.status !== 'open')
      throw new MoveRefused(`Only an open session can expire; this one is ${session.status}.`);
    session.status = 'expired';
    session.url = null;
    this.#event('checkout.session.expired', session);
  }

  /** The bank decides about a debit that is under way. */
  settleDebit(charge: Stripe.Charge, outcome: 'succeeded' | 'failed'): void {
    if (charge.status !== 'pending') throw new MoveRefused(`The charge is ${charge.status}, not pending.`);
    const intent = this.#intent(charge);
    const session = this.#sessionOf(intent);
    if (outcome === 'succeeded') {
      this.#succeed(session, intent, charge);
      this.#event('checkout.session.async_payment_succeeded', session);
    } else {
      charge.status = 'failed';
      // The fee of the payment is given back with it; that of the failure is taken.
      charge.failure_balance_transaction = this.#move({
        amountCents: -charge.amount,
        feeCents: DEBIT_FAILURE_FEE_CENTS - DEBIT_FEE_CENTS,
        currency: charge.currency,
        type: 'payment_failure_refund',
        reportingCategory: 'charge_failure',
        source: charge.id,
      });
      charge.failure_code = 'debit_not_authorized';
      charge.failure_message = 'The bank refused the debit.';
      intent.status = 'requires_payment_method';
      this.#event('charge.failed', charge);
      this.#event('payment_intent.payment_failed', intent);
      this.#event('checkout.session.async_payment_failed', session);
    }
  }

  refund(charge: Stripe.Charge, amountCents: number): Stripe.Refund {
    if (charge.status !== 'succeeded') throw new MoveRefused('Only a charge that succeeded can be refunded.');
    const left = charge.amount_captured - charge.amount_refunded;
    if (!Number.isSafeInteger(amountCents) || amountCents < 1 || amountCents > left)
      throw new MoveRefused(`Of this charge ${left} cents are left to refund.`);
    const refund = newRefund(charge, amountCents, this.#nowSeconds());
    refund.balance_transaction = this.#move({
      amountCents: -amountCents,
      feeCents: 0,
      currency: charge.currency,
      type: 'refund',
      reportingCategory: 'refund',
      source: refund.id,
    });
    this.#records.all('refund').push(refund);
    this.#countRefunds(charge);
    this.#event('refund.created', refund);
    this.#event('charge.refunded', charge);
    return refund;
  }

  /** The buyer's bank sends a refund back. */
  failRefund(refund: Stripe.Refund): void {
    if (refund.status !== 'succeeded') throw new MoveRefused(`The refund is ${refund.status} already.`);
    refund.status = 'failed';
    refund.failure_reason = 'lost_or_stolen_card';
    refund.failure_balance_transaction = this.#move({
      amountCents: refund.amount,
      feeCents: 0,
      currency: refund.currency,
      type: 'refund_failure',
      reportingCategory: 'refund_failure',
      source: refund.id,
    });
    const charge = this.#records.find('charge', String(refund.charge));
    if (charge) this.#countRefunds(charge);
    this.#event('refund.failed', refund);
    if (charge) this.#event('charge.refund.updated', refund);
  }

  /** The buyer disputes a charge. An inquiry takes no money, a dispute takes it at once. */
  openDispute(
    charge: Stripe.Charge,
    amountCents: number,
    kind: 'dispute' | 'inquiry' = 'dispute',
  ): Stripe.Dispute {
    if (charge.status !== 'succeeded') throw new MoveRefused('Only a charge that succeeded can be disputed.');
    if (!Number.isSafeInteger(amountCents) || amountCents < 1 || amountCents > charge.amount)
      throw new MoveRefused(`Between 1 and ${charge.amount} cents can be disputed.`);
    const dispute = newDispute(charge, amountCents, this.#nowSeconds());
    if (kind === 'inquiry') {
      dispute.status = 'warning_needs_response';
      dispute.is_charge_refundable = true;
    }
    charge.disputed = true;
    this.#records.all('dispute').push(dispute);
    this.#event('charge.dispute.created', dispute);
    if (kind === 'dispute') this.#withdraw(dispute);
    return dispute;
  }

  /** The bank decides about a dispute; if it is won, the money comes back. */
  closeDispute(dispute: Stripe.Dispute, outcome: 'won' | 'lost'): void {
    if (['won', 'lost', 'warning_closed'].includes(dispute.status))
      throw new MoveRefused(`The dispute is ${dispute.status} already.`);
    const isInquiry = dispute.balance_transactions.length === 0;
    if (isInquiry && outcome === 'lost') this.#withdraw(dispute);
    dispute.status = isInquiry && outcome === 'won' ? 'warning_closed' : outcome;
    if (outcome === 'won' && !isInquiry) {
      dispute.balance_transactions.push(
        this.#balanceTransaction({
          amountCents: dispute.amount,
          feeCents: 0,
          currency: dispute.currency,
          type: 'adjustment',
          reportingCategory: 'dispute_reversal',
          source: dispute.id,
        }),
      );
      this.#event('charge.dispute.funds_reinstated', dispute);
    }
    this.#event('charge.dispute.closed', dispute);
  }

  /** The card's issuer suspects fraud. */
  warnOfFraud(charge: Stripe.Charge): Stripe.Radar.EarlyFraudWarning {
    const warning: Stripe.Radar.EarlyFraudWarning = {
      id: newId('issfr'),
      object: 'radar.early_fraud_warning',
      actionable: !charge.refunded && !charge.disputed,
      charge: charge.id,
      created: this.#nowSeconds(),
      fraud_type: 'made_with_stolen_card',
      livemode: false,
      payment_intent: idOf(charge.payment_intent),
    };
    this.#records.all('radar.early_fraud_warning').push(warning);
    this.#event('radar.early_fraud_warning.created', warning);
    return warning;
  }

  #withdraw(dispute: Stripe.Dispute): void {
    dispute.balance_transactions.push(
      this.#balanceTransaction({
        amountCents: -dispute.amount,
        feeCents: DISPUTE_FEE_CENTS,
        currency: dispute.currency,
        type: 'adjustment',
        reportingCategory: 'dispute',
        source: dispute.id,
      }),
    );
    this.#event('charge.dispute.funds_withdrawn', dispute);
  }

  #decline(intent: Stripe.PaymentIntent): void {
    const charge = this.#charge(intent, 'card');
    charge.status = 'failed';
    charge.failure_code = 'card_declined';
    charge.failure_message = 'Your card was declined.';
    intent.status = 'requires_payment_method';
    intent.last_payment_error = {
      type: 'card_error',
      code: 'card_declined',
      decline_code: 'generic_decline',
      message: 'Your card was declined.',
      charge: charge.id,
    };
    this.#event('charge.failed', charge);
    this.#event('payment_intent.payment_failed', intent);
  }

  #startDebit(session: Stripe.Checkout.Session, intent: Stripe.PaymentIntent): void {
    const charge = this.#charge(intent, 'us_bank_account');
    // There from the beginning, as long as the bank can still refuse.
    charge.balance_transaction = this.#move({
      amountCents: charge.amount,
      feeCents: DEBIT_FEE_CENTS,
      currency: charge.currency,
      type: 'payment',
      reportingCategory: 'charge',
      source: charge.id,
    });
    intent.status = 'processing';
    session.status = 'complete';
    session.url = null;
    session.payment_intent = intent.id;
    this.#event('charge.pending', charge);
    this.#event('payment_intent.processing', intent);
    this.#event('checkout.session.completed', session);
  }

  #succeed(session: Stripe.Checkout.Session, intent: Stripe.PaymentIntent, charge: Stripe.Charge): void {
    charge.status = 'succeeded';
    charge.paid = true;
    charge.captured = true;
    charge.amount_captured = charge.amount;
    charge.balance_transaction ??= this.#move({
      amountCents: charge.amount,
      feeCents: Math.round((charge.amount * CARD_FEE_PERMILLE) / 1000) + CARD_FEE_CENTS,
      currency: charge.currency,
      type: 'charge',
      reportingCategory: 'charge',
      source: charge.id,
    });
    intent.status = 'succeeded';
    intent.amount_received = charge.amount;
    intent.last_payment_error = null;
    session.status = 'complete';
    session.payment_status = 'paid';
    session.url = null;
    session.payment_intent = intent.id;
    this.#event('charge.succeeded', charge);
    this.#event('payment_intent.succeeded', intent);
  }

  #charge(intent: Stripe.PaymentIntent, method: 'card' | 'us_bank_account'): Stripe.Charge {
    const charge = newCharge(intent, { method, baseUrl: this.#baseUrl }, this.#nowSeconds());
    intent.latest_charge = charge.id;
    intent.payment_method = charge.payment_method;
    this.#records.all('charge').push(charge);
    return charge;
  }

  /** What was refunded in all: refunds that failed do not count. */
  #countRefunds(charge: Stripe.Charge): void {
    const standing = this.#records
      .all('refund')
      .filter(
        refund => refund.charge === charge.id && refund.status !== 'failed' && refund.status !== 'canceled',
      );
    charge.amount_refunded = standing.reduce((sum, refund) => sum + refund.amount, 0);
    charge.refunded = charge.amount_refunded === charge.amount_captured;
  }

  #mustBeOpen(session: Stripe.Checkout.Session): void {
    if (session.status === 'open' && session.expires_at <= this.#nowSeconds()) this.expire(session);
    if (session.status !== 'open')
      throw new MoveRefused(`This checkout is ${session.status}: begin a new one.`);
  }

  #intentOf(session: Stripe.Checkout.Session): Stripe.PaymentIntent {
    const intent = this.#records.find('payment_intent', this.#records.intentIds[session.id] ?? '');
    if (!intent) throw new Error(`session ${session.id} has no payment intent`);
    return intent;
  }

  #intent(charge: Stripe.Charge): Stripe.PaymentIntent {
    const intent = this.#records.find('payment_intent', idOf(charge.payment_intent));
    if (!intent) throw new Error(`charge ${charge.id} has no payment intent`);
    return intent;
  }

  #sessionOf(intent: Stripe.PaymentIntent): Stripe.Checkout.Session {
    const { intentIds } = this.#records;
    const session = this.#records.all('checkout.session').find(({ id }) => intentIds[id] === intent.id);
    if (!session) throw new Error(`payment intent ${intent.id} has no session`);
    return session;
  }

  #balanceTransaction(terms: Parameters<typeof newBalanceTransaction>[0]): Stripe.BalanceTransaction {
    const transaction = newBalanceTransaction(terms, this.#nowSeconds());
    this.#records.all('balance_transaction').push(transaction);
    return transaction;
  }

  #move(terms: Parameters<typeof newBalanceTransaction>[0]): string {
    return this.#balanceTransaction(terms).id;
  }

  /** The SDK's types say which object an event of a type carries. */
  #event<Type extends Stripe.Event['type']>(type: Type, object: ObjectOf<Type>): void {
    const event: StoredEvent = {
      id: newId('evt'),
      object: 'event',
      api_version: Stripe.API_VERSION,
      created: this.#nowSeconds(),
      // As it is now, whatever becomes of it.
      data: { object: structuredClone(object) },
      livemode: false,
      pending_webhooks: 1,
      request: null,
      type,
    };
    this.#records.all('event').push(event);
    this.#records.keep();
    this.#happened(event);
  }
}

/** The id of a field that holds an id or the whole object. */
export function idOf(field: string | { readonly id: string } | null | undefined): string {
  return typeof field === 'string' ? field : (field?.id ?? '');
}
