/** Each part has a role with what that part needs, and an auditor one that only reads. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyJournal } from '../../../ledger/audit/verify.ts';
import { type DatabaseRole, openPool } from '../../../ledger/store/postgres.ts';
import { writeHistory } from '../../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
const PARTS = ['credits_api', 'credits_worker', 'credits_auditor'] as const;
type Part = (typeof PARTS)[number];

let database: TestDatabase;
let owner: pg.Pool;
let pools: Record<Part, pg.Pool>;

beforeAll(async () => {
  database = await createDatabase();
  await writeHistory(database.url);
  const open = (role?: DatabaseRole) =>
    openPool({ databaseUrl: database.url, max: 1, ...(role ? { role } : {}) });
  owner = open();
  pools = {
    credits_api: open('credits_api'),
    credits_worker: open('credits_worker'),
    credits_auditor: open('credits_auditor'),
  };
  await owner.query(`
    insert into services (service_id, name) values (1, 'chat');
    insert into access_tokens (bucket, token_hash, role, service_id, name, last_four, revoked_at) values
      (1, sha256('valid'), 'service', 1, 'chat', 'aaaa', null),
      (1, sha256('revoked'), 'service', 1, 'chat', 'bbbb', now())`);
});
afterAll(async () => {
  await Promise.all([owner, ...Object.values(pools)].map(pool => pool.end()));
  await database.drop();
});

/** The code of the error, or how many rows it changed; leaves nothing behind. */
async function tried(part: Part, statement: string): Promise<string | number> {
  const client = await pools[part].connect();
  try {
    await client.query('begin');
    return (await client.query(statement)).rowCount ?? 0;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'no code';
  } finally {
    await client.query('rollback');
    client.release();
  }
}

async function rightsOf(part: Part): Promise<Record<string, string>> {
  const { rows } = await owner.query<{ table: string; may: string }>(
    `select c.relname as table, string_agg(p.may, ' ' order by p.may) as may
     from pg_class c, unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'trigger', 'references']) as p (may)
     where c.relnamespace = 'credits'::regnamespace and c.relkind = 'r' and c.relname not like 'kysely%'
       and has_table_privilege($1, c.oid, p.may)
     group by c.relname`,
    [part],
  );
  return Object.fromEntries(rows.map(row => [row.table, row.may]));
}

const SELECT = 'select';
const APPEND = 'insert select';
const CHANGE = 'insert select update';

/** Of each table that is one part's own. */
const OWN: readonly [table: string, api: string, worker: string | undefined][] = [
  ['order_references', APPEND, SELECT],
  ['unique_amount_requests', 'delete insert select update', SELECT],
  ['secure_keys', CHANGE, SELECT],
  ['browser_sessions', 'delete insert select', undefined],
  ['account_keys', APPEND, SELECT],
  ['wallet_proofs', APPEND, SELECT],
  ['wallet_links', APPEND, SELECT],
  ['services', APPEND, SELECT],
  ['access_tokens', APPEND, SELECT],
  ['chain_progress', SELECT, CHANGE],
  ['balance_progress', SELECT, CHANGE],
  ['sweep_progress', SELECT, CHANGE],
  ['stripe_progress', SELECT, CHANGE],
  ['receipt_inclusions', SELECT, APPEND],
  ['head_sightings', SELECT, APPEND],
  ['sent_transactions', SELECT, APPEND],
  ['withdrawals', SELECT, APPEND],
  ['balance_checks', SELECT, APPEND],
  ['balance_differences', SELECT, APPEND],
  ['webhook_attempt_counts', SELECT, CHANGE],
  ['seals', SELECT, APPEND],
  ['sealed_heads', SELECT, APPEND],
  ['seal_fence', SELECT, CHANGE],
];

test('what is one part’s own, the other only reads', async () => {
  const [api, worker] = [await rightsOf('credits_api'), await rightsOf('credits_worker')];
  expect(OWN.map(([table]) => [table, api[table], worker[table]])).toEqual(OWN);
});

