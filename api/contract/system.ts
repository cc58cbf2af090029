import { z } from 'zod';
import { defineRoute } from './route.ts';

export const getHealth = defineRoute({
  name: 'getHealth',
  group: 'System',
  method: 'GET',
  path: '/health',
  summary: 'Whether the process is up.',
  caller: 'anybody',
  standalone: true,
  status: 200,
  answer: z.strictObject({ status: z.literal('ok') }),
});

const readinessChecks = z.strictObject({
  database: z.enum(['ok', 'away']),
  schema: z
    .enum(['ok', 'outdated', 'unknown'])
    .describe('Whether the database has what this program expects.'),
  rpc: z.enum(['ok', 'away']).describe('While it is away there are no quotes in ETH; debits do not need it.'),
});

export const getReadiness = defineRoute({
  name: 'getReadiness',
  group: 'System',
  method: 'GET',
  path: '/ready',
  summary: 'Whether it can debit: what that depends on answers.',
  caller: 'anybody',
  standalone: true,
  status: 200,
  answer: z.strictObject({ status: z.literal('ready'), checks: readinessChecks }),
  problems: ['temporarily_unavailable'],
});

export const getMetrics = defineRoute({
  name: 'getMetrics',
  group: 'System',
  method: 'GET',
  path: '/metrics',
  summary: 'Metrics for Prometheus.',
  caller: 'operator',
  status: 200,
  mediaType: 'text/plain',
});

export const getOpenApi = defineRoute({
  name: 'getOpenApi',
  group: 'System',
  method: 'GET',
  path: '/openapi.json',
  summary: 'This description, as OpenAPI 3.1.',
  caller: 'anybody',
  standalone: true,
  status: 200,
  mediaType: 'application/json',
});

export const getReference = defineRoute({
  name: 'getReference',
  group: 'System',
  method: 'GET',
  path: '/docs',
  summary: 'This description, to read.',
  caller: 'anybody',
  standalone: true,
  status: 200,
  mediaType: 'text/html',
});

export const takeStripeEvent = defineRoute({
  name: 'takeStripeEvent',
  group: 'System',
  method: 'POST',
  path: '/v1/stripe/webhook',
  summary: 'Takes Stripe’s events, for Stripe alone, by its signature.',
  caller: 'anybody',
  unlimited: true,
  status: 200,
  answer: z.strictObject({ received: z.literal(true) }),
  problems: [
    'not_found',
    'stripe_signature_invalid',
    'malformed_request',
    'too_many_failures',
    'request_too_large',
    'unsupported_media_type',
  ],
});
