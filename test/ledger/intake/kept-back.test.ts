/** Payments that say whose they are and stay in suspense all the same: on the real database, step by step. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR } from '../../../ledger/core/instant.ts';
import { assignReceipt, type ReceiptAssignment } from '../../../ledger/intake/assign-receipt.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { LIVE_LOTS_MAX } from '../../../ledger/intake/why-kept-back.ts';
import { findOrderBySecret } from '../../../ledger/orders/find-order.ts';
import { readEthOrderStatus } from '../../../ledger/orders/order-status.ts';
import { commandIdentity, OWN_SERVICE_ID } from '../../../ledger/posting/identity.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { readSuspense } from '../../../ledger/reads/suspense.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, DOLLAR_WEI, IntakeSteps, type PlacedOrder } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const CENT_WEI = DOLLAR_WEI / 100n;
const CENT_CREDITS = 100_000_000n;

let database: TestDatabase;
let steps: IntakeSteps;
beforeAll(async () => {
  database = await createDatabase();
  steps = await IntakeSteps.open(database.url, START);
});
afterAll(async () => {
  await steps.close();
  await database.drop();
});
beforeEach(() => steps.startOver(START));
afterEach(async () => {
  await steps.deliver();
  assertVerified(await readBooks(steps.owner));
  expect((await steps.balances())['USD:clearing']).toBeUndefined();
});

/** Cents, paid with the order's reference. */
const pay = (order: PlacedOrder, cents: bigint, answer = ANSWER) =>
  steps.pay(steps.transfer(order.reference, { amountWei: cents * CENT_WEI }), answer);

async function statusOf(order: PlacedOrder) {
  const row = await findOrderBySecret(steps.doors, order.orderId, order.secret);
  if (!row) throw new Error('the order is gone');
  return await readEthOrderStatus(steps.db, row, steps.now);
}

async function stateOf(order: PlacedOrder): Promise<string> {
  const { amount, quote, flags, credited } = await statusOf(order);
  return [amount, quote, ...flags, credited ? 'credited' : 'not credited'].join(', ');
}

/** In cents' worth. */
async function available({ accountId }: Pick<PlacedOrder, 'accountId'>): Promise<bigint> {
  return (await readCredits(steps.doors, accountId, steps.now)).availableMicrocredits / CENT_CREDITS;
}

/** What is in suspense, with why. */
async function suspended(): Promise<Record<string, string>> {
  const { receipts } = await readSuspense(steps.db, { limit: 100 });
  return Object.fromEntries(receipts.map(({ receiptId, reason }) => [receiptId, reason]));
}

async function assign(
  { receiptId }: Included,
  accountId: bigint,
  change: Partial<ReceiptAssignment> = {},
): Promise<string> {
  const outcome = await assignReceipt(steps.context, {
    receiptId,
    accountId,
    matchedBy: 'operator',
    reason: 'their mail',
    operator: 'ops',
    now: steps.now,
    ...change,
  });
  await steps.deliver();
  return outcome.status === 'refused' ? outcome.refusal.code : outcome.status;
}

/** An order of $1 that is paid, and a further payment of 99 cents to it. */
async function keptBack() {
  const order = await steps.order(1n);
  await pay(order, 100n);
  return { order, extra: await pay(order, 99n) };
}

