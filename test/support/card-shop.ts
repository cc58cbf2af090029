/** Card payments into a ledger of their own, with the card simulator in Stripe's place and time in the test's hand. */
import type Stripe from 'stripe';
import { type CardSimulator, startCardSimulator } from '../../dev/card-simulator/start-card-simulator.ts';
import { freePort } from '../../dev/free-port.ts';
import { applyPayment } from '../../ledger/cards/apply-payment.ts';
import { ensureCheckout } from '../../ledger/cards/checkout.ts';
import type { CardContext } from '../../ledger/cards/context.ts';
import { reconcileLists } from '../../ledger/cards/reconcile.ts';
import { storeEvent } from '../../ledger/cards/store-event.ts';
import { openStripe } from '../../ledger/cards/stripe-client.ts';
import { takeHints } from '../../ledger/cards/take-hints.ts';
import { type Instant, MICROSECONDS_PER_SECOND } from '../../ledger/core/instant.ts';
import { createCardOrder } from '../../ledger/orders/create-card-order.ts';
import type { OrderRow } from '../../ledger/orders/find-order.ts';
import { readCredits } from '../../ledger/reads/credits.ts';
import { debitOf } from './books.ts';
import { IntakeSteps } from './intake-steps.ts';

export const CARD_KEY = 'sk_test_simulator';
export const WEBHOOK_SECRET = 'whsec_simulator';

export class CardShop {
  readonly steps: IntakeSteps;
  readonly simulator: CardSimulator;
  readonly context: CardContext;
  readonly log: string[] = [];
  #spent = 0;

  static async open(databaseUrl: string, now: Instant): Promise<CardShop> {
    return await CardShop.on(await IntakeSteps.open(databaseUrl, now));
  }

  /** The same in a ledger that is open already. */
  static async on(steps: IntakeSteps): Promise<CardShop> {
    const simulator = await startCardSimulator({
      port: await freePort(),
      secretKey: CARD_KEY,
      // Nobody listens: the tests carry the events themselves.
      webhook: { url: 'http://127.0.0.1:1/', secret: WEBHOOK_SECRET },
      nowSeconds: () => Number(steps.now / MICROSECONDS_PER_SECOND),
    });
    simulator.webhooks.paused = true;
    return new CardShop(steps, simulator);
  }

  private constructor(steps: IntakeSteps, simulator: CardSimulator) {
    this.steps = steps;
    this.simulator = simulator;
    const { db, codes, installation, poster, now } = steps.context;
    this.context = {
      ...{ db, codes, installation, poster, now },
      stripe: openStripe({ secretKey: CARD_KEY, apiUrl: simulator.url }),
      log: line => this.log.push(line),
    };
  }

  async close(): Promise<void> {
    await this.simulator.stop();
    await this.steps.close();
  }

  /** An order of so many cents with its page open. */
  async order(cents: bigint): Promise<{ order: OrderRow; secret: string; session: Stripe.Checkout.Session }> {
    const wanted = { amountMicrousd: cents * 10_000n, now: this.steps.now };
    const { order, secret } = await createCardOrder(this.steps.doors, wanted);
    const terms = { name: 'Credits', successUrl: 'http://127.0.0.1/paid', cancelUrl: 'http://127.0.0.1/' };
    const checkout = await ensureCheckout(this.context, order, terms, this.steps.now);
    if (checkout.status !== 'open') throw new Error(`the checkout of a new order is ${checkout.status}`);
    const session = this.simulator.records.find('checkout.session', checkout.page.session_id);
    if (!session) throw new Error('the simulator does not know the session');
    return { order, secret, session };
  }

  /** An order of so many cents that was paid; nobody has been told of it. */
  async paid(
    cents: bigint,
  ): Promise<{ order: OrderRow; secret: string; intentId: string; charge: Stripe.Charge }> {
    const { order, secret, session } = await this.order(cents);
    this.simulator.bank.submit(session, 'card');
    return { order, secret, ...this.chargeOf(session) };
  }

  chargeOf(session: Stripe.Checkout.Session): { intentId: string; charge: Stripe.Charge } {
    const intentId = this.simulator.records.intentIds[session.id] ?? '';
    const chargeId = this.simulator.records.find('payment_intent', intentId)?.latest_charge;
    const charge = this.simulator.records.find('charge', String(chargeId));
    if (!charge) throw new Error('nobody has tried to pay');
    return { intentId, charge };
  }

  /** Looks at one payment. */
  async apply(intentId: string): Promise<void> {
    await applyPayment(this.context, intentId);
  }

  /** The events that happened since there were `since` of them, as Stripe would send them. */
  events(since = 0): Stripe.Event[] {
    return this.simulator.records.all('event').slice(since) as unknown as Stripe.Event[];
  }

  async tell(event: Stripe.Event): Promise<void> {
    const { db, installation } = this.context;
    await storeEvent(
      { db, bucketCount: installation.bucketCount },
      event,
      JSON.stringify(event),
      this.steps.now,
    );
  }

  async takeHints(): Promise<number> {
    return await takeHints(this.context);
  }

  async reconcile(): Promise<void> {
    await reconcileLists(this.context, this.steps.now);
  }

  /** What the order's account has, in whole credits: available and owed. */
  async credits(order: OrderRow): Promise<{ available: bigint; debt: bigint }> {
    const credits = await readCredits(this.steps.doors, order.account_id, this.steps.now);
    return {
      available: credits.availableMicrocredits / 1_000_000n,
      debt: credits.debtMicrocredits / 1_000_000n,
    };
  }

  /** Spends whole credits of the order's account. */
  async spend(order: OrderRow, credits: bigint): Promise<void> {
    this.#spent += 1;
    await this.context.poster.submit(order.account_id, debitOf(credits, `spend ${this.#spent}`));
  }
}
