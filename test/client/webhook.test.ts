/** Webhooks as Standard Webhooks signs them, checked against Node's own HMAC. */
import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { verifyWebhook } from '../../client/src/webhook.ts';

const SECRET = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
const BODY = '{"type":"lot_added","timestamp":"2026-03-01T15:00:00Z","data":{"lot":"1"}}';

function signed(body: string, { secret = SECRET, ageSeconds = 0 } = {}) {
  const timestamp = String(Math.floor(Date.now() / 1000) - ageSeconds);
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`msg_1.${timestamp}.${body}`).digest('base64');
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')} v1,${signature}`,
  };
}

it('a webhook that is signed and new is its event', async () => {
  const event = { type: 'lot_added', timestamp: '2026-03-01T15:00:00Z', data: { lot: '1' } };
  expect(await verifyWebhook({ secret: SECRET, headers: signed(BODY), body: BODY })).toEqual(event);
  const headers = new Headers(signed(BODY));
  expect(await verifyWebhook({ secret: SECRET, headers, body: Buffer.from(BODY) })).toEqual(event);
});

const other = `whsec_${Buffer.from('another secret, not ours').toString('base64')}`;

it('while the secret is being changed both are good', async () => {
  await expect(
    verifyWebhook({ secret: [other, SECRET], headers: signed(BODY), body: BODY }),
  ).resolves.toBeDefined();
});

it.each([
  ['changed', { headers: signed(BODY), body: BODY.replace('"1"', '"2"') }, 'does not fit'],
  ['of another secret', { headers: signed(BODY, { secret: other }), body: BODY }, 'does not fit'],
  ['older than five minutes', { headers: signed(BODY, { ageSeconds: 400 }), body: BODY }, 'too old'],
  ['from the future', { headers: signed(BODY, { ageSeconds: -400 }), body: BODY }, 'too old'],
  [
    'without an id',
    { headers: { ...signed(BODY), 'webhook-id': undefined }, body: BODY },
    'webhook-id is missing',
  ],
])('one that is %s is refused', async (_, received, why) => {
  await expect(verifyWebhook({ secret: SECRET, ...received })).rejects.toThrow(why);
});
