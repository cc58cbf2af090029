/** Payments that say nothing: whose they are by the wallet that sent them, and those of senders that are on a list. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR, type Instant, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import type { LinkEvent } from '../../../ledger/core/wallet-link.ts';
import { assignReceipt } from '../../../ledger/intake/assign-receipt.ts';
import type { IndexedTransfer } from '../../../ledger/intake/indexed-transfers.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { findOrder } from '../../../ledger/orders/find-order.ts';
import { readOrderStatus } from '../../../ledger/orders/order-status.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { POOLED_SENDERS } from '../../../ledger/wallets/pooled-senders.ts';
import { SenderLists } from '../../../ledger/wallets/sender-lists.ts';
import { appendLinkFact } from '../../../ledger/wallets/wallet-links.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, DOLLAR_WEI, ETH, IntakeSteps } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const DOLLAR_CREDITS = 10_000_000_000n;

const WALLET = `0x${'ab'.repeat(20)}`;
const OTHER_WALLET = `0x${'cd'.repeat(20)}`;
const EXCHANGE = `0x${'e1'.repeat(20)}`;
const OUTLAW = `0x${'bad0'.repeat(10)}`;

let database: TestDatabase;
let steps: IntakeSteps;
beforeAll(async () => {
  database = await createDatabase();
  const senders = new SenderLists({
    pooled: [{ address: EXCHANGE.toUpperCase().replace('0X', '0x'), name: 'an exchange' }],
    blocked: [{ address: OUTLAW, name: 'an outlaw' }],
  });
  steps = await IntakeSteps.open(database.url, START, { senders });
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

/** An account that has an order and nothing else, with the order paid, so that it is open no more. */
async function account(): Promise<bigint> {
  const order = await steps.order(1n);
  await steps.pay(steps.transfer(order.reference, { fromAddress: `0x${'99'.repeat(20)}` }));
  return order.accountId;
}

async function happened(event: LinkEvent, accountId: bigint, at: Instant, address = WALLET): Promise<void> {
  const { bucketCount } = steps.context.installation;
  await appendLinkFact({ db: steps.db, bucketCount }, { address, accountId, event, at });
}

async function assignmentOf({ receiptId, version }: Included) {
  return await steps.db
    .selectFrom('assignments')
    .select(['account_id', 'order_id', 'matched_by', 'reason'])
    .where('receipt_id', '=', receiptId)
    .where('version', '=', version)
    .executeTakeFirst();
}

async function paid(change: Partial<IndexedTransfer> = {}) {
  const transfer = steps.transfer(null, { fromAddress: WALLET, ...change });
  const standing = await steps.pay(transfer);
  return { transfer, standing, assignment: await assignmentOf(standing) };
}

async function alarms() {
  return await steps.db.selectFrom('alarms').select(['kind', 'subject', 'message']).execute();
}

const availableOf = async (accountId: bigint) =>
  (await readCredits(steps.doors, accountId, steps.now)).availableMicrocredits;

