/** From a message to a customer's server: signed, tried again, given up, paused, and by one worker at a time. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { claim, readDue } from '../../../ledger/webhooks/attempt.ts';
import { RETRIES } from '../../../ledger/webhooks/backoff.ts';
import { requestRetry, requestTest } from '../../../ledger/webhooks/deliveries.ts';
import { Dispatcher } from '../../../ledger/webhooks/dispatcher.ts';
import {
  changeEndpoint,
  deleteEndpoint,
  readEndpoint,
  rotateSecret,
} from '../../../ledger/webhooks/endpoints.ts';
import { type Subscriber, WebhookDesk } from '../../support/webhook-desk.ts';
import { isSignedWith, type Receiver, startReceiver } from '../../support/webhook-receiver.ts';

const NOON = parseInstant('2026-03-01T12:00:00Z');

let desk: WebhookDesk;
let receiver: Receiver;
let to: Subscriber;
beforeAll(async () => {
  desk = await WebhookDesk.open(NOON);
});
afterAll(() => desk?.close());
/** An endpoint with one message that is to be sent: a lot was added. */
beforeEach(async () => {
  receiver = await startReceiver();
  const account = await desk.account();
  to = await desk.subscribe(account, { url: receiver.url });
  await desk.buy(account, 2n);
  await desk.follow();
});
afterEach(async () => {
  await deleteEndpoint(desk.context, to.accountId, to.endpointId);
  await receiver.stop();
});

const endpoint = () => readEndpoint(desk.context, to.accountId, to.endpointId);
const failing = () => {
  receiver.answer = response => void response.writeHead(500).end();
};

test('a message is signed, says when it was sent, and is sent once', async () => {
  await desk.send();
  await desk.send();
  const [message, ...more] = receiver.received;
  expect(more).toEqual([]);
  if (!message) throw new Error('nothing came');
  expect(await isSignedWith(to.secret, message)).toBe(true);
  const [delivery] = await desk.deliveries(to);
  expect(message.headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': delivery?.deliveryId,
    'webhook-timestamp': (desk.now / SECOND).toString(),
  });
  expect(message.body).toBe(delivery?.body);
  expect(delivery).toMatchObject({
    status: 'delivered',
    attempts: 1,
    lastStatus: 204,
    lastProblem: null,
    nextAttemptAt: null,
    deliveredAt: desk.now,
  });
});

describe('a message that is not accepted', () => {
  test('is tried again as the schedule says, with the same id and body, and then given up', async () => {
    failing();
    const began = desk.now;
    const waits: bigint[] = [];
    for (;;) {
      await desk.send();
      const [delivery] = await desk.deliveries(to);
      if (delivery?.status !== 'pending' || delivery.nextAttemptAt === null) break;
      waits.push(delivery.nextAttemptAt - desk.now);
      // Not a microsecond before.
      desk.now = delivery.nextAttemptAt - 1n;
      await desk.send();
      desk.now += 1n;
    }
    expect(waits.map(wait => wait / SECOND)).toEqual([
      ...[10n, 40n, 160n, 640n, 2560n, 10_240n, 40_960n],
      ...[43_200n, 43_200n, 43_200n, 43_200n, 43_200n],
    ]);
    expect(receiver.received).toHaveLength(RETRIES + 1);
    expect(
      new Set(receiver.received.map(({ headers, body }) => `${headers['webhook-id']} ${body}`)).size,
    ).toBe(1);
    for (const message of receiver.received) expect(await isSignedWith(to.secret, message)).toBe(true);
    expect((await desk.deliveries(to))[0]).toMatchObject({
      status: 'failed',
      attempts: 13,
      lastStatus: 500,
      lastProblem: 'not_accepted',
    });
    expect((desk.now - began) / HOUR).toBe(75n);
    expect(await endpoint()).toMatchObject({ status: 'paused', failingSince: began, pausedAt: desk.now });
  });

  test('arrives when the server is back, which ends the alarm', async () => {
    failing();
    await desk.send();
    expect(await endpoint()).toMatchObject({ status: 'active', failingSince: desk.now });
    receiver.answer = response => void response.writeHead(200).end();
    desk.now += MINUTE;
    await desk.send();
    expect((await desk.deliveries(to))[0]).toMatchObject({ status: 'delivered', attempts: 2 });
    expect(await endpoint()).toMatchObject({ failingSince: null });
  });

  test('waits apart from the others of its endpoint', async () => {
    receiver.answer = (response, { body }) =>
      void response.writeHead(body.includes('"face":"20000"') ? 500 : 204).end();
    await desk.buy(to.accountId, 3n);
    await desk.follow();
    await desk.send();
    expect((await desk.deliveries(to)).map(({ status }) => status).sort()).toEqual(['delivered', 'pending']);
  });
});

