/** Receipts that nobody's reference explains, given to an account by a person: on the real database, step by step. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GENESIS_HASH } from '../../../ledger/core/encoding.ts';
import { DAY, HOUR, type Instant, MINUTE } from '../../../ledger/core/instant.ts';
import { type AssignmentOutcome, openLedger } from '../../../ledger/index.ts';
import { assignReceipt, type ReceiptAssignment } from '../../../ledger/intake/assign-receipt.ts';
import type { IndexedTransfer } from '../../../ledger/intake/indexed-transfers.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import { referenceCalldata } from '../../../ledger/orders/reference.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { createBooks } from '../../../ledger/store/books.ts';
import { bucketOfAccount } from '../../../ledger/store/bucket.ts';
import { instantText } from '../../../ledger/store/instant-text.ts';
import { runIn } from '../../../ledger/store/run-sql.ts';
import { debitOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';
import { DOLLAR_WEI, IntakeSteps } from '../../support/intake-steps.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
/** When somebody looks into it. */
const DECIDED = START + 10n * DAY;
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
  // Whatever a test has done: every chain verifies, and nothing hangs between the books once all is delivered.
  await steps.deliver();
  assertVerified(await readBooks(steps.owner));
  expect((await steps.balances())['USD:clearing']).toBeUndefined();
});

/** A payment without a reference, recorded and, where not told otherwise, priced; then `DECIDED` comes. */
async function inSuspense(change: Partial<IndexedTransfer> = {}, isPriced = true) {
  const transfer = steps.transfer(null, change);
  await steps.record(transfer);
  const standing = await steps.standing(transfer);
  if (isPriced) await steps.price(standing);
  steps.now = DECIDED;
  return { transfer, standing };
}

/** An account that has an order and nothing else yet. */
async function account(): Promise<bigint> {
  return (await steps.order(1n)).accountId;
}

async function emptyBook(accountId: bigint): Promise<bigint> {
  const bucket = bucketOfAccount(accountId, steps.context.installation.bucketCount);
  await createBooks(runIn(steps.db), [{ bucket, accountId }], GENESIS_HASH);
  return accountId;
}

/** An account whose bucket is not that of `standing`. */
async function accountElsewhere(standing: Included): Promise<bigint> {
  for (;;) {
    const accountId = await account();
    if (bucketOfAccount(accountId, steps.context.installation.bucketCount) !== standing.bucket)
      return accountId;
  }
}

function wanted(
  standing: Pick<Included, 'receiptId'>,
  accountId: bigint,
  change: Partial<ReceiptAssignment> = {},
): ReceiptAssignment {
  const { receiptId } = standing;
  return { receiptId, accountId, matchedBy: 'operator', reason: 'their mail', now: steps.now, ...change };
}

async function assign(...what: Parameters<typeof wanted>): Promise<AssignmentOutcome> {
  return await assignReceipt(steps.context, wanted(...what));
}

async function refusalOf(...what: Parameters<typeof wanted>) {
  const before = await steps.everything();
  const outcome = await assign(...what);
  expect(await steps.everything()).toBe(before);
  if (outcome.status !== 'refused') throw new Error('it was not refused');
  return outcome.refusal;
}

async function creditsOf(accountId: bigint) {
  return await readCredits(steps.doors, accountId, steps.now);
}

async function assignmentsOf({ receiptId }: Included) {
  return await steps.db
    .selectFrom('assignments')
    .select(['version', 'account_id', 'matched_by', 'reason', 'decided_at'])
    .where('receipt_id', '=', receiptId)
    .orderBy('version')
    .execute();
}

/**
 * Runs a table of balances: a row is what happened and the balance of each account in the head after it, in whole ETH,
 * dollars and credits, nothing where it is 0. All other accounts must be at 0. Columns may be aligned with any number
 * of spaces.
 */
