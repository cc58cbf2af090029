/** Orders with an amount of their own: no two have the same, and nobody gets all that there are. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import { UNIQUE_STEP_WEI, uniqueAmountCandidates } from '../../../ledger/core/unique-amount.ts';
import { OPEN_OF_BUYER_MAX, OPEN_OF_STRANGERS_MAX } from '../../../ledger/orders/unique-amount-limits.ts';
import { bucketOf } from '../../../ledger/store/bucket.ts';
import { instantText } from '../../../ledger/store/instant-text.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, DOLLAR_WEI, IntakeSteps } from '../../support/intake-steps.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');
const HOME = { address: '192.0.2.1' };
const MICRODOLLAR_WEI = 500_000_000n;

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

/** Another address each time. */
let drawn = 0;
const stranger = () => {
  drawn += 1;
  return { address: `198.51.100.${drawn}` };
};

/** Keeps amounts as if other orders had them. */
async function take(amountsWei: readonly bigint[], until = START + 30n * DAY): Promise<void> {
  const { bucketCount } = steps.context.installation;
  await steps.db
    .insertInto('unique_amounts')
    .values(
      amountsWei.map(wei => ({
        bucket: bucketOf(wei.toString(), bucketCount),
        amount_wei: wei,
        turn: 1,
        order_id: 'ord_of_somebody_else',
        reserved_until: instantText(until),
      })),
    )
    .execute();
}

test('what is asked for, promised and kept: a little more than the dollars need, for 30 days beyond the deadline', async () => {
  const order = await steps.uniqueOrder(10n, HOME);
  const { quotedWei, guaranteedWei } = order;
  expect(uniqueAmountCandidates(10n * DOLLAR_WEI, ANSWER)).toContain(quotedWei);
  expect(guaranteedWei).toBe(quotedWei);
  const row = await steps.db.selectFrom('unique_amounts').selectAll().executeTakeFirst();
  const until = START + 10n * MINUTE + 30n * DAY;
  expect(row).toMatchObject({
    amount_wei: quotedWei,
    turn: 1,
    order_id: order.orderId,
    reserved_until: until,
  });
  const stored = await steps.db.selectFrom('orders').select('amount_reserved_until').executeTakeFirst();
  expect(stored?.amount_reserved_until).toBe(until);
});

test('no more than $1,000 of it is promised at its price', async () => {
  const order = await steps.uniqueOrder(1000n, HOME);
  expect(order.quotedWei).toBeGreaterThan(1000n * DOLLAR_WEI);
  expect(order.guaranteedWei).toBe(1000n * DOLLAR_WEI);
});

describe('one amount, one order', () => {
  /** A micro-dollar leaves 99 amounts to choose from: 0.00000001 to 0.00000099 ETH. */
  const ALL = uniqueAmountCandidates(MICRODOLLAR_WEI, ANSWER);

  test('many at once that all want one of the same: no two get the same', async () => {
    await take(ALL.slice(8));
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => steps.askForUnique(1n, stranger())));
    const amounts = outcomes.flatMap(outcome =>
      outcome.status === 'made' ? [outcome.order.quoted_wei ?? 0n] : [],
    );
    expect(new Set(amounts)).toEqual(new Set(ALL.slice(0, 8)));
    expect(amounts).toHaveLength(8);
    expect(outcomes.filter(outcome => outcome.status === 'refused')).toHaveLength(2);
  });

  test('two that choose the same amount: the later one waits for the other and chooses again', async () => {
    const [one, other, ...rest] = ALL;
    await take(rest);
    // Somebody has just taken the first, but is not done.
    const held = await steps.owner.connect();
    await held.query('begin');
    for (const wei of [one, other])
      await held.query(`insert into unique_amounts values ($1, $2, 1, 'ord_unfinished', '2026-05-01Z')`, [
        bucketOf(String(wei), steps.context.installation.bucketCount),
        wei,
      ]);
    const asked = steps.askForUnique(1n, HOME);
    await steps.waitersOnLocks(1n);
    await held.query('commit');
    held.release();
    expect(await asked).toMatchObject({ status: 'refused', reason: 'all_taken' });
  });

  test('when all are taken: asked to come again when the first is free, and nothing is left of it', async () => {
    await take(ALL.slice(1), START + 30n * DAY);
    await take(ALL.slice(0, 1), START + HOUR);
    const before = await steps.everything();
    expect(await steps.askForUnique(1n, HOME)).toEqual({
      status: 'refused',
      reason: 'all_taken',
      askAgainAt: START + HOUR + SECOND,
    });
    expect(await steps.everything()).toBe(before);
  });

  test('an amount is free again a second after it was kept, and then it is the next one’s turn', async () => {
    await take(ALL, START + HOUR);
    steps.now = START + HOUR + SECOND - 1n;
    expect(await steps.askForUnique(1n, HOME)).toMatchObject({ reason: 'all_taken' });
    steps.now += 1n;
    const outcome = await steps.askForUnique(1n, HOME);
    if (outcome.status !== 'made') throw new Error('it was refused');
    const turns = await steps.db
      .selectFrom('unique_amounts')
      .select(['turn', 'order_id'])
      .where('amount_wei', '=', outcome.order.quoted_wei)
      .orderBy('turn')
      .execute();
    expect(turns).toEqual([
      { turn: 1, order_id: 'ord_of_somebody_else' },
      { turn: 2, order_id: outcome.order.order_id },
    ]);
  });

  test('the database takes no amount of more than 8 decimals', async () => {
    await expect(take([UNIQUE_STEP_WEI + 1n])).rejects.toThrow(/violates check constraint/);
  });
});