describe('a paused endpoint', () => {
  /** Another message waits behind the one that is answered so. */
  beforeEach(async () => {
    desk.now += 1n;
    await desk.buy(to.accountId, 4n);
    await desk.follow();
    receiver.answer = response => void response.writeHead(410).end();
    await desk.send();
    receiver.answer = response => void response.writeHead(204).end();
  });

  test('is one that is gone (410), at once; nothing more is tried', async () => {
    expect(await endpoint()).toMatchObject({ status: 'paused', pausedAt: desk.now });
    expect(await desk.deliveries(to)).toMatchObject([
      { status: 'failed', attempts: 1 },
      { status: 'pending', attempts: 0 },
    ]);
    await desk.buy(to.accountId, 5n);
    desk.now += DAY;
    await desk.follow();
    await desk.send();
    expect(receiver.received).toHaveLength(1);
  });

  test('is sent what its owner asks for: a test, and a message once more', async () => {
    await requestRetry(desk.context, to, (await desk.deliveries(to))[0]?.deliveryId ?? '', desk.now);
    await requestTest(desk.context, to, desk.now);
    await desk.send();
    expect(
      receiver
        .bodies()
        .map(({ type }) => type)
        .sort(),
    ).toEqual(['lot_added', 'lot_added', 'test']);
    expect(await endpoint()).toMatchObject({ status: 'paused' });
  });

  test('is told all that happened meanwhile once it is enabled', async () => {
    // Messages of one instant that two looks have made have no order.
    desk.now += 1n;
    await desk.buy(to.accountId, 5n);
    await changeEndpoint(desk.context, to.accountId, to.endpointId, { isEnabled: true }, desk.now);
    await desk.follow();
    await desk.send();
    expect(receiver.bodies().map(({ data }) => (data.lot as { face: string }).face)).toEqual([
      ...['20000', '40000', '50000'],
    ]);
    expect(await endpoint()).toMatchObject({ status: 'active', failingSince: null, pausedAt: null });
  });
});

test('a test is tried once, and its failure is no alarm', async () => {
  await desk.send();
  failing();
  await requestTest(desk.context, to, desk.now);
  await desk.send();
  const tested = (await desk.deliveries(to)).filter(({ type }) => type === 'test');
  expect(tested).toMatchObject([{ status: 'failed', attempts: 1 }]);
  expect(await endpoint()).toMatchObject({ failingSince: null });
});

test('messages of one moment are sent in the order of what they tell', async () => {
  await desk.send();
  for (const usd of [3n, 4n, 5n, 6n, 7n]) await desk.buy(to.accountId, usd);
  await desk.follow();
  await desk.send();
  expect(receiver.bodies().map(({ data }) => (data.lot as { face: string }).face)).toEqual([
    ...['20000', '30000', '40000', '50000', '60000', '70000'],
  ]);
});

