/** The client of a customer's own key, against the running API. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CreditsClient } from '../../client/src/credits-client.ts';
import { CustomerClient } from '../../client/src/customer-client.ts';
import { instantText } from '../../ledger/index.ts';
import { type ApiUnderTest, type Customer, startApi } from '../support/api.ts';

let api: ApiUnderTest;
let customer: Customer;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());
beforeEach(async () => {
  customer = await api.customer();
});

function open(more: Partial<ConstructorParameters<typeof CustomerClient>[0]> = {}): CustomerClient {
  const baseUrl = `http://127.0.0.1:${api.port}`;
  return new CustomerClient({ baseUrl, secureKey: customer.secureKey, ...more });
}
async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const every: Item[] = [];
  for await (const item of items) every.push(item);
  return every;
}
const spend = (amount: string, key: string) => api.debit(customer, amount, `${customer.accountId}-${key}`);

describe('credits', () => {
  it('are what there is now, and what there was', async () => {
    const before = instantText(api.now);
    api.now += 1_000_000n;
    await spend('12.5', 'job');
    expect(await open().credits()).toMatchObject({ available: '9987.5', lots: [{ face: '10000' }] });
    expect(await open().credits({ at: before })).toMatchObject({ at: before, available: '10000' });
  });

  it('cannot be of the future', async () => {
    const at = instantText(api.now + 1_000_000n);
    await expect(open().credits({ at })).rejects.toMatchObject({ code: 'invalid_field', field: 'at' });
  });
});

it('a key tells of itself', async () => {
  await spend('3', 'job');
  expect(await open().key()).toMatchObject({ number: 1, scope: 'manage', limit: null, usage_daily: '3' });
});

it('every lot and every transaction comes, page after page', async () => {
  for (const amount of ['1', '2', '3', '4']) await spend(amount, amount);
  const asked: string[] = [];
  const counting: typeof fetch = (url, init) => {
    asked.push(String(url));
    return fetch(url, init);
  };
  const transactions = await all(open({ fetch: counting }).transactions({ limit: 2 }));
  expect(transactions.map(({ kind, amount }) => [kind, amount])).toEqual([
    ...['4', '3', '2', '1'].map(amount => ['debit', amount]),
    ['purchase', '10000'],
  ]);
  expect(asked).toHaveLength(3);
  expect(await all(open().lots())).toMatchObject([{ face: '10000', remaining: '9990', live: true }]);
});

it('who has seen enough asks for no more', async () => {
  for (const amount of ['1', '2', '3']) await spend(amount, amount);
  let asked = 0;
  const counting: typeof fetch = (url, init) => {
    asked += 1;
    return fetch(url, init);
  };
  for await (const transaction of open({ fetch: counting }).transactions({ limit: 1 })) {
    expect(transaction.amount).toBe('3');
    break;
  }
  expect(asked).toBe(1);
});

it('usage comes by what it is grouped by', async () => {
  await spend('3', 'a');
  await spend('4', 'b');
  // Up to, and without, now.
  api.now += 1_000_000n;
  const { group_by, usage } = await open().usage({ group_by: 'service' });
  expect({ group_by, usage }).toMatchObject({
    group_by: 'service',
    usage: [{ group: 'chat', credits: '7', count: 2 }],
  });
});

describe('a grant', () => {
  const debit = (grant: string, amount: string) => {
    const { port, serviceToken } = api;
    return new CreditsClient({ baseUrl: `http://127.0.0.1:${port}`, serviceToken }).debit({ grant, amount });
  };

  it('lets a service spend, up to its limit and until it is revoked', async () => {
    expect(await open().services()).toContainEqual({ name: 'chat' });
    const limit = { amount: '5', period: 'day' } as const;
    const grant = await open().createGrant({ service: 'chat', label: 'the chat', limit });
    expect(grant).toMatchObject({ service: 'chat', label: 'the chat', limit: { ...limit, remaining: '5' } });
    expect((await debit(grant.id, '4')).available).toBe('9996');
    await expect(debit(grant.id, '2')).rejects.toMatchObject({ code: 'key_limit_exceeded', status: 403 });

    expect(await open().changeGrant(grant.id, { limit: null })).toMatchObject({ limit: null });
    expect((await debit(grant.id, '2')).available).toBe('9994');
    expect(await open().revokeGrant(grant.id)).toBeUndefined();
    await expect(debit(grant.id, '1')).rejects.toMatchObject({ code: 'grant_invalid' });
    expect(await all(open().grants())).toMatchObject([{ id: grant.id, revoked_at: instantText(api.now) }]);
    await expect(open().revokeGrant(grant.id)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is not made twice when its answer is lost', async () => {
    let tries = 0;
    const losing: typeof fetch = async (url, init) => {
      await fetch(url, init);
      tries += 1;
      throw new TypeError('the connection was killed');
    };
    const made = open({ fetch: losing }).createGrant({ service: 'chat' });
    await expect(made).rejects.toMatchObject({
      name: 'CreditsUnreachableError',
      message: 'The credits API did not answer.',
    });
    expect(tries).toBe(1);
    expect(await all(open().grants())).toHaveLength(1);
  });
});

it('a key that only spends may not read what was spent', async () => {
  const { body } = await api.call('POST', '/v1/keys', {
    bearer: customer.secureKey,
    json: { scope: 'spend' },
  });
  const spending = open({ secureKey: String(body.secure_key) });
  expect((await spending.credits()).available).toBe('10000');
  await expect(all(spending.transactions())).rejects.toMatchObject({ code: 'scope_insufficient' });
});
