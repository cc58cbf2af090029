/** What the database itself refuses, whatever a program writes. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FIXED_ACCOUNTS } from '../../../ledger/core/chart.ts';
import { ENTRY_KINDS } from '../../../ledger/core/journal.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const CHECK_VIOLATION = '23514';
const UNIQUE_VIOLATION = '23505';
const NOT_NULL_VIOLATION = '23502';

let database: TestDatabase;
let pool: pg.Pool;
let client: pg.PoolClient;
beforeAll(async () => {
  database = await createDatabase();
  pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 1 });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  client = await pool.connect();
  await client.query('begin');
});
afterEach(async () => {
  await client.query('rollback');
  client.release();
});

type Row = Readonly<Record<string, unknown>>;

async function insert(table: string, row: Row): Promise<string> {
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${index + 1}`);
  try {
    await client.query(
      `insert into ${table} (${names.join(', ')}) values (${places.join(', ')})`,
      Object.values(row),
    );
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

const posting = {
  bucket: 1,
  account_id: 1n,
  lot_id: 0n,
  seq: 1n,
  line: 1,
  from_code: 1100,
  to_code: 1000,
  amount: 1n,
};

describe('a posting', () => {
  test.each<[string, Row, string]>([
    ['of one asset', {}, 'done'],
    ['of as much ETH as the type holds', { from_code: 3000, to_code: 3500, amount: '9'.repeat(78) }, 'done'],
    ['from dollars to credits', { from_code: 2200, to_code: 1000 }, CHECK_VIOLATION],
    ['from ETH to dollars', { from_code: 3010, to_code: 2120 }, CHECK_VIOLATION],
    ['of nothing', { amount: 0n }, CHECK_VIOLATION],
    ['of less than nothing', { amount: -1n }, CHECK_VIOLATION],
    ['to where it comes from', { to_code: 1100 }, CHECK_VIOLATION],
    ['of a lot below the first', { lot_id: -1n }, CHECK_VIOLATION],
    ['on no line', { line: 0 }, CHECK_VIOLATION],
    ['without an amount', { amount: null }, NOT_NULL_VIOLATION],
    ['of no lot, but not by the number for it', { lot_id: null }, NOT_NULL_VIOLATION],
  ])('%s', async (_, change, code) => {
    expect(await insert('postings', { ...posting, ...change })).toBe(code);
  });

  test('twice on one line', async () => {
    expect(await insert('postings', posting)).toBe('done');
    expect(await insert('postings', { ...posting, amount: 2n })).toBe(UNIQUE_VIOLATION);
  });
});

const lot = {
  bucket: 1,
  account_id: 1n,
  lot_id: 1n,
  added_at: '2026-03-01T15:00:00Z',
  expires_at: '2026-03-31T15:00:00Z',
  policy: 'refill',
  face_microcredits: 10n,
  available_microcredits: 10n,
  held_microcredits: 0n,
  unreleased_microcredits: 0n,
  paid_microusd: 10n,
  deferred_microusd: 10n,
  deferred_at: '2026-03-01T15:00:00Z',
  open: true,
};

describe('a lot', () => {
  test.each<[string, Row, string]>([
    ['as it is bought', {}, 'done'],
    ['with less than nothing', { available_microcredits: -1n }, CHECK_VIOLATION],
    // what is given back may lie above a face that was reduced in between
    ['with more than its face', { available_microcredits: 11n }, 'done'],
    ['owing less than nothing for its payment', { debt_microcredits: -1n }, CHECK_VIOLATION],
    ['holding less than nothing', { held_microcredits: -1n }, CHECK_VIOLATION],
    ['releasing less than nothing', { unreleased_microcredits: -1n }, CHECK_VIOLATION],
    ['with a face below zero', { face_microcredits: -1n, available_microcredits: 0n }, CHECK_VIOLATION],
    ['paid with less than nothing', { paid_microusd: -1n, deferred_microusd: 0n }, CHECK_VIOLATION],
    ['owing more than was paid', { deferred_microusd: 11n }, CHECK_VIOLATION],
    ['owing less than nothing', { deferred_microusd: -1n }, CHECK_VIOLATION],
    ['that ends when it begins', { expires_at: lot.added_at }, CHECK_VIOLATION],
  ])('%s', async (_, change, code) => {
    expect(await insert('lots', { ...lot, ...change })).toBe(code);
  });

  test('an update below zero', async () => {
    await insert('lots', lot);
    const spent = client.query('update lots set available_microcredits = available_microcredits - 11');
    await expect(spent).rejects.toMatchObject({ code: CHECK_VIOLATION });
  });
});

const digest = '00112233-4455-6677-8899-aabbccddeeff';
const entry = {
  bucket: 1,
  account_id: 1n,
  seq: 1n,
  kind: 'debit',
  effective_at: '2026-03-01T15:00:00Z',
  booked_at: '2026-03-01T15:00:00Z',
  amount_microcredits: 1n,
  available_after_microcredits: 0n,
  held_after_microcredits: 0n,
  debt_after_microcredits: 0n,
  service_id: 1,
  key_number: 1,
  key_digest: digest,
  payload_digest: digest,
  hash: Buffer.alloc(32),
};

describe('an entry', () => {
  test.each<[string, Row, string]>([
    ['of a command', {}, 'done'],
    ['of nobody', { service_id: null, key_number: null, key_digest: null, payload_digest: null }, 'done'],
    ['with no number', { seq: 0n }, CHECK_VIOLATION],
    ['that leaves less than nothing', { available_after_microcredits: -1n }, CHECK_VIOLATION],
    ['that leaves less than nothing held', { held_after_microcredits: -1n }, CHECK_VIOLATION],
    ['that leaves a negative debt', { debt_after_microcredits: -1n }, CHECK_VIOLATION],
    ['with half a hash', { hash: Buffer.alloc(16) }, CHECK_VIOLATION],
    ['with empty details', { details: '' }, CHECK_VIOLATION],
    ['with a key but no payload', { payload_digest: null }, CHECK_VIOLATION],
    ['with a service but no key', { key_digest: null, payload_digest: null }, CHECK_VIOLATION],
    ['of a kind that is none', { kind: 'gift' }, '22P02'],
  ])('%s', async (_, change, code) => {
    expect(await insert('entries', { ...entry, ...change })).toBe(code);
  });

  test('a key is consumed once in a book, for ever', async () => {
    expect(await insert('entries', entry)).toBe('done');
    expect(await insert('entries', { ...entry, account_id: 2n })).toBe('done');
    expect(await insert('entries', { ...entry, seq: 2n })).toBe(UNIQUE_VIOLATION);
  });

  test('its number is taken once', async () => {
    expect(await insert('entries', entry)).toBe('done');
    expect(await insert('entries', { ...entry, key_digest: digest.replace('00', 'ff') })).toBe(
      UNIQUE_VIOLATION,
    );
  });
});

test('an inclusion that is on the chain has all its facts', async () => {
  const facts = {
    bucket: 1,
    receipt_id: 'r',
    version: 1,
    outcome: 'included',
    noticed_at: '2026-03-01T15:00:00Z',
  };
  expect(await insert('receipt_inclusions', facts)).toBe(CHECK_VIOLATION);
});

test('the chart of the program is the chart of the database', async () => {
  const { rows } = await client.query<{ name: string; code: number }>(
    `select name, code from ledger_accounts where name not like 'ETH:treasury:%' order by code`,
  );
  expect(Object.fromEntries(rows.map(row => [row.name, row.code]))).toEqual(FIXED_ACCOUNTS);
});

test('the thousands of an account are its asset, which its name begins with', async () => {
  const { rows } = await client.query(
    `select split_part(name, ':', 1) as asset, code / 1000 as thousands from ledger_accounts
     group by 1, 2 order by 2`,
  );
  expect(rows).toEqual([
    { asset: 'CREDIT', thousands: 1 },
    { asset: 'USD', thousands: 2 },
    { asset: 'ETH', thousands: 3 },
  ]);
});

test('the kinds of entries of the program are those of the database', async () => {
  const { rows } = await client.query<{ kinds: string[] }>(
    'select enum_range(null::entry_kind)::text[] as kinds',
  );
  expect(rows[0]?.kinds.toSorted()).toEqual([...ENTRY_KINDS].sort());
});

describe('a price', () => {
  const instant = '2026-03-01T15:00:00Z';
  const price = { bucket: 1, receipt_id: 'r', version: 1, answer: 1n, rule_version: 2, amount_microusd: 1n };
  const round = { feed: 'f', round_id: 1n, round_started_at: instant, round_updated_at: instant };
  const operator = { source: 'operator', operator: 'ops', reason: 'the feed is down' };
  test.each<[string, Row, string]>([
    ['of a round', round, 'done'],
    ['of a round without its number', { ...round, round_id: null }, CHECK_VIOLATION],
    ['of a round, by an operator besides', { ...round, operator: 'ops' }, CHECK_VIOLATION],
    ['of an operator', operator, 'done'],
    ['of an operator without a reason', { ...operator, reason: null }, CHECK_VIOLATION],
    ['of an operator with an empty reason', { ...operator, reason: '' }, CHECK_VIOLATION],
    ['of nobody known', { ...operator, operator: null }, CHECK_VIOLATION],
    ['of an operator, with a round besides', { ...round, ...operator }, CHECK_VIOLATION],
    ['of something else', { ...operator, source: 'rumour' }, CHECK_VIOLATION],
  ])('%s', async (_what, source, expected) => {
    expect(await insert('price_records', { ...price, decided_at: instant, ...source })).toBe(expected);
  });
});

test('every primary key leads with the bucket, but for what is one for the whole installation', async () => {
  const { rows } = await client.query<{ table: string; leads: string }>(
    `select c.relname as table, a.attname as leads
     from pg_index i
     join pg_class c on c.oid = i.indrelid
     join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
     where c.relnamespace = current_schema()::regnamespace and i.indisprimary
     order by c.relname`,
  );
  expect(rows.filter(row => row.leads !== 'bucket').map(row => row.table)).toEqual([
    'alarms',
    'balance_checks',
    'balance_progress',
    'chain_progress',
    'challenge_secret',
    'head_sightings',
    'installation',
    'kysely_migration',
    'kysely_migration_lock',
    'ledger_accounts',
    'rate_cards',
    'seal_fence',
    'seals',
    'services',
    'stripe_account',
    'stripe_progress',
    'unique_amount_requests',
  ]);
  const { rows: keyless } = await client.query(
    `select relname from pg_class c where relnamespace = current_schema()::regnamespace and relkind = 'r'
       and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`,
  );
  expect(keyless).toEqual([]);
});

test('so does every other unique index of a bucketed table', async () => {
  const { rows } = await client.query(
    `select c.relname as table, a.attname as leads
     from pg_index i
     join pg_class c on c.oid = i.indrelid
     join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
     where c.relnamespace = current_schema()::regnamespace and i.indisunique and a.attname <> 'bucket'
       and exists (select from pg_attribute b where b.attrelid = c.oid and b.attname = 'bucket')`,
  );
  expect(rows).toEqual([]);
});
