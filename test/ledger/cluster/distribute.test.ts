/** The ledger over a Citus cluster: what is distributed, and what is missing for it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { distributeTables, distributionJson } from '../../../cli/distribute.ts';
import { distribute, previewDistribution } from '../../../ledger/cluster/distribute.ts';
import { openLedger } from '../../../ledger/ledger.ts';
import { isDistributed } from '../../../ledger/store/citus.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { CITUS_URL, createDistributedDatabase } from '../../support/citus-database.ts';
import { standInForCitus } from '../../support/citus-stand-in.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';
import { runCredits } from '../../support/program.ts';
import { sentStatements } from '../../support/sent-statements.ts';

const opened: TestDatabase[] = [];
/** A database without Citus, and one with a stand-in for it that nothing was distributed in yet. */
let plain: string;
let standIn: string;
beforeAll(async () => {
  opened.push(...(await Promise.all([createDatabase(), createDatabase()])));
  [plain = '', standIn = ''] = opened.map(database => database.url);
  await standInForCitus(standIn);
});
afterAll(() => Promise.all(opened.map(database => database.drop())));

/** Runs `work` in a database in which something was planted, which is gone afterwards. */
async function planting(
  databaseUrl: string,
  { planted, removed }: { readonly planted: string; readonly removed: string },
  work: () => Promise<void>,
): Promise<void> {
  await onDatabase(databaseUrl, planted);
  await work().finally(() => onDatabase(databaseUrl, removed));
}

async function onDatabase(databaseUrl: string, statement: string): Promise<pg.QueryResult> {
  const pool = openPool({ databaseUrl, max: 1 });
  try {
    return await pool.query(statement);
  } finally {
    await pool.end();
  }
}

async function bucketTables(databaseUrl: string): Promise<string[]> {
  const { rows } = await onDatabase(
    databaseUrl,
    `select table_name as name from information_schema.columns
     where table_schema = 'credits' and column_name = 'bucket' order by table_name`,
  );
  return rows.map(row => row.name);
}

