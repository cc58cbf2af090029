import { signIn } from '../sign-in.ts';
import type { RouteCases } from './route-case.ts';

export const SESSIONS_CASES: RouteCases = {
  createSession: {
    succeeds: async ({ api }) => ({ path: '/v1/session', bearer: (await api.customer()).secureKey }),
    problems: {
      scope_insufficient: async ({ api }) => {
        const { accountId, secureKey } = await api.customer();
        const lastFour = secureKey.slice(-4);
        await api.ledger.keys.rotate({ accountId, keyNumber: 1 }, { lastFour, graceSeconds: 60 });
        return await api.call('POST', '/v1/session', { bearer: secureKey });
      },
    },
  },
  getSession: {
    succeeds: async ({ api }) => ({
      path: '/v1/session',
      headers: { cookie: await signIn(api, await api.customer()) },
    }),
  },
  deleteSession: {
    succeeds: async ({ api }) => ({
      path: '/v1/session',
      headers: { cookie: await signIn(api, await api.customer()), 'sec-fetch-site': 'same-origin' },
    }),
    problems: {
      // Two sessions of one key, as the first is over when the second comes.
      rate_limited: async ({ api, narrowPort: port }) => {
        const customer = await api.customer();
        const signOut = async () =>
          await api.call('DELETE', '/v1/session', {
            port,
            headers: { cookie: await signIn(api, customer), 'sec-fetch-site': 'same-origin' },
          });
        await signOut();
        return await signOut();
      },
    },
  },
};
