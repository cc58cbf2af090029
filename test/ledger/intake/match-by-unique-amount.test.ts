/** Payments known by their amount alone: on the real database, step by step. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR, MICROSECONDS_PER_SECOND, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import { UNIQUE_STEP_WEI } from '../../../ledger/core/unique-amount.ts';
import { assignReceipt } from '../../../ledger/intake/assign-receipt.ts';
import type { IndexedTransfer } from '../../../ledger/intake/indexed-transfers.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { referenceCalldata } from '../../../ledger/orders/reference.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { readSuspense } from '../../../ledger/reads/suspense.ts';
import { bucketOf } from '../../../ledger/store/bucket.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, IntakeSteps, type PlacedOrder } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const HOME = { address: '192.0.2.1' };
/** A little lower than what is quoted. */
const LESS = (ANSWER * 99n) / 100n;

let database: TestDatabase;
let steps: IntakeSteps;
let order: PlacedOrder;
let amountWei: bigint;
beforeAll(async () => {
  database = await createDatabase();
  steps = await IntakeSteps.open(database.url, START);
});
afterAll(async () => {
  await steps.close();
  await database.drop();
});
beforeEach(async () => {
  await steps.startOver(START);
  order = await steps.uniqueOrder(10n, HOME);
  amountWei = order.quotedWei ?? 0n;
});
afterEach(async () => {
  await steps.deliver();
  assertVerified(await readBooks(steps.owner));
  expect((await steps.balances())['USD:clearing']).toBeUndefined();
});

/** A transfer of the order's amount without any data. */
const transferOf = (change: Partial<IndexedTransfer> = {}) => steps.transfer(null, { amountWei, ...change });

/** What the amount is worth at a price, in microcredits. */
const worth = (answer: bigint) => ((amountWei * answer) / 10n ** 20n) * 10_000n;

async function available({ accountId }: PlacedOrder): Promise<bigint> {
  return (await readCredits(steps.doors, accountId, steps.now)).availableMicrocredits;
}

/** How the standing inclusion of a transfer is matched, or why it is in suspense. */
async function matchOf(transfer: IndexedTransfer): Promise<string> {
  const { receiptId, version } = await steps.standing(transfer);
  const assignment = await steps.db
    .selectFrom('assignments')
    .select(['matched_by', 'order_id'])
    .where('receipt_id', '=', receiptId)
    .where('version', '=', version)
    .executeTakeFirst();
  const { receipts } = await readSuspense(steps.db, { limit: 100 });
  const suspended = receipts.find(receipt => receipt.receiptId === receiptId);
  expect(suspended === undefined).toBe(assignment !== undefined);
  return assignment ? assignment.matched_by : `suspense: ${suspended?.reason}`;
}

async function recorded(transfer: IndexedTransfer): Promise<string> {
  await steps.record(transfer);
  return await matchOf(transfer);
}

test('from the exchange to the credits, at the quoted price', async () => {
  const transfer = transferOf();
  await steps.pay(transfer, LESS);
  expect(await matchOf(transfer)).toBe('unique_amount');
  expect(await available(order)).toBe(worth(ANSWER));
});

describe('exactly the amount, sent on purpose', () => {
  test.each<[string, () => Partial<IndexedTransfer>, string]>([
    ['the amount', () => ({}), 'unique_amount'],
    ['by a contract within another transaction', () => ({ traceIndex: 17 }), 'unique_amount'],
    ['with data that is no reference', () => ({ input: '0x00', inputLength: 1 }), 'unique_amount'],
    ['a unit less', () => ({ amountWei: amountWei - UNIQUE_STEP_WEI }), 'suspense: no_match'],
    ['a unit more', () => ({ amountWei: amountWei + UNIQUE_STEP_WEI }), 'suspense: no_match'],
    ['a wei more', () => ({ amountWei: amountWei + 1n }), 'suspense: no_match'],
    ['by a SELFDESTRUCT', () => ({ frameType: 'SELFDESTRUCT' }), 'suspense: not_a_payment'],
    ['by a deposit from L1', () => ({ transactionType: 'deposit' }), 'suspense: not_a_payment'],
  ])('%s', async (_, change, expected) => {
    expect(await recorded(transferOf(change()))).toBe(expected);
  });

  test('what a plain order is quoted tells nobody’s payment, however rarely it is asked for', async () => {
    const plain = await steps.order(3n);
    const transfer = steps.transfer(null, { amountWei: plain.quotedWei ?? 0n });
    expect(await recorded(transfer)).toBe('suspense: no_match');
  });
});

