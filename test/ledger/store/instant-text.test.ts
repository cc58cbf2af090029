import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instantText, parseInstant } from '../../../ledger/store/instant-text.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { SEED } from '../../support/histories.ts';

/** The years 1000 to 9998: in every zone four digits. */
const instants = fc.bigInt({ min: -30_610_224_000_000_000n, max: 253_370_764_799_999_999n });

test.each([
  { text: '1970-01-01T00:00:00.000000Z', instant: 0n },
  { text: '1970-01-01T00:00:00.000001Z', instant: 1n },
  { text: '1969-12-31T23:59:59.999999Z', instant: -1n },
  { text: '2026-03-01T15:00:00.000001Z', instant: 1_772_377_200_000_001n },
  { text: '2028-02-29T23:59:59.999999Z', instant: 1_835_481_599_999_999n },
  { text: '9999-12-31T23:59:59.999999Z', instant: 253_402_300_799_999_999n },
])('$text', ({ text, instant }) => {
  expect(instantText(instant)).toBe(text);
  expect(parseInstant(text)).toBe(instant);
});

test.each([
  ['2026-03-01 15:00:00+00', '2026-03-01T15:00:00.000000Z'],
  ['2026-03-01 15:00:00.5+00', '2026-03-01T15:00:00.500000Z'],
  ['2026-03-01 15:00:00.000001+00', '2026-03-01T15:00:00.000001Z'],
  ['2026-03-01 15:00:00+05:30', '2026-03-01T09:30:00.000000Z'],
  ['2026-03-01 15:00:00-0330', '2026-03-01T18:30:00.000000Z'],
  ['2026-03-01T23:00:00-01', '2026-03-02T00:00:00.000000Z'],
])('reads %s', (text, same) => {
  expect(instantText(parseInstant(text))).toBe(same);
});

test.each([
  '',
  'now',
  '2026-03-01',
  '2026-03-01 15:00:00',
  '2026-03-01T15:00:00',
  '2026-03-01T15:00Z',
  '2026-03-01T15:00:00.1234567Z',
  '2026-03-01T15:00:00Z ',
  'infinity',
  '0044-03-15 12:00:00+00 BC',
  // No such instants: they must not become another one.
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-03-01T25:00:00Z',
  '2026-03-01T15:61:00Z',
  // The same as PostgreSQL would write them, if it did.
  '2026-02-30 00:00:00+00',
  '2026-03-01 25:00:00+00',
  '2026-03-01 15:60:00+00',
  '2026-03-01 15:0x:00+00',
  '2026-03-01 15:00:00.+00',
  '2026-03-01 15:00:00.1234567+00',
  '2026-03-01 15:00:00 +00',
])('refuses %j, and names all of it', text => {
  expect(() => parseInstant(text)).toThrow(`not a timestamp with a zone: ${text}`);
});

test(`written and read again it is the same instant, to the microsecond (seed ${SEED})`, () => {
  fc.assert(
    fc.property(instants, instant => {
      expect(parseInstant(instantText(instant))).toBe(instant);
    }),
    { seed: SEED, numRuns: 2000 },
  );
});

describe('against PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  test(`both understand each other to the microsecond, whatever the zone (seed ${SEED})`, async () => {
    const drawn = fc.sample(instants, { seed: SEED, numRuns: 500 });
    const pool = openPool({ databaseUrl: database.url, max: 1 });
    try {
      for (const zone of ['UTC', 'Asia/Kolkata', 'America/St_Johns']) {
        await pool.query(`set timezone = '${zone}'`);
        // Before 1900 local times had seconds in their offsets, and we only ever ask for UTC.
        const asked = zone === 'UTC' ? drawn : drawn.filter(instant => instant > 0n);
        const { rows } = await pool.query<{ back: bigint; micros: bigint }>(
          `select given::timestamptz as back, (extract(epoch from given::timestamptz) * 1000000)::bigint as micros
           from unnest($1::text[]) with ordinality as all_given (given, line) order by line`,
          [asked.map(instantText)],
        );
        expect(rows.map(row => row.back)).toEqual(asked);
        expect(rows.map(row => row.micros)).toEqual(asked);
      }
    } finally {
      await pool.end();
    }
  });
});
