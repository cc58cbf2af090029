/** What operators are told of the books as a whole. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiUnderTest, startApi } from '../support/api.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await startApi();
  const customer = await api.customer();
  await api.debit(customer, '100', 'once');
});
afterAll(() => api?.stop());

const asked = (path: string) => api.call('GET', `/v1/operator/${path}`, { bearer: api.operatorToken });

describe('GET /v1/operator/reconciliation', () => {
  it('ties the ledger, and says what could not be compared', async () => {
    const { status, body } = await asked('reconciliation');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ledger: { status: 'compared', why: null },
      chain: { status: 'not_compared', why: expect.stringContaining('RPC') },
      differences: [],
      in_flight: [],
    });
  });

  it('is as of an instant', async () => {
    const { body } = await asked('reconciliation?at=2020-01-01T00:00:00Z');
    expect(body).toMatchObject({ at: '2020-01-01T00:00:00.000000Z', differences: [] });
    expect(await asked('reconciliation?at=noon')).toMatchObject({ status: 400, body: { field: 'at' } });
  });
});

describe('GET /v1/operator/report', () => {
  it('tells revenue by day, and that all of it ties', async () => {
    const { body } = await asked('report');
    expect(body).toMatchObject({
      total: { paid_usd: '1', returned_usd: '0' },
      cohorts: [{ lots: 1, available: '9900', held: '0', unreleased: '0' }],
      exchange: { credited_usd: '1' },
    });
    const { days, ties } = body as unknown as { days: { paid_usd: string }[]; ties: { holds: boolean }[] };
    expect(days[0]?.paid_usd).toBe('1');
    expect(ties.length).toBeGreaterThan(5);
    expect(ties.every(({ holds }) => holds)).toBe(true);
  });

  it.each(['from=monday', 'to=2026-02-30', 'from=2026-03-01T00:00:00Z', 'from=2026-03-02&to=2026-03-01'])(
    'refuses %s',
    async query => {
      expect(await asked(`report?${query}`)).toMatchObject({ status: 400, body: { code: 'invalid_field' } });
    },
  );
});

describe('GET /v1/operator/verification and /v1/operator/replay', () => {
  const spoilt = async (change: string, ask: () => Promise<void>) => {
    const altered = (by: string) =>
      api.query(`begin; set local session_replication_role = 'replica';
        update credits.lots set face_microcredits = face_microcredits ${by}; commit`);
    await altered(change);
    try {
      await ask();
    } finally {
      await altered('- 1');
    }
  };

  it('say that the books are sound, and the same when they are made again', async () => {
    expect(await asked('verification')).toMatchObject({ status: 200, body: { problems: [] } });
    expect(await asked('replay')).toMatchObject({ status: 200, body: { differences: [] } });
    expect(await asked('replay?at=2020-01-01T00:00:00Z')).toMatchObject({
      body: { entries: 0, differences: [] },
    });
  });

  it('name what was changed', async () => {
    await spoilt('+ 1', async () => {
      const lot = { book: expect.stringMatching(/^acct_/), what: expect.stringContaining('lot 1') };
      expect(await asked('verification')).toMatchObject({ body: { problems: [lot] } });
      expect(await asked('replay')).toMatchObject({ body: { differences: [lot] } });
    });
  });
});