describe('a payment of a linked wallet', () => {
  test('goes to the account, from its block’s time on', async () => {
    const accountId = await account();
    await happened('linked', accountId, START);
    steps.now = START + HOUR;
    const { assignment } = await paid();
    expect(assignment).toMatchObject({ account_id: accountId, matched_by: 'linked_wallet', order_id: null });
    const { lots } = await readCredits(steps.doors, accountId, steps.now);
    expect(lots.map(({ addedAt }) => addedAt)).toEqual([START, START + HOUR]);
  });

  test.each<[string, [LinkEvent, Instant][], boolean]>([
    ['linked long before', [['linked', START - DAY]], true],
    ['linked within the second of the block', [['linked', START + SECOND - 1n]], true],
    ['linked a second later', [['linked', START + SECOND]], false],
    ['linked a day later, and noticed after that', [['linked', START + DAY]], false],
    [
      'linked then, and unlinked when it is noticed',
      [
        ['linked', START],
        ['unlinked', START + MINUTE],
      ],
      true,
    ],
    [
      'unlinked before',
      [
        ['linked', START - DAY],
        ['unlinked', START - 1n],
      ],
      false,
    ],
    [
      'unlinked, with a right to recover that lasts',
      [
        ['linked', START - 10n * DAY],
        ['unlinked', START - 1n],
      ],
      false,
    ],
    [
      'revoked before',
      [
        ['linked', START - DAY],
        ['revoked', START - HOUR],
      ],
      false,
    ],
    [
      'unlinked and linked again before',
      [
        ['linked', START - DAY],
        ['unlinked', START - HOUR],
        ['linked', START - MINUTE],
      ],
      true,
    ],
  ])('is judged at its block’s time: %s', async (_, events, expected) => {
    const accountId = await account();
    for (const [event, at] of events) await happened(event, accountId, at);
    const transfer = { blockTimestamp: START / SECOND };
    steps.now = START + 2n * DAY;
    const { assignment } = await paid(transfer);
    expect(assignment?.account_id).toBe(expected ? accountId : undefined);
  });

  test('is nobody’s when the wallet is linked to two accounts then, and the other’s once one has ended', async () => {
    const [one, other] = [await account(), await account()];
    await happened('linked', one, START - HOUR);
    await happened('linked', other, START - MINUTE);
    const before = { blockTimestamp: (START - 30n * MINUTE) / SECOND };
    expect((await paid()).assignment).toBeUndefined();
    expect((await paid(before)).assignment).toMatchObject({ account_id: one });
    await happened('unlinked', one, START + MINUTE);
    steps.now = START + HOUR;
    expect((await paid()).assignment).toMatchObject({ account_id: other });
  });

  test('goes where its reference says, if it has one', async () => {
    await happened('linked', await account(), START);
    const order = await steps.order(1n);
    const standing = await steps.pay(steps.transfer(order.reference, { fromAddress: WALLET }));
    expect(await assignmentOf(standing)).toMatchObject({
      account_id: order.accountId,
      matched_by: 'reference',
    });
  });

  test.each<[string, Partial<IndexedTransfer>]>([
    ['a SELFDESTRUCT', { frameType: 'SELFDESTRUCT' }],
    ['a deposit from L1', { transactionType: 'deposit' }],
    ['another wallet', { fromAddress: OTHER_WALLET }],
  ])('is not %s', async (_, change) => {
    await happened('linked', await account(), START);
    expect((await paid(change)).assignment).toBeUndefined();
  });

  test.each([
    ['the operator’s list', EXCHANGE],
    ['ours', POOLED_SENDERS[0]?.address ?? ''],
  ])('is not one of a sender of many people, be it linked from before, by %s', async (_, address) => {
    await happened('linked', await account(), START, address);
    expect((await paid({ fromAddress: address })).assignment).toBeUndefined();
    expect(await alarms()).toEqual([]);
  });

  test('whichever case its sender is written in', async () => {
    const accountId = await account();
    await happened('linked', accountId, START);
    const fromAddress = `0x${'AB'.repeat(20)}`;
    expect((await paid({ fromAddress })).assignment).toMatchObject({ account_id: accountId });
  });

  test('is judged again where a reorg puts it, by the time of that block', async () => {
    const accountId = await account();
    await happened('linked', accountId, START);
    const { transfer } = await paid();
    expect(await availableOf(accountId)).toBe(2n * DOLLAR_CREDITS);
    const earlier = steps.moved(transfer, { blockTimestamp: START / SECOND - 1n });
    await steps.pay(earlier);
    expect(await assignmentOf(await steps.standing(earlier))).toBeUndefined();
    expect(await availableOf(accountId)).toBe(DOLLAR_CREDITS);
    await steps.pay(steps.moved(transfer));
    expect(await availableOf(accountId)).toBe(2n * DOLLAR_CREDITS);
  });
});