async function expectBalances(table: string, happen: Record<string, () => Promise<unknown>>): Promise<void> {
  const [head = [], ...rows] = table
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => line.split('|').map(cell => cell.trim()));
  const [, ...accounts] = head;
  for (const row of rows) {
    const [what = ''] = row;
    if (!happen[what]) throw new Error(`nothing is known of “${what}”`);
    await happen[what]();
    const balances = await steps.balances();
    const cells = accounts.map(account => wholeUnits(account, balances[account] ?? 0n));
    expect([what, ...cells]).toEqual(row);
    expect(Object.keys(balances).filter(account => !accounts.includes(account))).toEqual([]);
  }
}

function wholeUnits(account: string, balance: bigint): string {
  if (balance === 0n) return '';
  return String(Number(balance) / (account.startsWith('ETH:') ? 1e18 : 1e6));
}

test('told in balances: $10 without a reference, given to their account, moved by one reorg and taken by another', async () => {
  // 0.005 ETH at $2,000 for an ETH; a dollar buys 10,000 credits. A plus is what there is, a minus where it came from:
  // the columns of one asset add up to 0 in each row.
  const accountId = await account();
  const transfer = steps.transfer(null, { amountWei: 10n * DOLLAR_WEI });
  const moved = steps.moved(transfer);
  const priced = async () => steps.price(await steps.standing(transfer));
  await expectBalances(
    `
    what                      | ETH:treasury | ETH:suspense | ETH:trading | USD:trading | USD:clearing | USD:deferred_revenue | CREDIT:available | CREDIT:issued | CREDIT:clawed_back
    arrived                   | 0.005        | -0.005       |             |             |              |                      |                  |               |
    priced                    | 0.005        | -0.005       |             |             |              |                      |                  |               |
    assigned by an operator   | 0.005        |              | -0.005      | 10          | -10          |                      |                  |               |
    credited                  | 0.005        |              | -0.005      | 10          |              | -10                  | 100000           | -100000       |
    moved to another block    | 0.005        | -0.005       |             |             | 10           | -10                  | 100000           | -100000       |
    taken back                | 0.005        | -0.005       |             |             |              |                      |                  | -100000       | 100000
    priced there              | 0.005        |              | -0.005      | 10          | -10          |                      |                  | -100000       | 100000
    credited again            | 0.005        |              | -0.005      | 10          |              | -10                  | 100000           | -200000       | 100000
    gone for good             |              |              |             |             | 10           | -10                  | 100000           | -200000       | 100000
    taken back again          |              |              |             |             |              |                      |                  | -200000       | 200000
    `,
    {
      arrived: () => steps.record(transfer),
      priced,
      'assigned by an operator': async () => assign(await steps.standing(transfer), accountId),
      credited: () => steps.deliver(),
      'moved to another block': () => steps.record(moved),
      'taken back': () => steps.deliver(),
      'priced there': priced,
      'credited again': () => steps.deliver(),
      'gone for good': async () => steps.vanish(await steps.standing(transfer)),
      'taken back again': () => steps.deliver(),
    },
  );
});