describe('in time', () => {
  const RESERVED_UNTIL = START + 10n * MINUTE + 30n * DAY;

  test.each([
    ['in the second in which the order was made', START, 'unique_amount'],
    ['in the second before', START - SECOND, 'suspense: unique_amount_not_in_force'],
    ['at its deadline', START + 10n * MINUTE, 'unique_amount'],
    ['29 days late', START + 29n * DAY, 'unique_amount'],
    ['30 days after its deadline', RESERVED_UNTIL, 'unique_amount'],
    ['a second after that', RESERVED_UNTIL + SECOND, 'suspense: unique_amount_not_in_force'],
  ])('in a block %s', async (_, blockAt, expected) => {
    const blockTimestamp = blockAt / MICROSECONDS_PER_SECOND;
    expect(await recorded(transferOf({ blockTimestamp }))).toBe(expected);
  });

  test('blocks know whole seconds: an order made within one is there in it', async () => {
    steps.now = START + 999_999n;
    const later = await steps.uniqueOrder(10n, HOME);
    const transfer = steps.transfer(null, { amountWei: later.quotedWei ?? 0n });
    expect(transfer.blockTimestamp).toBe(START / MICROSECONDS_PER_SECOND);
    expect(await recorded(transfer)).toBe('unique_amount');
  });

  test('after the deadline it is taken at the price of its block', async () => {
    steps.now = START + HOUR;
    await steps.pay(transferOf(), LESS);
    expect(await available(order)).toBe(worth(LESS));
  });

  test('once it is another order’s turn, each gets what was sent in its own time', async () => {
    // Everything else near this amount is taken, so that the same one is given again.
    steps.now = RESERVED_UNTIL + SECOND;
    await steps.owner.query(
      `insert into unique_amounts
       select 0, wei * $1::numeric, 99, 'ord_other', '2027-01-01Z' from generate_series($2::bigint, $3::bigint) wei
       where wei * $1::numeric <> $4`,
      [UNIQUE_STEP_WEI, 500_000, 502_500, amountWei],
    );
    const next = await steps.uniqueOrder(10n, HOME);
    expect(next.quotedWei).toBe(amountWei);
    steps.now += MINUTE;
    await steps.pay(transferOf());
    expect([await available(order), await available(next)]).toEqual([0n, worth(ANSWER)]);
    // Noticed late, but sent in the first one's time.
    await steps.pay(transferOf({ blockTimestamp: RESERVED_UNTIL / MICROSECONDS_PER_SECOND }), LESS);
    expect([await available(order), await available(next)]).toEqual([worth(LESS), worth(ANSWER)]);
  });
});

describe('the first of several', () => {
  test('a second transfer of the amount is nobody’s, and the order is credited once', async () => {
    const [first, second] = [transferOf(), transferOf()];
    await steps.pay(first);
    await steps.pay(second);
    expect([await matchOf(first), await matchOf(second)]).toEqual([
      'unique_amount',
      'suspense: unique_amount_taken',
    ]);
    expect(await available(order)).toBe(worth(ANSWER));
    expect((await steps.balances())['ETH:suspense']).toBe(-amountWei);
  });

  test('two recorded at once, in books of different buckets: one of them', async () => {
    const [one, other] = await inDifferentBuckets();
    // Both have found the amount and wait for the order.
    const held = await steps.owner.connect();
    await held.query('begin');
    await held.query('select from orders where order_id = $1 for update', [order.orderId]);
    const recording = [steps.record(one), steps.record(other)];
    await steps.waitersOnLocks(2n);
    await held.query('rollback');
    held.release();
    await Promise.all(recording);
    expect([await matchOf(one), await matchOf(other)].sort()).toEqual([
      'suspense: unique_amount_taken',
      'unique_amount',
    ]);
    for (const transfer of [one, other]) await steps.price(await steps.standing(transfer));
    await steps.deliver();
    expect(await available(order)).toBe(worth(ANSWER));
  });

  test('one that the chain took back is none: the next is the first', async () => {
    const first = transferOf();
    await steps.vanish(await steps.pay(first));
    const second = transferOf();
    await steps.pay(second);
    expect(await matchOf(second)).toBe('unique_amount');
    expect(await available(order)).toBe(worth(ANSWER));
    // Once it is back it is the second.
    expect(await recorded(first)).toBe('suspense: unique_amount_taken');
  });

  test('the same receipt in another block is still the first, also before another one', async () => {
    const [first, second] = [transferOf(), transferOf()];
    await steps.pay(first);
    await steps.pay(second);
    // On the new fork they are the other way round.
    const [movedSecond, movedFirst] = [steps.moved(second), steps.moved(first)];
    await steps.pay(movedSecond);
    await steps.pay(movedFirst);
    expect([await matchOf(movedFirst), await matchOf(movedSecond)]).toEqual([
      'unique_amount',
      'suspense: unique_amount_taken',
    ]);
    expect(await available(order)).toBe(worth(ANSWER));
  });

  test('gone and back, with nothing in between: it is the order’s again', async () => {
    const transfer = transferOf();
    await steps.vanish(await steps.pay(transfer));
    await steps.deliver();
    expect(await available(order)).toBe(0n);
    await steps.pay(transfer);
    expect(await available(order)).toBe(worth(ANSWER));
  });

  test('paid by its reference: another transfer of the amount might be anybody’s', async () => {
    await steps.pay(steps.transfer(order.reference, { amountWei }));
    expect(await recorded(transferOf())).toBe('suspense: unique_amount_taken');
  });

  test('paid in part by its reference: the transfer of the amount is the order’s', async () => {
    await steps.pay(steps.transfer(order.reference));
    expect(await recorded(transferOf())).toBe('unique_amount');
  });

  /** Two transfers whose receipts do not wait for the same book. */
  async function inDifferentBuckets(): Promise<[IndexedTransfer, IndexedTransfer]> {
    const { bucketCount, chainId } = steps.context.installation;
    const bucket = (transfer: IndexedTransfer) =>
      bucketOf(`eth:${chainId}:${transfer.transactionHash}:${transfer.traceIndex}`, bucketCount);
    const one = transferOf();
    for (;;) {
      const other = transferOf();
      if (bucket(other) !== bucket(one)) return [one, other];
    }
  }
});

