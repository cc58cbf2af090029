import { onAnotherApi } from './another-api.ts';
import type { RouteCases } from './route-case.ts';

export const PAYMENTS_CASES: RouteCases = {
  getPrice: {
    succeeds: async () => ({ path: '/v1/price' }),
    problems: { price_unavailable: stage => onAnotherApi(stage, {}, api => api.call('GET', '/v1/price')) },
  },
  getPayment: {
    succeeds: async ({ api }) => ({ path: `/v1/payments/${(await api.customer()).payment.transactionHash}` }),
    problems: { not_found: ({ api }) => api.call('GET', '/v1/payments/0x12') },
  },
};
