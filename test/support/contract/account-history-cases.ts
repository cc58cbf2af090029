import { spending } from './keys-cases.ts';
import type { RouteCases } from './route-case.ts';

export const ACCOUNT_HISTORY_CASES: RouteCases = {
  listLots: {
    succeeds: async ({ api }) => ({ path: '/v1/lots', bearer: (await api.customer()).secureKey }),
    problems: { scope_insufficient: spending('GET', '/v1/lots') },
  },
  getLot: {
    succeeds: async ({ api }) => ({ path: '/v1/lots/1', bearer: (await api.customer()).secureKey }),
    problems: {
      scope_insufficient: spending('GET', '/v1/lots/1'),
      not_found: async ({ api }) =>
        api.call('GET', '/v1/lots/2', { bearer: (await api.customer()).secureKey }),
    },
  },
  listTransactions: {
    succeeds: async ({ api, unique }) => {
      const customer = await api.customer();
      await api.debit(customer, '1', unique());
      return { path: '/v1/transactions', bearer: customer.secureKey };
    },
    problems: { scope_insufficient: spending('GET', '/v1/transactions') },
  },
  getUsage: {
    succeeds: async ({ api, unique }) => {
      const customer = await api.customer();
      await api.debit(customer, '1', unique());
      return { path: '/v1/usage?group_by=service', bearer: customer.secureKey };
    },
    problems: { scope_insufficient: spending('GET', '/v1/usage') },
  },
};
