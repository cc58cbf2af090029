/** What those who run the ledger see of webhooks, and that seeing it costs little. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../../ledger/core/instant.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { claim, readDue } from '../../../ledger/webhooks/attempt.ts';
import { readAttemptCounts } from '../../../ledger/webhooks/attempt-counts.ts';
import { requestRetry } from '../../../ledger/webhooks/deliveries.ts';
import { readDeliveryLag } from '../../../ledger/webhooks/delivery-lag.ts';
import { readEndpointTroubles } from '../../../ledger/webhooks/endpoint-troubles.ts';
import { changeEndpoint, deleteEndpoint } from '../../../ledger/webhooks/endpoints.ts';
import { rowsRead } from '../../support/rows-read.ts';
import { type Subscriber, WebhookDesk } from '../../support/webhook-desk.ts';
import { type Receiver, startReceiver } from '../../support/webhook-receiver.ts';

let desk: WebhookDesk;
let receiver: Receiver;
beforeAll(async () => {
  desk = await WebhookDesk.open(parseInstant('2026-03-01T12:00:00Z'));
  receiver = await startReceiver();
});
afterAll(async () => {
  await desk?.close();
  await receiver?.stop();
});

const lag = () => readDeliveryLag(desk.context.db, desk.now);
const troubles = () => readEndpointTroubles(desk.context.db);

/** An endpoint with a message that is due since now. */
async function subscriber(): Promise<Subscriber> {
  const account = await desk.account();
  const to = await desk.subscribe(account, { url: receiver.url });
  await desk.buy(account, 1n);
  await desk.follow();
  return to;
}

const forget = ({ accountId, endpointId }: Subscriber) => deleteEndpoint(desk.context, accountId, endpointId);

test('every attempt is counted by what became of its message, for good', async () => {
  const before = await readAttemptCounts(desk.context.db);
  const to = await subscriber();
  receiver.answer = response => void response.writeHead(500).end();
  await desk.send();
  desk.now += MINUTE;
  await desk.send();
  receiver.answer = response => void response.writeHead(410).end();
  desk.now += HOUR;
  await desk.send();
  receiver.answer = response => void response.writeHead(204).end();
  const [delivery] = await desk.deliveries(to);
  await requestRetry(desk.context, to, delivery?.deliveryId ?? '', desk.now);
  await desk.send();
  // What is deleted has been delivered all the same.
  await forget(to);
  const after = await readAttemptCounts(desk.context.db);
  expect(after).toEqual({
    delivered: before.delivered + 1n,
    retried: before.retried + 2n,
    given_up: before.given_up + 1n,
  });
});

test('an attempt whose claim ran out is counted by the worker that took over alone', async () => {
  const before = await readAttemptCounts(desk.context.db);
  const to = await subscriber();
  let overtaken = false;
  receiver.answer = (response, _received) => {
    if (overtaken) return void response.writeHead(204).end();
    overtaken = true;
    desk.now += 2n * MINUTE;
    void desk.send().then(() => response.writeHead(204).end());
  };
  await desk.send();
  receiver.answer = response => void response.writeHead(204).end();
  expect((await readAttemptCounts(desk.context.db)).delivered).toBe(before.delivered + 1n);
  await forget(to);
});

test('the lag is that of the message that is due for longest and that nobody has', async () => {
  expect(await lag()).toBe(0n);
  const to = await subscriber();
  desk.now += 90n * SECOND;
  expect(await lag()).toBe(90n * SECOND);
  const second = await subscriber();
  expect(await lag()).toBe(90n * SECOND);
  const due = (await readDue(desk.context, desk.now)).find(one => one.endpoint_id === to.endpointId);
  if (!due) throw new Error('it is due');
  // A worker has it; when that one dies, it waits again.
  await claim(desk.context, due, desk.now);
  expect(await lag()).toBe(0n);
  desk.now += 10n * MINUTE;
  expect(await lag()).toBe(10n * MINUTE + 90n * SECOND);
  await desk.send();
  expect(await lag()).toBe(0n);
  await Promise.all([to, second].map(forget));
});

