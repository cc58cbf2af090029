import { accountName } from '../../../ledger/index.ts';
import { whileOutcomesAreUnknown, whileOverloaded } from './posting-trouble.ts';
import type { RouteCases } from './route-case.ts';
import type { Stage } from './stage.ts';

const NOBODY = 'acct_0000000000000001';
const NO_TOKEN = 'tok_0000000000000000';

export const OPERATOR_ACCOUNTS_CASES: RouteCases = {
  getAccount: {
    succeeds: async stage => asOperator(stage, `/v1/operator/accounts/${await anAccount(stage)}`),
    problems: { not_found: stage => asked(stage, 'GET', `/v1/operator/accounts/${NOBODY}`) },
  },
  getStatement: {
    succeeds: async stage => asOperator(stage, `/v1/operator/accounts/${await anAccount(stage)}/statement`),
    problems: { not_found: stage => asked(stage, 'GET', `/v1/operator/accounts/${NOBODY}/statement`) },
  },
  createAdjustment: {
    succeeds: async stage => adjustment(stage, await anAccount(stage), { direction: 'give', amount: '1' }),
    problems: {
      not_found: stage => adjust(stage, 'nobody', { direction: 'give', amount: '1' }),
      account_unknown: stage => adjust(stage, NOBODY, { direction: 'give', amount: '1' }),
      insufficient_credits: async stage =>
        adjust(stage, await anAccount(stage), { direction: 'take', amount: '10000.000001' }),
      idempotency_key_reused: async stage => {
        const account = await anAccount(stage);
        const first = adjustment(stage, account, { direction: 'give', amount: '1' });
        await stage.api.call('POST', first.path, first);
        const json = { ...first.json, amount: '2' };
        return await stage.api.call('POST', first.path, { ...first, json });
      },
      overloaded: async stage => {
        const { accountId } = await stage.api.customer();
        return await whileOverloaded(stage, accountId, () =>
          adjust(stage, accountName(accountId), { direction: 'give', amount: '1' }),
        );
      },
      outcome_unknown: async stage => {
        const account = await anAccount(stage);
        return await whileOutcomesAreUnknown(stage, () =>
          adjust(stage, account, { direction: 'give', amount: '1' }),
        );
      },
    },
  },
  listPrices: { succeeds: async stage => asOperator(stage, '/v1/operator/prices') },
  listOperatorActions: { succeeds: async stage => asOperator(stage, '/v1/operator/actions') },
  listOperatorServices: { succeeds: async stage => asOperator(stage, '/v1/operator/services') },
  createService: {
    succeeds: async stage => ({
      ...asOperator(stage, '/v1/operator/services'),
      json: { name: stage.unique(), reason: 'a new product' },
    }),
    problems: {
      service_exists: async ({ api }) =>
        await api.call('POST', '/v1/operator/services', {
          bearer: api.operatorToken,
          json: { name: 'chat', reason: 'once more' },
        }),
    },
  },
  createServiceToken: {
    succeeds: async stage => ({
      ...asOperator(stage, '/v1/operator/services/chat/tokens'),
      json: { reason: 'a second server' },
    }),
    problems: {
      not_found: async ({ api }) =>
        await api.call('POST', '/v1/operator/services/nobody/tokens', {
          bearer: api.operatorToken,
          json: { reason: 'a second server' },
        }),
    },
  },
  listTokens: { succeeds: async stage => asOperator(stage, '/v1/operator/tokens') },
  revokeToken: {
    succeeds: async stage => {
      const made = await stage.api.call('POST', '/v1/operator/services/chat/tokens', {
        bearer: stage.api.operatorToken,
        json: { reason: 'to be revoked' },
      });
      return asOperator(stage, `/v1/operator/tokens/${made.body.token_id}?reason=leaked`);
    },
    problems: {
      not_found: stage => asked(stage, 'DELETE', `/v1/operator/tokens/${NO_TOKEN}?reason=leaked`),
    },
  },
};

async function anAccount({ api }: Stage): Promise<string> {
  return accountName((await api.customer()).accountId);
}

function asOperator({ api }: Stage, path: string) {
  return { path, bearer: api.operatorToken };
}

function asked(stage: Stage, method: string, path: string) {
  return stage.api.call(method, path, asOperator(stage, path));
}

function adjustment(
  stage: Stage,
  account: string,
  what: { readonly direction: 'give' | 'take'; readonly amount: string },
) {
  return {
    ...asOperator(stage, `/v1/operator/accounts/${account}/adjustments`),
    json: { ...what, reason: 'an apology' },
    headers: { 'idempotency-key': stage.unique() },
  };
}

function adjust(...what: Parameters<typeof adjustment>) {
  const { path, ...call } = adjustment(...what);
  return what[0].api.call('POST', path, call);
}
