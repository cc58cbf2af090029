/** Many debits in one request. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiUnderTest, BEGINNING, type Customer, startApi } from '../support/api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());
beforeEach(() => {
  api.now = BEGINNING;
});

interface Result {
  readonly status: number;
  readonly replayed?: boolean;
  readonly debit?: { readonly id: string; readonly available: string };
  readonly problem?: { readonly code: string; readonly field?: string };
}

async function batch(debits: unknown) {
  const answer = await api.call<{ results: Result[] }>('POST', '/v1/debits/batch', {
    bearer: api.serviceToken,
    json: { debits },
  });
  return { ...answer, results: answer.body.results };
}

const available = async ({ secureKey }: Customer) =>
  (await api.call('GET', '/v1/credits', { bearer: secureKey })).body.available;

const item = ({ secureKey }: Pick<Customer, 'secureKey'>, amount: unknown, idempotency_key: unknown) => ({
  secure_key: secureKey,
  amount,
  idempotency_key,
});

describe('POST /v1/debits/batch', () => {
  it('answers each item in its place, and what is wrong harms nobody', async () => {
    const [rich, poor] = [await api.customer(), await api.customer()];
    await api.debit(poor, '9999', 'before');
    const { status, results } = await batch([
      item(rich, '1.5', 'a'),
      item(poor, '2', 'b'),
      item({ secureKey: 'aisk_dev_nonsense' }, '1', 'c'),
      item(rich, '1e3', 'd'),
      item(rich, '-1', 'e'),
      item(rich, '0.0000001', 'f'),
      item(rich, 5, 'g'),
      item(rich, '1', 'two words'),
      item(rich, '1', undefined),
      { ...item(rich, '1', 'h'), more: 1 },
      { ...item(rich, '1', 'i'), description: 'x'.repeat(201) },
      { ...item(rich, '1', 'j'), model: 'größe' },
      null,
      'debit',
      [],
      item(poor, '1', 'k'),
      { ...item(rich, '2', 'l'), description: '💸\u0000', model: 'chat-large' },
    ]);
    expect(status).toBe(200);
    expect(results.map(result => result.problem?.code ?? result.debit?.available)).toEqual([
      '9998.5',
      'insufficient_credits',
      'secure_key_invalid',
      ...Array(9).fill('invalid_field'),
      ...Array(3).fill('malformed_request'),
      '0',
      '9996.5',
    ]);
    expect(results.map(result => result.status)).toEqual([
      ...[201, 402, 422],
      ...Array(12).fill(400),
      ...[201, 201],
    ]);
    expect(results.slice(2, 12).map(result => result.problem?.field)).toEqual([
      ...['secure_key', 'amount', 'amount', 'amount', 'amount', 'idempotency_key', 'idempotency_key'],
      ...['more', 'description', 'model'],
    ]);
    expect(await available(rich)).toBe('9996.5');
    expect(await available(poor)).toBe('0');
  });

  it('takes a thousand of many customers, every third of which is bad', async () => {
    const customers: Customer[] = [];
    for (let count = 0; count < 10; count += 1) customers.push(await api.customer());
    const wanted = Array.from({ length: 1000 }, (_, index) => {
      const customer = customers[index % 10];
      if (!customer) throw new Error('there is no such customer');
      if (index % 3 === 0) return item(customer, '10001', `item-${index}`);
      return item(customer, '0.5', `item-${index}`);
    });
    const { results } = await batch(wanted);
    expect(results.map(result => result.status)).toEqual(
      wanted.map((_, index) => (index % 3 === 0 ? 402 : 201)),
    );
    // A hundred items each, of which 66 or 67 are good.
    const lefts = await Promise.all(customers.map(available));
    expect(lefts).toEqual(customers.map((_, index) => String(10_000 - (index % 3 === 0 ? 66 : 67) / 2)));
    // Sent again it changes nothing.
    const again = await batch(wanted);
    expect(again.results.map(result => result.debit)).toEqual(results.map(result => result.debit));
    expect(new Set(again.results.map(result => result.replayed))).toEqual(new Set([true, undefined]));
    expect(await Promise.all(customers.map(available))).toEqual(lefts);
  });

  it('is of one scope with single debits, and decides what comes twice in one batch once', async () => {
    const customer = await api.customer();
    const single = await api.debit(customer, '3', 'shared');
    const { results } = await batch([
      item(customer, '3', 'shared'),
      item(customer, '4', 'shared'),
      item(customer, '5', 'twice'),
      item(customer, '5.0', 'twice'),
    ]);
    expect(results[0]).toEqual({ status: 201, replayed: true, debit: single.body });
    expect(results[1]).toMatchObject({
      status: 422,
      problem: { code: 'idempotency_key_reused', field: 'idempotency_key' },
    });
    expect(results.slice(2).map(result => result.replayed)).toEqual([false, true]);
    expect(results[3]?.debit).toEqual(results[2]?.debit);
    expect(await available(customer)).toBe('9992');
  });

  it('debits once when the same batch comes ten times at once', async () => {
    const customer = await api.customer();
    const debits = Array.from({ length: 20 }, (_, index) => item(customer, '1', `race-${index}`));
    const answers = await Promise.all(Array.from({ length: 10 }, () => batch(debits)));
    const told = answers.map(({ results }) => JSON.stringify(results.map(result => result.debit)));
    expect(new Set(told).size).toBe(1);
    const originals = answers.flatMap(({ results }) => results.filter(result => result.replayed === false));
    expect(originals).toHaveLength(20);
    expect(await available(customer)).toBe('9980');
  });

  it('notes the first use of a key, and refuses one that was revoked', async () => {
    const [used, revoked] = [await api.customer(), await api.customer()];
    await api.query('update credits.secure_keys set revoked_at = now() where account_id = $1', [
      revoked.accountId,
    ]);
    const { results } = await batch([item(revoked, '1', 'a'), item(used, '1', 'b')]);
    expect(results.map(result => result.status)).toEqual([422, 201]);
    expect(
      await api.query(
        'select first_used_at is not null as used from credits.secure_keys where account_id = any($1)',
        [[used.accountId]],
      ),
    ).toEqual([{ used: true }]);
    expect(await available(used)).toBe('9999');
  });

  it.each([
    ['none', []],
    ['too many', Array(1001).fill({})],
    ['no array', { 0: {} }],
    ['nothing', undefined],
  ])('refuses %s as a whole', async (_, debits) => {
    expect(await batch(debits)).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field: 'debits' },
    });
  });

  it('takes the longest thousand there can be, and nothing endless', async () => {
    const { secureKey } = await api.customer();
    const longest = Array.from({ length: 1000 }, (_, index) => ({
      ...item({ secureKey }, '0.000001', String(index).padStart(255, '0')),
      description: '💸'.repeat(100),
      model: 'm'.repeat(100),
    }));
    const { results } = await batch(longest);
    expect(new Set(results.map(result => result.status))).toEqual(new Set([201]));
    expect(await batch(['x'.repeat(1_600_000)])).toMatchObject({
      status: 413,
      body: { code: 'request_too_large', detail: expect.stringContaining('1572864 bytes') },
    });
  });
});