test('both post', async () => {
  for (const part of ['credits_api', 'credits_worker'] as const)
    expect(await rightsOf(part)).toMatchObject({
      entries: APPEND,
      postings: APPEND,
      books: CHANGE,
      lots: CHANGE,
      holds: CHANGE,
      lot_faces: APPEND,
      reversals: APPEND,
      price_records: APPEND,
      assignments: APPEND,
      outbox: 'delete insert select',
      // Locked by whoever pays them.
      orders: CHANGE,
      order_checkouts: APPEND,
      unique_amounts: APPEND,
    });
});

describe.each(PARTS)('%s', part => {
  test('changes and deletes nothing that is append-only', async () => {
    const { rows } = await owner.query<{ table: string; column: string }>(
      `select c.relname as table, a.attname as column from pg_trigger t join pg_class c on c.oid = t.tgrelid
         join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
       where c.relnamespace = 'credits'::regnamespace and t.tgname = c.relname || '_append_only'`,
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const { table, column } of rows)
      for (const statement of [
        `update ${table} set ${column} = ${column}`,
        `delete from ${table}`,
        `truncate ${table} cascade`,
        `alter table ${table} disable trigger all`,
        `drop table ${table}`,
      ])
        expect([statement, await tried(part, statement)]).toEqual([statement, INSUFFICIENT_PRIVILEGE]);
  });
});

const FORBIDDEN: readonly [part: Part, statement: string][] = [
  ['credits_worker', `insert into account_keys values (1, 1, 99, sha256('mine'))`],
  ['credits_worker', `update secure_keys set revoked_at = null`],
  ['credits_worker', `insert into services (service_id, name) values (9, 'mine')`],
  ['credits_worker', `insert into access_tokens select * from access_tokens`],
  ['credits_worker', `update access_tokens set revoked_at = null`],
  ['credits_api', `insert into chain_progress select * from chain_progress`],
  ['credits_api', `insert into receipt_inclusions (bucket) values (1)`],
  ['credits_api', `insert into sweep_progress (bucket) values (1)`],
  [
    'credits_api',
    `insert into access_tokens (bucket, token_hash, role, name, last_four)
       values (1, sha256('mine'), 'operator', 'mine', 'mine')`,
  ],
  ['credits_api', `update access_tokens set token_hash = sha256('mine')`],
  ['credits_api', `update access_tokens set service_id = 2`],
  ['credits_api', `delete from access_tokens`],
  ['credits_api', `update services set name = 'mine'`],
  ['credits_worker', `select * from browser_sessions`],
  ['credits_api', `update browser_sessions set expires_at = now()`],
  ['credits_auditor', `select * from browser_sessions`],
  ['credits_auditor', `insert into books select * from books`],
  ['credits_auditor', `select * from secure_keys`],
  ['credits_auditor', `select * from access_tokens`],
  ['credits_auditor', `select * from challenge_secret`],
  ['credits_auditor', `select url from order_checkouts`],
];

test.each(FORBIDDEN)('%s may not: %s', async (part, statement) => {
  expect(await tried(part, statement)).toBe(INSUFFICIENT_PRIVILEGE);
});

test('the API makes tokens of services and revokes, and that for good', async () => {
  const make = `insert into access_tokens (bucket, token_hash, role, service_id, name, last_four)
    values (1, sha256('new'), 'service', 1, 'chat', 'cccc')`;
  expect(await tried('credits_api', make)).toBe(1);
  // The one that is valid; the other is out of reach.
  expect(await tried('credits_api', 'update access_tokens set revoked_at = now()')).toBe(1);
  const back = `update access_tokens set revoked_at = null where last_four = 'bbbb'`;
  expect(await tried('credits_api', back)).toBe(0);
});

test('an auditor verifies the journal, with read-only rights', async () => {
  const rights = await rightsOf('credits_auditor');
  expect(new Set(Object.values(rights))).toEqual(new Set([SELECT]));
  expect(await verifyJournal(pools.credits_auditor)).toMatchObject({ entries: 25, problems: [] });
});

test('whoever may be both can be either', async () => {
  const { rows } = await owner.query(
    `select role, pg_has_role('credits_app', role, 'member') as member
     from unnest(array['credits_api', 'credits_worker', 'credits_auditor', 'credits_indexer']) as role`,
  );
  expect(Object.fromEntries(rows.map(({ role, member }) => [role, member]))).toEqual({
    credits_api: true,
    credits_worker: true,
    credits_auditor: false,
    credits_indexer: false,
  });
});