describe('refused, and nothing is changed', () => {
  test.each([null, '', ' \n'])('an operator who does not say why: %j', async reason => {
    const { standing } = await inSuspense();
    expect(await refusalOf(standing, await account(), { reason })).toEqual({ code: 'reason_required' });
  });

  test('a receipt that never arrived', async () => {
    const accountId = await account();
    expect(await refusalOf({ receiptId: 'eth:8453:0x00:0' }, accountId)).toEqual({ code: 'receipt_unknown' });
  });

  test('one that the chain took back', async () => {
    const { standing } = await inSuspense();
    await steps.vanish(standing);
    expect(await refusalOf(standing, await account())).toEqual({ code: 'receipt_absent' });
  });

  test('one that the chain took back after it was assigned, also to whoever had it', async () => {
    const { standing } = await inSuspense();
    const accountId = await account();
    await assign(standing, accountId);
    await steps.vanish(standing);
    expect(await refusalOf(standing, accountId)).toEqual({ code: 'receipt_absent' });
  });

  test('one whose payment says itself whose it is: an operator learns it, a claim does not', async () => {
    const order = await steps.order(1n);
    const standing = await steps.pay(steps.transfer(order.reference));
    const operator = await refusalOf(standing, await account());
    expect(operator).toEqual({ code: 'receipt_assigned', accountId: order.accountId });
    const claim = await refusalOf(standing, await account(), { matchedBy: 'claim', reason: null });
    expect(claim).toEqual({ code: 'receipt_assigned', accountId: null });
  });

  test.each<[string, Partial<ReceiptAssignment>]>([
    ['another account', { accountId: 1n }],
    ['another reason', { reason: 'a hunch' }],
    ['a claim', { matchedBy: 'claim' }],
  ])('one that is assigned, for %s', async (_, change) => {
    const { standing } = await inSuspense();
    const accountId = await account();
    await assign(standing, accountId);
    const refusal = await refusalOf(standing, accountId, change);
    expect(refusal).toEqual({
      code: 'receipt_assigned',
      accountId: change.matchedBy === 'claim' ? null : accountId,
    });
  });

  test.each([
    ['nobody has', 4711n],
    ['is the system itself', 0n],
    ['is none', -1n],
  ])('an account that %s', async (_, accountId) => {
    // The system's book is there, also in the bucket that its number would have as an account.
    await emptyBook(0n);
    const { standing } = await inSuspense();
    expect(await refusalOf(standing, accountId)).toEqual({ code: 'account_unknown' });
  });

  test('less than a micro-dollar, once that is known', async () => {
    const { standing } = await inSuspense({ amountWei: 499_999_999n });
    expect(await refusalOf(standing, await account())).toEqual({ code: 'worth_nothing' });
  });

  test.each<[string, Partial<IndexedTransfer>]>([
    ['a SELFDESTRUCT', { frameType: 'SELFDESTRUCT' }],
    ['a deposit from L1', { transactionType: 'deposit' }],
  ])('a claim to %s, which an operator may assign', async (_, change) => {
    const { standing } = await inSuspense(change);
    const accountId = await account();
    const claim = { matchedBy: 'claim', reason: null } as const;
    expect(await refusalOf(standing, accountId, claim)).toEqual({ code: 'receipt_unattributed' });
    expect(await assign(standing, accountId)).toMatchObject({ status: 'assigned' });
    await steps.deliver();
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(DOLLAR_CREDITS);
  });
});

describe('accounts that can be given a receipt', () => {
  test.each<[string, () => Promise<bigint>]>([
    ['with a book and nothing else', () => emptyBook(41n)],
    ['with an order and nothing else', () => account()],
    ['with a key and nothing else', () => accountWithKey()],
  ])('one %s', async (_, make) => {
    const accountId = await make();
    const { standing } = await inSuspense();
    expect(await assign(standing, accountId)).toMatchObject({ status: 'assigned' });
    await steps.deliver();
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(DOLLAR_CREDITS);
  });

  async function accountWithKey(): Promise<bigint> {
    const bucket = bucketOfAccount(42n, steps.context.installation.bucketCount);
    await steps.db
      .insertInto('account_keys')
      .values({ bucket, account_id: 42n, key_number: 1, key_hash: Buffer.alloc(32) })
      .execute();
    return 42n;
  }
});