test('what waits for its next try, or at an endpoint that is off, is not late, unless somebody asked for it', async () => {
  const failing = await subscriber();
  receiver.answer = response => void response.writeHead(500).end();
  await desk.send();
  receiver.answer = response => void response.writeHead(204).end();
  expect(await lag()).toBe(0n);
  const off = await subscriber();
  await changeEndpoint(desk.context, off.accountId, off.endpointId, { isEnabled: false }, desk.now);
  expect(await lag()).toBe(0n);
  const [delivery] = await desk.deliveries(off);
  await requestRetry(desk.context, off, delivery?.deliveryId ?? '', desk.now);
  desk.now += SECOND;
  expect(await lag()).toBe(SECOND);
  await Promise.all([failing, off].map(forget));
});

test('endpoints that fail and that are paused are told apart; those that are off are nobody’s trouble', async () => {
  const to = await subscriber();
  expect(await troubles()).toEqual({ failing: 0, paused: 0 });
  receiver.answer = response => void response.writeHead(500).end();
  await desk.send();
  expect(await troubles()).toEqual({ failing: 1, paused: 0 });
  receiver.answer = response => void response.writeHead(410).end();
  desk.now += HOUR;
  await desk.send();
  expect(await troubles()).toEqual({ failing: 0, paused: 1 });
  await changeEndpoint(desk.context, to.accountId, to.endpointId, { isEnabled: false }, desk.now);
  expect(await troubles()).toEqual({ failing: 0, paused: 0 });
  await changeEndpoint(desk.context, to.accountId, to.endpointId, { isEnabled: true }, desk.now);
  receiver.answer = response => void response.writeHead(204).end();
  await desk.send();
  expect(await troubles()).toEqual({ failing: 0, paused: 0 });
  await forget(to);
});

test('it costs what is wrong, and at the most so much, whatever has been sent and whoever listens', async () => {
  const { pool } = desk.books;
  const to = await subscriber();
  const { rows } = await pool.query('select bucket from webhook_endpoints where account_id = $1', [
    to.accountId,
  ]);
  const { bucket } = rows[0];
  await pool.query(
    `insert into webhook_endpoints (bucket, account_id, endpoint_id, url, events, expiry_hours, created_at, followed_seq)
     select $1, $2, 'whe_' || lpad(n::text, 24, '0'), 'http://127.0.0.1:1/', '{lot_added}', 72, now(), 0
     from generate_series(1, 5000) n`,
    [bucket, to.accountId],
  );
  await pool.query(
    `insert into webhook_deliveries (bucket, account_id, endpoint_id, delivery_id, type, body, created_at, status,
       retries_left, next_attempt_at, delivered_at)
     select $1, $2, $3, 'old-' || n, 'lot_added', '{}', now(), 'delivered', 0, null, now()
     from generate_series(1, 5000) n`,
    [bucket, to.accountId, to.endpointId],
  );
  await desk.analyze('webhook_endpoints', 'webhook_deliveries');
  expect(await rowsRead(pool, readEndpointTroubles)).toBe(0);
  // The message and its endpoint.
  expect(await rowsRead(pool, db => readDeliveryLag(db, desk.now + DAY))).toBeLessThanOrEqual(4);
  const counts = await rowsRead(pool, readAttemptCounts);
  expect(counts).toBeLessThan(3 * 64);

  // Much waits at an endpoint that is paused: it is not read to its end, and nothing is claimed of what was not seen.
  await pool.query(`update webhook_endpoints set paused_at = now() where endpoint_id = $1`, [to.endpointId]);
  await pool.query(
    `update webhook_deliveries set status = 'pending', delivered_at = null, next_attempt_at = '2026-01-01'
     where delivery_id like 'old-%'`,
  );
  await desk.analyze('webhook_deliveries');
  expect(await readDeliveryLag(desk.context.db, desk.now, 100)).toBeNull();
  expect(await rowsRead(pool, db => readDeliveryLag(db, desk.now, 100))).toBeLessThanOrEqual(2 * 100);
  expect(await readDeliveryLag(desk.context.db, desk.now, 10_000)).toBe(0n);
  await forget(to);
  await pool.query('delete from webhook_endpoints');
});
