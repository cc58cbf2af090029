import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPool, withServerSettings } from '../../../ledger/store/postgres.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 1 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test.each([
  ['9223372036854775807::bigint', 9_223_372_036_854_775_807n],
  ['(-9223372036854775808)::bigint', -9_223_372_036_854_775_808n],
  // 2^53 + 1: the first whole number that a float cannot hold.
  ['9007199254740993::bigint', 9_007_199_254_740_993n],
  [`${'9'.repeat(78)}::numeric(78, 0)`, BigInt('9'.repeat(78))],
  ['10000000000000000000::numeric(78, 0)', 10n ** 19n],
  ['sum(x) from (values (9223372036854775807::bigint), (1::bigint)) v (x)', 2n ** 63n],
  ["'{}'::bigint[]", []],
  ["'{1,-9223372036854775808}'::bigint[]", [1n, -(2n ** 63n)]],
  ["'{10000000000000000000}'::numeric[]", [10n ** 19n]],
  ["'2026-03-01 15:00:00.000001+00'::timestamptz", 1_772_377_200_000_001n],
  ["'2026-03-01 20:30:00.000001+05:30'::timestamptz", 1_772_377_200_000_001n],
  ['null::bigint', null],
  ['null::timestamptz', null],
  ['42::integer', 42],
  ["'\\x00ff'::bytea", Buffer.from([0, 255])],
])('%s is read exactly', async (expression, value) => {
  const { rows } = await pool.query<{ value: unknown }>(
    expression.includes(' from ')
      ? `select ${expression.replace(' from ', ' as value from ')}`
      : `select ${expression} as value`,
  );
  expect(rows[0]?.value).toEqual(value);
});

test('a fraction is no amount: it is refused rather than rounded', async () => {
  await expect(pool.query('select 1.5::numeric as value')).rejects.toThrow();
  await pool.query('select 1');
});

test('the connections are in UTC, in the schema of the ledger and in the role of the application', async () => {
  const { rows } = await pool.query(
    "select current_user as role, current_schema() as schema, current_setting('timezone') as zone",
  );
  expect(rows).toEqual([{ role: 'credits_app', schema: 'credits', zone: 'UTC' }]);
});

test('the settings that a URL brings along are kept, and cannot replace ours', async () => {
  const url = withServerSettings(database.url, ['-c role=postgres', '-c work_mem=8MB']);
  const other = openPool({ databaseUrl: url, role: 'credits_app', max: 1 });
  const { rows } = await other.query(
    "select current_user as role, current_schema() as schema, current_setting('work_mem') as memory",
  );
  await other.end();
  expect(rows).toEqual([{ role: 'credits_app', schema: 'credits', memory: '8MB' }]);
});

test('a connection that is lost while it is in use fails its query and nothing else', async () => {
  const client = await pool.connect();
  // Without a listener Node ends the process: pg tells of the loss by an event too, beside failing the query.
  expect(client.listenerCount('error')).toBeGreaterThan(0);
  client.release();
});