describe('less than $1 for an order that is paid', () => {
  test('it waits in suspense, where everybody concerned sees it', async () => {
    const { order, extra } = await keptBack();
    expect(await available(order)).toBe(100n);
    expect(await stateOf(order)).toBe('exact, live, kept_back, credited');
    expect((await statusOf(order)).payments).toMatchObject([
      { credited: true, keptBackFor: null },
      { credited: false, keptBackFor: 'under_a_dollar', amountMicrousd: 990_000n },
    ]);
    expect(await suspended()).toEqual({ [extra.receiptId]: 'under_a_dollar' });
    const { receipts } = await readSuspense(steps.db, { limit: 1 });
    const { accountId, orderId } = order;
    expect(receipts).toMatchObject([{ keptBackFrom: { accountId, orderId }, amountMicrousd: 990_000n }]);
    expect((await steps.balances())['ETH:suspense']).toBe(-99n * CENT_WEI);
  });

  test.each<[string, (order: PlacedOrder) => Promise<unknown>, bigint, bigint]>([
    ['$1 for one that is paid', order => pay(order, 100n), 100n, 200n],
    ['a cent for one of which nothing is paid', async () => {}, 1n, 1n],
    ['a cent for one of which all but a cent is paid', order => pay(order, 99n), 1n, 100n],
    ['a cent for one whose payment was taken back', payAndLose, 1n, 1n],
    ['a cent for one that has run out', anHourLater, 1n, 1n],
  ])('credited: %s', async (_, before, cents, expected) => {
    const order = await steps.order(1n);
    await before(order);
    await pay(order, cents);
    expect(await available(order)).toBe(expected);
    expect(await suspended()).toEqual({});
  });

  async function anHourLater(): Promise<void> {
    steps.now += HOUR;
  }

  async function payAndLose(order: PlacedOrder): Promise<void> {
    await steps.vanish(await pay(order, 100n));
    await steps.deliver();
  }

  test('nor is it kept back where it was before the payment that paid the order, whenever it is noticed', async () => {
    const order = await steps.order(1n);
    const small = steps.transfer(order.reference, { amountWei: CENT_WEI });
    await pay(order, 100n);
    await steps.pay(small);
    expect(await available(order)).toBe(101n);
  });

  test('the dollar is that which would be credited: at the quote, while that is in force and not used up', async () => {
    const [far, less] = [(ANSWER * 110n) / 100n, (ANSWER * 99n) / 100n];
    // Paid at a price so far away that the quote does not hold: it is still there.
    const order = await steps.order(1n);
    await pay(order, 100n, far);
    const extra = await pay(order, 99n, less);
    // What is kept back uses nothing of it …
    expect(await steps.priced(extra)).toEqual({ quoted_wei: 0n, amount_microusd: 980_100n });
    // … so that this is worth $1, and the next one of as many wei is not.
    await pay(order, 100n, less);
    expect(await available(order)).toBe(110n + 100n);
    await pay(order, 100n, less);
    expect(await available(order)).toBe(110n + 100n);
    expect(Object.values(await suspended())).toEqual(['under_a_dollar', 'under_a_dollar']);
  });

  test('taken back by the chain: nothing was credited, nothing is taken', async () => {
    const { order, extra } = await keptBack();
    await steps.vanish(extra);
    await steps.deliver();
    expect(await available(order)).toBe(100n);
    expect(await stateOf(order)).toBe('exact, live, reorged, credited');
    expect(await suspended()).toEqual({});
    expect((await steps.balances())['ETH:suspense']).toBeUndefined();
  });

  test('in another block it is decided anew: credited, where the order is no longer paid', async () => {
    const order = await steps.order(1n);
    const paid = await pay(order, 100n);
    const transfer = steps.transfer(order.reference, { amountWei: 99n * CENT_WEI });
    await steps.pay(transfer);
    await steps.vanish(paid);
    await steps.pay(steps.moved(transfer));
    expect(await available(order)).toBe(99n);
    expect(await suspended()).toEqual({});
  });
});

describe('assigned by an operator afterwards', () => {
  test('to the account it named: credited from then on, and the order has it', async () => {
    const { order, extra } = await keptBack();
    steps.now = START + 5n * DAY;
    expect(await assign(extra, order.accountId)).toBe('assigned');
    expect(await available(order)).toBe(199n);
    const { lots } = await readCredits(steps.doors, order.accountId, steps.now);
    expect(lots.map(lot => lot.addedAt)).toEqual([START, START + 5n * DAY]);
    expect(await stateOf(order)).toBe('over, expired, credited');
    expect(await suspended()).toEqual({});
    expect((await steps.balances())['ETH:suspense']).toBeUndefined();
    // The same again is the same answer.
    const before = await steps.everything();
    expect(await assign(extra, order.accountId)).toBe('assigned');
    expect(await assign(extra, order.accountId, { reason: 'a hunch' })).toBe('receipt_assigned');
    expect(await steps.everything()).toBe(before);
  });

  test('to another account: the order no longer has it', async () => {
    const { order, extra } = await keptBack();
    const other = await steps.order(5n);
    expect(await assign(extra, other.accountId)).toBe('assigned');
    expect([await available(order), await available(other)]).toEqual([100n, 99n]);
    expect(await stateOf(order)).toBe('exact, live, credited');
    expect(await stateOf(other)).toBe('under, live, credited');
  });

  test('who decided is written down, behind what was decided before', async () => {
    const { order, extra } = await keptBack();
    await assign(extra, order.accountId);
    const rows = await steps.db
      .selectFrom('assignments')
      .select(['number', 'matched_by', 'operator', 'reason', 'order_id'])
      .where('receipt_id', '=', extra.receiptId)
      .orderBy('number')
      .execute();
    const { orderId: order_id } = order;
    expect(rows).toEqual([
      { number: 1, matched_by: 'reference', operator: null, reason: null, order_id },
      { number: 2, matched_by: 'operator', operator: 'ops', reason: 'their mail', order_id },
    ]);
  });

  test('by two at once, to two accounts: one wins, and it is credited once', async () => {
    const { extra } = await keptBack();
    const accounts = [(await steps.order(1n)).accountId, (await steps.order(1n)).accountId];
    const held = await steps.owner.connect();
    await held.query('begin');
    await held.query('select from books where bucket = $1 and account_id = 0 for update', [extra.bucket]);
    const asked = accounts.map(accountId => assign(extra, accountId));
    await steps.waitersOnLocks(2n);
    await held.query('rollback');
    held.release();
    expect((await Promise.all(asked)).sort()).toEqual(['assigned', 'receipt_assigned']);
    expect(
      (await available({ accountId: accounts[0] ?? 0n })) +
        (await available({ accountId: accounts[1] ?? 0n })),
    ).toBe(99n);
  });

  test('taken back by the chain after that: so are the credits', async () => {
    const { order, extra } = await keptBack();
    await assign(extra, order.accountId);
    await steps.vanish(extra);
    await steps.deliver();
    expect(await available(order)).toBe(100n);
    expect((await steps.balances())['ETH:suspense']).toBeUndefined();
  });

  test('in another block: what was decided holds there, though it is kept back again', async () => {
    const order = await steps.order(1n);
    await pay(order, 100n);
    const transfer = steps.transfer(order.reference, { amountWei: 99n * CENT_WEI });
    const extra = await steps.pay(transfer);
    await assign(extra, order.accountId);
    await steps.pay(steps.moved(transfer));
    expect(await available(order)).toBe(199n);
    expect(await suspended()).toEqual({});
    await steps.pay(steps.moved(transfer, { fromAddress: `0x${'cd'.repeat(20)}` }));
    expect(await available(order)).toBe(100n);
    expect(Object.values(await suspended())).toEqual(['under_a_dollar']);
  });

  test('its sender cannot claim it', async () => {
    const { order, extra } = await keptBack();
    const claim = { matchedBy: 'claim', reason: null } as const;
    expect(await assign(extra, order.accountId, claim)).toBe('receipt_kept_back');
  });
});

