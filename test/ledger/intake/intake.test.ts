/** From what the chain has to what the customer has, step by step on the real database. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../ledger/core/instant.ts';
import type { IndexedTransfer } from '../../../ledger/intake/indexed-transfers.ts';
import { findOrderBySecret } from '../../../ledger/orders/find-order.ts';
import { readEthOrderStatus } from '../../../ledger/orders/order-status.ts';
import { referenceCalldata } from '../../../ledger/orders/reference.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { debitOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, DOLLAR_WEI, IntakeSteps, type PlacedOrder } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const DOLLAR = 1_000_000n;
const DOLLAR_CREDITS = 10_000_000_000n;

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
  // Whatever a test has done: every chain verifies, and nothing hangs between the books once the outbox is empty.
  assertVerified(await readBooks(steps.owner));
  const { rows } = await steps.owner.query('select count(*) as waiting from outbox');
  if (rows[0]?.waiting === 0n) expect((await steps.balances())['USD:clearing']).toBeUndefined();
});

async function creditsOf(order: PlacedOrder) {
  return await readCredits(steps.doors, order.accountId, steps.now);
}

async function statusOf(order: PlacedOrder): Promise<string> {
  const row = await findOrderBySecret(steps.doors, order.orderId, order.secret);
  if (!row) throw new Error('the order is gone');
  const { amount, quote, flags, credited } = await readEthOrderStatus(steps.db, row, steps.now);
  return [amount, quote, ...flags, credited ? 'credited' : 'not credited'].join(', ');
}

test('a payment from its block to the credits: where its money is after each step', async () => {
  const order = await steps.order(1n);
  expect(await statusOf(order)).toBe('none, live, not credited');

  const transfer = steps.transfer(order.reference);
  expect(await steps.record(transfer)).toBe(true);
  expect(await steps.balances()).toEqual({ 'ETH:treasury': DOLLAR_WEI, 'ETH:suspense': -DOLLAR_WEI });
  expect(await statusOf(order)).toBe('exact, live, price_pending, not credited');

  await steps.price(await steps.standing(transfer));
  expect(await steps.balances()).toEqual({
    'ETH:treasury': DOLLAR_WEI,
    'ETH:trading': -DOLLAR_WEI,
    'USD:trading': DOLLAR,
    'USD:clearing': -DOLLAR,
  });
  expect(await statusOf(order)).toBe('exact, live, processing, not credited');

  await steps.deliver();
  expect(await steps.balances()).toEqual({
    'ETH:treasury': DOLLAR_WEI,
    'ETH:trading': -DOLLAR_WEI,
    'USD:trading': DOLLAR,
    'USD:deferred_revenue': -DOLLAR,
    'CREDIT:available': DOLLAR_CREDITS,
    'CREDIT:issued': -DOLLAR_CREDITS,
  });
  expect(await statusOf(order)).toBe('exact, live, credited');
  expect(await creditsOf(order)).toMatchObject({
    availableMicrocredits: DOLLAR_CREDITS,
    lots: [{ addedAt: START, expiresAt: START + 30n * DAY, renewalsLeft: 30 }],
  });
});

describe('a step that is repeated changes nothing', () => {
  async function unchangedBy(repeated: () => Promise<unknown>): Promise<void> {
    const before = await steps.everything();
    await repeated();
    expect(await steps.everything()).toBe(before);
  }

  test('at any point of a payment that is taken back in the end', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.record(transfer);
    await unchangedBy(() => steps.record(transfer));
    await unchangedBy(() => steps.deliver());
    const standing = await steps.standing(transfer);
    await steps.price(standing);
    await unchangedBy(() => steps.record(transfer));
    await steps.deliver();
    await unchangedBy(() => steps.deliver());
    await unchangedBy(() => steps.record(transfer));
    await steps.vanish(standing);
    await steps.deliver();
    await unchangedBy(() => steps.deliver());
    expect(await steps.balances()).toEqual({
      'CREDIT:issued': -DOLLAR_CREDITS,
      'CREDIT:clawed_back': DOLLAR_CREDITS,
    });
  });

  test('pricing what has its price', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.record(transfer);
    const standing = await steps.standing(transfer);
    await steps.price(standing);
    await unchangedBy(() => steps.price(standing, ANSWER + 1n));
  });

  test('taking back what is taken back', async () => {
    const order = await steps.order(1n);
    const standing = await steps.pay(steps.transfer(order.reference));
    await steps.vanish(standing);
    await unchangedBy(() => steps.vanish(standing));
  });

  test('posting what was posted when the worker died before it could cross it off', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.record(transfer);
    const standing = await steps.standing(transfer);
    await steps.price(standing);
    const undone = await steps.db.selectFrom('outbox').selectAll().executeTakeFirstOrThrow();
    const { paid_at, decided_at, ...rest } = undone;
    const row = {
      ...rest,
      paid_at: paid_at === null ? null : new Date(Number(paid_at / 1000n)).toISOString(),
      decided_at: new Date(Number(decided_at / 1000n)).toISOString(),
    };
    await steps.deliver();
    await unchangedBy(async () => {
      await steps.db.insertInto('outbox').values(row).execute();
      steps.now += HOUR;
      await steps.deliver();
    });
  });
});

describe('a step that comes too late, from a worker that no longer leads', () => {
  test('a price for what the chain has taken back credits nothing', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.record(transfer);
    const lost = await steps.standing(transfer);
    await steps.vanish(lost);
    await steps.price(lost).catch(() => {});
    await steps.deliver();
    expect(await steps.balances()).toEqual({});
    expect(await creditsOf(order)).toMatchObject({ availableMicrocredits: 0n });
  });

  test('a price for where the payment no longer is credits nothing', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.record(transfer);
    const lost = await steps.standing(transfer);
    const moved = steps.moved(transfer, { amountWei: 1n });
    await steps.record(moved);
    await steps.price(lost).catch(() => {});
    await steps.price(await steps.standing(moved));
    await steps.deliver();
    expect(await creditsOf(order)).toMatchObject({ availableMicrocredits: 0n });
  });

  test('the absence of where the payment no longer is takes nothing back', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    const lost = await steps.pay(transfer);
    await steps.pay(steps.moved(transfer));
    await steps.vanish(lost).catch(() => {});
    await steps.deliver();
    expect(await creditsOf(order)).toMatchObject({ availableMicrocredits: DOLLAR_CREDITS });
  });

  test('two at once value two payments of one order: the quote is not used twice', async () => {
    // Each covers the whole quote, and the block's price is lower by 1 %.
    const order = await steps.order(1n);
    const transfers = [steps.transfer(order.reference), steps.transfer(order.reference)];
    for (const transfer of transfers) await steps.record(transfer);
    const standing = await Promise.all(transfers.map(transfer => steps.standing(transfer)));
    // The first has valued its payment and waits to write it down, the other waits for the first.
    const held = await steps.owner.connect();
    await held.query('begin; lock table price_records in exclusive mode');
    const priced: Promise<boolean>[] = [];
    for (const inclusion of standing) {
      priced.push(steps.price(inclusion, (ANSWER * 99n) / 100n));
      await steps.waitersOnLocks(BigInt(priced.length));
    }
    await held.query('rollback');
    held.release();
    expect(await Promise.all(priced)).toEqual([true, true]);
    const quoted = await Promise.all(
      standing.map(async inclusion => (await steps.priced(inclusion))?.quoted_wei),
    );
    expect(quoted).toEqual([DOLLAR_WEI, 0n]);
    await steps.deliver();
  });
});

describe('when the chain changes its mind', () => {
  test('another block, another value: everything comes from the new one', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference, { amountWei: 10n * DOLLAR_WEI });
    await steps.pay(transfer);
    expect((await creditsOf(order)).availableMicrocredits).toBe(10n * DOLLAR_CREDITS);
    steps.now += MINUTE;
    await steps.pay(steps.moved(transfer, { amountWei: 1n * DOLLAR_WEI }), ANSWER);
    expect(await creditsOf(order)).toMatchObject({
      availableMicrocredits: DOLLAR_CREDITS,
      debtMicrocredits: 0n,
      lots: [{ addedAt: START + MINUTE }],
    });
    expect(await steps.balances()).toEqual({
      'ETH:treasury': DOLLAR_WEI,
      'ETH:trading': -DOLLAR_WEI,
      'USD:trading': DOLLAR,
      'USD:deferred_revenue': -DOLLAR,
      // Of the $10 a minute of 30 days was earned, and is given back all the same.
      'USD:revenue': -231n,
      'USD:refunds': 231n,
      'CREDIT:available': DOLLAR_CREDITS,
      'CREDIT:issued': -11n * DOLLAR_CREDITS,
      'CREDIT:clawed_back': 10n * DOLLAR_CREDITS,
    });
    expect(await statusOf(order)).toBe('exact, live, credited');
  });

  test('gone after some of it was spent: that is owed, and the next payment settles it', async () => {
    const order = await steps.order(1n);
    const standing = await steps.pay(steps.transfer(order.reference));
    await steps.context.poster.submit(order.accountId, debitOf(3000n, 'job'));
    await steps.vanish(standing);
    expect(await statusOf(order)).toBe('none, live, reorged, not credited');
    await steps.deliver();
    expect(await creditsOf(order)).toMatchObject({
      availableMicrocredits: 0n,
      debtMicrocredits: 3_000_000_000n,
      lots: [],
    });
    await steps.pay(steps.transfer(order.reference));
    expect(await creditsOf(order)).toMatchObject({
      availableMicrocredits: 7_000_000_000n,
      debtMicrocredits: 0n,
    });
    expect(await statusOf(order)).toBe('exact, live, reorged, credited');
  });

  test('gone before it had a price: nothing was credited, nothing is taken', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.record(transfer);
    await steps.vanish(await steps.standing(transfer));
    await steps.deliver();
    expect(await steps.balances()).toEqual({});
    expect(await statusOf(order)).toBe('none, live, reorged, not credited');
  });

  test('gone after it was decided and before it was posted: posted and taken back, nothing is owed', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.record(transfer);
    const standing = await steps.standing(transfer);
    await steps.price(standing);
    await steps.vanish(standing);
    await steps.deliver();
    expect(await steps.balances()).toEqual({
      'CREDIT:issued': -DOLLAR_CREDITS,
      'CREDIT:clawed_back': DOLLAR_CREDITS,
    });
  });

  test('gone and back in the very same block: a new inclusion', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    const first = await steps.pay(transfer);
    await steps.vanish(first);
    await steps.deliver();
    const again = await steps.pay(transfer);
    expect([first.version, again.version]).toEqual([1, 3]);
    expect(await creditsOf(order)).toMatchObject({
      availableMicrocredits: DOLLAR_CREDITS,
      debtMicrocredits: 0n,
    });
  });

  test('moved three times before anything is posted: the posts come in their order', async () => {
    const order = await steps.order(1n);
    let transfer = steps.transfer(order.reference);
    for (let turn = 0; turn < 3; turn += 1) {
      await steps.record(transfer);
      await steps.price(await steps.standing(transfer));
      transfer = steps.moved(transfer);
    }
    await steps.deliver();
    expect(await creditsOf(order)).toMatchObject({
      availableMicrocredits: DOLLAR_CREDITS,
      debtMicrocredits: 0n,
    });
    expect((await creditsOf(order)).lots).toHaveLength(1);
  });
});

describe('whose a payment is', () => {
  const calldata = (order: PlacedOrder) => referenceCalldata(order.reference);
  const withInput = (input: string): Partial<IndexedTransfer> => ({
    input,
    inputLength: (input.length - 2) / 2,
  });

  test.each<[string, (order: PlacedOrder) => Partial<IndexedTransfer>, boolean]>([
    ['the reference as the input of a call', () => ({}), true],
    ['a frame within another transaction', () => ({ traceIndex: 17 }), true],
    ['the trace type in small letters', () => ({ frameType: 'call' }), true],
    ['a SELFDESTRUCT with it', () => ({ frameType: 'SELFDESTRUCT' }), false],
    ['a deposit from L1 with it', () => ({ transactionType: 'deposit' }), false],
    ['no input', () => withInput('0x'), false],
    ['a byte behind it', order => withInput(`${calldata(order)}00`), false],
    ['a byte before it', order => withInput(`0x00${calldata(order).slice(2)}`), false],
    ['as an argument of a function', order => withInput(`0xa9059cbb${calldata(order).slice(2)}`), false],
    ['a byte too short', order => withInput(calldata(order).slice(0, -2)), false],
    ['another checksum', order => withInput(`${calldata(order).slice(0, -8)}00000000`), false],
    ['other magic', order => withInput(`0x41495344${calldata(order).slice(10)}`), false],
    ['a reference of no order', () => withInput(referenceCalldata('00'.repeat(16))), false],
    ['cut to it out of longer input', order => ({ input: calldata(order), inputLength: 65 }), false],
  ])('%s', async (_, change, assigned) => {
    const order = await steps.order(1n);
    const standing = await steps.pay(steps.transfer(order.reference, change(order)));
    expect((await creditsOf(order)).availableMicrocredits).toBe(assigned ? DOLLAR_CREDITS : 0n);
    if (assigned) return;
    // It has a price, for when somebody claims it, and stays where it is.
    expect(await steps.priced(standing)).toEqual({ amount_microusd: DOLLAR, quoted_wei: 0n });
    expect(await steps.balances()).toEqual({ 'ETH:treasury': DOLLAR_WEI, 'ETH:suspense': -DOLLAR_WEI });
    await steps.vanish(standing);
    expect(await steps.balances()).toEqual({});
  });

  test('of less than a micro-dollar nothing is credited', async () => {
    const order = await steps.order(1n);
    await steps.pay(steps.transfer(order.reference, { amountWei: 499_999_999n }));
    expect(await steps.balances()).toEqual({ 'ETH:treasury': 499_999_999n, 'ETH:suspense': -499_999_999n });
    expect(await statusOf(order)).toBe('under, live, not credited');
  });

  test('two frames of one transaction are two payments', async () => {
    const order = await steps.order(2n);
    const first = steps.transfer(order.reference, { traceIndex: 3 });
    await steps.pay(first);
    await steps.pay({ ...first, traceIndex: 5 });
    expect((await creditsOf(order)).availableMicrocredits).toBe(2n * DOLLAR_CREDITS);
    expect(await statusOf(order)).toBe('exact, live, credited');
  });
});

describe('when a lot begins', () => {
  test.each([
    ['noticed after a minute: in its block', MINUTE, false, START],
    ['noticed after 24 hours: in its block', DAY, false, START],
    ['noticed a second later than that: now', DAY + 1_000_000n, false, START + DAY + 1_000_000n],
    ['its price came late: now', HOUR, true, START + HOUR],
  ])('%s', async (_, after, late, addedAt) => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    steps.now = START + after;
    await steps.record(transfer);
    await steps.price(await steps.standing(transfer), ANSWER, late);
    await steps.deliver();
    expect(await creditsOf(order)).toMatchObject({ lots: [{ addedAt }] });
  });
});

test('priced late and posted later still: a lot begins when it is posted', async () => {
  const order = await steps.order(1n);
  const transfer = steps.transfer(order.reference);
  await steps.record(transfer);
  steps.now = START + HOUR;
  await steps.price(await steps.standing(transfer), ANSWER, true);
  steps.now = START + 5n * HOUR;
  await steps.deliver();
  expect(await creditsOf(order)).toMatchObject({ lots: [{ addedAt: START + 5n * HOUR }] });
});

describe('a quote', () => {
  const LESS = (ANSWER * 99n) / 100n;
  const at = (answer: bigint, wei: bigint) => (wei * answer) / 10n ** 20n;

  test('holds in a block at its deadline, and not in the next', async () => {
    for (const [after, quoted] of [
      [10n * MINUTE, DOLLAR_WEI],
      [10n * MINUTE + 1_000_000n, 0n],
    ] as const) {
      steps.now = START;
      const order = await steps.order(1n);
      steps.now = START + after;
      const standing = await steps.pay(steps.transfer(order.reference), LESS);
      expect(await steps.priced(standing)).toEqual({
        quoted_wei: quoted,
        amount_microusd: quoted > 0n ? DOLLAR : at(LESS, DOLLAR_WEI),
      });
    }
  });

  test('is used up in chain order: the second payment gets what the first has left, the third nothing', async () => {
    const order = await steps.order(1n);
    const part = (DOLLAR_WEI * 6n) / 10n;
    const quoted: (bigint | undefined)[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const standing = await steps.pay(steps.transfer(order.reference, { amountWei: part }), LESS);
      quoted.push((await steps.priced(standing))?.quoted_wei);
    }
    expect(quoted).toEqual([part, DOLLAR_WEI - part, 0n]);
  });

  test('is free again when the chain has taken back what used it', async () => {
    const order = await steps.order(1n);
    await steps.vanish(await steps.pay(steps.transfer(order.reference), LESS));
    await steps.deliver();
    const again = await steps.pay(steps.transfer(order.reference), LESS);
    expect((await steps.priced(again))?.quoted_wei).toBe(DOLLAR_WEI);
  });

  test('is used by an inclusion once, when it has moved within the deadline', async () => {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference);
    await steps.pay(transfer, LESS);
    const moved = await steps.pay(steps.moved(transfer), LESS);
    expect((await steps.priced(moved))?.quoted_wei).toBe(DOLLAR_WEI);
    const next = await steps.pay(steps.transfer(order.reference), LESS);
    expect((await steps.priced(next))?.quoted_wei).toBe(0n);
  });

  test.each([
    ['2 % below the quote', (ANSWER * 100n) / 102n + 1n, true],
    ['a little more than 2 % below', (ANSWER * 100n) / 102n, false],
    ['2 % above the quote', (ANSWER * 100n) / 98n, true],
    ['a little more than 2 % above', (ANSWER * 100n) / 98n + 1n, false],
  ])('against a block %s', async (_, block, holds) => {
    const order = await steps.order(1n);
    const standing = await steps.pay(steps.transfer(order.reference), block);
    expect(await steps.priced(standing)).toEqual({
      quoted_wei: holds ? DOLLAR_WEI : 0n,
      amount_microusd: holds ? DOLLAR : at(block, DOLLAR_WEI),
    });
  });

  test('covers $1,000 of a larger order', async () => {
    const order = await steps.order(2500n);
    const paid = 2500n * DOLLAR_WEI;
    const standing = await steps.pay(steps.transfer(order.reference, { amountWei: paid }), LESS);
    expect(order.guaranteedWei).toBe(1000n * DOLLAR_WEI);
    expect(await steps.priced(standing)).toEqual({
      quoted_wei: 1000n * DOLLAR_WEI,
      amount_microusd: 1000n * DOLLAR + at(LESS, 1500n * DOLLAR_WEI),
    });
    expect(await statusOf(order)).toBe('exact, live, credited');
  });
});

test('many payments recorded, priced, moved and gone at once: clearing is empty and all books verify', async () => {
  const orders = await Promise.all(Array.from({ length: 12 }, () => steps.order(1n)));
  const transfers = orders.map(order => steps.transfer(order.reference));
  await Promise.all(transfers.map(transfer => steps.record(transfer)));
  const standing = await Promise.all(transfers.map(transfer => steps.standing(transfer)));
  await Promise.all(standing.map(inclusion => steps.price(inclusion)));
  await Promise.all([
    steps.deliver(),
    ...standing.slice(0, 4).map(inclusion => steps.vanish(inclusion)),
    ...transfers.slice(4, 8).map(transfer => steps.record(steps.moved(transfer))),
  ]);
  await steps.deliver();
  for (const transfer of transfers.slice(4, 8)) await steps.price(await steps.standing(transfer));
  await steps.deliver();
  const balances = await steps.balances();
  expect(balances['CREDIT:available']).toBe(8n * DOLLAR_CREDITS);
  expect(balances['USD:clearing']).toBeUndefined();
});
