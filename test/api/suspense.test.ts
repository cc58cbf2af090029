/** Payments in suspense, as operators see them and give them to somebody. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accountName, instantText } from '../../ledger/index.ts';
import { type ApiUnderTest, BEGINNING, startApi } from '../support/api.ts';
import { ANSWER, calldataOf, payable, roundOf } from '../support/intake.ts';

const DOLLAR_WEI = 500_000_000_000_000n;

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());
beforeEach(() => {
  api.now = BEGINNING;
});

interface Receipt {
  readonly receipt: string;
  readonly reason: string;
  readonly since: string;
}
interface Page {
  readonly receipts: readonly Receipt[];
  readonly next: string | null;
}

const suspense = (query = '', bearer = api.operatorToken) =>
  api.call<Page>('GET', `/v1/operator/suspense${query}`, { bearer });

/** The rows of some receipts in the order in which they are shown; nothing where one is not. */
async function rowsOf(...wanted: readonly { readonly receiptId: string }[]): Promise<Receipt[]> {
  const { body } = await suspense('?limit=200');
  expect(body.next).toBeNull();
  return body.receipts.filter(({ receipt }) => wanted.some(({ receiptId }) => receiptId === receipt));
}

const assign = (receipt: string, json: object, bearer = api.operatorToken) =>
  api.call('POST', `/v1/operator/receipts/${receipt}/assign`, { bearer, json });

/** A payment that nothing tells the owner of. */
const stray = (amountWei = DOLLAR_WEI) => api.intake.pay({ calldata: '0x', amountWei });

const credits = async (bearer: string) => (await api.call('GET', '/v1/credits', { bearer })).body.available;

async function unpaidOrder() {
  const round = roundOf(ANSWER, api.now);
  return payable(await api.ledger.createOrder({ amountMicrousd: 1_000_000n, round, now: api.now }));
}

describe('GET /v1/operator/suspense', () => {
  it('shows each payment with who sent it, what it is worth, and why it waits', async () => {
    const first = await stray();
    api.now += 1_000_000n;
    const second = await api.intake.record({ calldata: '0x', amountWei: 1n });
    const receipts = await rowsOf(second, first);
    const rowOf = (inclusion: typeof first, since: bigint) => ({
      receipt: inclusion.receiptId,
      transaction: inclusion.transactionHash,
      block: inclusion.blockNumber.toString(),
      paid_at: instantText(inclusion.blockAt),
      sender: inclusion.fromAddress,
      since: instantText(since),
      reason: 'no_match',
      detail: 'Nothing tells whose it is.',
      kept_back_from: null,
    });
    expect(receipts).toEqual([
      { ...rowOf(second, api.now), amount_wei: '1', amount_eth: '0.000000000000000001', amount_usd: null },
      {
        ...rowOf(first, BEGINNING),
        amount_wei: '500000000000000',
        amount_eth: '0.0005',
        amount_usd: '1',
      },
    ]);
  });

  it('tells whose a payment is that is kept back', async () => {
    const customer = await api.customer();
    const { body: order } = await api.call('GET', `/v1/orders/${customer.orderId}`, {
      bearer: customer.orderSecret,
    });
    const { calldata } = order.payment as { calldata: string };
    api.now += 1_000_000n;
    const extra = await api.intake.pay({ calldata, amountWei: DOLLAR_WEI / 2n });
    expect(await rowsOf(extra)).toMatchObject([
      {
        receipt: extra.receiptId,
        amount_usd: '0.5',
        reason: 'under_a_dollar',
        kept_back_from: { account: accountName(customer.accountId), order: customer.orderId },
      },
    ]);
    const status = await api.call('GET', `/v1/orders/${customer.orderId}`, { bearer: customer.orderSecret });
    expect(status.body).toMatchObject({
      state: { amount: 'exact', flags: ['kept_back'] },
      payments: expect.arrayContaining([
        expect.objectContaining({
          receipt: extra.receiptId,
          credited: false,
          kept_back: { reason: 'under_a_dollar', detail: 'Less than $1 for an order that was paid already.' },
        }),
      ]),
    });
  });

  it('goes on page by page, through equal instants, while more arrives and some is assigned', async () => {
    const customer = await api.customer();
    api.now += 3_600_000_000n;
    const ids = [];
    for (let count = 0; count < 7; count += 1) ids.push((await stray()).receiptId);
    const seen: string[] = [];
    let next: string | null = null;
    for (let page = 0; page < 3; page += 1) {
      const query: string = next === null ? '?limit=2' : `?limit=2&before=${next}`;
      const { body } = await suspense(query);
      seen.push(...body.receipts.map(({ receipt }) => receipt));
      next = body.next;
      // One that was seen leaves, and a newer one comes: neither moves what follows.
      await assign(seen[0] ?? '', { account: accountName(customer.accountId), reason: 'their mail' });
      api.now += 1_000_000n;
      await stray();
    }
    expect(new Set(seen).size).toBe(6);
    expect(ids.filter(id => seen.includes(id))).toHaveLength(6);
    const all = await suspense('?limit=200');
    expect(all.body.next).toBeNull();
    expect(all.body.receipts.map(({ receipt }) => receipt)).not.toContain(seen[0]);
    const since = all.body.receipts.map(receipt => receipt.since);
    expect(since).toEqual([...since].sort().reverse());
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=1e1', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['before=nonsense', 'before'],
    ['before=', 'before'],
    ['before=MSAA', 'before'],
    ['after=1', 'after'],
  ])('refuses ?%s', async (query, field) => {
    const { status, body } = await suspense(`?${query}`);
    expect([status, body]).toMatchObject([400, { code: 'invalid_field', field }]);
  });

  it('is for operators only, as is the assignment', async () => {
    const { secureKey } = await api.customer();
    for (const bearer of [secureKey, api.serviceToken]) {
      expect((await suspense('', bearer)).status).toBe(401);
      expect((await assign('eth:8453:0x00:0', {}, bearer)).status).toBe(401);
    }
  });
});