describe('assigned once', () => {
  test('the same again is the same answer, at any time later', async () => {
    const { standing } = await inSuspense();
    const accountId = await account();
    const answer = await assign(standing, accountId, { reason: ' their mail\n' });
    expect(answer).toEqual({
      status: 'assigned',
      version: 1,
      decidedAt: DECIDED,
      amountMicrousd: DOLLAR,
    });
    await steps.deliver();
    steps.now += HOUR;
    const before = await steps.everything();
    expect(await assign(standing, accountId)).toEqual(answer);
    await steps.deliver();
    expect(await steps.everything()).toBe(before);
  });

  test('two at once for two accounts: one wins, the other is told', async () => {
    const { standing } = await inSuspense();
    const accounts = [await account(), await account()];
    const outcomes = await atOnce(
      standing,
      accounts.map(accountId => () => assign(standing, accountId)),
    );
    const winner = accounts[outcomes.findIndex(({ status }) => status === 'assigned')];
    expect(outcomes.filter(({ status }) => status === 'assigned')).toHaveLength(1);
    expect(outcomes.find(({ status }) => status === 'refused')).toEqual({
      status: 'refused',
      refusal: { code: 'receipt_assigned', accountId: winner },
    });
    await steps.deliver();
    expect((await steps.balances())['CREDIT:issued']).toBe(-DOLLAR_CREDITS);
  });

  test('the same twice at once: one assignment, one answer', async () => {
    const { standing } = await inSuspense();
    const accountId = await account();
    const [one, other] = await atOnce(standing, [
      () => assign(standing, accountId),
      () => assign(standing, accountId),
    ]);
    expect(one).toMatchObject({ status: 'assigned' });
    expect(other).toEqual(one);
    expect(await assignmentsOf(standing)).toHaveLength(1);
  });

  test('at once with its price: credited once, whoever is first', async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      const { standing } = await inSuspense({}, false);
      const accountId = await account();
      const both: (() => Promise<unknown>)[] = [
        () => assign(standing, accountId),
        () => steps.price(standing),
      ];
      await atOnce(standing, turn % 2 === 0 ? both : both.reverse());
      await steps.deliver();
      expect((await creditsOf(accountId)).availableMicrocredits).toBe(DOLLAR_CREDITS);
    }
  });

  test('at once with a reorg that takes it: nothing is left of it', async () => {
    for (let turn = 0; turn < 4; turn += 1) {
      const { standing } = await inSuspense();
      const accountId = await account();
      const both: (() => Promise<unknown>)[] = [
        () => assign(standing, accountId),
        () => steps.vanish(standing),
      ];
      await atOnce(standing, turn % 2 === 0 ? both : both.reverse());
      await steps.deliver();
      const { availableMicrocredits, debtMicrocredits } = await creditsOf(accountId);
      expect([availableMicrocredits, debtMicrocredits]).toEqual([0n, 0n]);
    }
    expect((await steps.balances())['ETH:suspense']).toBeUndefined();
  });

  /** Starts all while the system book of `standing` is locked, and lets them go once they wait for it. */
  async function atOnce<Result>(
    standing: Included,
    starts: readonly (() => Promise<Result>)[],
  ): Promise<Result[]> {
    const held = await steps.owner.connect();
    await held.query('begin');
    await held.query('select from books where bucket = $1 and account_id = 0 for update', [standing.bucket]);
    const started: Promise<Result>[] = [];
    for (const [index, start] of starts.entries()) {
      started.push(start());
      await steps.waitersOnLocks(BigInt(index + 1));
    }
    await held.query('rollback');
    held.release();
    return await Promise.all(started);
  }
});

