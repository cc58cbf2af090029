import { accountName } from '../../../ledger/index.ts';
import type { ApiUnderTest } from '../api.ts';
import type { Answer, AnyBody } from '../http.ts';
import type { Prepared, RouteCases } from './route-case.ts';
import type { Stage } from './stage.ts';

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
  getChainAudit: {
    succeeds: async stage => {
      await settle(stage, 3);
      return { path: '/v1/operator/chain-audit?from=0&to=3', bearer: stage.api.operatorToken };
    },
    problems: {
      not_found: async stage => {
        await settle(stage, -1);
        return stage.api.call('GET', '/v1/operator/chain-audit?from=0', { bearer: stage.api.operatorToken });
      },
    },
  },
  exportJournal: {
    succeeds: async ({ api }) => {
      await api.customer();
      return { path: '/v1/operator/export?format=hledger', bearer: api.operatorToken };
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

/** As if the worker had finally taken in the stage's chain up to this block. */
async function settle({ api, onChain }: Stage, block: number): Promise<void> {
  const { hash } = await onChain().getBlock({ blockNumber: 0n });
  await api.query(`begin; set local session_replication_role = 'replica';
    update credits.installation set genesis_hash = '${hash}';
    insert into credits.chain_progress (chain_id, settled_block, updated_at)
      select chain_id, ${block}, now() from credits.installation
      on conflict (chain_id) do update set settled_block = excluded.settled_block;
    commit`);
}

function verification(api: ApiUnderTest, account: string): Prepared {
  return { path: `/v1/operator/accounts/${account}/verification`, bearer: api.operatorToken };
}

function ask(api: ApiUnderTest, account: string): Promise<Answer<AnyBody>> {
  const { path, ...call } = verification(api, account);
  return api.call('GET', path, call);
}
