/** Which payments a quoted price holds for, and in which order: on the real database, step by step. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR, MICROSECONDS_PER_SECOND, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import { assignReceipt, type ReceiptAssignment } from '../../../ledger/intake/assign-receipt.ts';
import type { IndexedTransfer } from '../../../ledger/intake/indexed-transfers.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { claimKey } from '../../../ledger/orders/claim-key.ts';
import { findOrderBySecret } from '../../../ledger/orders/find-order.ts';
import { readEthOrderStatus } from '../../../ledger/orders/order-status.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, DOLLAR_WEI, IntakeSteps, type PlacedOrder } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const DOLLAR = 1_000_000n;
/** The price of every block here: 1 % lower than what is quoted, so that each payment shows what it was taken at. */
const LESS = (ANSWER * 99n) / 100n;
const at = (answer: bigint, wei: bigint) => (wei * answer) / 10n ** 20n;

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

async function recorded(transfer: IndexedTransfer): Promise<Included> {
  await steps.record(transfer);
  return await steps.standing(transfer);
}

async function quotedWei(inclusion: Included): Promise<bigint | undefined> {
  return (await steps.priced(inclusion))?.quoted_wei;
}

async function statusOf(order: PlacedOrder): Promise<string> {
  const row = await findOrderBySecret(steps.doors, order.orderId, order.secret);
  if (!row) throw new Error('the order is gone');
  const { amount, quote, flags, credited } = await readEthOrderStatus(steps.db, row, steps.now);
  return [amount, quote, ...flags, credited ? 'credited' : 'not credited'].join(', ');
}

/** What an account has, in dollars' worth. */
async function bought(accountId: bigint): Promise<bigint> {
  return (await readCredits(steps.doors, accountId, steps.now)).availableMicrocredits / 10_000n;
}

describe('in the order of the chain, whichever is priced first', () => {
  const PART = (DOLLAR_WEI * 6n) / 10n;

  test.each<[string, Partial<IndexedTransfer>, Partial<IndexedTransfer>]>([
    ['in different blocks', { blockNumber: 500n }, { blockNumber: 501n }],
    ['in one block', { transactionIndex: 2 }, { transactionIndex: 10 }],
    ['in one transaction', { transactionIndex: 2, traceIndex: 9 }, { transactionIndex: 2, traceIndex: 10 }],
  ])('%s: the later one waits, and gets what the earlier one leaves', async (_, first, second) => {
    const order = await steps.order(1n);
    const place = { blockNumber: 500n, amountWei: PART };
    // The later one is also taken in first.
    const later = await recorded(steps.transfer(order.reference, { ...place, ...second }));
    const earlier = await recorded(steps.transfer(order.reference, { ...place, ...first }));
    expect(await steps.price(later, LESS)).toBe(false);
    expect(await steps.priced(later)).toBeUndefined();
    expect(await statusOf(order)).toBe('over, live, price_pending, not credited');
    expect(await steps.price(earlier, LESS)).toBe(true);
    expect(await steps.price(later, LESS)).toBe(true);
    expect([await quotedWei(earlier), await quotedWei(later)]).toEqual([PART, DOLLAR_WEI - PART]);
  });

  test('one that turns up after a later one was priced gets what that one left: a price stays', async () => {
    const order = await steps.order(1n);
    const earlier = steps.transfer(order.reference, { amountWei: PART });
    const later = await steps.pay(steps.transfer(order.reference, { amountWei: PART }), LESS);
    const late = await steps.pay(earlier, LESS);
    expect([await quotedWei(later), await quotedWei(late)]).toEqual([PART, DOLLAR_WEI - PART]);
  });

  test('nothing waits for one that the chain took back, that is in a later block now, or is another order’s', async () => {
    const order = await steps.order(1n);
    const gone = await recorded(steps.transfer(order.reference));
    await steps.vanish(gone);
    const transfer = steps.transfer(order.reference);
    await steps.record(transfer);
    await steps.record(steps.transfer((await steps.order(1n)).reference));
    const inclusion = await recorded(steps.transfer(order.reference));
    await steps.record(steps.moved(transfer));
    expect(await steps.price(inclusion, LESS)).toBe(true);
    expect(await quotedWei(inclusion)).toBe(DOLLAR_WEI);
  });

  test('where no quote holds, it is left to the others', async () => {
    const order = await steps.order(1n);
    const first = await recorded(steps.transfer(order.reference));
    await steps.price(first, LESS, false, true);
    const second = await steps.pay(steps.transfer(order.reference), LESS);
    expect([await quotedWei(first), await quotedWei(second)]).toEqual([0n, DOLLAR_WEI]);
  });

  test('nothing waits after the deadline, when the quote is no longer in force', async () => {
    const order = await steps.order(1n);
    await steps.record(steps.transfer(order.reference));
    steps.now = order.deadline + SECOND;
    const inclusion = await recorded(steps.transfer(order.reference));
    expect(await steps.price(inclusion, LESS)).toBe(true);
    expect(await quotedWei(inclusion)).toBe(0n);
  });
});