describe('POST /v1/operator/receipts/:id/assign', () => {
  it('gives a payment to an account, once, and says the same when asked again', async () => {
    const { secureKey, accountId } = await api.customer();
    const { receiptId } = await stray();
    const json = { account: accountName(accountId), reason: ' their mail ' };
    const assigned = await assign(receiptId, json);
    expect(assigned).toMatchObject({
      status: 200,
      body: {
        receipt: receiptId,
        account: accountName(accountId),
        assigned_at: instantText(BEGINNING),
        amount_usd: '1',
      },
    });
    expect(await credits(secureKey)).toBe('20000');
    api.now += 60_000_000n;
    expect((await assign(receiptId, json)).body).toEqual(assigned.body);
    expect((await assign(encodeURIComponent(receiptId), json)).body).toEqual(assigned.body);
    expect(await credits(secureKey)).toBe('20000');
    expect(
      await api.query('select operator, reason from credits.assignments where receipt_id = $1', [receiptId]),
    ).toEqual([{ operator: 'ops', reason: 'their mail' }]);
  });

  it('gives one without a price yet, which is credited once it has it', async () => {
    const { secureKey, accountId } = await api.customer();
    const inclusion = await api.intake.record({ calldata: '0x', amountWei: DOLLAR_WEI });
    const json = { account: accountName(accountId), reason: 'their mail' };
    expect((await assign(inclusion.receiptId, json)).body).toMatchObject({ amount_usd: null });
    await api.intake.price(inclusion);
    await api.intake.deliver();
    expect(await credits(secureKey)).toBe('20000');
    expect((await assign(inclusion.receiptId, json)).body).toMatchObject({ amount_usd: '1' });
  });

  it('gives one to an order that nobody has paid: its buyer can claim the key', async () => {
    const { orderId, secret } = await unpaidOrder();
    api.now += 3_600_000_000n;
    const { receiptId } = await stray();
    expect((await assign(receiptId, { order: orderId, reason: 'sent by their exchange' })).status).toBe(200);
    expect(await api.call('POST', `/v1/orders/${orderId}/claim`, { bearer: secret })).toMatchObject({
      status: 200,
      body: { secure_key: expect.stringMatching(/^aisk_/) },
    });
  });

  it('refuses what is somebody’s already, and tells whose', async () => {
    const [one, other] = [await api.customer(), await api.customer()];
    const account = accountName(other.accountId);
    expect(await assign(one.payment.receiptId, { account, reason: 'a hunch' })).toMatchObject({
      status: 409,
      body: { code: 'receipt_assigned', account: accountName(one.accountId) },
    });
  });

  it('refuses a receipt that never arrived, whatever its id looks like', async () => {
    const { accountId } = await api.customer();
    const json = { account: accountName(accountId), reason: 'their mail' };
    for (const id of ['eth:8453:0x00:0', 'nonsense', '%00', '%F0%9F%92%B8', 'x'.repeat(5000)])
      expect(await assign(id, json)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it.each<[object, string]>([
    [{ reason: 'why' }, 'account'],
    [{ account: 'acct_0000000000000001', order: 'ord_1', reason: 'why' }, 'account'],
    [{ account: 7, reason: 'why' }, 'account'],
    [{ account: 'acct_0000000000000001' }, 'reason'],
    [{ account: 'acct_0000000000000001', reason: ' \n' }, 'reason'],
    [{ account: 'acct_0000000000000001', reason: 'x'.repeat(501) }, 'reason'],
    [{ account: 'acct_0000000000000001', reason: 'a\0b' }, 'reason'],
    [{ account: 'acct_0000000000000001', reason: '\ud800' }, 'reason'],
    [{ account: 'acct_0000000000000001', reason: 'why', note: 'x' }, 'note'],
  ])('refuses %j', async (json, field) => {
    const { status, body } = await assign((await stray()).receiptId, json);
    expect([status, body]).toMatchObject([400, { code: 'invalid_field', field }]);
  });

  it.each([
    ['nobody has', 'acct_0000000000000001', 'account_unknown'],
    ['is none', '1', 'account_unknown'],
    ['is the system’s', 'acct_0000000000000000', 'account_unknown'],
  ])('refuses an account that %s', async (_what, account, code) => {
    const { status, body } = await assign((await stray()).receiptId, { account, reason: 'why' });
    expect([status, body]).toMatchObject([422, { code, field: 'account' }]);
  });
});

it('shows nothing of payments that say whose they are', async () => {
  const { reference, quotedWei } = await unpaidOrder();
  const payment = await api.intake.pay({ calldata: calldataOf(reference), amountWei: quotedWei });
  expect(await rowsOf(payment)).toEqual([]);
});