test('a new secret signs beside the old one for a day, and alone from then on', async () => {
  const rotated = await rotateSecret(desk.context, to.accountId, to.endpointId, desk.now);
  if (!rotated) throw new Error('there is no such endpoint');
  await desk.send();
  const [first] = receiver.received;
  if (!first) throw new Error('nothing came');
  expect(await isSignedWith(to.secret, first)).toBe(true);
  expect(await isSignedWith(rotated.secret, first)).toBe(true);
  desk.now += DAY;
  await requestTest(desk.context, to, desk.now);
  await desk.send();
  const second = receiver.received[1];
  if (!second) throw new Error('the test did not come');
  expect(await isSignedWith(to.secret, second)).toBe(false);
  expect(await isSignedWith(rotated.secret, second)).toBe(true);
  const again = await rotateSecret(desk.context, to.accountId, to.endpointId, desk.now);
  await rotateSecret(desk.context, to.accountId, to.endpointId, desk.now);
  expect(again?.secret).not.toBe(rotated.secret);
  const { rows } = await desk.books.pool.query('select number from webhook_secrets where endpoint_id = $1', [
    to.endpointId,
  ]);
  expect(rows).toHaveLength(2);
});

describe('several workers', () => {
  test('send a message once', async () => {
    const workers = [1, 2, 3, 4].map(() => new Dispatcher(desk.context));
    await Promise.all(workers.map(worker => worker.start(desk.now)));
    await Promise.all(workers.map(worker => worker.idle()));
    expect(receiver.received).toHaveLength(1);
  });

  test('claim a message that all have found due, and one gets it', async () => {
    const [due] = await readDue(desk.context, desk.now);
    if (!due) throw new Error('nothing is due');
    const claims = await Promise.all([1, 2, 3].map(() => claim(desk.context, due, desk.now)));
    expect(claims.filter(claimed => claimed !== undefined)).toHaveLength(1);
  });

  test('one that dies with a message in its hands leaves it to the next, a minute later', async () => {
    const [due] = await readDue(desk.context, desk.now);
    if (!due) throw new Error('nothing is due');
    // It is killed here: nothing was sent, and nothing more is heard of it.
    expect(await claim(desk.context, due, desk.now)).toMatchObject({ delivery_id: due.delivery_id });
    desk.now += MINUTE - 1n;
    await desk.send();
    expect(receiver.received, 'it may still be sending').toEqual([]);
    desk.now += 1n;
    await desk.send();
    expect(receiver.received).toHaveLength(1);
    expect((await desk.deliveries(to))[0]).toMatchObject({ status: 'delivered', attempts: 2 });
  });

  test('one that was slower than its claim changes nothing any more', async () => {
    let release = () => {};
    receiver.answer = response => {
      release = () => void response.writeHead(500).end();
    };
    const slow = new Dispatcher(desk.context);
    await slow.start(desk.now);
    await vi.waitUntil(() => receiver.received.length === 1, { timeout: 60_000 });
    const releaseSlow = release;
    desk.now += MINUTE;
    receiver.answer = response => void response.writeHead(204).end();
    await desk.send();
    releaseSlow();
    await slow.idle();
    expect((await desk.deliveries(to))[0]).toMatchObject({
      status: 'delivered',
      attempts: 2,
      lastStatus: 204,
    });
  });
});

test('endpoints that hang hold up no other', async () => {
  receiver.answer = () => {};
  const hanging = [to];
  // More than there is room for at a time; all but the first have failed before.
  for (let count = 0; count < 40; count += 1) {
    const each = await desk.subscribe(await desk.account(), { url: receiver.url });
    hanging.push(each);
    await requestTest(desk.context, each, desk.now);
  }
  await desk.books.pool.query('update webhook_endpoints set failing_since = $1', ['2026-03-01T00:00:00Z']);
  const sound = await startReceiver();
  const dispatcher = new Dispatcher({ ...desk.context, attemptMsMax: 2000 });
  try {
    expect(await dispatcher.start(desk.now)).toBe(16);
    const other = await desk.subscribe(await desk.account(), { url: sound.url });
    await requestTest(desk.context, other, desk.now);
    expect(await dispatcher.start(desk.now)).toBe(1);
    await vi.waitUntil(() => sound.received.length === 1, { timeout: 60_000 });
  } finally {
    await dispatcher.idle();
    await sound.stop();
    for (const each of hanging) await deleteEndpoint(desk.context, each.accountId, each.endpointId);
  }
});