describe('nobody gets them all', () => {
  const refused = (askAgainAt: bigint) => ({ status: 'refused', reason: 'too_many_open', askAgainAt });
  const most = OPEN_OF_BUYER_MAX;

  /** So many orders of $1, a minute apart. */
  async function ask(count: number, buyer: Parameters<IntakeSteps['uniqueOrder']>[1]) {
    const orders = [];
    for (let turn = 0; turn < count; turn += 1) {
      orders.push(await steps.uniqueOrder(1n, buyer));
      steps.now += MINUTE;
    }
    return orders;
  }

  test('so many a day from one address, and again a day after the first', async () => {
    await ask(most, HOME);
    expect(await steps.askForUnique(1n, HOME)).toEqual(refused(START + DAY));
    expect(await steps.askForUnique(1n, stranger())).toMatchObject({ status: 'made' });
    steps.now = START + DAY - 1n;
    expect(await steps.askForUnique(1n, HOME)).toEqual(refused(START + DAY));
    steps.now = START + DAY;
    expect(await steps.askForUnique(1n, HOME)).toMatchObject({ status: 'made' });
    // The next slot is that of the second order.
    expect(await steps.askForUnique(1n, HOME)).toEqual(refused(START + DAY + MINUTE));
  });

  test('so many a day of one account, wherever it asks from', async () => {
    const { accountId } = await steps.order(1n);
    await ask(most, { accountId });
    expect(await steps.askForUnique(1n, { accountId })).toEqual(refused(START + DAY));
    const { accountId: another } = await steps.order(1n);
    expect(await steps.askForUnique(1n, { accountId: another })).toMatchObject({ status: 'made' });
    expect(await steps.askForUnique(1n, HOME)).toMatchObject({ status: 'made' });
  });

  test('an order that something is paid of does not count', async () => {
    const [first] = await ask(most, HOME);
    if (!first?.quotedWei) throw new Error('there is no first order');
    await steps.record(steps.transfer(null, { amountWei: first.quotedWei }));
    expect(await steps.askForUnique(1n, HOME)).toMatchObject({ status: 'made' });
    expect(await steps.askForUnique(1n, HOME)).toEqual(refused(START + MINUTE + DAY));
  });

  test('many at once from one address: no more than that', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: most + 5 }, () => steps.askForUnique(1_000_000n, HOME)),
    );
    expect(outcomes.filter(outcome => outcome.status === 'made')).toHaveLength(most);
  });

  test('many addresses together get so many a day; accounts are not concerned', async () => {
    await steps.owner.query(
      `insert into unique_amount_requests
       select 'ord_' || n, 'address:somewhere ' || n, $1::timestamptz + n * interval '1 microsecond'
       from generate_series(1, $2) n`,
      [instantText(START), OPEN_OF_STRANGERS_MAX],
    );
    steps.now = START + HOUR;
    expect(await steps.askForUnique(1n, stranger())).toEqual(refused(START + 1n + DAY));
    const { accountId } = await steps.order(1n);
    expect(await steps.askForUnique(1n, { accountId })).toMatchObject({ status: 'made' });
    steps.now = START + 1n + DAY;
    expect(await steps.askForUnique(1n, stranger())).toMatchObject({ status: 'made' });
  });

  test('an address is forgotten after a day', async () => {
    await steps.uniqueOrder(1n, HOME);
    steps.now = START + DAY;
    await steps.uniqueOrder(1n, { address: '203.0.113.9' });
    const everything = await steps.everything();
    expect(everything).not.toContain(HOME.address);
    expect(everything).toContain('203.0.113.9');
  });

  test('what was refused is not counted', async () => {
    await take(uniqueAmountCandidates(MICRODOLLAR_WEI, ANSWER));
    for (let turn = 0; turn < most; turn += 1)
      expect(await steps.askForUnique(1n, HOME)).toMatchObject({ reason: 'all_taken' });
    expect(await steps.askForUnique(1_000_000n, HOME)).toMatchObject({ status: 'made' });
  });
});
