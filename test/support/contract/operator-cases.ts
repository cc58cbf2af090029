import { accountName } from '../../../ledger/index.ts';
import type { Included } from '../../../ledger/intake/receipt-facts.ts';
import type { ApiUnderTest, Customer } from '../api.ts';
import type { Answer, AnyBody } from '../http.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../intake.ts';
import type { Prepared, RouteCases } from './route-case.ts';

/** A receipt waits so long for its price before an operator may give it one. */
const DAY = 86_400_000_000n;

/** Worth a micro-dollar. */
const MICRODOLLAR_WEI = 500_000_000n;

export const OPERATOR_CASES: RouteCases = {
  getTrialBalance: { succeeds: async ({ api }) => asked(api, '/v1/operator/trial-balance') },
  listAlarms: {
    succeeds: async ({ api, unique }) => {
      await api.query(
        `insert into credits.alarms (kind, subject, message, raised_at)
         values ('payment_without_row', $1, 'Block 7 has it.', '2026-03-01T15:00:00Z')`,
        [unique()],
      );
      return asked(api, '/v1/operator/alarms');
    },
  },
  priceReceipt: {
    succeeds: async ({ api }) => pricing(api, await waiting(api)),
    problems: {
      not_found: ({ api }) => post(api, pricing(api, { receiptId: 'eth:8453:0x00:0' })),
      receipt_absent: async ({ api }) => {
        const receipt = await waiting(api);
        await api.intake.vanish(receipt);
        return await post(api, pricing(api, receipt));
      },
      receipt_priced: async ({ api }) => post(api, pricing(api, await stray(api))),
      price_not_due: async ({ api }) =>
        post(api, pricing(api, await api.intake.record({ calldata: '0x', amountWei: 1n }))),
      earlier_unpriced: async ({ api }) => {
        const { now } = api;
        const ordered = { amountMicrousd: 1n, round: roundOf(ANSWER, now), now };
        const calldata = calldataOf(payable(await api.ledger.createOrder(ordered)).reference);
        await waiting(api, calldata);
        return await post(api, pricing(api, await waiting(api, calldata)));
      },
      price_unconfirmed: async ({ api }) => post(api, pricing(api, await waiting(api), '4000.00000001')),
    },
  },
  listSuspense: {
    succeeds: async ({ api }) => {
      for (let count = 0; count < 2; count += 1) await stray(api);
      return asked(api, '/v1/operator/suspense?limit=1');
    },
  },
  assignReceipt: {
    succeeds: async ({ api }) => assigning(api, await stray(api), toAccount(await api.customer())),
    problems: {
      not_found: async ({ api }) =>
        post(api, assigning(api, { receiptId: 'eth:8453:0x00:0' }, toAccount(await api.customer()))),
      receipt_absent: async ({ api }) => {
        const receipt = await stray(api);
        await api.intake.vanish(receipt);
        return await post(api, assigning(api, receipt, toAccount(await api.customer())));
      },
      receipt_assigned: async ({ api }) => {
        const customer = await api.customer();
        return await post(api, assigning(api, customer.payment, toAccount(customer)));
      },
      account_unknown: async ({ api }) =>
        post(api, assigning(api, await stray(api), { account: 'acct_0000000000000001' })),
      order_unknown: async ({ api }) =>
        post(api, assigning(api, await stray(api), { order: 'ord_000000000000000000000000' })),
      worth_nothing: async ({ api }) =>
        post(api, assigning(api, await stray(api, 1n), toAccount(await api.customer()))),
    },
  },
};

function asked(api: ApiUnderTest, path: string): Prepared {
  return { path, bearer: api.operatorToken };
}

function post(api: ApiUnderTest, { path, ...call }: Prepared): Promise<Answer<AnyBody>> {
  return api.call('POST', path, call);
}

/** A payment that nothing tells the owner of. */
function stray(api: ApiUnderTest, amountWei = MICRODOLLAR_WEI): Promise<Included> {
  return api.intake.pay({ calldata: '0x', amountWei });
}

/** A payment that has waited a day for its price. */
async function waiting(api: ApiUnderTest, calldata = '0x'): Promise<Included> {
  api.now -= DAY;
  try {
    return await api.intake.record({ calldata, amountWei: MICRODOLLAR_WEI });
  } finally {
    api.now += DAY;
  }
}

function pricing(
  api: ApiUnderTest,
  { receiptId }: Pick<Included, 'receiptId'>,
  ethUsd = '2000',
): Prepared & { json: object } {
  const json = { eth_usd: ethUsd, reason: 'the feed is down' };
  return { ...asked(api, `/v1/operator/receipts/${receiptId}/price`), json };
}

function toAccount({ accountId }: Customer): { account: string } {
  return { account: accountName(accountId) };
}

function assigning(
  api: ApiUnderTest,
  { receiptId }: Pick<Included, 'receiptId'>,
  to: { readonly account?: string; readonly order?: string },
): Prepared {
  const json = { reason: 'their mail', ...to };
  return { ...asked(api, `/v1/operator/receipts/${receiptId}/assign`), json };
}
