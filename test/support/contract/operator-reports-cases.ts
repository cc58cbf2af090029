import type { RouteCases } from './route-case.ts';

export const OPERATOR_REPORTS_CASES: RouteCases = {
  getReconciliation: {
    succeeds: async ({ api }) => {
      await api.customer();
      return { path: '/v1/operator/reconciliation', bearer: api.operatorToken };
    },
  },
  getReport: {
    succeeds: async ({ api }) => {
      await api.customer();
      return { path: '/v1/operator/report', bearer: api.operatorToken };
    },
  },
};
