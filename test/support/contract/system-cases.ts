import Stripe from 'stripe';
import { CARD_KEY, WEBHOOK_SECRET } from '../card-shop.ts';
import { onAnotherApi } from './another-api.ts';
import type { Prepared, RouteCases } from './route-case.ts';

export const SYSTEM_CASES: RouteCases = {
  getHealth: { succeeds: async () => ({ path: '/health' }) },
  getReadiness: { succeeds: async () => ({ path: '/ready' }) },
  getMetrics: { succeeds: async ({ api }) => ({ path: '/metrics', bearer: api.operatorToken }) },
  getOpenApi: { succeeds: async () => ({ path: '/openapi.json' }) },
  getReference: { succeeds: async () => ({ path: '/docs' }) },
  takeStripeEvent: {
    succeeds: async ({ unique }) => stripeEvent(`evt_${unique()}`),
    problems: {
      not_found: stage =>
        onAnotherApi(stage, {}, api => {
          const { path, ...call } = stripeEvent('evt_unwanted');
          return api.call('POST', path, call);
        }),
      stripe_signature_invalid: ({ api }) => api.call('POST', '/v1/stripe/webhook', FORGED),
      too_many_failures: async ({ api, strictPort }) => {
        const forged = { ...FORGED, port: strictPort };
        await api.call('POST', '/v1/stripe/webhook', forged);
        return await api.call('POST', '/v1/stripe/webhook', forged);
      },
      unsupported_media_type: ({ api }) =>
        api.call('POST', '/v1/stripe/webhook', { json: {}, headers: { 'content-encoding': 'compress' } }),
    },
  },
};

const FORGED = { json: {}, headers: { 'stripe-signature': 't=1,v1=00' } };

/** An event as Stripe sends it, of nothing that we would look at. */
function stripeEvent(id: string): Prepared {
  const body = JSON.stringify({ id, object: 'event', type: 'customer.created', data: { object: {} } });
  const signature = new Stripe(CARD_KEY).webhooks.generateTestHeaderString({
    payload: body,
    secret: WEBHOOK_SECRET,
  });
  return {
    path: '/v1/stripe/webhook',
    body,
    headers: { 'content-type': 'application/json', 'stripe-signature': signature },
  };
}
