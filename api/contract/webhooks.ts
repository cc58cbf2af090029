import { z } from 'zod';
import { credits, instant, pageQuery, positiveDecimal } from './fields.ts';
import { defineRoute } from './route.ts';

/** What an endpoint can be told of; `test` comes when it is asked for. */
const EVENTS = ['low_balance', 'expiry_soon', 'debt_opened', 'lot_added'] as const;

const EXPIRY_HOURS_MAX = 720;
const URL_LENGTH_MAX = 2000;

const endpointUrl = z
  .string('must be a URL, a string that begins with "https://"')
  .max(URL_LENGTH_MAX, `must have at most ${URL_LENGTH_MAX} characters`)
  .refine(
    text => /^https?:$/.test(URL.parse(text)?.protocol ?? ''),
    'must be a URL that begins with "https://"',
  )
  .refine(text => {
    const url = URL.parse(text);
    return url === null || (url.username === '' && url.password === '' && url.hash === '');
  }, 'must have no user, password or fragment: messages are signed')
  .meta({ examples: ['https://example.com/credits-webhook'] });

const events = z
  .array(z.enum(EVENTS, `must be of ${EVENTS.join(', ')}`), 'must be a list of events')
  .min(1, 'must name at least one event')
  .refine(list => new Set(list).size === list.length, 'must name each event once');

const threshold = positiveDecimal('credits').describe(
  'low_balance is sent when fewer credits than these are available, once, until there are as many again.',
);

const expiryHours = z
  .int('must be a whole number of hours')
  .min(1, 'must be at least 1')
  .max(EXPIRY_HOURS_MAX, `must be at most ${EXPIRY_HOURS_MAX}`)
  .describe('expiry_soon is sent when a lot has so many hours left.');

const endpointFields = {
  id: z.string(),
  url: z.string(),
  events: z.array(z.enum(EVENTS)),
  low_balance_threshold: credits.nullable(),
  expiry_soon_hours: z.int(),
  created_at: instant,
  status: z.enum(['active', 'disabled', 'paused']),
  alarm: z
    .strictObject({ code: z.enum(['failing', 'paused']), since: instant, detail: z.string() })
    .nullable()
    .describe('What you should look at: every attempt fails, or nothing is sent any more.'),
};
const endpointOut = z.strictObject(endpointFields);

const deliveryOut = z.strictObject({
  id: z.string().describe('As in the header webhook-id.'),
  event: z.enum([...EVENTS, 'test']),
  body: z.string().describe('What is sent, byte for byte.'),
  created_at: instant,
  status: z.enum(['pending', 'delivered', 'failed']),
  attempts: z.int(),
  next_attempt_at: instant.nullable(),
  last_attempt_at: instant.nullable(),
  last_response_status: z.int().nullable(),
  last_problem: z
    .strictObject({ code: z.string(), detail: z.string() })
    .nullable()
    .describe('Why the last attempt failed. What your server answers is not kept.'),
  delivered_at: instant.nullable(),
});

const SECRET = z
  .string()
  .describe('What messages are signed with (Standard Webhooks), shown this once.')
  .meta({ examples: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwq3Xy0o3ZcV4='] });

// What cannot be an id is none: see readParams.
const params = z.object({ id: z.string().regex(/^whe_[0-9A-Za-z]{24}$/, 'is no endpoint') });
const deliveryParams = params.extend({ delivery: z.string().regex(/^msg_[0-9a-f]{32}$/, 'is no delivery') });

const OF_ALL = { group: 'Webhooks', caller: 'managing_key' } as const;

export const createWebhook = defineRoute({
  ...OF_ALL,
  name: 'createWebhook',
  method: 'POST',
  path: '/v1/webhooks',
  summary: 'Has your server told what happens in your account; answers the signing secret, this once.',
  body: z
    .strictObject({
      url: endpointUrl,
      events,
      low_balance_threshold: threshold.optional(),
      expiry_soon_hours: expiryHours.default(72),
    })
    .refine(body => !body.events.includes('low_balance') || body.low_balance_threshold !== undefined, {
      path: ['low_balance_threshold'],
      message: 'must be given for the event low_balance',
    }),
  status: 201,
  answer: z.strictObject({ ...endpointFields, secret: SECRET }),
  problems: ['webhooks_full'],
});

export const listWebhooks = defineRoute({
  ...OF_ALL,
  name: 'listWebhooks',
  method: 'GET',
  path: '/v1/webhooks',
  summary: 'The endpoints of your account, the oldest first.',
  status: 200,
  answer: z.strictObject({ webhooks: z.array(endpointOut) }),
});

export const getWebhook = defineRoute({
  ...OF_ALL,
  name: 'getWebhook',
  method: 'GET',
  path: '/v1/webhooks/{id}',
  summary: 'One endpoint, with an alarm while it fails or is paused.',
  params,
  status: 200,
  answer: endpointOut,
  problems: ['not_found'],
});

export const changeWebhook = defineRoute({
  ...OF_ALL,
  name: 'changeWebhook',
  method: 'PATCH',
  path: '/v1/webhooks/{id}',
  summary: 'Changes what is given; `"enabled": true` ends a pause too.',
  params,
  body: z.strictObject({
    url: endpointUrl.optional(),
    events: events.optional(),
    low_balance_threshold: threshold.nullable().optional(),
    expiry_soon_hours: expiryHours.optional(),
    enabled: z
      .boolean('must be true or false')
      .optional()
      .describe('False: nothing is sent until it is true again, and then all that happened meanwhile.'),
  }),
  status: 200,
  answer: endpointOut,
  problems: ['not_found'],
});

export const deleteWebhook = defineRoute({
  ...OF_ALL,
  name: 'deleteWebhook',
  method: 'DELETE',
  path: '/v1/webhooks/{id}',
  summary: 'Ends an endpoint, with all that was to be sent.',
  params,
  status: 204,
  problems: ['not_found'],
});

export const rotateWebhookSecret = defineRoute({
  ...OF_ALL,
  name: 'rotateWebhookSecret',
  method: 'POST',
  path: '/v1/webhooks/{id}/rotate-secret',
  summary: 'A new signing secret. For a day messages are signed with the one before too.',
  params,
  status: 200,
  answer: z.strictObject({ id: z.string(), secret: SECRET, old_secret_valid_until: instant }),
  problems: ['not_found'],
});

export const testWebhook = defineRoute({
  ...OF_ALL,
  name: 'testWebhook',
  method: 'POST',
  path: '/v1/webhooks/{id}/test',
  summary: 'Sends a test message, once, also where the endpoint is paused.',
  params,
  status: 201,
  answer: deliveryOut,
  problems: ['not_found'],
});

export const listWebhookDeliveries = defineRoute({
  ...OF_ALL,
  name: 'listWebhookDeliveries',
  method: 'GET',
  path: '/v1/webhooks/{id}/deliveries',
  summary: 'What was sent and is to be sent, the newest first, with what became of it; 90 days of it.',
  params,
  query: pageQuery,
  status: 200,
  answer: z.strictObject({ deliveries: z.array(deliveryOut), next: z.string().nullable() }),
  problems: ['not_found'],
});

export const retryWebhookDelivery = defineRoute({
  ...OF_ALL,
  name: 'retryWebhookDelivery',
  method: 'POST',
  path: '/v1/webhooks/{id}/deliveries/{delivery}/retry',
  summary: 'Sends a message at once, whatever became of it before.',
  params: deliveryParams,
  status: 200,
  answer: deliveryOut,
  problems: ['not_found'],
});