describe('from suspense to the account', () => {
  test('priced before: into an account of another bucket, through a crash between the steps and one behind them', async () => {
    const { standing } = await inSuspense();
    const accountId = await accountElsewhere(standing);
    expect(await steps.balances()).toEqual({ 'ETH:treasury': DOLLAR_WEI, 'ETH:suspense': -DOLLAR_WEI });

    await assign(standing, accountId);
    // The worker dies here. The money has left suspense and is in clearing.
    expect(await steps.balances()).toEqual({
      'ETH:treasury': DOLLAR_WEI,
      'ETH:trading': -DOLLAR_WEI,
      'USD:trading': DOLLAR,
      'USD:clearing': -DOLLAR,
    });
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(0n);

    const row = await steps.db.selectFrom('outbox').selectAll().executeTakeFirstOrThrow();
    expect(row).toMatchObject({ action: 'purchase', account_id: accountId, paid_at: null });
    const credited = {
      'ETH:treasury': DOLLAR_WEI,
      'ETH:trading': -DOLLAR_WEI,
      'USD:trading': DOLLAR,
      'USD:deferred_revenue': -DOLLAR,
      'CREDIT:available': DOLLAR_CREDITS,
      'CREDIT:issued': -DOLLAR_CREDITS,
    };
    await Promise.all([steps.deliver(), steps.deliver()]);
    expect(await steps.balances()).toEqual(credited);
    // It had died once more, before it could cross it off.
    await steps.db
      .insertInto('outbox')
      .values({ ...row, paid_at: null, decided_at: instantText(row.decided_at) })
      .execute();
    steps.now += HOUR;
    await steps.deliver();
    expect(await steps.balances()).toEqual(credited);
    expect((await creditsOf(accountId)).lots).toMatchObject([{ addedAt: DECIDED }]);
  });

  test.each<[string, Partial<ReceiptAssignment>]>([
    ['an operator', {}],
    ['a claim', { matchedBy: 'claim', reason: null }],
  ])('priced afterwards: by %s, in suspense until then, and it counts from then', async (_, by) => {
    const { standing } = await inSuspense({}, false);
    const accountId = await accountElsewhere(standing);
    // Soon after its block, where any other payment would count from.
    steps.now = START + HOUR;
    expect(await assign(standing, accountId, by)).toEqual({
      status: 'assigned',
      version: 1,
      decidedAt: START + HOUR,
      amountMicrousd: null,
    });
    await steps.deliver();
    expect(await steps.balances()).toEqual({ 'ETH:treasury': DOLLAR_WEI, 'ETH:suspense': -DOLLAR_WEI });

    steps.now += MINUTE;
    await steps.price(standing);
    expect((await steps.balances())['USD:clearing']).toBe(-DOLLAR);
    await steps.deliver();
    expect((await creditsOf(accountId)).lots).toMatchObject([{ addedAt: START + HOUR + MINUTE }]);
    expect(await assign(standing, accountId, by)).toMatchObject({ amountMicrousd: DOLLAR });
  });

  test('found to be worth nothing after it was assigned: it stays in suspense', async () => {
    const { standing } = await inSuspense({ amountWei: 499_999_999n }, false);
    const accountId = await account();
    await assign(standing, accountId);
    await steps.price(standing);
    await steps.deliver();
    expect(await steps.balances()).toEqual({ 'ETH:treasury': 499_999_999n, 'ETH:suspense': -499_999_999n });
    expect(await assign(standing, accountId)).toMatchObject({ status: 'assigned', amountMicrousd: 0n });
  });

  test('open debt is settled out of it first', async () => {
    const order = await steps.order(1n);
    const lost = await steps.pay(steps.transfer(order.reference));
    await steps.context.poster.submit(order.accountId, debitOf(3000n, 'job'));
    await steps.vanish(lost);
    await steps.deliver();
    const { standing } = await inSuspense();
    await assign(standing, order.accountId);
    await steps.deliver();
    expect(await creditsOf(order.accountId)).toMatchObject({
      availableMicrocredits: 7_000_000_000n,
      debtMicrocredits: 0n,
    });
  });
});

describe('its 30 days', () => {
  // The payment is ten days old, or a minute; either way the days begin when its credits are posted.
  test.each([
    ['decided ten days after the payment', 10n * DAY],
    ['decided a minute after the payment', MINUTE],
  ])('%s: from the decision, to the microsecond', async (_, after) => {
    const accountId = await account();
    const { standing } = await inSuspense();
    const decided: Instant = START + after;
    steps.now = decided;
    await assign(standing, accountId);
    await steps.deliver();
    expect((await creditsOf(accountId)).lots).toMatchObject([
      { addedAt: decided, expiresAt: decided + 30n * DAY },
    ]);
    steps.now = decided + 30n * DAY - 1n;
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(DOLLAR_CREDITS);
    steps.now += 1n;
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(0n);
  });

  test('posted two days later, as the worker was away: from then, so that none is lost', async () => {
    const accountId = await account();
    const { standing } = await inSuspense();
    await assign(standing, accountId);
    steps.now = DECIDED + 2n * DAY;
    await steps.deliver();
    expect((await creditsOf(accountId)).lots).toMatchObject([{ addedAt: DECIDED + 2n * DAY }]);
  });
});

