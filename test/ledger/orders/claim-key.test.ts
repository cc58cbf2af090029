/** Who gets the Secure Key of an order, and until when. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HOUR, MICROSECONDS_PER_SECOND, MINUTE } from '../../../ledger/core/instant.ts';
import { authenticateKey } from '../../../ledger/keys/authenticate.ts';
import { isWellFormed, newSecret } from '../../../ledger/keys/secret.ts';
import { acknowledgeKey, claimKey } from '../../../ledger/orders/claim-key.ts';
import { readCredits } from '../../../ledger/reads/credits.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, DOLLAR_WEI, IntakeSteps, type PlacedOrder } from '../../support/intake-steps.ts';
import { readInstant } from '../../support/scenario.ts';

const START = readInstant('2026-03-01 15:00');

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

const claim = (order: PlacedOrder, secret = order.secret) =>
  claimKey(steps.doors, order.orderId, secret, steps.now);
const acknowledge = ({ orderId, secret }: PlacedOrder, secureKey: string) =>
  acknowledgeKey(steps.doors, orderId, { secret, secureKey }, steps.now);
const use = (key: string) => authenticateKey(steps.doors, key, async () => steps.now);

async function claimedKey(order: PlacedOrder): Promise<string> {
  const claimed = await claim(order);
  if (claimed.status !== 'claimed') throw new Error(`the claim was answered ${claimed.status}`);
  return claimed.secureKey;
}

async function paidOrder(): Promise<PlacedOrder> {
  const order = await steps.order(1n);
  await steps.pay(steps.transfer(order.reference));
  return order;
}

/** How many keys of all accounts still open something. */
async function liveKeys(): Promise<bigint> {
  const { rows } = await steps.owner.query<{ live: bigint }>(
    'select count(*) as live from secure_keys where revoked_at is null',
  );
  return rows[0]?.live ?? -1n;
}

test('a key is there once credits are, and not before', async () => {
  const order = await steps.order(1n);
  expect(await claim(order)).toEqual({ status: 'payment_pending' });
  const transfer = steps.transfer(order.reference);
  await steps.record(transfer);
  expect(await claim(order)).toEqual({ status: 'payment_pending' });
  await steps.price(await steps.standing(transfer));
  expect(await claim(order)).toEqual({ status: 'payment_pending' });
  await steps.deliver();
  const key = await claimedKey(order);
  expect(isWellFormed(key, 'secureKey', 'dev')).toBe(true);
  expect(await use(key)).toMatchObject({ keyNumber: 1, scope: 'manage' });
});

test('the key opens the account that the payment went to', async () => {
  const order = await paidOrder();
  const claimed = await claim(order);
  expect(claimed).toMatchObject({ status: 'claimed' });
  const [book] = await steps.db
    .selectFrom('books')
    .select('account_id')
    .where('account_id', '>', 0n)
    .execute();
  expect(claimed).toMatchObject({ accountId: book?.account_id });
});

test('neither the key nor the secret of the order is kept anywhere', async () => {
  const order = await paidOrder();
  const key = await claimedKey(order);
  const everything = await steps.everything();
  for (const secret of [key, order.secret]) {
    expect(everything).not.toContain(secret);
    expect(everything).not.toContain(secret.slice(-12));
    expect(everything).not.toContain(Buffer.from(secret).toString('hex'));
  }
});

describe('whoever does not hold the secret learns nothing', () => {
  test.each<[string, (order: PlacedOrder) => [string, string]]>([
    ['another secret of the right form', order => [order.orderId, newSecret('orderSecret', 'dev')]],
    ['a secret of the other mode', order => [order.orderId, newSecret('orderSecret', 'live')]],
    [
      'a typo',
      order => [order.orderId, `${order.secret.slice(0, -1)}${order.secret.endsWith('0') ? '1' : '0'}`],
    ],
    ['the reference', order => [order.orderId, order.reference]],
    ['nothing', order => [order.orderId, '']],
    ['an order that is none', order => ['ord_000000000000000000000000', order.secret]],
  ])('%s', async (_, shown) => {
    const [orderId, secret] = shown(await paidOrder());
    const before = await steps.everything();
    expect(await claimKey(steps.doors, orderId, secret, steps.now)).toEqual({ status: 'order_unknown' });
    expect(await acknowledgeKey(steps.doors, orderId, { secret, secureKey: '' }, steps.now)).toBe(
      'order_unknown',
    );
    expect(await steps.everything()).toBe(before);
  });

  test('nor does the holder of the secret of another order', async () => {
    const [one, other] = [await paidOrder(), await paidOrder()];
    expect(await claim(one, other.secret)).toEqual({ status: 'order_unknown' });
  });
});

