/** PostgreSQL is the judge of what an array says. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { arrayParameter, type Element } from '../../../ledger/store/array-parameter.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { readInstant } from '../../support/scenario.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  pool = openPool({ databaseUrl: database.url, max: 1 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const DIGEST = '00ff7f80c0ffee00123456789abcdef0';

const CASES: readonly {
  readonly type: string;
  readonly elements: readonly Element[];
  readonly as: string;
}[] = [
  { type: 'smallint', elements: [0, -32768, null, 32767], as: '{0,-32768,NULL,32767}' },
  { type: 'integer', elements: [-2147483648, null, 2147483647], as: '{-2147483648,NULL,2147483647}' },
  {
    type: 'bigint',
    elements: [null, -(2n ** 63n), 2n ** 63n - 1n, 0n],
    as: '{NULL,-9223372036854775808,9223372036854775807,0}',
  },
  {
    type: 'timestamptz',
    elements: [0n, null, readInstant('2026-03-01 15:00') + 1n],
    as: '{"1970-01-01 00:00:00+00",NULL,"2026-03-01 15:00:00.000001+00"}',
  },
  { type: 'boolean', elements: [true, null, false], as: '{t,NULL,f}' },
  { type: 'uuid', elements: [DIGEST, null], as: '{00ff7f80-c0ff-ee00-1234-56789abcdef0,NULL}' },
  {
    type: 'bytea',
    elements: [Buffer.from('00ff', 'hex'), new Uint8Array(0), null],
    as: '{"\\\\x00ff","\\\\x",NULL}',
  },
  {
    type: 'text',
    elements: ['{"a":"ü\\n, NULL"}', '', 'NULL', null],
    as: '{"{\\"a\\":\\"ü\\\\n, NULL\\"}","","NULL",NULL}',
  },
  { type: 'numeric', elements: [10n ** 77n, null, 1n], as: `{${10n ** 77n},NULL,1}` },
  { type: 'entry_kind', elements: ['debit', null, 'capture'], as: '{debit,NULL,capture}' },
];

describe('an array is what PostgreSQL reads', () => {
  test.each(CASES)('$type', async ({ type, elements, as }) => {
    expect(await asText(type, elements)).toBe(as);
  });

  test.each(CASES)('$type: empty', async ({ type }) => {
    expect(await asText(type, [])).toBe('{}');
  });

  test('a part of a larger piece of memory', async () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(await asText('bytea', [bytes])).toBe('{"\\\\x0203"}');
  });
});

describe('what does not fit its type is refused', () => {
  test.each([
    { type: 'bigint', element: 2n ** 63n },
    { type: 'bigint', element: -(2n ** 63n) - 1n },
    { type: 'timestamptz', element: -(2n ** 63n) },
    { type: 'smallint', element: 32768 },
    { type: 'integer', element: 2 ** 31 },
    { type: 'uuid', element: DIGEST.slice(1) },
    { type: 'uuid', element: `${DIGEST}0` },
    { type: 'uuid', element: `${DIGEST.slice(1)}x` },
  ])('$type $element', ({ type, element }) => {
    expect(() => arrayParameter(type, [element])).toThrow(RangeError);
  });
});

async function asText(type: string, elements: readonly Element[]): Promise<string | undefined> {
  const { rows } = await pool.query<{ text: string }>(`select $1::${type}[]::text as text`, [
    arrayParameter(type, elements),
  ]);
  return rows[0]?.text;
}