describe('when the chain changes its mind', () => {
  const OTHER_SENDER = `0x${'cd'.repeat(20)}`;

  test.each([
    ['before it was posted', false],
    ['after it was posted', true],
  ])('gone %s: taken back, and suspense is empty', async (_, isPosted) => {
    const accountId = await account();
    const { standing } = await inSuspense();
    await assign(standing, accountId);
    if (isPosted) await steps.deliver();
    await steps.vanish(standing);
    await steps.deliver();
    expect(await creditsOf(accountId)).toMatchObject({ availableMicrocredits: 0n, debtMicrocredits: 0n });
    expect(await steps.balances()).toEqual({
      'CREDIT:issued': -DOLLAR_CREDITS,
      'CREDIT:clawed_back': DOLLAR_CREDITS,
    });
  });

  test('gone after some of it was spent: that is owed', async () => {
    const accountId = await account();
    const { standing } = await inSuspense();
    await assign(standing, accountId);
    await steps.deliver();
    await steps.context.poster.submit(accountId, debitOf(3000n, 'job'));
    await steps.vanish(standing);
    await steps.deliver();
    expect(await creditsOf(accountId)).toMatchObject({
      availableMicrocredits: 0n,
      debtMicrocredits: 3_000_000_000n,
    });
  });

  test('gone before it had a price: nothing was credited, nothing is taken', async () => {
    const { standing } = await inSuspense({}, false);
    await assign(standing, await account());
    await steps.vanish(standing);
    await steps.deliver();
    expect(await steps.balances()).toEqual({});
  });

  test.each<[string, Partial<ReceiptAssignment>]>([
    ['an operator', {}],
    ['a claim', { matchedBy: 'claim', reason: null }],
  ])('in another block, of another value: what %s decided holds, and its days begin anew', async (_, by) => {
    const accountId = await account();
    const { transfer, standing } = await inSuspense();
    await assign(standing, accountId, by);
    await steps.deliver();
    steps.now = DECIDED + HOUR;
    const again = await steps.pay(steps.moved(transfer, { amountWei: 3n * DOLLAR_WEI }));
    const { matchedBy, reason } = wanted(standing, accountId, by);
    const kept = { account_id: accountId, matched_by: matchedBy, reason };
    expect(await assignmentsOf(standing)).toEqual([
      { ...kept, version: 1, decided_at: DECIDED },
      { ...kept, version: 2, decided_at: DECIDED + HOUR },
    ]);
    expect(await creditsOf(accountId)).toMatchObject({
      availableMicrocredits: 3n * DOLLAR_CREDITS,
      debtMicrocredits: 0n,
      lots: [{ addedAt: DECIDED + HOUR }],
    });
    expect((await steps.balances())['ETH:suspense']).toBeUndefined();
    expect(await assign(again, accountId, by)).toMatchObject({ status: 'assigned', version: 2 });
  });

  test('noticed in its new block long after that: its days begin when it is posted', async () => {
    const accountId = await account();
    const { transfer, standing } = await inSuspense();
    await assign(standing, accountId);
    const moved = steps.moved(transfer);
    steps.now = DECIDED + HOUR;
    await steps.pay(moved);
    expect((await creditsOf(accountId)).lots).toMatchObject([{ addedAt: DECIDED + HOUR }]);
  });

  test('gone, and back in the very same block: it is not in suspense again', async () => {
    const accountId = await account();
    const { transfer, standing } = await inSuspense();
    await assign(standing, accountId);
    await steps.deliver();
    await steps.vanish(standing);
    await steps.deliver();
    expect((await steps.pay(transfer)).version).toBe(3);
    expect(await assignmentsOf(standing)).toMatchObject([{ version: 1 }, { version: 3 }]);
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(DOLLAR_CREDITS);
    expect((await steps.balances())['ETH:suspense']).toBeUndefined();
  });

  test('moved three times before anything is posted: one lot in the end', async () => {
    const accountId = await account();
    let { transfer, standing } = await inSuspense();
    await assign(standing, accountId);
    for (let turn = 0; turn < 3; turn += 1) {
      transfer = steps.moved(transfer);
      await steps.record(transfer);
      standing = await steps.standing(transfer);
      await steps.price(standing);
    }
    await steps.deliver();
    const { availableMicrocredits, lots } = await creditsOf(accountId);
    expect([availableMicrocredits, lots.length]).toEqual([DOLLAR_CREDITS, 1]);
  });

  test('what comes from another sender on the other fork is nobody’s, until the first one is back', async () => {
    const accountId = await account();
    const { transfer, standing } = await inSuspense();
    await assign(standing, accountId);
    await steps.pay(steps.moved(transfer, { fromAddress: OTHER_SENDER }));
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(0n);
    expect((await steps.balances())['ETH:suspense']).toBe(-DOLLAR_WEI);
    await steps.pay(steps.moved(transfer));
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(DOLLAR_CREDITS);
    expect((await steps.balances())['ETH:suspense']).toBeUndefined();
  });

  test.each<[string, Partial<ReceiptAssignment>, bigint]>([
    ['an operator gave it holds', {}, DOLLAR_CREDITS],
    ['a claim gave it is no longer sure', { matchedBy: 'claim', reason: null }, 0n],
  ])('a SELFDESTRUCT on the other fork: what %s', async (_, by, available) => {
    const accountId = await account();
    const { transfer, standing } = await inSuspense();
    await assign(standing, accountId, by);
    await steps.pay(steps.moved(transfer, { frameType: 'SELFDESTRUCT' }));
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(available);
  });

  test('a payment that names an order on the other fork is the order’s', async () => {
    const accountId = await account();
    const order = await steps.order(1n);
    const { transfer, standing } = await inSuspense();
    await assign(standing, accountId);
    const input = referenceCalldata(order.reference);
    await steps.pay(steps.moved(transfer, { input, inputLength: (input.length - 2) / 2 }));
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(0n);
    expect((await creditsOf(order.accountId)).availableMicrocredits).toBe(DOLLAR_CREDITS);
  });
});

