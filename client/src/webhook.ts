/** Webhooks are signed as Standard Webhooks (https://www.standardwebhooks.com). */

export class WebhookInvalidError extends Error {
  override readonly name = 'WebhookInvalidError';
}

export interface WebhookEvent {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface ReceivedWebhook {
  /** `whsec_…`, as it was shown when the endpoint was made. While it is being changed, both of them. */
  readonly secret: string | readonly string[];
  /** As the request had them: an object of Node's, or Headers. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The body as it came, not parsed and written again. */
  readonly body: string | Uint8Array;
  /** How old a webhook may be, in seconds; 300 when left out. */
  readonly toleranceSeconds?: number;
}

const TOLERANCE_SECONDS = 300;

/**
 * The event, once its signature and its age are good. Throws WebhookInvalidError otherwise: answer 400. The same event
 * may come twice: keep `webhook-id` to notice.
 */
export async function verifyWebhook(received: ReceivedWebhook): Promise<WebhookEvent> {
  const { secret, headers, body, toleranceSeconds = TOLERANCE_SECONDS } = received;
  const header = (name: string) => {
    const value = headers instanceof Headers ? headers.get(name) : headers[name];
    if (typeof value !== 'string' || value === '')
      throw new WebhookInvalidError(`The header ${name} is missing.`);
    return value;
  };
  const id = header('webhook-id');
  const timestamp = header('webhook-timestamp');
  const age = Date.now() / 1000 - Number(timestamp);
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(age) > toleranceSeconds)
    throw new WebhookInvalidError('The webhook is too old, or the clock of one side is wrong.');
  const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  const signatures = header('webhook-signature')
    .split(' ')
    .flatMap(part => (part.startsWith('v1,') ? [bytesOf(part.slice(3))] : []));
  for (const one of typeof secret === 'string' ? [secret] : secret) {
    const raw = bytesOf(one.replace(/^whsec_/, ''));
    const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, [
      'verify',
    ]);
    // Compares in constant time.
    for (const signature of signatures)
      if (await crypto.subtle.verify('HMAC', key, signature, signed)) return JSON.parse(text) as WebhookEvent;
  }
  throw new WebhookInvalidError(
    'The signature does not fit: check the secret, and that the body is as it came.',
  );
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), character => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
