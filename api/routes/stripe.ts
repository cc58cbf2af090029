import express, { type Router } from 'express';
import type { Ledger } from '../../ledger/index.ts';
import { takeStripeEvent } from '../contract/system.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

/** Stripe's events are a few kilobytes; objects with long lists may be larger. */
const EVENT_BYTES_MAX = 256 * 1024;

/** For Stripe only, which proves itself by its signature. */
export function stripeRoutes(ledger: Ledger): Router {
  return new Serving(ledger)
    .handle(
      takeStripeEvent,
      // The signature is over the bytes as they came.
      express.raw({ type: () => true, limit: EVENT_BYTES_MAX }),
      async (request, response) => {
        const { cards } = ledger;
        if (!cards?.takesWebhooks)
          throw new Problem('not_found', 'This installation takes no webhooks of Stripe.');
        const payload = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const outcome = await cards.takeWebhook(payload, request.get('stripe-signature') ?? '');
        if (outcome === 'signature_invalid')
          throw new Problem(
            'stripe_signature_invalid',
            'The header Stripe-Signature does not fit this body and STRIPE_WEBHOOK_SECRET, or is older than 5 minutes.',
          );
        if (outcome === 'not_an_event')
          throw new Problem(
            'malformed_request',
            'This is no event of Stripe as webhooks send them: set the endpoint to snapshot events.',
          );
        response.json({ received: true });
      },
    )
    .refuseOtherMethods();
}