test('many at once, of many accounts: suspense is empty and every dollar is with its account', async () => {
  const accounts = await Promise.all(Array.from({ length: 12 }, () => account()));
  const transfers = accounts.map(() => steps.transfer(null));
  await Promise.all(transfers.map(transfer => steps.record(transfer)));
  const standing = await Promise.all(transfers.map(transfer => steps.standing(transfer)));
  steps.now = DECIDED;
  await Promise.all(
    standing.flatMap((inclusion, index) => [
      steps.price(inclusion),
      assign(inclusion, accounts[index] ?? 0n),
      steps.deliver(),
    ]),
  );
  await steps.deliver();
  for (const accountId of accounts)
    expect((await creditsOf(accountId)).availableMicrocredits).toBe(DOLLAR_CREDITS);
  const balances = await steps.balances();
  expect([balances['ETH:suspense'], balances['USD:clearing']]).toEqual([undefined, undefined]);
});

test('through the ledger it is credited at once, and nothing else of the outbox is touched', async () => {
  const other = await steps.order(1n);
  await steps.record(steps.transfer(other.reference));
  const { standing } = await inSuspense();
  const waiting = await inSuspense();
  const accountId = await account();
  await assign(waiting.standing, accountId);
  const ledger = await openLedger({
    databaseUrl: database.url,
    rpcUrl: 'http://127.0.0.1:1',
    installation: TEST_INSTALLATION,
    clock: () => steps.now,
  });
  try {
    const request = wanted(standing, accountId);
    const answer = await ledger.assignReceipt(request);
    expect(answer).toMatchObject({ status: 'assigned', amountMicrousd: DOLLAR });
    expect((await creditsOf(accountId)).lots).toMatchObject([{ addedAt: DECIDED }]);
    expect(await ledger.assignReceipt(request)).toEqual(answer);
    expect(await steps.db.selectFrom('outbox').select('receipt_id').execute()).toEqual([
      { receipt_id: waiting.standing.receiptId },
    ]);
    expect(await ledger.assignReceipt({ ...request, reason: 'a hunch' })).toEqual({
      status: 'refused',
      refusal: { code: 'receipt_assigned', accountId },
    });
  } finally {
    await ledger.close();
  }
});
