/** Signatures as Standard Webhooks has them (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md). */
import { createHmac, randomBytes } from 'node:crypto';

/** Within the 24 to 64 bytes that the specification wants. */
const SECRET_BYTES = 32;

export function newSigningSecret(): Uint8Array {
  return randomBytes(SECRET_BYTES);
}

/** The secret as its owner is shown it, once. */
export function signingSecretText(secret: Uint8Array): string {
  return `whsec_${Buffer.from(secret).toString('base64')}`;
}

export interface Signed {
  readonly id: string;
  /** In whole seconds since 1970, when it is sent. */
  readonly timestampSeconds: bigint;
  readonly body: string;
}

/** The three headers of a message, signed with each of the secrets, so that one can be replaced without a gap. */
export function signatureHeaders(
  { id, timestampSeconds, body }: Signed,
  secrets: readonly Uint8Array[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const signed = `${id}.${timestampSeconds}.${body}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': timestampSeconds.toString(),
    'webhook-signature': secrets
      .map(secret => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
      .join(' '),
  };
}
