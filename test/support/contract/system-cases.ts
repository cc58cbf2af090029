import type { RouteCases } from './route-case.ts';

export const SYSTEM_CASES: RouteCases = {
  getHealth: { succeeds: async () => ({ path: '/health' }) },
  getReadiness: { succeeds: async () => ({ path: '/ready' }) },
  getMetrics: { succeeds: async ({ api }) => ({ path: '/metrics', bearer: api.operatorToken }) },
  getOpenApi: { succeeds: async () => ({ path: '/openapi.json' }) },
  getReference: { succeeds: async () => ({ path: '/docs' }) },
};
