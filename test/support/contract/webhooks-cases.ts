import type { Customer } from '../api.ts';
import type { AnyBody } from '../http.ts';
import type { Prepared, RouteCase, RouteCases } from './route-case.ts';
import type { Stage } from './stage.ts';

const WANTED = {
  url: 'https://example.com/hook',
  events: ['lot_added', 'low_balance'],
  low_balance_threshold: '500',
};

/** Of nobody. */
const UNKNOWN = `whe_${'0'.repeat(24)}`;

export const WEBHOOKS_CASES: RouteCases = {
  createWebhook: {
    succeeds: async ({ api }) => wanted(await api.customer()),
    problems: {
      scope_insufficient: stage => spending(stage, 'POST', '/v1/webhooks', WANTED),
      webhooks_full: async ({ api }) => {
        const { path, ...call } = wanted(await api.customer());
        for (let count = 0; count < 10; count += 1) await api.call('POST', path, call);
        return await api.call('POST', path, call);
      },
    },
  },
  listWebhooks: {
    succeeds: async ({ api }) => ({ path: '/v1/webhooks', bearer: (await api.customer()).secureKey }),
    problems: { scope_insufficient: stage => spending(stage, 'GET', '/v1/webhooks') },
  },
  getWebhook: ofEndpoint('GET', ''),
  changeWebhook: ofEndpoint('PATCH', '', { enabled: false }),
  deleteWebhook: ofEndpoint('DELETE', ''),
  rotateWebhookSecret: ofEndpoint('POST', '/rotate-secret'),
  testWebhook: ofEndpoint('POST', '/test'),
  listWebhookDeliveries: ofEndpoint('GET', '/deliveries'),
  retryWebhookDelivery: {
    ...ofEndpoint('POST', `/deliveries/msg_${'0'.repeat(32)}/retry`),
    succeeds: async stage => {
      const { path, bearer } = await endpoint(stage);
      const { body } = await stage.api.call('POST', `${path}/test`, { bearer });
      return { path: `${path}/deliveries/${body.id}/retry`, bearer };
    },
  },
};

/** A route behind an endpoint's address. */
function ofEndpoint(method: string, behind: string, json?: object): RouteCase {
  const body = json === undefined ? {} : { json };
  return {
    succeeds: async stage => {
      const { path, bearer } = await endpoint(stage);
      return { path: `${path}${behind}`, bearer, ...body };
    },
    problems: {
      scope_insufficient: stage => spending(stage, method, `/v1/webhooks/${UNKNOWN}${behind}`, json),
      not_found: async ({ api }) => {
        const { secureKey: bearer } = await api.customer();
        return await api.call(method, `/v1/webhooks/${UNKNOWN}${behind}`, { bearer, ...body });
      },
    },
  };
}

function wanted({ secureKey }: Pick<Customer, 'secureKey'>): Prepared {
  return { path: '/v1/webhooks', bearer: secureKey, json: WANTED };
}

async function endpoint({ api }: Stage): Promise<{ path: string; bearer: string }> {
  const { secureKey: bearer } = await api.customer();
  const { body } = await api.call<AnyBody>('POST', '/v1/webhooks', { bearer, json: WANTED });
  return { path: `/v1/webhooks/${body.id}`, bearer };
}

/** Asked with a key that may only spend. */
async function spending({ api }: Stage, method: string, path: string, json?: object) {
  const { secureKey: bearer, accountId } = await api.customer();
  await api.query(`update credits.secure_keys set scope = 'spend' where account_id = $1`, [accountId]);
  return await api.call(method, path, { bearer, ...(json === undefined ? {} : { json }) });
}
