/** What `verify` says of a schema whose guards were changed: each by its name. */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkSchema } from '../../../ledger/audit/schema-check.ts';
import { verifyJournal } from '../../../ledger/audit/verify.ts';
import { migrate } from '../../../ledger/store/migrate.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let owner: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ databaseUrl: database.url, max: 1 });
});
afterAll(async () => {
  await owner.end();
  await database.drop();
});

/** What an auditor is told after `change`, of which nothing is left. */
async function saidAfter(change: string, role = 'credits_auditor') {
  const client = await owner.connect();
  try {
    await client.query('begin');
    await client.query(change);
    await client.query(`set local role ${role}`);
    return await checkSchema(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

test('an untouched schema is what the migrations make, whoever looks', async () => {
  for (const role of ['none', 'credits_auditor', 'credits_worker', 'credits_app', 'credits_api'])
    expect(await saidAfter('select', role)).toEqual([]);
});

const ENTRIES = 'grant insert, select on entries to credits_worker;';

const changes: readonly [change: string, name: string, difference?: { expected?: string; found?: string }][] =
  [
    [
      'drop trigger entries_append_only on entries',
      'trigger entries_append_only of entries',
      { found: 'none' },
    ],
    [
      'alter table entries disable trigger entries_append_only',
      'switching of trigger entries_append_only of entries',
      { expected: 'none', found: 'alter table entries disable trigger entries_append_only;' },
    ],
    [
      'alter table postings enable replica trigger postings_no_truncate',
      'switching of trigger postings_no_truncate of postings',
    ],
    [
      `create or replace function refuse_change() returns trigger language plpgsql as 'begin return old; end'`,
      'function refuse_change',
    ],
    [
      'create trigger mine before insert on entries for each row execute function refuse_change()',
      'trigger mine of entries',
      { expected: 'none' },
    ],
    [
      'drop trigger entries_append_only on entries; create trigger entries_append_only before delete on entries for each row execute function refuse_change()',
      'trigger entries_append_only of entries',
    ],
    ['create rule mine as on insert to entries do instead nothing', 'rule mine of entries'],
    ['alter table postings drop constraint postings_check', 'constraint postings_check of postings'],
    [
      'alter table postings drop constraint postings_check; alter table postings add constraint postings_check check (from_code <> to_code and from_code / 1000 = to_code / 1000) not valid',
      'constraint postings_check of postings',
      { found: expect.stringContaining('NOT VALID') },
    ],
    ['alter table entries drop constraint entries_pkey', 'constraint entries_pkey of entries'],
    ['drop index entries_by_key', 'index entries_by_key'],
    ['alter table entries alter column kind drop not null', 'table entries'],
    ['alter table entries alter column recorded_at set default now()', 'table entries'],
    ['alter table entries add column more text', 'table entries'],
    ['create table mine (x integer)', 'table mine', { expected: 'none' }],
    ['create table mine () inherits (entries)', 'table mine'],
    ['drop index entries_by_operators', 'index entries_by_operators', { found: 'none' }],
    [
      'grant update on entries to credits_worker',
      'right of credits_worker on entries',
      { expected: ENTRIES, found: 'grant insert, select, update on entries to credits_worker;' },
    ],
    ['grant update (details) on entries to credits_api', 'right of credits_api on entries.details'],
    ['revoke insert on entries from credits_worker', 'right of credits_worker on entries'],
    ['grant select on secure_keys to public', 'right of public on secure_keys'],
    ['grant delete on postings to pg_monitor', 'right of pg_monitor on postings'],
    ['grant select on secure_keys to credits_auditor', 'right of credits_auditor on secure_keys'],
    ['grant create on schema credits to credits_worker', 'right of credits_worker on schema credits'],
    ['alter table entries owner to credits_worker', 'owner of table entries'],
    ['alter function refuse_change() owner to credits_app', 'owner of function refuse_change'],
    ['alter table access_tokens disable row level security', 'row security of access_tokens'],
    ['drop policy make_service_tokens on access_tokens', 'policy make_service_tokens of access_tokens'],
    [
      'create policy mine on access_tokens for insert to credits_api with check (true)',
      'policy mine of access_tokens',
    ],
    ['grant pg_write_all_data to credits_api', 'membership of credits_api in pg_write_all_data'],
    ['alter role credits_app superuser', 'superuser of role credits_app'],
    ['alter role credits_worker bypassrls', 'bypassrls of role credits_worker'],
    [`alter role credits_worker set session_replication_role = 'replica'`, 'set of role credits_worker'],
    [
      'grant set on parameter session_replication_role to credits_worker',
      'right of credits_worker on parameter session_replication_role',
    ],
    [`alter type entry_kind add value 'gift'`, 'type entry_kind'],
  ];

test.each(changes)('%s', async (change, name, difference = {}) => {
  const problems = await saidAfter(change);
  expect(problems).toContainEqual(
    expect.objectContaining({
      book: null,
      entry: null,
      what: `the schema's ${name} is not what the migrations make`,
      ...difference,
    }),
  );
  for (const { expected, found } of problems) expect(expected).not.toBe(found);
});

test('what an operator lets others look at is nobody’s matter', async () => {
  expect(await saidAfter('grant select on entries to pg_monitor')).toEqual([]);
});

test('a schema of another program says which migrations it lacks', async () => {
  const last = `(select max(name) from kysely_migration)`;
  const { rows } = await owner.query<{ name: string }>(`select ${last} as name`);
  expect(await saidAfter(`delete from kysely_migration where name = ${last}`)).toEqual([
    {
      book: null,
      entry: null,
      what: 'the schema is not that of this program: run `npm run migrate`, or the program that made it',
      expected: rows[0]?.name,
      found: 'none of these migrations',
    },
  ]);
});

test('it is part of the verification of the whole, and of no single book', async () => {
  const own = await createDatabase();
  const pool = openPool({ databaseUrl: own.url, max: 1 });
  try {
    await pool.query('alter table entries disable trigger entries_append_only');
    expect((await verifyJournal(pool)).problems).toMatchObject([
      { what: expect.stringContaining('switching of trigger entries_append_only') },
    ]);
    const { problems } = await verifyJournal(pool, { accountId: 1n });
    expect(problems.map(({ what }) => what)).toEqual(['there is no such book']);
  } finally {
    await pool.end();
    await own.drop();
  }
});

test('a scratch copy in another schema is the same', async () => {
  await migrate(database.url, 'scratch');
  const pool = openPool({ databaseUrl: database.url, schema: 'scratch', max: 1 });
  const client = await pool.connect();
  try {
    expect(await checkSchema(client)).toEqual([]);
  } finally {
    client.release();
    await pool.end();
  }
});
