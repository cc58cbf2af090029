import { describe, expect, test } from 'vitest';
import { newSigningSecret, signatureHeaders, signingSecretText } from '../../../ledger/webhooks/sign.ts';
import { isSignedWith } from '../../support/webhook-receiver.ts';

/** The vector of the Standard Webhooks specification, which its libraries are tested with. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestampSeconds: 1_614_265_330n,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const bytesOf = (secret: string) => Buffer.from(secret.slice('whsec_'.length), 'base64');

describe('the vector of the specification', () => {
  test('is what is signed', () => {
    expect(signatureHeaders(VECTOR, [bytesOf(VECTOR.secret)])).toEqual({
      'webhook-id': VECTOR.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': VECTOR.signature,
    });
  });

  test('is what the tests verify by, and nothing else is', async () => {
    const headers = signatureHeaders(VECTOR, [bytesOf(VECTOR.secret)]);
    const { secret, body } = VECTOR;
    expect(await isSignedWith(secret, { headers, body })).toBe(true);
    expect(await isSignedWith(secret, { headers, body: `${body} ` })).toBe(false);
    expect(await isSignedWith(secret, { headers: { ...headers, 'webhook-id': 'msg_2' }, body })).toBe(false);
    expect(await isSignedWith(secret, { headers: { ...headers, 'webhook-timestamp': '1' }, body })).toBe(
      false,
    );
    expect(await isSignedWith(signingSecretText(newSigningSecret()), { headers, body })).toBe(false);
  });
});

test('of several secrets each signs', async () => {
  const secrets = [newSigningSecret(), newSigningSecret()];
  const headers = signatureHeaders(VECTOR, secrets);
  expect(headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/);
  for (const secret of secrets)
    expect(await isSignedWith(signingSecretText(secret), { headers, body: VECTOR.body })).toBe(true);
});

test('a secret is 32 random bytes after its prefix', () => {
  const text = signingSecretText(newSigningSecret());
  expect(text).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(signingSecretText(newSigningSecret())).not.toBe(text);
});
