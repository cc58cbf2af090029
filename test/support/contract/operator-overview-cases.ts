import type { ApiUnderTest } from '../api.ts';
import type { Prepared, RouteCase, RouteCases } from './route-case.ts';

/** With a payment of a customer in the books. */
const asked = (path: string): RouteCase => ({
  succeeds: async ({ api }): Promise<Prepared> => {
    await payOnce(api);
    return { path: `/v1/operator/${path}`, bearer: api.operatorToken };
  },
});

async function payOnce(api: ApiUnderTest): Promise<void> {
  await api.customer();
}

export const OPERATOR_OVERVIEW_CASES: RouteCases = {
  getOverview: asked('overview'),
  listDebts: asked('debts?limit=5'),
  listReceipts: asked('receipts?limit=5'),
};
