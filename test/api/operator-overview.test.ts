/** What an operator looks at first: whether everything keeps up, who owes, and what came in. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accountName, instantText } from '../../ledger/index.ts';
import { type ApiUnderTest, BEGINNING } from '../support/api.ts';
import { type CardApi, startCardApi } from '../support/card-api.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../support/intake.ts';

const DOLLAR_WEI = 500_000_000_000_000n;

let cards: CardApi;
let api: ApiUnderTest;
beforeAll(async () => {
  cards = await startCardApi();
  api = cards.api;
});
afterAll(() => cards?.stop());
beforeEach(() => {
  api.now = BEGINNING;
});

interface Receipt {
  readonly receipt: string;
  readonly standing: string;
}

const ask = async <Body>(path: string) =>
  (await api.call<Body>('GET', `/v1/operator/${path}`, { bearer: api.operatorToken })).body;
const receipts = async (limit = 200) =>
  (await ask<{ receipts: Receipt[] }>(`receipts?limit=${limit}`)).receipts;
const standing = async ({ receiptId }: { receiptId: string }) =>
  (await receipts()).find(({ receipt }) => receipt === receiptId)?.standing;

async function indebted(spent: string) {
  const customer = await api.customer();
  await api.debit(customer, spent, `all-${customer.accountId}`);
  await api.intake.vanish(customer.payment);
  return { account: accountName(customer.accountId), payment: customer.payment };
}

describe('GET /v1/operator/receipts', () => {
  it('tells of a payment on the chain whose it is, what it was worth and that it is credited', async () => {
    const customer = await api.customer();
    const [first] = (await receipts()).filter(({ receipt }) => receipt === customer.payment.receiptId);
    expect(first).toEqual({
      receipt: customer.payment.receiptId,
      rail: 'chain',
      recorded_at: instantText(BEGINNING),
      amount_eth: '0.0005',
      amount_usd: '1',
      account: accountName(customer.accountId),
      order: customer.orderId,
      standing: 'credited',
    });
  });

  it('tells how far each has come', async () => {
    const ordered = { amountMicrousd: 1_000_000n, round: roundOf(ANSWER, api.now), now: api.now };
    const calldata = calldataOf(payable(await api.ledger.createOrder(ordered)).reference);
    const waiting = await api.intake.record({ calldata, amountWei: DOLLAR_WEI });
    expect(await standing(waiting)).toBe('price_pending');
    await api.intake.price(waiting);
    expect(await standing(waiting)).toBe('crediting');
    await api.intake.deliver();
    expect(await standing(waiting)).toBe('credited');
    const stray = await api.intake.pay({ calldata: '0x', amountWei: DOLLAR_WEI });
    expect(await standing(stray)).toBe('suspense');
    const { payment } = await api.customer();
    await api.intake.vanish(payment);
    expect(await standing(payment)).toBe('reorged');
  });

  it('has card payments among them, the newest first, and no more than were asked for', async () => {
    await api.customer();
    const order = await cards.order('12.50');
    cards.pay(order.sessionId);
    await cards.credited(order);
    const all = await receipts();
    expect(all[0]).toMatchObject({
      rail: 'stripe',
      amount_usd: '12.5',
      order: order.id,
      standing: 'credited',
    });
    expect(all.length).toBeGreaterThan(1);
    expect(await receipts(1)).toEqual(all.slice(0, 1));
  });

  it('has card payments that the bank refused in the end', async () => {
    const order = await cards.order('3');
    cards.pay(order.sessionId, 'bank_debit');
    await cards.statusOnce(order, ({ state }) => state.flags.includes('processing'));
    const row = async () =>
      (await receipts()).find(receipt => 'order' in receipt && receipt.order === order.id);
    expect(await row()).toMatchObject({ standing: 'unpaid' });
  });
});

describe('GET /v1/operator/debts', () => {
  it('has those who owe, the largest debt first', async () => {
    const small = await indebted('10');
    const large = await indebted('9000.5');
    const { accounts } = await ask<{ accounts: { account: string; debt: string }[] }>('debts');
    expect(accounts.filter(({ account }) => [small.account, large.account].includes(account))).toEqual([
      { account: large.account, debt: '9000.5' },
      { account: small.account, debt: '10' },
    ]);
    const { accounts: most } = await ask<{ accounts: object[] }>('debts?limit=1');
    expect(most).toEqual(accounts.slice(0, 1));
  });
});

describe('GET /v1/operator/overview', () => {
  it('tells what is in suspense, owed and behind', async () => {
    interface Overview {
      readonly suspense: { readonly receipts: number };
      readonly debt: string;
    }
    const before = await ask<Overview>('overview');
    expect(before).toMatchObject({
      at: instantText(api.now),
      seal_age_seconds: null,
      indexer_lag_seconds: null,
    });
    await api.intake.pay({ calldata: '0x', amountWei: DOLLAR_WEI });
    await indebted('7');
    const after = await ask<Overview>('overview');
    expect(after.suspense.receipts).toBe(before.suspense.receipts + 1);
    expect(Number(after.debt)).toBe(Number(before.debt) + 7);
    api.now += 86_400_000_000n;
    expect(await ask('overview')).toMatchObject({ sweep_lag_seconds: expect.any(Number) });
  });
});

it('nobody but operators sees any of it', async () => {
  const { secureKey } = await api.customer();
  for (const path of ['overview', 'debts', 'receipts'])
    for (const bearer of [secureKey, api.serviceToken])
      expect(await api.call('GET', `/v1/operator/${path}`, { bearer })).toMatchObject({ status: 401 });
});