describe('without a reference: the quote of the only order that is open', () => {
  type Assigned = 'before it has its price' | 'once it has its price';
  const TIMES: readonly Assigned[] = ['before it has its price', 'once it has its price'];

  /** A payment without a reference, given to the account of an order. */
  async function paidTo(
    accountId: bigint,
    when: Assigned,
    {
      wei = DOLLAR_WEI,
      noQuote = false,
      ...change
    }: Partial<ReceiptAssignment> & { wei?: bigint; noQuote?: boolean; blockTimestamp?: bigint } = {},
  ): Promise<Included> {
    const { blockTimestamp = steps.now / MICROSECONDS_PER_SECOND, ...asked } = change;
    const inclusion = await recorded(steps.transfer(null, { amountWei: wei, blockTimestamp }));
    const price = () => steps.price(inclusion, LESS, false, noQuote);
    if (when === 'once it has its price') await price();
    await assign(inclusion, accountId, asked);
    await price();
    await steps.deliver();
    return inclusion;
  }

  async function assign(
    { receiptId }: Included,
    accountId: bigint,
    change: Partial<ReceiptAssignment> = {},
  ): Promise<void> {
    const outcome = await assignReceipt(steps.context, {
      receiptId,
      accountId,
      matchedBy: 'operator',
      reason: 'their mail',
      now: steps.now,
      ...change,
    });
    if (outcome.status === 'refused') throw new Error(`it was refused: ${outcome.refusal.code}`);
  }

  /** An account that has its key. */
  async function customer(): Promise<bigint> {
    const order = await steps.order(1n);
    await steps.pay(steps.transfer(order.reference));
    const claim = await claimKey(steps.doors, order.orderId, order.secret, steps.now);
    if (claim.status !== 'claimed') throw new Error(`the claim was answered ${claim.status}`);
    return claim.accountId;
  }

  /** What a customer got for a payment, and of which order it is. */
  async function gets(accountId: bigint, pay: () => Promise<Included>) {
    const before = await bought(accountId);
    const { receiptId } = await pay();
    const rows = await steps.db
      .selectFrom('assignments')
      .select('order_id')
      .where('receipt_id', '=', receiptId)
      .execute();
    return { microusd: (await bought(accountId)) - before, orderId: rows[0]?.order_id };
  }

  describe.each(TIMES)('assigned %s', when => {
    test('the whole of it, and the order is paid', async () => {
      const accountId = await customer();
      const order = await steps.order(5n, ANSWER, accountId);
      const wei = order.quotedWei ?? 0n;
      expect(await gets(accountId, () => paidTo(accountId, when, { wei }))).toEqual({
        microusd: 5n * DOLLAR,
        orderId: order.orderId,
      });
      expect(await statusOf(order)).toBe('exact, live, credited');
    });

    test('as a claim likewise', async () => {
      const accountId = await customer();
      const order = await steps.order(1n, ANSWER, accountId);
      const claim = { matchedBy: 'claim', reason: null } as const;
      expect(await gets(accountId, () => paidTo(accountId, when, claim))).toEqual({
        microusd: DOLLAR,
        orderId: order.orderId,
      });
    });

    test('what is left of it, where some is paid', async () => {
      const accountId = await customer();
      const order = await steps.order(3n, ANSWER, accountId);
      await steps.pay(steps.transfer(order.reference, { amountWei: DOLLAR_WEI }), LESS);
      expect(await gets(accountId, () => paidTo(accountId, when, { wei: 5n * DOLLAR_WEI }))).toEqual({
        microusd: 2n * DOLLAR + at(LESS, 3n * DOLLAR_WEI),
        orderId: order.orderId,
      });
    });

    test('not when two are open', async () => {
      const accountId = await customer();
      await steps.order(1n, ANSWER, accountId);
      await steps.order(2n, ANSWER, accountId);
      expect(await gets(accountId, () => paidTo(accountId, when))).toEqual({
        microusd: at(LESS, DOLLAR_WEI),
        orderId: null,
      });
    });

    test('of two of which one is paid, that of the other', async () => {
      const accountId = await customer();
      const paid = await steps.order(1n, ANSWER, accountId);
      await steps.pay(steps.transfer(paid.reference));
      const open = await steps.order(1n, ANSWER, accountId);
      expect(await gets(accountId, () => paidTo(accountId, when))).toEqual({
        microusd: DOLLAR,
        orderId: open.orderId,
      });
    });

    test('not when it was made after the block, whoever looks into it later', async () => {
      const accountId = await customer();
      const blockTimestamp = steps.now / MICROSECONDS_PER_SECOND;
      steps.now += SECOND;
      await steps.order(1n, ANSWER, accountId);
      expect(await gets(accountId, () => paidTo(accountId, when, { blockTimestamp }))).toEqual({
        microusd: at(LESS, DOLLAR_WEI),
        orderId: null,
      });
    });

    test.each([
      ['in a block at its deadline it holds', 0n, DOLLAR],
      ['in a block after it, not', SECOND, at(LESS, DOLLAR_WEI)],
    ])('%s, however late it is assigned', async (_, after, microusd) => {
      const accountId = await customer();
      const order = await steps.order(1n, ANSWER, accountId);
      const blockTimestamp = (order.deadline + after) / MICROSECONDS_PER_SECOND;
      steps.now += 3n * DAY;
      expect(await gets(accountId, () => paidTo(accountId, when, { blockTimestamp }))).toEqual({
        microusd,
        orderId: after === 0n ? order.orderId : null,
      });
    });

    test('not when the block’s price is further away than 2 %', async () => {
      const accountId = await customer();
      await steps.order(1n, (ANSWER * 110n) / 100n, accountId);
      const { microusd } = await gets(accountId, () => paidTo(accountId, when));
      expect(microusd).toBe(at(LESS, DOLLAR_WEI));
    });

    test('not where no quote holds', async () => {
      const accountId = await customer();
      const order = await steps.order(1n, ANSWER, accountId);
      const pay = () => paidTo(accountId, when, { noQuote: true });
      expect(await gets(accountId, pay)).toEqual({
        microusd: at(LESS, DOLLAR_WEI),
        orderId: order.orderId,
      });
    });

    test('taken back by the chain: all of it goes, and the quote is there for the next payment', async () => {
      const accountId = await customer();
      const order = await steps.order(1n, ANSWER, accountId);
      const before = await bought(accountId);
      const inclusion = await paidTo(accountId, when);
      await steps.vanish(inclusion);
      await steps.deliver();
      expect(await bought(accountId)).toBe(before);
      expect(await statusOf(order)).toBe('none, live, reorged, not credited');
      const again = await steps.pay(steps.transfer(order.reference), LESS);
      expect(await quotedWei(again)).toBe(DOLLAR_WEI);
    });

    test('used by it, it is not there for the next payment', async () => {
      const accountId = await customer();
      const order = await steps.order(1n, ANSWER, accountId);
      await paidTo(accountId, when);
      const next = await steps.pay(steps.transfer(order.reference, { amountWei: 2n * DOLLAR_WEI }), LESS);
      expect(await quotedWei(next)).toBe(0n);
    });
  });

  describe('an account that has no key yet', () => {
    test.each(TIMES)('its only order is paid, and the key can be claimed: assigned %s', async when => {
      const order = await steps.order(1n);
      steps.now += HOUR;
      await paidTo(order.accountId, when);
      expect(await statusOf(order)).toBe('exact, expired, late, credited');
      // The quote has run out all the same.
      expect(await bought(order.accountId)).toBe(at(LESS, DOLLAR_WEI));
      expect(await claimKey(steps.doors, order.orderId, order.secret, steps.now)).toMatchObject({
        status: 'claimed',
        accountId: order.accountId,
      });
    });

    test('also where it was made after the block', async () => {
      const blockTimestamp = steps.now / MICROSECONDS_PER_SECOND;
      steps.now += HOUR;
      const order = await steps.order(1n);
      await paidTo(order.accountId, 'once it has its price', { blockTimestamp });
      expect(await statusOf(order)).toBe('exact, live, credited');
      expect(await bought(order.accountId)).toBe(at(LESS, DOLLAR_WEI));
    });

    test('once it has its key, an order that has run out gets nothing', async () => {
      const accountId = await customer();
      const order = await steps.order(1n, ANSWER, accountId);
      steps.now += HOUR;
      expect(await gets(accountId, () => paidTo(accountId, 'once it has its price'))).toMatchObject({
        orderId: null,
      });
      expect(await statusOf(order)).toBe('none, expired, not credited');
    });
  });

  test('an order that a person names is paid, at the price of the block while another one is open', async () => {
    const accountId = await customer();
    const { orderId } = await steps.order(1n, ANSWER, accountId);
    const pay = () => paidTo(accountId, 'once it has its price', { orderId });
    const other = await steps.order(2n, ANSWER, accountId);
    // Whoever names it could choose the better of two quotes.
    expect(await gets(accountId, pay)).toEqual({ microusd: (DOLLAR * 99n) / 100n, orderId });
    await steps.pay(steps.transfer(other.reference, { amountWei: 2n * DOLLAR_WEI }));
    const { orderId: only } = await steps.order(1n, ANSWER, accountId);
    const again = () => paidTo(accountId, 'once it has its price', { orderId: only });
    expect(await gets(accountId, again)).toEqual({ microusd: DOLLAR, orderId: only });
  });

  test('an order that is named must be the account’s', async () => {
    const [one, other] = [await steps.order(1n), await steps.order(1n)];
    const inclusion = await recorded(steps.transfer(null));
    const before = await steps.everything();
    for (const orderId of [other.orderId, 'ord_000000000000000000000000', '\0'])
      await expect(assign(inclusion, one.accountId, { orderId })).rejects.toThrow('order_unknown');
    expect(await steps.everything()).toBe(before);
  });

  test('what a person assigned to an order stays with it in another block, at that block’s price', async () => {
    const accountId = await customer();
    const order = await steps.order(1n, ANSWER, accountId);
    const transfer = steps.transfer(null);
    await steps.pay(transfer, LESS);
    await assign(await steps.standing(transfer), accountId);
    steps.now += 10n * MINUTE + SECOND;
    const before = await bought(accountId);
    await steps.pay(steps.moved(transfer), LESS);
    expect(await statusOf(order)).toBe('exact, expired, late, credited');
    expect((await bought(accountId)) - before).toBe(at(LESS, DOLLAR_WEI));
  });
});
