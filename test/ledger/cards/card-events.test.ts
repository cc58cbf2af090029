/** What Stripe sends: in any order, more than once, not at all, to two workers at once, through a crash. */
import type Stripe from 'stripe';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readAlarms } from '../../../ledger/alarms/alarm.ts';
import { applyPayment, cardReceiptId } from '../../../ledger/cards/apply-payment.ts';
import type { CardContext } from '../../../ledger/cards/context.ts';
import { parseInstant } from '../../../ledger/index.ts';
import { bucketOf } from '../../../ledger/store/bucket.ts';
import { CardShop } from '../../support/card-shop.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const BEGINNING = parseInstant('2026-03-01T15:00:00Z');

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
  shop.steps.now += 40n * 86_400_000_000n;
});

/** A purchase, a partial refund and a dispute that is won, with the events that tell of it, one for each object. */
async function purchaseRefundedAndDisputed() {
  const since = shop.events().length;
  const { order, charge } = await shop.paid(1_000n);
  shop.simulator.bank.refund(charge, 300);
  shop.simulator.bank.closeDispute(shop.simulator.bank.openDispute(charge, 700), 'won');
  const wanted = [
    'checkout.session.completed',
    'charge.refunded',
    'charge.dispute.funds_withdrawn',
    'charge.dispute.funds_reinstated',
    'charge.dispute.closed',
  ];
  return { order, events: shop.events(since).filter(({ type }) => wanted.includes(type)) };
}

describe('the events of a purchase, a partial refund and a dispute that is won', () => {
  // The 120 orders in which they may come after all has happened are tried over HTTP, in test/api/card-webhooks.test.ts.
  // Here every event comes as soon as it can, or much later: only which of the steps are seen while they last differs.
  it.each(Array.from({ length: 16 }, (_, seen) => seen))(
    'lead to the same credits and dollars whichever of the steps are looked at: %i',
    async seen => {
      const { bank } = shop.simulator;
      const before = await shop.steps.balances();
      const { order, intentId, charge } = await shop.paid(1_000n);
      let dispute: Stripe.Dispute | undefined;
      const steps = [
        () => {},
        () => void bank.refund(charge, 300),
        () => {
          dispute = bank.openDispute(charge, 700);
        },
        () => dispute && bank.closeDispute(dispute, 'won'),
      ];
      for (const [number, step] of steps.entries()) {
        step();
        if (seen & (1 << number)) await shop.apply(intentId);
      }
      await shop.apply(intentId);
      expect(await shop.credits(order)).toEqual({ available: 70_000n, debt: 0n });
      const after = await shop.steps.balances();
      const moved = (account: string) => (after[account] ?? 0n) - (before[account] ?? 0n);
      const [paidFee, disputeFee] = [590_000n, 15_000_000n];
      expect(moved('USD:fees')).toBe(paidFee + disputeFee);
      expect(moved('USD:cash:stripe')).toBe(7_000_000n - paidFee - disputeFee);
      expect(moved('USD:deferred_revenue') + moved('USD:revenue')).toBe(-7_000_000n);
      expect([moved('USD:suspense'), moved('USD:clearing')]).toEqual([0n, 0n]);
    },
  );

  it('change nothing when they come twice, late, or all at once', async () => {
    const { order, events } = await purchaseRefundedAndDisputed();
    await Promise.all([...events, ...events].map(event => shop.tell(event)));
    await shop.takeHints();
    const before = await shop.steps.everything();
    shop.steps.now += 86_400_000_000n;
    for (const event of events) await shop.tell(event);
    expect(await shop.takeHints()).toBe(0);
    expect(await shop.steps.everything()).toBe(before);
    expect(await shop.credits(order)).toEqual({ available: 70_000n, debt: 0n });
  });

  it('may be taken by two workers at once', async () => {
    const { order, events } = await purchaseRefundedAndDisputed();
    for (const event of events) await shop.tell(event);
    await Promise.all([shop.takeHints(), shop.takeHints(), shop.takeHints()]);
    expect(await shop.credits(order)).toEqual({ available: 70_000n, debt: 0n });
    expect(await shop.takeHints()).toBe(0);
  });
});

