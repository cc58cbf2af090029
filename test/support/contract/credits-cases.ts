import type { RouteCases } from './route-case.ts';

export const CREDITS_CASES: RouteCases = {
  getCredits: {
    succeeds: async ({ api }) => ({ path: '/v1/credits', bearer: (await api.customer()).secureKey }),
  },
};
