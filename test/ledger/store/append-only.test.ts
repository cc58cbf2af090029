/** What is written stays: by the rights of the application's role, and by triggers even for the owner. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

const INSUFFICIENT_PRIVILEGE = '42501';
const RESTRICT_VIOLATION = '23001';

const APPEND_ONLY = [
  'entries',
  'postings',
  'receipts',
  'receipt_inclusions',
  'price_records',
  'head_sightings',
  'assignments',
  'sent_transactions',
  'withdrawals',
  'balance_checks',
  'balance_differences',
  'suspense_reasons',
  'unique_amounts',
  'lot_faces',
  'reversals',
  'installation',
  'ledger_accounts',
  'challenge_secret',
  'wallet_proofs',
  'wallet_links',
  'stripe_account',
  'order_checkouts',
  'stripe_events',
  'card_payments',
  'rate_cards',
  'seals',
  'sealed_heads',
] as const;

/** Tables of the application that it may change, but neither empty nor rebuild. */
const CHANGING = [
  'books',
  'lots',
  'holds',
  'sweep_progress',
  'seal_fence',
  'orders',
  'secure_keys',
  'browser_sessions',
  'chain_progress',
  'balance_progress',
  'outbox',
  'grants',
  'spending_limits',
  'alarms',
  'unique_amount_requests',
  'stripe_hints',
  'stripe_progress',
  'webhook_endpoints',
  'webhook_secrets',
  'webhook_deliveries',
  'webhook_attempt_counts',
] as const;
const OTHERS = ['order_references', 'account_keys', 'services', 'access_tokens'] as const;
const ALL_TABLES = [...APPEND_ONLY, ...CHANGING, ...OTHERS];

let database: TestDatabase;
let app: pg.Pool;
let owner: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  const books = await openBooks(database.url);
  const bought = parseInstant('2026-03-01T15:00:00Z');
  books.now = bought;
  await books.poster.submit(1n, purchaseOf(1n, bought, 'payment'));
  await books.poster.submit(1n, debitOf(1n, 'job'));
  await books.poster.submit(1n, {
    type: 'reversal',
    identity: { ...debitOf(1n, 'undo').identity },
    spendId: 2n,
    amountMicrocredits: null,
    details: null,
  });
  await books.close();
  app = openPool({ databaseUrl: database.url, role: 'credits_app', max: 1 });
  owner = openPool({ databaseUrl: database.url, max: 1 });
  await owner.query(`
    insert into receipts values (1, 'r', now());
    insert into receipt_inclusions (bucket, receipt_id, version, outcome, noticed_at) values (1, 'r', 1, 'absent', now());
    insert into price_records (bucket, receipt_id, version, feed, round_id, answer, round_started_at, round_updated_at,
      rule_version, amount_microusd, decided_at) values (1, 'r', 1, 'f', 1, 1, now(), now(), 1, 0, now());
    insert into head_sightings values (8453, now(), 1, now(), true);
    insert into assignments (bucket, receipt_id, version, account_id, matched_by, reason, decided_at)
      values (1, 'r', 1, 1, 'operator', 'their mail', now());
    insert into sent_transactions values (1, 't', 1, 'b', now(), 'success', 2, 3, 4, 5, 15, now());
    insert into withdrawals values (1, 't', 0, 1, 'b', now(), 'CALL', 'a', 1, now());
    insert into balance_checks values (8453, 1, 1, 'observed', 'b', now(), 0, 0, 0, 0, now());
    insert into balance_differences values (1, 'd', 1, 1, 2, now(), 1, now());
    insert into wallet_proofs values
      (1, sha256('nonce'), 'link', '0x' || repeat('0', 40), 1, 'message', '0x', now());
    insert into wallet_links values (1, '0x' || repeat('0', 40), 1, 1, 'linked', now());
    insert into suspense_reasons values (1, 'r', 1, 0, 'no_match', now());
    insert into unique_amounts values (1, 10000000000, 1, 'o', now());
    insert into rate_cards values (1, now(), '{}', 'ops', 'a reason', now());
    insert into seals (number, sealed_through, document, hash, signature, totals)
      values (1, now(), 'd', sha256('x'), sha256('x') || sha256('y'), 't');
    insert into sealed_heads values (1, 1, 1, 1, sha256('x'));
    insert into stripe_account values (true, 'acct', false, now());
    insert into order_checkouts values (1, 'o', 1, 'cs', 'url', now(), now());
    insert into stripe_events values (1, 'evt', 'type', '{}', now());
    insert into stripe_hints values (1, 'pi', 'evt', now());
    insert into stripe_progress values ('all', now());
    insert into card_payments (bucket, receipt_id, version, payment_intent_id, session_id, order_id, account_id, status,
      paid_microusd, fee_microusd, refunded_microusd, withdrawn_microusd, reinstated_microusd, decided_at)
      values (1, 'c', 1, 'pi', 'cs', 'o', 1, 'processing', 0, 0, 0, 0, 0, now())`);
});
afterAll(async () => {
  await Promise.all([app.end(), owner.end()]);
  await database.drop();
});