describe('the order that a payment of a linked wallet is for', () => {
  async function statusOf(orderId: string) {
    const order = await findOrder(steps.doors, orderId);
    if (!order) throw new Error('there is no such order');
    return await readOrderStatus(steps.db, order, steps.now);
  }

  /** An order of the same account as `first`, as a top-up would be. */
  async function further(first: { accountId: bigint }) {
    const order = await steps.order(1n);
    await steps.owner.query('update orders set account_id = $1 where order_id = $2', [
      first.accountId,
      order.orderId,
    ]);
    return order;
  }

  test('is the only one that is open, at the price that it was quoted', async () => {
    const order = await steps.order(1n);
    await happened('linked', order.accountId, START);
    const transfer = steps.transfer(null, { fromAddress: WALLET });
    const standing = await steps.pay(transfer, (ANSWER * 101n) / 100n);
    expect(await assignmentOf(standing)).toMatchObject({ order_id: order.orderId });
    expect(await statusOf(order.orderId)).toMatchObject({ amount: 'exact', credited: true });
    expect(await steps.priced(standing)).toMatchObject({
      quoted_wei: DOLLAR_WEI,
      amount_microusd: 1_000_000n,
    });
  });

  test('is none once it is paid, nor one of two that are open', async () => {
    const order = await steps.order(1n);
    await happened('linked', order.accountId, START);
    await paid();
    expect((await paid()).assignment).toMatchObject({ account_id: order.accountId, order_id: null });
    const [second] = [await further(order), await further(order)];
    expect((await paid()).assignment).toMatchObject({ order_id: null });
    await steps.pay(steps.transfer(second.reference));
    expect((await paid()).assignment?.order_id).not.toBeNull();
  });

  test('is the one whose quote still holds, before older ones', async () => {
    const old = await steps.order(1n);
    await happened('linked', old.accountId, START);
    steps.now = START + HOUR;
    const recent = await further(old);
    expect((await paid()).assignment).toMatchObject({ order_id: recent.orderId });
    // What is left is an order whose quote has run out: the payment is the account's alone.
    expect((await paid()).assignment).toMatchObject({ order_id: null });
  });

  test('is the only one of an account without a key, without its quote if it was made after the block', async () => {
    const order = await steps.order(1n, (ANSWER * 101n) / 100n);
    await happened('linked', order.accountId, START - DAY);
    const { assignment, standing } = await paid({ blockTimestamp: START / SECOND - 1n });
    expect(assignment).toMatchObject({ account_id: order.accountId, order_id: order.orderId });
    expect(await steps.priced(standing)).toMatchObject({ quoted_wei: 0n });
  });
});

test('a claim pays the order that the claimant names at the block’s price, whatever that was quoted', async () => {
  const transfer = steps.transfer(null, { fromAddress: WALLET, amountWei: ETH });
  await steps.record(transfer);
  const standing = await steps.standing(transfer);
  // The price of the block is not known yet when the claimant finds a better quote.
  steps.now += SECOND;
  const order = await steps.order(3000n, (ANSWER * 101n) / 100n);
  const outcome = await assignReceipt(steps.context, {
    ...{ receiptId: standing.receiptId, accountId: order.accountId, orderId: order.orderId },
    ...{ matchedBy: 'claim', reason: null, now: steps.now },
  });
  expect(outcome).toMatchObject({ status: 'assigned' });
  await steps.price(standing);
  expect(await steps.priced(standing)).toEqual({ amount_microusd: 2_000_000_000n, quoted_wei: 0n });
});

test('a claim of another inclusion than was looked at is refused', async () => {
  const { standing, transfer } = await paid();
  await steps.pay(steps.moved(transfer));
  const wanted = { receiptId: standing.receiptId, accountId: await account(), reason: null, now: steps.now };
  const outcome = await assignReceipt(steps.context, {
    ...wanted,
    matchedBy: 'claim',
    version: standing.version,
  });
  expect(outcome).toEqual({ status: 'refused', refusal: { code: 'receipt_moved' } });
});

