/** Operator routes. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApiUnderTest, BEGINNING, startApi } from '../support/api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());
beforeEach(() => {
  api.now = BEGINNING;
});

type TrialBalance = { accounts: { account: string; balance: string }[] };

const trialBalance = (bearer: string) =>
  api.call<TrialBalance>('GET', '/v1/operator/trial-balance', { bearer });

function balances(answer: Awaited<ReturnType<typeof trialBalance>>): Map<string, bigint> {
  for (const { balance } of answer.body.accounts) expect(balance).toMatch(/^(?:0|-?[1-9]\d*)$/);
  return new Map(answer.body.accounts.map(({ account, balance }) => [account, BigInt(balance)]));
}

describe('GET /v1/operator/trial-balance', () => {
  it('adds up to zero in each asset, after purchases, debits, renewals, a reorg and a stray payment', async () => {
    const before = balances(await trialBalance(api.operatorToken));
    const [spender, debtor] = [await api.customer(3_333_333n), await api.customer()];
    await api.debit(spender, '1234.567891', 'one');
    await api.debit(debtor, '777', 'two');
    await api.intake.vanish(debtor.payment);
    await api.intake.pay({ calldata: '0x', amountWei: 12_345_678_901_234_567n });
    api.now += 25n * 3_600_000_000n;
    await api.debit(spender, '0.1', 'three');

    const answer = await trialBalance(api.operatorToken);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body)).toEqual(['at', 'accounts']);
    const after = balances(answer);
    const sums: Record<string, bigint> = {};
    for (const [account, balance] of after) {
      const asset = account.split(':')[0] ?? '';
      sums[asset] = (sums[asset] ?? 0n) + balance;
    }
    expect(sums).toEqual({ CREDIT: 0n, USD: 0n, ETH: 0n });
    const moved = (account: string) => (after.get(account) ?? 0n) - (before.get(account) ?? 0n);
    expect(moved('CREDIT:consumed')).toBe(1_234_567_891n + 777_000_000n + 100_000n);
    expect(moved('CREDIT:renewed')).toBe(-1_234_567_891n);
    expect(moved('CREDIT:clawed_back')).toBe(10_000_000_000n);
    expect(moved('ETH:suspense')).toBe(-12_345_678_901_234_567n);
    expect(moved('ETH:treasury:8453:0xa7f3ad0e69f61864092fabba6cee00af6e584689')).toBe(
      3_333_333n * 500_000_000n + 12_345_678_901_234_567n,
    );
  });

  it('is for operators only', async () => {
    const { secureKey, orderSecret } = await api.customer();
    const { operatorToken, serviceToken } = api;
    const strangers = [
      serviceToken,
      secureKey,
      orderSecret,
      operatorToken.replace('_dev_', '_live_'),
      operatorToken.slice(0, -1),
    ];
    for (const bearer of strangers)
      expect(await trialBalance(bearer)).toMatchObject({ status: 401, body: { code: 'credential_invalid' } });
    expect((await api.call('GET', '/v1/operator/trial-balance')).body).toMatchObject({
      code: 'credential_missing',
    });
  });

  it('tells a stranger nothing of which operator routes there are', async () => {
    const answer = await api.call('GET', '/v1/operator/nothing', { bearer: api.serviceToken });
    expect(answer.status).toBe(401);
    const known = await api.call('GET', '/v1/operator/nothing', { bearer: api.operatorToken });
    expect(known.status).toBe(404);
  });

  it('refuses a revoked token', async () => {
    await api.query(`update credits.access_tokens set revoked_at = now() where role = 'operator'`);
    try {
      expect((await trialBalance(api.operatorToken)).status).toBe(401);
    } finally {
      await api.query(`update credits.access_tokens set revoked_at = null where role = 'operator'`);
    }
  });
});