describe('an account that has as many live lots as one may have', () => {
  /** Gives so many lots of a microcredit. */
  async function giveLots(accountId: bigint, count: number): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        steps.context.poster.submit(accountId, {
          type: 'adjustment',
          identity: commandIdentity({
            serviceId: OWN_SERVICE_ID,
            keyNumber: null,
            idempotencyKey: `lot ${index}`,
            payload: 'a lot',
          }),
          amountMicrocredits: 1n,
          policy: 'none',
          details: 'a test',
        }),
      ),
    );
  }

  test('gets no more but from an operator, until one of them has expired', async () => {
    const order = await steps.order(1n);
    const { accountId } = order;
    await giveLots(accountId, LIVE_LOTS_MAX - 2);
    // The last but one is in its book, the last one is only on its way.
    await pay(order, 100n);
    const last = steps.transfer(order.reference, { amountWei: 100n * CENT_WEI });
    await steps.record(last);
    await steps.price(await steps.standing(last));
    const beyond = steps.transfer(order.reference, { amountWei: 100n * CENT_WEI });
    await steps.record(beyond);
    await steps.price(await steps.standing(beyond));
    await steps.deliver();
    expect(await available(order)).toBe(200n);
    expect(await stateOf(order)).toBe('over, live, kept_back, credited');
    expect(Object.values(await suspended())).toEqual(['too_many_lots']);
    await expectClaims(accountId, 'too_many_lots');
    expect(await assign(await steps.standing(beyond), accountId)).toBe('assigned');
    expect(await available(order)).toBe(300n);

    // Lots that have expired do not count, whether or not somebody has swept them away.
    steps.now = START + 30n * DAY;
    await pay(order, 100n);
    expect(await available(order)).toBe(100n);
    await expectClaims(accountId, 'assigned');
  });

  /** A claim out of suspense, once the payment has its price; before, it is kept back when it gets it. */
  async function expectClaims(accountId: bigint, expected: string): Promise<void> {
    const claim = { matchedBy: 'claim', reason: null } as const;
    const priced = await steps.pay(steps.transfer(null));
    expect(await assign(priced, accountId, claim)).toBe(expected);
    const transfer = steps.transfer(null);
    await steps.record(transfer);
    const unpriced = await steps.standing(transfer);
    expect(await assign(unpriced, accountId, claim)).toBe('assigned');
    await steps.price(unpriced);
    const reasons = await suspended();
    expect(reasons[unpriced.receiptId]).toBe(expected === 'assigned' ? undefined : expected);
    await steps.deliver();
    for (const waiting of [priced, unpriced]) await steps.vanish(waiting);
    await steps.deliver();
  }
});
