import type { Router } from 'express';
import {
  DELIVERY_PROBLEMS,
  type Delivery,
  ENDPOINTS_MAX,
  type Endpoint,
  instantText,
  type Ledger,
} from '../../ledger/index.ts';
import { creditsText, millionthsOf } from '../amount-text.ts';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhookDeliveries,
  listWebhooks,
  retryWebhookDelivery,
  rotateWebhookSecret,
  testWebhook,
} from '../contract/webhooks.ts';
import { deliveryCursorText, readDeliveryCursor } from '../delivery-cursor.ts';
import { Problem } from '../problem.ts';
import { Serving } from '../serve.ts';

/** Where customers want to be told what happens in their accounts. An id of somebody else's is none. */
export function webhookRoutes(ledger: Ledger): Router {
  const { webhooks } = ledger;
  const onlySecure = (url: string | undefined) => {
    if (url === undefined || ledger.installation.mode === 'dev' || url.toLowerCase().startsWith('https:'))
      return;
    throw new Problem('invalid_field', '"url" must begin with "https://".', { field: 'url' });
  };

  return new Serving(ledger)
    .on(createWebhook, async ({ caller: { accountId }, body }) => {
      onlySecure(body.url);
      const { low_balance_threshold: threshold } = body;
      const created = await webhooks.create(
        accountId,
        {
          url: body.url,
          events: body.events,
          lowBalanceMicrocredits: threshold === undefined ? null : millionthsOf(threshold),
          expiryHours: body.expiry_soon_hours,
        },
        await ledger.now(),
      );
      if ('refusal' in created)
        throw new Problem(
          'webhooks_full',
          `An account has ${ENDPOINTS_MAX} webhook endpoints at the most: change or delete one.`,
        );
      return { ...endpointJson(created.endpoint), secret: created.secret };
    })
    .on(listWebhooks, async ({ caller: { accountId } }) => ({
      webhooks: (await webhooks.list(accountId)).map(endpointJson),
    }))
    .on(getWebhook, async ({ caller: { accountId }, params }) =>
      endpointJson(existing(await webhooks.find({ accountId, endpointId: params.id }))),
    )
    .on(changeWebhook, async ({ caller: { accountId }, params, body }) => {
      onlySecure(body.url);
      const { low_balance_threshold: threshold } = body;
      const changed = existing(
        await webhooks.change(
          { accountId, endpointId: params.id },
          {
            ...(body.url === undefined ? {} : { url: body.url }),
            ...(body.events === undefined ? {} : { events: body.events }),
            ...(threshold === undefined
              ? {}
              : { lowBalanceMicrocredits: threshold === null ? null : millionthsOf(threshold) }),
            ...(body.expiry_soon_hours === undefined ? {} : { expiryHours: body.expiry_soon_hours }),
            ...(body.enabled === undefined ? {} : { isEnabled: body.enabled }),
          },
          await ledger.now(),
        ),
      );
      if ('refusal' in changed)
        throw new Problem(
          'invalid_field',
          '"low_balance_threshold" must be given for the event low_balance.',
          { field: 'low_balance_threshold' },
        );
      return endpointJson(changed);
    })
    .on(deleteWebhook, async ({ caller: { accountId }, params }) => {
      if (!(await webhooks.delete({ accountId, endpointId: params.id }))) throw unknown();
    })
    .on(rotateWebhookSecret, async ({ caller: { accountId }, params: { id } }) => {
      const rotated = existing(
        await webhooks.rotateSecret({ accountId, endpointId: id }, await ledger.now()),
      );
      return { id, secret: rotated.secret, old_secret_valid_until: instantText(rotated.oldValidUntil) };
    })
    .on(testWebhook, async ({ caller: { accountId }, params }) =>
      deliveryJson(existing(await webhooks.test({ accountId, endpointId: params.id }, await ledger.now()))),
    )
    .on(listWebhookDeliveries, async ({ caller: { accountId }, params, query: { limit, before } }) => {
      const page = { limit, before: readDeliveryCursor(before) };
      const { deliveries, next } = existing(
        await webhooks.deliveries({ accountId, endpointId: params.id }, page),
      );
      return { deliveries: deliveries.map(deliveryJson), next: next && deliveryCursorText(next) };
    })
    .on(retryWebhookDelivery, async ({ caller: { accountId }, params }) => {
      const to = { accountId, endpointId: params.id };
      return deliveryJson(existing(await webhooks.retry(to, params.delivery, await ledger.now())));
    })
    .refuseOtherMethods();
}

function existing<Found>(found: Found | null): Found {
  if (found === null) throw unknown();
  return found;
}

function unknown(): Problem {
  return new Problem('not_found', 'Your account has no such webhook endpoint or delivery: list them to see.');
}

function endpointJson(endpoint: Endpoint) {
  const { lowBalanceMicrocredits } = endpoint;
  return {
    id: endpoint.endpointId,
    url: endpoint.url,
    events: [...endpoint.events],
    low_balance_threshold: lowBalanceMicrocredits === null ? null : creditsText(lowBalanceMicrocredits),
    expiry_soon_hours: endpoint.expiryHours,
    created_at: instantText(endpoint.createdAt),
    status: endpoint.status,
    alarm: alarmOf(endpoint),
  };
}

function alarmOf({ pausedAt, failingSince }: Endpoint) {
  if (pausedAt !== null)
    return {
      code: 'paused' as const,
      since: instantText(pausedAt),
      detail:
        'Every attempt has failed for days, or your server answered 410: nothing is sent any more. See the deliveries for ' +
        'why, try with a test, then enable it again: what waits is sent then.',
    };
  if (failingSince === null) return null;
  return {
    code: 'failing' as const,
    since: instantText(failingSince),
    detail:
      'Every attempt since then has failed: see the deliveries for why. It is paused when that lasts for days.',
  };
}

function deliveryJson(delivery: Delivery) {
  const orNull = (at: bigint | null) => (at === null ? null : instantText(at));
  const { lastProblem } = delivery;
  return {
    id: delivery.deliveryId,
    event: delivery.type,
    body: delivery.body,
    created_at: instantText(delivery.createdAt),
    status: delivery.status,
    attempts: delivery.attempts,
    next_attempt_at: orNull(delivery.nextAttemptAt),
    last_attempt_at: orNull(delivery.lastAttemptAt),
    last_response_status: delivery.lastStatus,
    last_problem: lastProblem && { code: lastProblem, detail: DELIVERY_PROBLEMS[lastProblem] },
    delivered_at: orNull(delivery.deliveredAt),
  };
}