describe('a sender that the operator blocks', () => {
  const operator = { matchedBy: 'operator', reason: 'the court said so' } as const;

  async function frozen(change: Partial<IndexedTransfer> = {}) {
    const order = await steps.order(1n);
    const transfer = steps.transfer(order.reference, { fromAddress: OUTLAW, ...change });
    const standing = await steps.pay(transfer);
    return { order, transfer, standing };
  }

  const alarmOf = (standing: Included) => ({
    kind: 'sender_blocked',
    subject: standing.receiptId,
    message: `${OUTLAW} (an outlaw) has paid ${DOLLAR_WEI} wei, which are frozen.`,
  });

  test('has its payments frozen, whatever they say and whatever it is linked with', async () => {
    await happened('linked', await account(), START - DAY, OUTLAW);
    const { standing } = await frozen();
    expect(await assignmentOf(standing)).toBeUndefined();
    expect(await alarms()).toEqual([alarmOf(standing)]);
    expect((await steps.balances())['ETH:suspense']).toBe(-DOLLAR_WEI);
  });

  test.each([
    ['a blocked one', OUTLAW, 'blocked'],
    ['a pooled one', EXCHANGE, 'pooled'],
  ])('cannot claim them: %s', async (_, fromAddress, kind) => {
    const { standing, order } = await paid({ fromAddress }).then(async made => ({
      ...made,
      order: await steps.order(1n),
    }));
    const { receiptId } = standing;
    const outcome = await assignReceipt(steps.context, {
      ...{ receiptId, accountId: order.accountId, matchedBy: 'claim', reason: null, now: steps.now },
    });
    expect(outcome).toMatchObject({
      status: 'refused',
      refusal: { code: 'sender_listed', obstacle: { kind } },
    });
  });

  test('has them released by an operator with a reason, which ends the alarm and outlives a reorg', async () => {
    const { standing, order, transfer } = await frozen();
    const { receiptId } = standing;
    const wanted = { receiptId, accountId: order.accountId, now: steps.now, ...operator };
    expect(await assignReceipt(steps.context, wanted)).toMatchObject({ status: 'assigned' });
    await steps.deliver();
    expect(await alarms()).toEqual([]);
    expect(await availableOf(order.accountId)).toBe(DOLLAR_CREDITS);
    await steps.pay(steps.moved(transfer));
    expect(await alarms()).toEqual([]);
    expect(await availableOf(order.accountId)).toBe(DOLLAR_CREDITS);
  });

  test('has the alarm as long as the chain has the payment', async () => {
    const { standing, transfer } = await frozen();
    await steps.record(steps.moved(transfer));
    expect(await alarms()).toEqual([alarmOf(standing)]);
    await steps.vanish(await steps.standing(transfer));
    expect(await alarms()).toEqual([]);
  });

  test('is judged again where another fork has another sender', async () => {
    const { order, transfer } = await frozen();
    await steps.pay(steps.moved(transfer, { fromAddress: WALLET }));
    expect(await alarms()).toEqual([]);
    expect(await availableOf(order.accountId)).toBe(DOLLAR_CREDITS);
  });

  test('loses what it had claimed before it was blocked, once a reorg moves it', async () => {
    const { transfer, standing } = await paid();
    const order = await steps.order(1n);
    const { receiptId } = standing;
    const wanted = { receiptId, accountId: order.accountId, reason: null, now: steps.now };
    await assignReceipt(steps.context, { ...wanted, matchedBy: 'claim' });
    await steps.deliver();
    expect(await availableOf(order.accountId)).toBe(DOLLAR_CREDITS);
    const senders = new SenderLists({ blocked: [{ address: WALLET, name: 'an outlaw' }] });
    const blocking = await IntakeSteps.open(database.url, steps.now, { senders });
    await blocking.pay(steps.moved(transfer));
    await blocking.close();
    expect(await availableOf(order.accountId)).toBe(0n);
    expect(await alarms()).toHaveLength(1);
  });
});