describe('the statements', () => {
  test('distribute every table with a bucket once and together, and copy what is only read', async () => {
    const { plan } = await previewDistribution({ databaseUrl: plain });
    expect(plan.problems).toEqual([]);
    const tables = await bucketTables(plain);
    expect(tables.length).toBeGreaterThan(10);
    const [first, ...others] = plan.statements.filter(text => text.includes('create_distributed_table'));
    const nameIn = (text = '') => /'"credits"\."(\w+)"', 'bucket'/.exec(text)?.[1];
    expect([first, ...others].map(nameIn).sort()).toEqual(tables);
    expect(first).toContain(`colocate_with => 'none'`);
    for (const statement of others)
      expect(statement).toContain(`colocate_with => '"credits"."${nameIn(first)}"'`);
    expect(plan.statements.filter(text => text.includes('create_reference_table'))).toEqual(
      ['challenge_secret', 'installation', 'ledger_accounts', 'services'].map(
        name => `select create_reference_table('"credits"."${name}"')`,
      ),
    );
    expect(plan.tables.filter(table => table.placement === 'local').map(table => table.name)).toEqual([
      'alarms',
      'balance_checks',
      'balance_progress',
      'chain_progress',
      'head_sightings',
      'kysely_migration',
      'kysely_migration_lock',
      'rate_cards',
      'seal_fence',
      'seals',
      'stripe_account',
      'stripe_progress',
      'unique_amount_requests',
    ]);
  });

  test('allow triggers before the first table, and place what is referred to before what refers', async () => {
    const { plan } = await previewDistribution({ databaseUrl: plain });
    const at = (text: string) => plan.statements.findIndex(statement => statement.includes(text));
    expect(plan.statements.slice(0, 2)).toEqual([
      `set local citus.multi_shard_modify_mode to 'sequential'`,
      'set local citus.enable_unsafe_triggers to on',
    ]);
    expect(at(`"services"`)).toBeGreaterThan(0);
    expect(at(`"services"`)).toBeLessThan(at(`"access_tokens"`));
  });

  test('include a table that is added later, and place by what refers to it and who writes it', async () => {
    const planted = `create table regions (region integer primary key);
       create table wallets (bucket smallint, wallet text, region integer references regions,
         primary key (bucket, wallet));
       create table notes (bucket smallint, note integer, wallet text, primary key (bucket, note),
         foreign key (bucket, wallet) references wallets);
       create table counters (counter integer primary key);
       grant insert on regions, counters to credits_app`;
    await planting(plain, { planted, removed: 'drop table notes, wallets, regions, counters' }, async () => {
      const { plan } = await previewDistribution({ databaseUrl: plain });
      expect(plan.problems).toEqual([]);
      const placed = new Map(plan.tables.map(table => [table.name, table]));
      expect(placed.get('wallets')?.placement).toBe('distributed');
      expect(placed.get('regions')).toMatchObject({
        placement: 'reference',
        reason: 'a distributed table refers to it',
      });
      expect(placed.get('counters')?.placement).toBe('local');
      const names = plan.tables.map(table => table.name);
      expect(names.indexOf('wallets')).toBeLessThan(names.indexOf('notes'));
    });
  });

  test.each([
    [
      'create unique index wallets_by_address on wallets (address)',
      'wallets cannot be distributed: its unique index wallets_by_address lacks the bucket, so no shard could check it.',
    ],
    [
      'create unique index wallets_include on wallets (address) include (bucket)',
      'wallets cannot be distributed: its unique index wallets_include lacks the bucket, so no shard could check it.',
    ],
    [
      'alter table wallets drop constraint wallets_pkey, add primary key (address)',
      'wallets cannot be distributed: its unique index wallets_pkey lacks the bucket, so no shard could check it.',
    ],
    [
      `alter table wallets add constraint apart exclude using gist (int4range(0, amount) with &&)`,
      'wallets cannot be distributed: its unique index apart lacks the bucket, so no shard could check it.',
    ],
    [
      'create table seals (bucket smallint, seal text, amount integer, primary key (bucket, seal),' +
        'home smallint, foreign key (home, seal) references wallets)',
      'seals cannot be distributed: its foreign key seals_home_seal_fkey to wallets lacks the bucket.',
    ],
    [
      'create table labels (home smallint, label text, foreign key (home, label) references wallets)',
      'wallets cannot be distributed: labels, which has no bucket, refers to it by labels_home_label_fkey.',
    ],
  ])('are refused after: %s', async (statement, problem) => {
    const planted = `
      create table wallets (bucket smallint, address text, amount integer, primary key (bucket, address));
      ${statement}`;
    await planting(standIn, { planted, removed: 'drop table if exists seals, labels, wallets' }, async () => {
      const { plan } = await previewDistribution({ databaseUrl: standIn });
      expect(plan.problems).toEqual([problem]);
      expect(await distribute({ databaseUrl: standIn })).toEqual({ status: 'refused', reasons: [problem] });
    });
  });

  test('are refused where buckets are of different types', async () => {
    const planted = 'create table wallets (bucket integer primary key)';
    await planting(plain, { planted, removed: 'drop table wallets' }, async () => {
      const { plan } = await previewDistribution({ databaseUrl: plain });
      expect(plan.problems).toHaveLength(1);
      expect(plan.problems[0]).toContain('wallets integer');
    });
  });
});

describe('npx credits db distribute', () => {
  test('without Citus says what is missing, and changes nothing', async () => {
    const { code, stdout, stderr } = await runCredits(['db', 'distribute'], plain);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(
      'Nothing was changed:\n  - The server has no extension citus: install its package',
    );
  });

  test('--dry-run prints what psql would run, and what is missing as a comment', async () => {
    const { code, stdout } = await runCredits(['db', 'distribute', '--dry-run'], plain);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toContain('-- missing: The server has no extension citus');
    expect(lines).toContain('-- books: distributed, as it has a bucket');
    expect(lines).toContain('begin;');
    expect(lines.at(-1)).toBe('commit;');
    for (const line of lines) expect(line).toMatch(/^-- |;$/);
  });

  test('--dry-run of what cannot be done says why', async () => {
    const planted = 'create table wallets (bucket smallint, address text primary key)';
    await planting(plain, { planted, removed: 'drop table wallets' }, async () => {
      expect(await distributionJson({ databaseUrl: plain, dryRun: false, force: false })).toMatchObject({
        status: 'refused',
        reasons: expect.arrayContaining([expect.stringMatching(/./)]),
      });
      await expect(distributeTables({ databaseUrl: plain, dryRun: true, force: false })).rejects.toThrow(
        'Nothing was changed:\n  - wallets cannot be distributed: its unique index wallets_pkey lacks the bucket',
      );
    });
  });

  test('what was mistyped', async () => {
    const ended = await Promise.all(
      [
        ['db', 'spread'],
        ['db', 'distribute', 'now'],
        ['token', 'operator', 'me', '--dry-run'],
      ].map(args => runCredits(args, 'postgres://nowhere')),
    );
    for (const { code, stderr } of ended)
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^(?:unknown command|unknown option|too many arguments).*Usage: /s),
      ]);
  });

  test('an empty database is told to migrate first', async () => {
    const empty = await createEmptyDatabase();
    opened.push(empty);
    await expect(previewDistribution({ databaseUrl: empty.url })).rejects.toThrow('npm run migrate');
  });
});