describe('an event', () => {
  it('that was kept before a crash is taken in after it', async () => {
    const since = shop.events().length;
    const { order } = await shop.paid(1_000n);
    for (const event of shop.events(since)) await shop.tell(event);
    // The process dies here; another one, with nothing in memory, goes on.
    const next = await CardShop.open(database.url, shop.steps.now);
    try {
      const { stripe } = shop.context;
      const { takeHints } = await import('../../../ledger/cards/take-hints.ts');
      await takeHints({ ...next.context, stripe });
      expect(await next.credits(order)).toEqual({ available: 100_000n, debt: 0n });
    } finally {
      await next.close();
    }
  });

  it('whose payment was recorded, and lost its way to the book, is posted at the next look', async () => {
    const { order, intentId } = await shop.paid(1_000n);
    const lost = Object.assign(new Error('the connection is gone'), { code: 'ECONNRESET' });
    const poster = { submit: () => Promise.reject(lost) } as unknown as CardContext['poster'];
    await expect(applyPayment({ ...shop.context, poster }, intentId)).rejects.toThrow(lost);
    expect(await shop.credits(order)).toEqual({ available: 0n, debt: 0n });
    await shop.apply(intentId);
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
  });

  it('of an unknown type is kept as it came, and nothing follows', async () => {
    const event = { ...shop.events(0)[0], id: 'evt_strange', type: 'invoice.paid', data: { object: {} } };
    await shop.tell(event as never);
    expect(await shop.takeHints()).toBe(0);
    const { rows } = await shop.steps.owner.query<{ payload: string }>(
      `select payload from stripe_events where event_id = 'evt_strange'`,
    );
    expect(rows).toEqual([{ payload: JSON.stringify(event) }]);
  });

  it('stays while Stripe cannot be asked', async () => {
    const since = shop.events().length;
    const { order } = await shop.paid(1_000n);
    for (const event of shop.events(since)) await shop.tell(event);
    const { openStripe } = await import('../../../ledger/cards/stripe-client.ts');
    const { takeHints } = await import('../../../ledger/cards/take-hints.ts');
    const away = openStripe({ secretKey: 'sk_test_x', apiUrl: 'http://127.0.0.1:1' });
    await expect(takeHints({ ...shop.context, stripe: away })).rejects.toThrow();
    await shop.takeHints();
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
  });
});

describe('a payment that cannot be booked', () => {
  it('is an alarm, keeps back nothing behind it, and is tried until it can be', async () => {
    const stuck = await shop.paid(1_000n);
    await shop.apply(stuck.intentId);
    const { records } = shop.simulator;
    const moved = records.find('balance_transaction', String(stuck.charge.balance_transaction));
    if (!moved) throw new Error('the charge has no balance transaction');
    // What no payment does: it becomes another one.
    moved.amount = 900;
    const told = Array.from({ length: 150 }, (_, index) => `evt_stuck_${index}`);
    await shop.steps.owner.query(
      `insert into stripe_hints select $1, $2, source, '2020-01-01' from unnest($3::text[]) as source`,
      [bucketOf(stuck.intentId, shop.context.installation.bucketCount), stuck.intentId, told],
    );
    const since = shop.events().length;
    const { order } = await shop.paid(1_000n);
    for (const event of shop.events(since)) await shop.tell(event);
    expect(await shop.takeHints()).toBe(told.length);
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
    const alarms = async () =>
      (await readAlarms(shop.context.db)).map(({ kind, subject }) => [kind, subject]);
    expect(await alarms()).toContainEqual(['card_payment_stuck', cardReceiptId(stuck.intentId)]);
    moved.amount = 1_000;
    expect(await shop.takeHints()).toBe(0);
    expect(await alarms()).not.toContainEqual(['card_payment_stuck', cardReceiptId(stuck.intentId)]);
  });
});

describe("Stripe's lists", () => {
  it('bring what no event told: a payment, a refund, a dispute', async () => {
    const { order, charge } = await shop.paid(1_000n);
    await shop.reconcile();
    await shop.takeHints();
    expect(await shop.credits(order)).toEqual({ available: 100_000n, debt: 0n });
    shop.steps.now += 3n * 86_400_000_000n;
    shop.simulator.bank.refund(charge, 100);
    await shop.reconcile();
    await shop.takeHints();
    shop.steps.now += 5n * 86_400_000_000n;
    shop.simulator.bank.openDispute(charge, 200);
    await shop.reconcile();
    await shop.takeHints();
    expect(await shop.credits(order)).toEqual({ available: 70_000n, debt: 0n });
  });

  it('gone through twice change nothing', async () => {
    await shop.paid(1_000n);
    await shop.reconcile();
    await shop.takeHints();
    const before = await shop.steps.everything();
    await shop.reconcile();
    await shop.takeHints();
    expect(await shop.steps.everything()).toBe(before);
  });
});