describe('the claim goes on', () => {
  test('claiming again gives a new key and ends the one before', async () => {
    const order = await paidOrder();
    const first = await claimedKey(order);
    const second = await claimedKey(order);
    expect(second).not.toBe(first);
    expect(await use(first)).toBeNull();
    expect(await use(second)).toMatchObject({ keyNumber: 2 });
    expect(await liveKeys()).toBe(1n);
  });

  test('whatever becomes of the payment', async () => {
    const order = await steps.order(1n);
    const standing = await steps.pay(steps.transfer(order.reference));
    await claimedKey(order);
    await steps.vanish(standing);
    await steps.deliver();
    const key = await claimedKey(order);
    expect(await use(key)).not.toBeNull();
  });

  test('but not begins once the payment is gone', async () => {
    const order = await steps.order(1n);
    await steps.vanish(await steps.pay(steps.transfer(order.reference)));
    expect(await claim(order)).toEqual({ status: 'payment_pending' });
  });

  test('for 24 hours after the first one', async () => {
    const order = await paidOrder();
    await claimedKey(order);
    steps.now = START + 23n * HOUR;
    await claimedKey(order);
    steps.now = START + 24n * HOUR;
    const last = await claimedKey(order);
    steps.now = START + 24n * HOUR + 1n;
    expect(await claim(order)).toEqual({ status: 'claim_closed' });
    expect(await use(last)).not.toBeNull();
  });

  test('a first claim may come any time', async () => {
    const order = await paidOrder();
    steps.now = START + 100n * 24n * HOUR;
    await claimedKey(order);
  });
});

describe('the claim ends', () => {
  test('with the first use of the key, which goes on opening', async () => {
    const order = await paidOrder();
    const key = await claimedKey(order);
    await use(key);
    expect(await claim(order)).toEqual({ status: 'claim_closed' });
    expect(await use(key)).not.toBeNull();
  });

  test('when the buyer has saved the key', async () => {
    const order = await paidOrder();
    expect(await acknowledge(order, newSecret('secureKey', 'dev'))).toBe('not_claimed');
    const superseded = await claimedKey(order);
    const key = await claimedKey(order);
    expect(await acknowledge(order, superseded)).toBe('key_superseded');
    expect(await acknowledge(order, key)).toBe('acknowledged');
    expect(await acknowledge(order, key)).toBe('acknowledged');
    expect(await claim(order)).toEqual({ status: 'claim_closed' });
    expect(await use(key)).not.toBeNull();
  });

  test('for good: an acknowledgement that is repeated later keeps its first instant', async () => {
    const order = await paidOrder();
    const key = await claimedKey(order);
    await acknowledge(order, key);
    const before = await steps.everything();
    steps.now += MINUTE;
    await acknowledge(order, key);
    expect(await steps.everything()).toBe(before);
  });

  test('a wrong key ends nothing', async () => {
    const order = await paidOrder();
    const key = await claimedKey(order);
    for (const wrong of [
      newSecret('secureKey', 'dev'),
      newSecret('secureKey', 'live'),
      order.secret,
      '',
      `${key}0`,
    ])
      expect(await use(wrong)).toBeNull();
    await claimedKey(order);
  });
});

