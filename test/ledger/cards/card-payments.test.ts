/** Card payments from checkout to the last dispute, on a real database and the card simulator. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readAlarms } from '../../../ledger/alarms/alarm.ts';
import { cardReceiptId } from '../../../ledger/cards/apply-payment.ts';
import { lookAtCheckouts } from '../../../ledger/cards/checkout.ts';
import { parseInstant } from '../../../ledger/index.ts';
import { readStatement } from '../../../ledger/reads/statement.ts';
import { CardShop } from '../../support/card-shop.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const BEGINNING = parseInstant('2026-03-01T15:00:00Z');
const HOUR = 3_600_000_000n;
const DAY = 24n * HOUR;

let database: TestDatabase;
let shop: CardShop;
beforeAll(async () => {
  database = await createDatabase();
  shop = await CardShop.open(database.url, BEGINNING);
});
afterAll(async () => {
  await shop?.close();
  await database?.drop();
});
beforeEach(() => {
  // Books never go back in time; every test has orders and accounts of its own.
  shop.steps.now += 40n * DAY;
});

/** The sums of dollars, which must tie whatever a test did. */
async function cash(): Promise<bigint> {
  return (await shop.steps.balances())['USD:cash:stripe'] ?? 0n;
}

/** A charge in the same Stripe account that is none of these books. */
let strangersChargeId = '';

/** What Stripe's balance is by its own transactions, in micro-dollars. */
function stripesBalance(): bigint {
  return shop.simulator.records
    .all('balance_transaction')
    .filter(({ source }) => source !== strangersChargeId)
    .reduce((sum, { net }) => sum + BigInt(net) * 10_000n, 0n);
}

async function alarmsAbout(intentId: string): Promise<string[]> {
  const alarms = await readAlarms(shop.context.db);
  return alarms.filter(({ subject }) => subject === cardReceiptId(intentId)).map(({ kind }) => kind);
}

describe('a payment', () => {
  it('is a lot of 30 days from when the money was there, its fee is booked, and it is posted once', async () => {
    const paidAt = shop.steps.now;
    const { order, intentId } = await shop.paid(1_234n);
    shop.steps.now += HOUR;
    await shop.apply(intentId);
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 123_400n, debt: 0n });
    const { lines } = await readStatement(shop.steps.doors, order.account_id, shop.steps.now, {
      limit: 10,
    });
    expect(lines.map(({ kind, effectiveAt }) => [kind, effectiveAt])).toEqual([['purchase', paidAt]]);
    expect(await cash()).toBe(stripesBalance());
    const balances = await shop.steps.balances();
    expect(balances['USD:clearing']).toBeUndefined();
    expect(balances['USD:fees']).toBeGreaterThan(0n);
    expect(await alarmsAbout(intentId)).toEqual([]);
  });

  it('is credited once however many look at it at the same time', async () => {
    const { order, intentId } = await shop.paid(1_000n);
    await Promise.all(Array.from({ length: 4 }, () => shop.apply(intentId)));
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
  });

  it('by bank debit is credited when it has succeeded, and counts from then', async () => {
    const { order, session } = await shop.order(1_000n);
    shop.simulator.bank.submit(session, 'bank_debit');
    const { intentId, charge } = shop.chargeOf(session);
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 0n, debt: 0n });
    shop.steps.now += 4n * DAY;
    const succeededAt = shop.steps.now;
    shop.simulator.bank.settleDebit(charge, 'succeeded');
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
    const { lines } = await readStatement(shop.steps.doors, order.account_id, shop.steps.now, {
      limit: 10,
    });
    expect(lines[0]).toMatchObject({ kind: 'purchase', effectiveAt: succeededAt });
  });

  it('by bank debit that fails brings nothing', async () => {
    const { order, session } = await shop.order(1_000n);
    shop.simulator.bank.submit(session, 'bank_debit');
    const { intentId, charge } = shop.chargeOf(session);
    await shop.apply(intentId);
    shop.simulator.bank.settleDebit(charge, 'failed');
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 0n, debt: 0n });
    expect(await cash()).toBe(stripesBalance());
  });

  it('that is declined and then paid with another card is credited once', async () => {
    const { order, session } = await shop.order(1_000n);
    shop.simulator.bank.submit(session, 'card_declined');
    await shop.apply(shop.chargeOf(session).intentId);
    shop.simulator.bank.submit(session, 'card');
    await shop.apply(shop.chargeOf(session).intentId);
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
  });

  it('is found by looking at the session, when no webhook has come', async () => {
    const { order } = await shop.paid(1_000n);
    await lookAtCheckouts(shop.context, order.order_id);
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
  });

  it('of a session that this system did not make is none of its business', async () => {
    const before = await shop.steps.everything();
    const session = await shop.context.stripe.checkout.sessions.create({
      mode: 'payment',
      line_items: [
        { quantity: 1, price_data: { currency: 'usd', unit_amount: 500, product_data: { name: 'A hat' } } },
      ],
      success_url: 'http://127.0.0.1/',
      // Even under the name of an order of ours.
      client_reference_id: (await shop.order(500n)).order.order_id,
    });
    const stranger = shop.simulator.records.find('checkout.session', session.id);
    if (!stranger) throw new Error('the simulator does not know the session');
    const ours = await shop.steps.everything();
    shop.simulator.bank.submit(stranger, 'card');
    await shop.apply(String(stranger.payment_intent));
    expect(await shop.steps.everything()).toBe(ours);
    expect(ours).not.toBe(before);
    strangersChargeId = shop.chargeOf(stranger).charge.id;
  });
});

