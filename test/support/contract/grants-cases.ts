import type { ApiUnderTest, Customer } from '../api.ts';
import { fullOfKeys, spending } from './keys-cases.ts';
import type { RouteCases } from './route-case.ts';

export const GRANTS_CASES: RouteCases = {
  listServices: {
    succeeds: async ({ api }) => ({ path: '/v1/services', bearer: (await api.customer()).secureKey }),
  },
  listGrants: {
    succeeds: async ({ api }) => {
      const customer = await api.customer();
      await grantTo(api, customer);
      return { path: '/v1/grants', bearer: customer.secureKey };
    },
    problems: { scope_insufficient: spending('GET', '/v1/grants') },
  },
  createGrant: {
    succeeds: async ({ api }) => ({
      path: '/v1/grants',
      bearer: (await api.customer()).secureKey,
      json: {
        service: 'chat',
        label: 'the chat',
        limit: { amount: '5', period: 'week' },
        expires_at: '2099-01-01',
      },
    }),
    problems: {
      scope_insufficient: spending('POST', '/v1/grants'),
      service_unknown: async ({ api }) =>
        api.call('POST', '/v1/grants', {
          bearer: (await api.customer()).secureKey,
          json: { service: 'nobody' },
        }),
      keys_full: async ({ api }) =>
        api.call('POST', '/v1/grants', { bearer: await fullOfKeys(api), json: { service: 'chat' } }),
    },
  },
  changeGrant: {
    succeeds: async ({ api }) => {
      const customer = await api.customer();
      const id = await grantTo(api, customer);
      return { path: `/v1/grants/${id}`, bearer: customer.secureKey, json: { limit: null } };
    },
    problems: {
      scope_insufficient: spending('PATCH', '/v1/grants/any'),
      not_found: async ({ api }) =>
        api.call('PATCH', '/v1/grants/any', {
          bearer: (await api.customer()).secureKey,
          json: { limit: null },
        }),
    },
  },
  revokeGrant: {
    succeeds: async ({ api }) => {
      const customer = await api.customer();
      return { path: `/v1/grants/${await grantTo(api, customer)}`, bearer: customer.secureKey };
    },
    problems: {
      scope_insufficient: spending('DELETE', '/v1/grants/any'),
      not_found: async ({ api }) =>
        api.call('DELETE', '/v1/grants/any', { bearer: (await api.customer()).secureKey }),
    },
  },
};

/** The id of a new grant of the customer to the service `chat`, unless `terms` say else. */
export async function grantTo(
  api: ApiUnderTest,
  { secureKey }: Pick<Customer, 'secureKey'>,
  terms: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const given = await api.call<{ id: string }>('POST', '/v1/grants', {
    bearer: secureKey,
    json: { service: 'chat', ...terms },
  });
  if (given.status !== 201) throw new Error(`no grant was given: ${given.text}`);
  return given.body.id;
}