describe('what goes before the amount', () => {
  test('a reference, also of another order', async () => {
    const other = await steps.order(1n);
    await steps.pay(steps.transfer(other.reference, { amountWei }));
    expect([await available(order), await available(other)]).toEqual([0n, worth(ANSWER)]);
    // So the order's own payment is still the first.
    expect(await recorded(transferOf())).toBe('unique_amount');
  });

  test('what an operator decided when the chain had it elsewhere', async () => {
    const other = await steps.order(1n);
    const [first, second] = [transferOf(), transferOf()];
    await steps.pay(first);
    await steps.pay(second);
    expect(await assign(await steps.standing(second), other.accountId)).toBe('assigned');
    await steps.vanish(await steps.standing(first));
    expect(await recorded(steps.moved(second))).toBe('operator');
  });
});

test('assigned by an operator at once with being recorded in another block with a reference: credited once', async () => {
  const other = await steps.order(1n);
  const stranger = transferOf({ amountWei: 7n * UNIQUE_STEP_WEI });
  for (let turn = 0; turn < 4; turn += 1) {
    const transfer = { ...stranger, transactionHash: transferOf().transactionHash };
    await steps.pay(transfer);
    const standing = await steps.standing(transfer);
    const input = referenceCalldata(order.reference);
    const moved = steps.moved(transfer, { input, inputLength: (input.length - 2) / 2 });
    const held = await steps.owner.connect();
    await held.query('begin');
    await held.query('select from books where bucket = $1 and account_id = 0 for update', [standing.bucket]);
    const both: (() => Promise<unknown>)[] = [
      () => assign(standing, other.accountId),
      () => steps.record(moved),
    ];
    const started: Promise<unknown>[] = [];
    for (const start of turn % 2 === 0 ? both : both.reverse()) {
      started.push(start());
      await steps.waitersOnLocks(BigInt(started.length));
    }
    await held.query('rollback');
    held.release();
    const outcomes = await Promise.all(started);
    expect(outcomes[turn % 2]).toBe(turn % 2 === 0 ? 'assigned' : 'receipt_assigned');
    expect(await matchOf(moved)).toBe('reference');
    await steps.price(await steps.standing(moved));
    await steps.deliver();
    const each = ((7n * UNIQUE_STEP_WEI * ANSWER) / 10n ** 20n) * 10_000n;
    expect([await available(order), await available(other)]).toEqual([BigInt(turn + 1) * each, 0n]);
  }
});

async function assign({ receiptId }: Included, accountId: bigint): Promise<string> {
  const request = { receiptId, accountId, matchedBy: 'operator', reason: 'a mail', now: steps.now } as const;
  const outcome = await assignReceipt(steps.context, request);
  return outcome.status === 'refused' ? outcome.refusal.code : outcome.status;
}
