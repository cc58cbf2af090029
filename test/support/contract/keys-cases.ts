import type { ApiUnderTest, Customer } from '../api.ts';
import type { RouteCases } from './route-case.ts';
import type { Stage } from './stage.ts';

/** As live-credentials.ts has it. */
const CREDENTIALS_MAX = 100;

export const KEYS_CASES: RouteCases = {
  getKey: {
    succeeds: async ({ api }) => ({ path: '/v1/key', bearer: (await api.customer()).secureKey }),
  },
  listKeys: {
    succeeds: async ({ api }) => ({ path: '/v1/keys?limit=10', bearer: (await api.customer()).secureKey }),
    problems: { scope_insufficient: spending('GET', '/v1/keys') },
  },
  createKey: {
    succeeds: async ({ api }) => ({
      path: '/v1/keys',
      bearer: (await api.customer()).secureKey,
      json: { scope: 'spend', label: 'laptop', limit: { amount: '100', period: 'day' } },
    }),
    problems: {
      scope_insufficient: spending('POST', '/v1/keys'),
      keys_full: async ({ api }) =>
        api.call('POST', '/v1/keys', { bearer: await fullOfKeys(api), json: { scope: 'spend' } }),
    },
  },
  changeKey: {
    succeeds: async ({ api }) => ({
      path: '/v1/keys/1',
      bearer: (await api.customer()).secureKey,
      json: { label: 'mine', limit: { amount: '0.5', period: 'month' } },
    }),
    problems: {
      scope_insufficient: spending('PATCH', '/v1/keys/1'),
      not_found: async ({ api }) =>
        api.call('PATCH', '/v1/keys/2', {
          bearer: (await api.customer()).secureKey,
          json: { label: 'gone' },
        }),
    },
  },
  rotateKey: {
    succeeds: async ({ api }) => {
      const { managing, number, lastFour } = await twoKeys(api);
      return { path: `/v1/keys/${number}/rotate`, bearer: managing, json: { last_four: lastFour } };
    },
    problems: {
      scope_insufficient: spending('POST', '/v1/keys/1/rotate'),
      not_found: async ({ api }) => {
        const { secureKey } = await api.customer();
        const json = { last_four: secureKey.slice(-4) };
        return await api.call('POST', '/v1/keys/2/rotate', { bearer: secureKey, json });
      },
      key_rotated: async ({ api }) => {
        const { secureKey } = await api.customer();
        const lastFour = secureKey.endsWith('aaaa') ? 'bbbb' : 'aaaa';
        return await api.call('POST', '/v1/keys/1/rotate', {
          bearer: secureKey,
          json: { last_four: lastFour },
        });
      },
    },
  },
  revokeKey: {
    succeeds: async ({ api }) => {
      const { managing, number } = await twoKeys(api);
      return { path: `/v1/keys/${number}?confirm=true`, bearer: managing };
    },
    problems: {
      scope_insufficient: spending('DELETE', '/v1/keys/1'),
      not_found: async ({ api }) =>
        api.call('DELETE', '/v1/keys/2', { bearer: (await api.customer()).secureKey }),
      last_managing_key: async ({ api }) =>
        api.call('DELETE', '/v1/keys/1', { bearer: (await api.customer()).secureKey }),
    },
  },
};

/** A key that manages an account, and another of it. */
async function twoKeys(api: ApiUnderTest) {
  const managing = (await api.customer()).secureKey;
  const { body } = await api.call<{ number: number; last_four: string }>('POST', '/v1/keys', {
    bearer: managing,
    json: { scope: 'spend' },
  });
  return { managing, number: body.number, lastFour: body.last_four };
}

/** Asks with a key that may only spend. */
export function spending(method: string, path: string) {
  return async ({ api }: Stage) => {
    const bearer = await spendingKey(api, await api.customer());
    return await api.call(method, path, { bearer });
  };
}

/** A further key of the customer, which may only spend. */
export async function spendingKey(
  api: ApiUnderTest,
  { secureKey }: Pick<Customer, 'secureKey'>,
  limit?: { readonly amount: string; readonly period: string },
): Promise<string> {
  const made = await api.call<{ secure_key: string }>('POST', '/v1/keys', {
    bearer: secureKey,
    json: { scope: 'spend', ...(limit ? { limit } : {}) },
  });
  if (made.status !== 201) throw new Error(`no key was made: ${made.text}`);
  return made.body.secure_key;
}

/** The managing key of an account that has all the keys it may. */
export async function fullOfKeys(api: ApiUnderTest): Promise<string> {
  const customer = await api.customer();
  for (let count = 1; count < CREDENTIALS_MAX; count += 1)
    await api.ledger.keys.create(customer.accountId, { scope: 'spend', label: null, limit: null });
  return customer.secureKey;
}