describe('with a stand-in for Citus, which only notes what it is asked', () => {
  async function noted(): Promise<string[]> {
    const { rows } = await onDatabase(
      standIn,
      'select logicalrelid::text as name from pg_dist_partition order by 1',
    );
    return rows.map(row => row.name);
  }

  /** As the parts see it at their start. */
  async function isLedgerDistributed(): Promise<boolean> {
    const pool = openPool({ databaseUrl: standIn, role: 'credits_app', max: 1 });
    return await isDistributed(pool).finally(() => pool.end());
  }

  test('the parts find the ledger undistributed, with Citus and without', async () => {
    expect(await isLedgerDistributed()).toBe(false);
    const pool = openPool({ databaseUrl: plain, role: 'credits_app', max: 1 });
    expect(await isDistributed(pool).finally(() => pool.end())).toBe(false);
  });

  test.each([
    [
      'no worker node',
      'update pg_dist_node set shouldhaveshards = false',
      `update pg_dist_node set shouldhaveshards = groupid <> 0`,
      'No worker node holds shards',
    ],
    [
      'the wrong node',
      'update pg_dist_local_group set groupid = 1',
      'update pg_dist_local_group set groupid = 0',
      'This server is a worker node',
    ],
    [
      'a worker that lacks the roles',
      `update pg_dist_node set nodename = 'bare' where groupid = 2`,
      `update pg_dist_node set nodename = 'worker-2' where groupid = 2`,
      'The worker node bare:5432 lacks the role credits_indexer or credits_auditor, or one of credits_api,',
    ],
    [
      'a worker that does not answer',
      `update pg_dist_node set nodename = 'lost' where groupid = 2`,
      `update pg_dist_node set nodename = 'worker-2' where groupid = 2`,
      'The worker node lost:5432 does not answer: no connection',
    ],
    [
      'a column of another name',
      `insert into pg_dist_partition values ('books', 'h', 'account_id', 7, 's')`,
      'delete from pg_dist_partition',
      'books is distributed on account_id, not on bucket',
    ],
    [
      'a table that lies elsewhere',
      `insert into pg_dist_partition values ('books', 'h', 'bucket', 7, 's'), ('lots', 'h', 'bucket', 8, 's')`,
      'delete from pg_dist_partition',
      'lots does not lie together with books',
    ],
    [
      'a copy of what should be distributed',
      `insert into pg_dist_partition values ('books', 'n', null, 7, 't')`,
      'delete from pg_dist_partition',
      'books is a reference table and should be distributed',
    ],
    [
      'statements that cannot post',
      `create function never() returns trigger language plpgsql as $$ begin raise 'not on a shard'; end $$;
       create trigger never before insert on books for each row execute function never()`,
      'drop function never() cascade',
      'This version cannot post to distributed tables: its statement create_books_of_bucket fails with "not on a shard".',
    ],
  ])('%s is refused and leaves nothing', async (_, planted, undone, reason) => {
    await onDatabase(standIn, planted);
    const before = await noted();
    const outcome = await distribute({ databaseUrl: standIn });
    expect(outcome).toMatchObject({ status: 'refused', reasons: [expect.stringContaining(reason)] });
    expect(await noted()).toEqual(before);
    await onDatabase(standIn, undone);
  });

  test('two at once do it once, a second run says that it is done, and posting leaves no trace', async () => {
    const outcomes = await Promise.all([
      distribute({ databaseUrl: standIn }),
      distribute({ databaseUrl: standIn }),
    ]);
    expect(outcomes.map(outcome => outcome.status).sort()).toEqual(['distributed', 'done_before']);
    expect(await isLedgerDistributed()).toBe(true);
    expect(await noted()).toEqual(
      [
        ...(await bucketTables(standIn)),
        ...['challenge_secret', 'installation', 'ledger_accounts', 'services'],
      ].sort(),
    );
    const { rows } = await onDatabase(standIn, 'select count(*)::integer as books from books');
    expect(rows).toEqual([{ books: 0 }]);
    const { plan } = await previewDistribution({ databaseUrl: standIn });
    const count = (wanted: string) => plan.tables.filter(({ placement }) => placement === wanted).length;
    expect(await distributeTables({ databaseUrl: standIn, dryRun: false, force: false })).toBe(
      `Nothing is left to do: over 2 nodes, ${count('distributed')} tables are distributed on their bucket, ` +
        `${count('reference')} are copied to every node, ${count('local')} stay on the coordinator.`,
    );
    expect(await distributionJson({ databaseUrl: standIn, dryRun: false, force: false })).toMatchObject({
      status: 'done_before',
      tables: expect.arrayContaining([
        expect.objectContaining({ name: 'entries', placement: 'distributed' }),
      ]),
    });
    expect(await distributionJson({ databaseUrl: standIn, dryRun: true, force: false })).toMatchObject({
      status: 'planned',
      statements: [],
    });
    expect(await distributeTables({ databaseUrl: standIn, dryRun: true, force: false })).toContain(
      '-- nothing is left to do',
    );
  });

  test('a ledger that is opened on it posts a bucket a transaction, on one PostgreSQL many', async () => {
    const isOfManyBuckets = async (databaseUrl: string): Promise<boolean> => {
      const sent = await sentStatements(async () => {
        const options = { databaseUrl, rpcUrl: 'http://127.0.0.1:1', installation: TEST_INSTALLATION };
        const ledger = await openLedger(options);
        const given = { amountMicrocredits: 1n, policy: 'none', operator: 'me', reason: 'a test' } as const;
        const accounts: bigint[] = [];
        while (accounts.length < 20) {
          const { order } = await ledger.createCardOrder({
            amountMicrousd: 1_000_000n,
            now: await ledger.now(),
          });
          accounts.push(order.account_id);
        }
        const outcomes = await Promise.all(
          accounts.map(accountId => ledger.adjust({ ...given, accountId, idempotencyKey: 'one' })),
        );
        expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['accepted']));
        await ledger.close();
      });
      return sent.some(text => text.includes('unnest($1::smallint[]'));
    };
    expect(await isOfManyBuckets(standIn)).toBe(false);
    expect(await isOfManyBuckets(plain)).toBe(true);
  });

  test('a table that came later joins the others, and --force does so though nothing could post', async () => {
    await onDatabase(
      standIn,
      `create table wallets (bucket smallint, address text, primary key (bucket, address));
       create function never() returns trigger language plpgsql as $$ begin raise 'not on a shard'; end $$;
       create trigger never before insert on books for each row execute function never()`,
    );
    const { plan } = await previewDistribution({ databaseUrl: standIn });
    expect(plan.statements.slice(1)).toEqual([
      `select create_distributed_table('"credits"."wallets"', 'bucket', colocate_with => '"credits"."access_tokens"')`,
    ]);
    expect(await distribute({ databaseUrl: standIn })).toMatchObject({ status: 'refused' });
    const forced = await runCredits(['db', 'distribute', '--force'], standIn);
    expect(forced.code).toBe(0);
    expect(forced.stdout).toContain('its statement create_books_of_bucket fails with "not on a shard"');
    expect(await noted()).toContain('wallets');
  });
});

// What posts and what else the service does is tried there by the tests of posting/ and by routing.test.ts.
test.skipIf(!CITUS_URL)(
  'a Citus cluster takes the ledger once, and its journal stays append-only',
  async () => {
    const database = await createDistributedDatabase();
    opened.push(database);
    expect(await distribute({ databaseUrl: database.url })).toMatchObject({ status: 'done_before' });
    const pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 1 });
    expect(await isDistributed(pool).finally(() => pool.end())).toBe(true);
    await expect(onDatabase(database.url, 'update entries set seq = 9 where bucket = 1')).rejects.toThrow(
      'append-only',
    );
    await expect(onDatabase(database.url, 'truncate entries')).rejects.toThrow('append-only');
  },
);
