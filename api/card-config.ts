import type { Mode } from '../ledger/index.ts';

/** How card payments are taken. */
export interface CardConfig {
  readonly secretKey: string;
  /** Signs the webhooks. Null where no endpoint was made at Stripe: payments are then found by asking. */
  readonly webhookSecret: string | null;
  /** Where Stripe's API is, when not at its own address. */
  readonly apiUrl: string | undefined;
}

/**
 * Reads the variables of card payments; null without a key: then there are none. Adds to `problems` a line for each
 * variable that does not fit.
 */
export function readCardConfig(
  get: (name: string) => string | undefined,
  mode: Mode,
  problems: string[],
): CardConfig | null {
  const secretKey = get('STRIPE_SECRET_KEY');
  const webhookSecret = get('STRIPE_WEBHOOK_SECRET') ?? null;
  const apiUrl = get('STRIPE_API_URL');
  if (secretKey === undefined) {
    if (webhookSecret !== null)
      problems.push('STRIPE_WEBHOOK_SECRET is set without STRIPE_SECRET_KEY: set both, or neither.');
    return null;
  }
  const key = /^(?:sk|rk)_(test|live)_\w+$/.exec(secretKey);
  if (!key) problems.push('STRIPE_SECRET_KEY is not a Stripe secret key: correct it, or leave it out.');
  else if (mode === 'live' && key[1] !== 'live')
    problems.push('STRIPE_SECRET_KEY is a test key: live takes a live key, or none for no card payments.');
  else if (mode === 'dev' && key[1] !== 'test')
    problems.push('STRIPE_SECRET_KEY is a live key: dev must not hold one, remove it.');
  if (webhookSecret === null && mode === 'live')
    problems.push(
      'STRIPE_WEBHOOK_SECRET is not set: set it to the signing secret of your webhook endpoint (whsec_…).',
    );
  if (webhookSecret !== null && !/^whsec_\w+$/.test(webhookSecret))
    problems.push('STRIPE_WEBHOOK_SECRET is not a signing secret: it begins with whsec_, correct it.');
  if (apiUrl !== undefined && (mode === 'live' || !/^http:\/\/127\.0\.0\.1:\d+$/.test(apiUrl)))
    problems.push(
      mode === 'live'
        ? "STRIPE_API_URL is set: live asks Stripe's own API, leave it out."
        : 'STRIPE_API_URL is not on this machine: set it to http://127.0.0.1 and a port, or leave it out.',
    );
  return { secretKey, webhookSecret, apiUrl };
}
