/** From the books to the messages: what is told, what is not, and that it is told once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE } from '../../../ledger/core/instant.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { changeEndpoint } from '../../../ledger/webhooks/endpoints.ts';
import { followBooks } from '../../../ledger/webhooks/follow.ts';
import { WebhookDesk } from '../../support/webhook-desk.ts';

const NOON = parseInstant('2026-03-01T12:00:00Z');
const CREDIT = 1_000_000n;
/** Nothing is sent in these tests. */
const URL = 'http://127.0.0.1:1/hook';

let desk: WebhookDesk;
beforeAll(async () => {
  desk = await WebhookDesk.open(NOON);
});
afterAll(() => desk?.close());

describe('low_balance', () => {
  const wanted = { url: URL, events: ['low_balance'], lowBalanceMicrocredits: 500n * CREDIT } as const;

  test('is told once below the threshold, and again after the renewal at midnight', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, wanted);
    const told = async () => {
      await desk.follow();
      return await desk.told(to, 'available', 'threshold');
    };
    await desk.debit(account, 9_500n);
    expect(await told(), 'at the threshold').toEqual([]);
    await desk.debit(account, 1n);
    expect(await told()).toEqual(['low_balance 499 500']);
    await desk.debit(account, 1n);
    expect(await told(), 'below already').toHaveLength(1);
    desk.now += DAY;
    expect(await told(), 'renewed').toHaveLength(1);
    await desk.debit(account, 9_501n);
    expect(await told()).toEqual(['low_balance 499 500', 'low_balance 499 500']);
    desk.now += DAY;
  });

  test('is told of every fall, also where the next rise was posted before anybody looked', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, wanted);
    await desk.debit(account, 9_600n);
    await desk.buy(account, 1n);
    await desk.debit(account, 10_000n);
    await desk.follow();
    expect(await desk.told(to, 'available')).toEqual(['low_balance 400', 'low_balance 400']);
  });

  test('counts what is held as not available', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, wanted);
    await desk.post(account, {
      type: 'hold',
      identity: desk.identity(),
      amountMicrocredits: 9_800n * CREDIT,
      life: 10n * MINUTE,
      limits: { ofAccount: 10, ofService: 10 },
      details: null,
    });
    await desk.follow();
    expect(await desk.told(to, 'available', 'held')).toEqual(['low_balance 200 9800']);
  });

  test('by what time alone takes: the end of a lot, whoever posts it', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, wanted);
    await desk.follow();
    desk.now += 30n * DAY - 1n;
    await desk.follow();
    expect(await desk.told(to), 'a microsecond before').toEqual([]);
    desk.now += 1n;
    await desk.follow();
    expect(await desk.told(to, 'available')).toEqual(['low_balance 0']);
  });

  test('is not told of a balance that was low before', async () => {
    const account = await desk.account();
    await desk.debit(account, 9_900n);
    const to = await desk.subscribe(account, wanted);
    await desk.debit(account, 50n);
    await desk.follow();
    expect(await desk.told(to)).toEqual([]);
  });
});

describe('debt_opened', () => {
  test('is told once for each opening', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, { url: URL, events: ['debt_opened'] });
    await desk.debit(account, 10_000n);
    await desk.clawBack(account, 1n, 1n);
    await desk.follow();
    expect(await desk.told(to, 'debt')).toEqual(['debt_opened 10000']);
    desk.now += DAY;
    await desk.follow();
    expect(await desk.told(to), 'still open').toHaveLength(1);
    await desk.buy(account, 2n);
    await desk.debit(account, 10_000n);
    await desk.follow();
    expect(await desk.told(to), 'settled').toHaveLength(1);
    const { rows } = await desk.books.pool.query<{ lot: bigint }>(
      'select max(lot_id) as lot from lots where account_id = $1',
      [account],
    );
    await desk.clawBack(account, rows[0]?.lot ?? 0n, 2n);
    await desk.follow();
    expect(await desk.told(to, 'debt')).toEqual(['debt_opened 10000', 'debt_opened 20000']);
  });
});

