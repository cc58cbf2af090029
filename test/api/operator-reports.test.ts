/** What operators are told of the books as a whole. */
import { type IncomingMessage, request } from 'node:http';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CSV_FILES, exportCsv, exportJournal, openPool } from '../../ledger/index.ts';
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
    expect(await asked('replay?at=2999-01-01T00:00:00Z')).toMatchObject({
      status: 400,
      body: { field: 'at' },
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

describe('GET /v1/operator/export', () => {
  const owner = <Result>(work: (pool: pg.Pool) => Promise<Result>) => {
    const pool = openPool({ databaseUrl: api.database.url, max: 1 });
    return work(pool).finally(() => pool.end());
  };

  it.each(['hledger', 'beancount'] as const)(
    'is the journal that the command writes, for %s',
    async format => {
      let text = '';
      await owner(pool =>
        exportJournal(pool, format, piece => {
          text += piece;
        }),
      );
      const { status, headers, text: answer } = await asked(`export?format=${format}`);
      expect({ status, type: headers['content-type'] }).toEqual({
        status: 200,
        type: 'text/plain; charset=utf-8',
      });
      expect(answer).toBe(text);
      expect(answer).toContain('CREDIT');
    },
  );

  it.each(CSV_FILES)('has %s', async file => {
    const files = new Map<string, string>();
    await owner(pool =>
      exportCsv(pool, name => ({
        write: text => void files.set(name, (files.get(name) ?? '') + text),
        close() {},
      })),
    );
    const { headers, text } = await asked(`export?format=csv&table=${file.replace('.csv', '')}`);
    expect(headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(text).toBe(files.get(file));
  });

  it('keeps to an account and an instant', async () => {
    const { text } = await asked('export?format=csv&table=entries&at=2020-01-01T00:00:00Z');
    expect(text.trimEnd().split('\r\n')).toHaveLength(1);
    const nobody = await asked('export?format=csv&table=entries&account=acct_0000000000000001');
    expect(nobody.text.trimEnd().split('\r\n')).toHaveLength(1);
  });

  it.each([
    ['', 'format'],
    ['format=gnucash', 'format'],
    ['format=csv', 'table'],
    ['format=csv&table=secrets', 'table'],
    ['format=hledger&table=entries', 'table'],
    ['format=jsonl', 'format'],
    ['format=hledger&at=noon', 'at'],
  ])('refuses "%s"', async (query, field) => {
    expect(await asked(`export?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_field', field },
    });
  });

  it('is cut off, and logged, when the database breaks under it', async () => {
    await plantMuch();
    const { response } = await beginReading();
    const ended = new Promise<string>(resolve => {
      response.on('error', error => resolve(error.message)).on('end', () => resolve('whole'));
    });
    await vi.waitFor(
      async () => {
        const killed = await api.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and state = 'idle in transaction' and query like 'fetch forward%export_%'`,
        );
        expect(killed.length).toBe(1);
      },
      { timeout: 30_000 },
    );
    response.resume();
    expect(await ended).toBe('aborted');
    await vi.waitFor(() =>
      expect(api.log).toEqual(expect.arrayContaining([expect.stringContaining(' GET /v1/operator/export ')])),
    );
    await takeAway();
  });

  it('is one at a time, and the next may begin when its reader has gone', async () => {
    await plantMuch();
    const { response } = await beginReading();
    expect(await asked('export?format=csv&table=columns')).toMatchObject({
      status: 503,
      body: { code: 'overloaded' },
    });
    response.destroy();
    await vi.waitFor(async () => expect((await asked('export?format=csv&table=columns')).status).toBe(200), {
      timeout: 30_000,
      interval: 200,
    });
    await takeAway();
  });

  /** More than a socket takes, so that the export waits for its reader. */
  async function plantMuch(): Promise<void> {
    await api.query(`begin; set local session_replication_role = 'replica';
      insert into credits.entries (account_id, seq, effective_at, booked_at, amount_microcredits, available_after_microcredits,
        held_after_microcredits, debt_after_microcredits, kind, bucket, hash, details)
      select 7, n, now(), now(), 0, 0, 0, 0, 'debit', 0, decode(repeat('00', 32), 'hex'), repeat('x', 100000)
      from generate_series(1, 300) n; commit`);
  }

  async function takeAway(): Promise<void> {
    await api.query(`begin; set local session_replication_role = 'replica';
      delete from credits.entries where account_id = 7; commit`);
  }

  /** An export of which nothing is read yet. */
  async function beginReading(): Promise<{ response: IncomingMessage }> {
    const reading = request({
      port: api.port,
      path: '/v1/operator/export?format=csv&table=entries',
      headers: { authorization: `Bearer ${api.operatorToken}` },
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      reading.on('response', resolve).on('error', reject).end();
    });
    expect(response.statusCode).toBe(200);
    return { response };
  }
});
