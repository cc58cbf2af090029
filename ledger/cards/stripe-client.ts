import Stripe from 'stripe';

export interface StripeAccess {
  /** A secret or restricted key. Never logged. */
  readonly secretKey: string;
  /** Where the API is, when it is not Stripe's own: the simulator of a development stack. */
  readonly apiUrl?: string | undefined;
}

/** The version of Stripe's API whose objects this system was written for: the SDK's own. */
export const STRIPE_API_VERSION = Stripe.API_VERSION;

/** The least that Stripe charges in dollars, by its documentation of minimum charge amounts. */
export const CARD_CENTS_MIN = 50n;

/** Stripe's SDK, pinned to `STRIPE_API_VERSION`; tries again twice when the network fails, with the same key. */
export function openStripe({ secretKey, apiUrl }: StripeAccess): Stripe {
  const url = apiUrl === undefined ? null : new URL(apiUrl);
  return new Stripe(secretKey, {
    apiVersion: STRIPE_API_VERSION,
    maxNetworkRetries: 2,
    timeout: 10_000,
    telemetry: false,
    ...(url
      ? { host: url.hostname, port: url.port, protocol: url.protocol === 'https:' ? 'https' : 'http' }
      : {}),
  });
}