describe('money back', () => {
  it.each([
    // title, [cents refunded…], spent, then: available, debt
    ['a part of a payment not spent', [300], 0n, 70_000n, 0n],
    ['all of a payment not spent', [1_000], 0n, 0n, 0n],
    ['in three parts', [100, 200, 300], 0n, 40_000n, 0n],
    ['a part, of a payment spent half', [300], 50_000n, 20_000n, 0n],
    ['all of a payment spent half', [1_000], 50_000n, 0n, 50_000n],
    ['all of a payment spent whole', [1_000], 100_000n, 0n, 100_000n],
  ] as const)('is refunded: %s', async (_title, parts, spent, available, debt) => {
    const { order, intentId, charge } = await shop.paid(1_000n);
    await shop.apply(intentId);
    if (spent > 0n) await shop.spend(order, spent);
    for (const cents of parts) {
      shop.simulator.bank.refund(charge, cents);
      await shop.apply(intentId);
    }
    expect(await shop.credits(order)).toEqual({ available, debt });
    const balances = await shop.steps.balances();
    expect(balances['USD:clearing']).toBeUndefined();
  });

  it('comes again when a refund fails: what is still owed is forgiven, the rest is a new lot', async () => {
    const { order, intentId, charge } = await shop.paid(1_000n);
    await shop.apply(intentId);
    await shop.spend(order, 40_000n);
    const refund = shop.simulator.bank.refund(charge, 1_000);
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 0n, debt: 40_000n });
    shop.simulator.bank.failRefund(refund);
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 60_000n, debt: 0n });
  });

  it('is withdrawn by a dispute, with an alarm until it is closed, and reinstated when it is won', async () => {
    const { order, intentId, charge } = await shop.paid(1_000n);
    await shop.apply(intentId);
    const dispute = shop.simulator.bank.openDispute(charge, 1_000);
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 0n, debt: 0n });
    expect(await alarmsAbout(intentId)).toEqual(['card_dispute_open']);
    shop.simulator.bank.closeDispute(dispute, 'won');
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
    expect(await alarmsAbout(intentId)).toEqual([]);
  });

  it('stays withdrawn when the dispute is lost', async () => {
    const { order, intentId, charge } = await shop.paid(1_000n);
    await shop.apply(intentId);
    shop.simulator.bank.closeDispute(shop.simulator.bank.openDispute(charge, 400), 'lost');
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 60_000n, debt: 0n });
  });

  it('is not taken by an inquiry', async () => {
    const { order, intentId, charge } = await shop.paid(1_000n);
    await shop.apply(intentId);
    const inquiry = shop.simulator.bank.openDispute(charge, 1_000, 'inquiry');
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
    expect(await alarmsAbout(intentId)).toEqual(['card_dispute_open']);
    shop.simulator.bank.closeDispute(inquiry, 'won');
    await shop.apply(intentId);
    expect(await alarmsAbout(intentId)).toEqual([]);
  });

  it('beyond what was paid takes no more credits, waits in suspense and raises an alarm', async () => {
    const { order, intentId, charge } = await shop.paid(1_000n);
    await shop.apply(intentId);
    const suspense = (await shop.steps.balances())['USD:suspense'] ?? 0n;
    const dispute = shop.simulator.bank.openDispute(charge, 1_000);
    shop.simulator.bank.refund(charge, 1_000);
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 0n, debt: 0n });
    expect((await shop.steps.balances())['USD:suspense']).toBe(suspense + 10_000_000n);
    expect(await alarmsAbout(intentId)).toContain('card_payment_overreturned');
    shop.simulator.bank.closeDispute(dispute, 'won');
    await shop.apply(intentId);
    expect((await shop.steps.balances())['USD:suspense'] ?? 0n).toBe(suspense);
    expect(await alarmsAbout(intentId)).toEqual([]);
  });

  it('is expected after a fraud warning, which is an alarm', async () => {
    const { intentId, charge } = await shop.paid(1_000n);
    const warning = shop.simulator.bank.warnOfFraud(charge);
    await shop.apply(intentId);
    expect(await alarmsAbout(intentId)).toEqual(['card_fraud_warning']);
    shop.simulator.bank.refund(charge, 1_000);
    warning.actionable = false;
    await shop.apply(intentId);
    expect(await alarmsAbout(intentId)).toEqual([]);
  });

  it('of several kinds leaves cash as Stripe has it', async () => {
    expect(await cash()).toBe(stripesBalance());
  });
});

describe('what does not fit its order', () => {
  it('in its amount stays in suspense with an alarm', async () => {
    const { order, session } = await shop.order(1_000n);
    session.amount_total = 900;
    const intent = shop.simulator.records.find(
      'payment_intent',
      shop.simulator.records.intentIds[session.id] ?? '',
    );
    if (intent) intent.amount = 900;
    shop.simulator.bank.submit(session, 'card');
    const { intentId } = shop.chargeOf(session);
    const suspense = (await shop.steps.balances())['USD:suspense'] ?? 0n;
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 0n, debt: 0n });
    expect((await shop.steps.balances())['USD:suspense']).toBe(suspense - 9_000_000n);
    expect(await alarmsAbout(intentId)).toEqual(['card_payment_in_suspense']);
    expect(await cash()).toBe(stripesBalance());
  });

  it('in its currency is recorded as nothing, with an alarm', async () => {
    const { order, session } = await shop.order(1_000n);
    const intent = shop.simulator.records.find(
      'payment_intent',
      shop.simulator.records.intentIds[session.id] ?? '',
    );
    if (intent) intent.currency = 'eur';
    shop.simulator.bank.submit(session, 'card');
    const { intentId } = shop.chargeOf(session);
    const before = await shop.steps.balances();
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 0n, debt: 0n });
    expect(await shop.steps.balances()).toEqual(before);
    expect(await alarmsAbout(intentId)).toEqual(['card_payment_in_suspense']);
  });
});
