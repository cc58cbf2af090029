/** What Stripe sends: in any order, more than once, not at all, to two workers at once, through a crash. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseInstant } from '../../../ledger/index.ts';
import type { OrderRow } from '../../../ledger/orders/find-order.ts';
import { readStatement } from '../../../ledger/reads/statement.ts';
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

/** The book of the order's account, without what tells one payment from another. */
async function book(order: OrderRow) {
  const { lines } = await readStatement(shop.steps.doors, order.account_id, shop.steps.now, { limit: 100 });
  return lines.map(({ kind, amountMicrocredits, availableAfterMicrocredits, debtAfterMicrocredits }) => [
    kind,
    amountMicrocredits,
    availableAfterMicrocredits,
    debtAfterMicrocredits,
  ]);
}

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length <= 1) return [[...all]];
  return all.flatMap((first, index) =>
    permutations([...all.slice(0, index), ...all.slice(index + 1)]).map(rest => [first, ...rest]),
  );
}

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
  it('lead to the same book in each of their 120 orders', async () => {
    const books = new Set<string>();
    for (const order of permutations([0, 1, 2, 3, 4])) {
      const happened = await purchaseRefundedAndDisputed();
      for (const index of order) {
        const event = happened.events[index];
        if (event) await shop.tell(event);
        await shop.takeHints();
      }
      books.add(
        JSON.stringify(await book(happened.order), (_key, value) =>
          typeof value === 'bigint' ? `${value}` : value,
        ),
      );
      expect(await shop.credits(happened.order)).toEqual({ available: 70_000n, debt: 0n });
    }
    expect(books.size).toBe(1);
  });

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