async function codeOf(pool: pg.Pool, statement: string): Promise<string> {
  try {
    await pool.query(statement);
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'no code';
  }
}

/** A column of the table, to set to itself: even a change that changes nothing is refused. */
async function anyColumn(table: string): Promise<string> {
  const { rows } = await owner.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum = 1`,
    [table],
  );
  return rows[0]?.name ?? '';
}

test('every table is named here', async () => {
  const { rows } = await owner.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r'
       and relname not like 'kysely%'`,
  );
  expect(rows.map(({ name }) => name).sort()).toEqual([...ALL_TABLES].sort());
});

describe.each(APPEND_ONLY)('%s', table => {
  test('there is a row to try it on', async () => {
    const { rows } = await owner.query(`select count(*) > 0 as some from ${table}`);
    expect(rows).toEqual([{ some: true }]);
  });

  test('the application may neither update, delete nor truncate', async () => {
    const column = await anyColumn(table);
    expect(await codeOf(app, `update ${table} set ${column} = ${column}`)).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await codeOf(app, `delete from ${table}`)).toBe(INSUFFICIENT_PRIVILEGE);
    expect(await codeOf(app, `truncate ${table}`)).toBe(INSUFFICIENT_PRIVILEGE);
  });

  test('nor may the owner', async () => {
    const column = await anyColumn(table);
    expect(await codeOf(owner, `update ${table} set ${column} = ${column}`)).toBe(RESTRICT_VIOLATION);
    expect(await codeOf(owner, `delete from ${table}`)).toBe(RESTRICT_VIOLATION);
    expect(await codeOf(owner, `truncate ${table} cascade`)).toBe(RESTRICT_VIOLATION);
  });

  test('nor by way of an upsert or a merge', async () => {
    const column = await anyColumn(table);
    expect(
      await codeOf(
        owner,
        `insert into ${table} select * from ${table} limit 1 on conflict on constraint ${table}_pkey
           do update set ${column} = ${table}.${column}`,
      ),
    ).toBe(RESTRICT_VIOLATION);
    expect(
      await codeOf(owner, `merge into ${table} using (values (1)) one (x) on true when matched then delete`),
    ).toBe(RESTRICT_VIOLATION);
  });
});

test('the owner is told what to do instead', async () => {
  await expect(owner.query('delete from entries')).rejects.toMatchObject({
    message: 'entries is append-only: delete is refused',
    hint: 'Correct a record with a new one.',
  });
});

test.each(ALL_TABLES)(
  'the application may not take the guards off %s, nor drop or change it',
  async table => {
    const column = await anyColumn(table);
    for (const statement of [
      `alter table ${table} disable trigger all`,
      `alter table ${table} disable trigger user`,
      `alter table ${table} add column more text`,
      `alter table ${table} rename column ${column} to other`,
      `drop table ${table} cascade`,
      `create trigger mine before insert on ${table} for each row execute function refuse_change()`,
      `create rule mine as on insert to ${table} do instead nothing`,
      `create index mine on ${table} (${column})`,
      `alter table ${table} owner to credits_app`,
      `truncate ${table}`,
    ])
      expect([statement, await codeOf(app, statement)]).toEqual([statement, INSUFFICIENT_PRIVILEGE]);
  },
);