describe('lot_added', () => {
  test('is told once for each lot, with what it is', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, { url: URL, events: ['lot_added'] });
    await desk.debit(account, 1n);
    await desk.buy(account, 3n);
    await desk.post(account, {
      type: 'adjustment',
      identity: desk.identity(),
      amountMicrocredits: 7n * CREDIT,
      policy: 'none',
      details: '{}',
    });
    await desk.follow();
    await desk.follow();
    const bodies = (await desk.deliveries(to)).map(({ body }) => JSON.parse(body));
    expect(bodies).toMatchObject([
      {
        type: 'lot_added',
        data: { lot: { face: '30000', policy: 'refill' }, cause: 'purchase', available: '39999' },
      },
      {
        type: 'lot_added',
        data: { lot: { face: '7', policy: 'none' }, cause: 'adjustment', available: '40006' },
      },
    ]);
  });

  test('is told of an entry that is new to the endpoint only', async () => {
    const account = await desk.account();
    const early = await desk.subscribe(account, { url: URL });
    await desk.buy(account, 1n);
    const late = await desk.subscribe(account, { url: URL });
    await desk.follow();
    expect(await desk.told(early)).toEqual(['lot_added']);
    expect(await desk.told(late)).toEqual([]);
  });
});

describe('expiry_soon', () => {
  test('is told once, so many hours before, with what will lapse', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, { url: URL, events: ['expiry_soon'], expiryHours: 48 });
    await desk.follow();
    desk.now += 28n * DAY - 1n;
    await desk.follow();
    expect(await desk.told(to), 'a microsecond before').toEqual([]);
    desk.now += 1n;
    await desk.follow();
    // Spent or not: it is full again by its end.
    expect(await desk.told(to, 'lapsing')).toEqual(['expiry_soon 10000']);
    desk.now += HOUR;
    await desk.debit(account, 1n);
    await desk.follow();
    await changeEndpoint(desk.context, account, to.endpointId, { expiryHours: 700 }, desk.now);
    await desk.follow();
    expect(await desk.told(to)).toHaveLength(1);
  });

  test('is told of a lot that is added when its end is near already', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, { url: URL, events: ['expiry_soon'], expiryHours: 720 });
    await desk.follow();
    expect(await desk.told(to, 'lapsing')).toEqual(['expiry_soon 10000']);
    desk.now += 1n;
    await desk.buy(account, 2n);
    await desk.follow();
    expect(await desk.told(to, 'lapsing')).toEqual(['expiry_soon 10000', 'expiry_soon 20000']);
  });

  test('is not told of a lot that has nothing to lose', async () => {
    const account = await desk.account();
    await desk.post(account, {
      type: 'adjustment',
      identity: desk.identity(),
      amountMicrocredits: 5n * CREDIT,
      policy: 'none',
      details: '{}',
    });
    desk.now += 1n;
    await desk.clawBack(account, 1n, 1n);
    await desk.debit(account, 5n);
    const to = await desk.subscribe(account, { url: URL, events: ['expiry_soon'], expiryHours: 720 });
    await desk.follow();
    expect(await desk.told(to)).toEqual([]);
  });
});

describe('following', () => {
  test('by four workers at once tells everything once', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, {
      url: URL,
      events: ['lot_added', 'expiry_soon'],
      expiryHours: 720,
    });
    for (let count = 0; count < 5; count += 1) await desk.buy(account, 1n);
    desk.books.now = desk.now;
    await Promise.all([1, 2, 3, 4].map(() => followBooks(desk.context, desk.now)));
    expect((await desk.told(to)).sort()).toEqual([
      ...Array(6).fill('expiry_soon'),
      ...Array(5).fill('lot_added'),
    ]);
  });

  test('does not happen while the endpoint is disabled, and catches up afterwards', async () => {
    const account = await desk.account();
    const to = await desk.subscribe(account, { url: URL });
    await changeEndpoint(desk.context, account, to.endpointId, { isEnabled: false }, desk.now);
    await desk.buy(account, 1n);
    await desk.follow();
    expect(await desk.told(to)).toEqual([]);
    await changeEndpoint(desk.context, account, to.endpointId, { isEnabled: true }, desk.now);
    await desk.follow();
    expect(await desk.told(to)).toEqual(['lot_added']);
  });

  test('of one book that fails holds up no other', async () => {
    const [broken, sound] = [await desk.account(), await desk.account()];
    await desk.subscribe(broken, { url: URL });
    const to = await desk.subscribe(sound, { url: URL });
    await desk.buy(broken, 1n);
    await desk.buy(sound, 1n);
    const poster = { submit: () => Promise.reject(new Error('no')) } as never;
    desk.now += DAY;
    // Its midnight is due, which cannot be posted.
    await desk.debit(broken, 1n);
    desk.now += DAY;
    await followBooks({ ...desk.context, poster }, desk.now);
    expect(desk.log.join('\n')).toContain('could not be followed, trying again: Error: no');
    expect(await desk.told(to)).toEqual(['lot_added']);
    await desk.follow();
  });
});
