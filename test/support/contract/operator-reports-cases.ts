import { accountName } from '../../../ledger/index.ts';
import type { ApiUnderTest } from '../api.ts';
import type { Answer, AnyBody } from '../http.ts';
import type { Prepared, RouteCases } from './route-case.ts';

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
  getJournalVerification: {
    succeeds: async ({ api }) => {
      await api.customer();
      return { path: '/v1/operator/verification', bearer: api.operatorToken };
    },
  },
  getReplay: {
    succeeds: async ({ api }) => {
      await api.customer();
      return { path: '/v1/operator/replay', bearer: api.operatorToken };
    },
  },
  getVerification: {
    succeeds: async ({ api }) => {
      const { accountId } = await api.customer();
      return verification(api, accountName(accountId));
    },
    problems: { not_found: async ({ api }) => ask(api, 'acct_0000000000000001') },
  },
};

function verification(api: ApiUnderTest, account: string): Prepared {
  return { path: `/v1/operator/accounts/${account}/verification`, bearer: api.operatorToken };
}

function ask(api: ApiUnderTest, account: string): Promise<Answer<AnyBody>> {
  const { path, ...call } = verification(api, account);
  return api.call('GET', path, call);
}