describe('a top-up', () => {
  /** An account with its key, and an order that tops it up. */
  async function toppedUp() {
    const first = await paidOrder();
    const key = await claimedKey(first);
    await use(key);
    return { key, topUp: await steps.order(2n, ANSWER, first.accountId), first };
  }

  test('is credited to the account, whose key goes on opening it', async () => {
    const { key, topUp, first } = await toppedUp();
    expect(topUp.accountId).toBe(first.accountId);
    await steps.pay(steps.transfer(topUp.reference, { amountWei: 2n * DOLLAR_WEI }));
    const holder = await use(key);
    const { availableMicrocredits } = await readCredits(steps.doors, holder?.accountId ?? 0n, steps.now);
    expect(availableMicrocredits).toBe(30_000_000_000n);
  });

  test.each<[string, (topUp: PlacedOrder) => Promise<unknown>]>([
    ['before it is paid', async () => {}],
    ['once it is paid', topUp => steps.pay(steps.transfer(topUp.reference))],
  ])('gives out no key, %s', async (_, before) => {
    const { topUp } = await toppedUp();
    await before(topUp);
    const everything = await steps.everything();
    expect(await claim(topUp)).toEqual({ status: 'nothing_to_claim' });
    expect(await acknowledge(topUp, newSecret('secureKey', 'dev'))).toBe('nothing_to_claim');
    expect(await steps.everything()).toBe(everything);
  });

  test('shows even that to nobody without its secret', async () => {
    const { topUp, first } = await toppedUp();
    expect(await claim(topUp, first.secret)).toEqual({ status: 'order_unknown' });
  });

  test('leaves the claim of the account’s first order as it is', async () => {
    const first = await paidOrder();
    const topUp = await steps.order(1n, ANSWER, first.accountId);
    await steps.pay(steps.transfer(topUp.reference));
    expect(await claim(first)).toMatchObject({ status: 'claimed', accountId: first.accountId });
  });
});

describe('at once', () => {
  test('many claims of one order: one key is left that opens', async () => {
    const order = await paidOrder();
    const claims = await Promise.all(Array.from({ length: 8 }, () => claim(order)));
    const keys = claims.flatMap(claimed => (claimed.status === 'claimed' ? [claimed.secureKey] : []));
    expect(new Set(keys).size).toBe(8);
    expect(await liveKeys()).toBe(1n);
    const holders = await Promise.all(keys.map(use));
    expect(holders.filter(holder => holder !== null)).toHaveLength(1);
  });

  test('a first use and further claims: never two keys that open, never none', async () => {
    for (let round = 0; round < 12; round += 1) {
      const order = await paidOrder();
      const first = await claimedKey(order);
      const before = await liveKeys();
      const [used, ...claims] = await Promise.all([use(first), claim(order), claim(order)]);
      const keys = claims.flatMap(claimed => (claimed.status === 'claimed' ? [claimed.secureKey] : []));
      // Whoever came first has won: the use closes the claim, or the claim ends the key.
      expect(keys.length).toBe(used === null ? 2 : 0);
      expect(await liveKeys()).toBe(before);
      const opening = (await Promise.all([first, ...keys].map(use))).filter(holder => holder !== null);
      expect(opening).toHaveLength(1);
    }
  });

  test('two first uses: both are let in, and the first instant is kept', async () => {
    const order = await paidOrder();
    const key = await claimedKey(order);
    const holders = await Promise.all([use(key), use(key), use(key)]);
    expect(holders.map(holder => holder?.keyNumber)).toEqual([1, 1, 1]);
  });
});

describe('an order', () => {
  test('is quoted to the wei that its dollars need, and guaranteed up to $1,000', async () => {
    const order = await steps.order(1n);
    expect(order).toMatchObject({
      quotedWei: DOLLAR_WEI,
      guaranteedWei: DOLLAR_WEI,
      deadline: START + 10n * MINUTE,
    });
    const large = await steps.order(1001n);
    expect([large.quotedWei, large.guaranteedWei]).toEqual([1001n * DOLLAR_WEI, 1000n * DOLLAR_WEI]);
  });

  test('has an id, a reference, a secret and an account that tell nothing of each other', async () => {
    const orders = await Promise.all(Array.from({ length: 50 }, () => steps.order(1n)));
    const parts = orders.flatMap(order => [order.orderId, order.reference, order.secret]);
    expect(new Set(parts).size).toBe(150);
    const rows = await steps.db.selectFrom('orders').select('account_id').execute();
    expect(new Set(rows.map(row => row.account_id)).size).toBe(50);
    for (const { account_id } of rows) expect(account_id > 0n && account_id < 2n ** 63n).toBe(true);
  });

  test('keeps the deadline to the microsecond', async () => {
    steps.now = START + 123_457n;
    const order = await steps.order(1n);
    const row = await steps.db.selectFrom('orders').select(['deadline', 'created_at']).executeTakeFirst();
    expect(row).toEqual({ deadline: order.deadline, created_at: START + 123_457n });
    expect((order.deadline - START) % MICROSECONDS_PER_SECOND).toBe(123_457n);
  });
});