test.each([
  'create table mine (x integer)',
  'create table public.mine (x integer)',
  'create schema mine',
  'create view mine as select 1',
  'create function mine() returns integer language sql as $$ select 1 $$',
  "create or replace function refuse_change() returns trigger language plpgsql as 'begin return old; end'",
  'drop function refuse_change() cascade',
  'drop trigger entries_append_only on entries',
  "set session_replication_role = 'replica'",
  'alter role credits_app superuser',
  'delete from books',
  'delete from lots',
  'delete from orders',
  'delete from secure_keys',
  'delete from grants',
  'update outbox set amount_microusd = 1',
  "insert into ledger_accounts values (1999, 'CREDIT:mine')",
  "insert into installation (mode) values ('live')",
  "insert into challenge_secret (secret) values (sha256('mine'))",
  'delete from kysely_migration',
])('the application may not: %s', async statement => {
  expect(await codeOf(app, statement)).toBe(INSUFFICIENT_PRIVILEGE);
});

test('the application cannot give itself rights', async () => {
  // PostgreSQL only warns of a grant that one has no right to make.
  await codeOf(app, 'grant all on all tables in schema credits to credits_app');
  const { rows } = await owner.query(
    `select has_table_privilege('credits_app', 'entries', 'update, delete, truncate, trigger') as may`,
  );
  expect(rows).toEqual([{ may: false }]);
});

test('what the application may do, table by table', async () => {
  const { rows } = await owner.query<{ table: string; may: string }>(
    `select table_name as table, string_agg(lower(privilege_type), ' ' order by privilege_type) as may
     from information_schema.role_table_grants
     where grantee in ('credits_app', 'PUBLIC') and table_schema = 'credits'
     group by table_name`,
  );
  const rights = Object.fromEntries(rows.map(row => [row.table, row.may]));
  expect(rights).toMatchObject({
    entries: 'insert select',
    postings: 'insert select',
    receipts: 'insert select',
    receipt_inclusions: 'insert select',
    price_records: 'insert select',
    head_sightings: 'insert select',
    assignments: 'insert select',
    sent_transactions: 'insert select',
    withdrawals: 'insert select',
    balance_checks: 'insert select',
    balance_differences: 'insert select',
    suspense_reasons: 'insert select',
    unique_amounts: 'insert select',
    unique_amount_requests: 'delete insert select update',
    account_keys: 'insert select',
    order_references: 'insert select',
    books: 'insert select update',
    lots: 'insert select update',
    orders: 'insert select update',
    grants: 'insert select update',
    spending_limits: 'delete insert select update',
    secure_keys: 'insert select update',
    chain_progress: 'insert select update',
    balance_progress: 'insert select update',
    outbox: 'delete insert select',
    alarms: 'delete insert select update',
    installation: 'select',
    ledger_accounts: 'select',
    services: 'select',
    access_tokens: 'select',
    challenge_secret: 'select',
    wallet_proofs: 'insert select',
    wallet_links: 'insert select',
    rate_cards: 'insert select',
    webhook_endpoints: 'delete insert select update',
    webhook_secrets: 'delete insert select update',
    webhook_deliveries: 'delete insert select update',
    webhook_attempt_counts: 'insert select update',
  });
});

test('none of that has changed anything', async () => {
  const { rows } = await owner.query(
    `select (select count(*) from entries) as entries, (select count(*) from postings) as postings,
       (select count(*) from receipts) as receipts, (select count(*) from installation) as installations`,
  );
  expect(rows).toEqual([{ entries: 3n, postings: 4n, receipts: 1n, installations: 1n }]);
});
