import type { ApiUnderTest, Call } from '../api.ts';
import { spendingKey } from './keys-cases.ts';
import { whileOutcomesAreUnknown } from './posting-trouble.ts';
import type { RouteCases } from './route-case.ts';

export const DEBITS_CASES: RouteCases = {
  createDebit: {
    succeeds: async ({ api, unique }) => ({
      path: '/v1/debits',
      ...debitOf(api, (await api.customer()).secureKey, '1', unique()),
    }),
    problems: {
      insufficient_credits: async ({ api, unique }) =>
        debit(api, await api.customer(), '10000.000001', unique()),
      debt_open: async ({ api, unique }) => {
        const debtor = await api.customer();
        await debit(api, debtor, '4000', unique());
        await api.intake.vanish(debtor.payment);
        return await debit(api, debtor, '1', unique());
      },
      key_limit_exceeded: async ({ api, unique }) => {
        const limited = await spendingKey(api, await api.customer(), { amount: '5', period: 'day' });
        return await debit(api, { secureKey: limited }, '5.000001', unique());
      },
      grant_invalid: ({ api, unique }) =>
        api.call('POST', '/v1/debits', {
          bearer: api.serviceToken,
          json: { grant: 'grant_0123456789abcdef_1', amount: '1' },
          headers: { 'idempotency-key': unique() },
        }),
      secure_key_invalid: ({ api, unique }) => debit(api, { secureKey: 'aisk_dev_nonsense' }, '1', unique()),
      idempotency_key_reused: async ({ api, unique }) => {
        const customer = await api.customer();
        const key = unique();
        await debit(api, customer, '1', key);
        return await debit(api, customer, '2', key);
      },
      outcome_unknown: async stage => {
        const customer = await stage.api.customer();
        return await whileOutcomesAreUnknown(stage, () => debit(stage.api, customer, '1', stage.unique()));
      },
    },
  },
};

function debit(api: ApiUnderTest, { secureKey }: { secureKey: string }, amount: string, key: string) {
  return api.call('POST', '/v1/debits', debitOf(api, secureKey, amount, key));
}

function debitOf(api: ApiUnderTest, secureKey: string, amount: string, key: string): Call {
  return {
    bearer: api.serviceToken,
    json: { secure_key: secureKey, amount },
    headers: { 'idempotency-key': key },
  };
}
