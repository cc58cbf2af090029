/** The ledger over a Citus cluster: what is distributed, what is missing for it, and where statements would go. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SYSTEM_ACCOUNT_ID } from '../../../ledger/core/account-id.ts';
import { DAY, HOUR } from '../../../ledger/core/instant.ts';
import type { CommandIdentity } from '../../../ledger/core/journal.ts';
import {
  type AddressedCommand,
  type Outcome,
  type Request,
  runBatch,
} from '../../../ledger/posting/batch.ts';
import { commandIdentity, OWN_SERVICE_ID } from '../../../ledger/posting/identity.ts';
import { bookSystemEntries, lockSystemBook } from '../../../ledger/posting/system-entries.ts';
import { AccountCodes } from '../../../ledger/store/account-codes.ts';
import { distribute, previewDistribution } from '../../../ledger/cluster/distribute.ts';
import { ensureInstallation } from '../../../ledger/store/installation.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { migrate } from '../../../ledger/store/migrate.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { whyNotPostable } from '../../../ledger/cluster/posting-probe.ts';
import { runOn } from '../../../ledger/store/run-sql.ts';
import { codeOf, debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { CITUS_URL, createCitusDatabase } from '../../support/citus-database.ts';
import { standInForCitus } from '../../support/citus-stand-in.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';
import { unroutedTables } from '../../support/unrouted-tables.ts';

const CLI = fileURLToPath(new URL('../../../cli/credits.ts', import.meta.url));

const opened: TestDatabase[] = [];
afterAll(() => Promise.all(opened.map(database => database.drop())));

async function newDatabase(): Promise<string> {
  const database = await createDatabase();
  opened.push(database);
  return database.url;
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

/** Runs `npx credits …`; never rejects. */
async function runCli(
  args: readonly string[],
  databaseUrl?: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { DATABASE_URL: _, ...environment } = process.env;
  const env = databaseUrl === undefined ? environment : { ...environment, DATABASE_URL: databaseUrl };
  return await new Promise(resolve => {
    execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('the statements', () => {
  test('distribute every table with a bucket once and together, and copy what is only read', async () => {
    const url = await newDatabase();
    const { plan } = await previewDistribution({ databaseUrl: url });
    expect(plan.problems).toEqual([]);
    const tables = await bucketTables(url);
    expect(tables.length).toBeGreaterThan(10);
    const [first, ...others] = plan.statements.filter(text => text.includes('create_distributed_table'));
    const nameIn = (text = '') => /'"credits"\."(\w+)"', 'bucket'/.exec(text)?.[1];
    expect([first, ...others].map(nameIn).sort()).toEqual(tables);
    expect(first).toContain(`colocate_with => 'none'`);
    for (const statement of others)
      expect(statement).toContain(`colocate_with => '"credits"."${nameIn(first)}"'`);
    expect(plan.statements.filter(text => text.includes('create_reference_table'))).toEqual(
      ['installation', 'ledger_accounts', 'services'].map(
        name => `select create_reference_table('"credits"."${name}"')`,
      ),
    );
    expect(plan.tables.filter(table => table.placement === 'local').map(table => table.name)).toEqual([
      'alarms',
      'chain_progress',
      'kysely_migration',
      'kysely_migration_lock',
    ]);
  });

  test('allow triggers before the first table, and place what is referred to before what refers', async () => {
    const { plan } = await previewDistribution({ databaseUrl: await newDatabase() });
    const at = (text: string) => plan.statements.findIndex(statement => statement.includes(text));
    expect(plan.statements.slice(0, 2)).toEqual([
      `set local citus.multi_shard_modify_mode to 'sequential'`,
      'set local citus.enable_unsafe_triggers to on',
    ]);
    expect(at(`"services"`)).toBeGreaterThan(0);
    expect(at(`"services"`)).toBeLessThan(at(`"access_tokens"`));
  });

  test('include a table that is added later, and place by what refers to it and who writes it', async () => {
    const url = await newDatabase();
    await onDatabase(
      url,
      `create table regions (region integer primary key);
       create table wallets (bucket smallint, wallet text, region integer references regions,
         primary key (bucket, wallet));
       create table notes (bucket smallint, note integer, wallet text, primary key (bucket, note),
         foreign key (bucket, wallet) references wallets);
       create table counters (counter integer primary key);
       grant insert on regions, counters to credits_app`,
    );
    const { plan } = await previewDistribution({ databaseUrl: url });
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
  ])('are refused after: %s', async (planted, problem) => {
    const url = await newDatabase();
    await onDatabase(
      url,
      'create table wallets (bucket smallint, address text, amount integer, primary key (bucket, address))',
    );
    await onDatabase(url, planted);
    const { plan } = await previewDistribution({ databaseUrl: url });
    expect(plan.problems).toEqual([problem]);
    await standInForCitus(url);
    expect(await distribute({ databaseUrl: url })).toEqual({ status: 'refused', reasons: [problem] });
    const dryRun = await runCli(['db', 'distribute', '--dry-run'], url);
    expect(dryRun).toMatchObject({ code: 1, stdout: '' });
    expect(dryRun.stderr).toContain(problem);
  });

  test('are refused where buckets are of different types', async () => {
    const url = await newDatabase();
    await onDatabase(url, 'create table wallets (bucket integer primary key)');
    const { plan } = await previewDistribution({ databaseUrl: url });
    expect(plan.problems).toHaveLength(1);
    expect(plan.problems[0]).toContain('wallets integer');
  });
});

describe('npx credits db distribute', () => {
  test('without Citus says what is missing, and changes nothing', async () => {
    const url = await newDatabase();
    const { code, stdout, stderr } = await runCli(['db', 'distribute'], url);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(
      'Nothing was changed:\n  - The server has no extension citus: install its package',
    );
  });

  test('--dry-run prints what psql would run, and what is missing as a comment', async () => {
    const url = await newDatabase();
    const { code, stdout } = await runCli(['db', 'distribute', '--dry-run'], url);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toContain('-- missing: The server has no extension citus');
    expect(lines).toContain('-- books: distributed, as it has a bucket');
    expect(lines).toContain('begin;');
    expect(lines.at(-1)).toBe('commit;');
    for (const line of lines) expect(line).toMatch(/^-- |;$/);
  });

  test('--help, and what was mistyped', async () => {
    const help = await runCli(['db', 'distribute', '--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('db distribute');
    for (const args of [
      ['db'],
      ['db', 'spread'],
      ['db', 'distribute', 'now'],
      ['token', 'operator', 'me', '--dry-run'],
    ])
      expect((await runCli(args, 'postgres://nowhere')).code).toBe(2);
    const unset = await runCli(['db', 'distribute']);
    expect(unset).toMatchObject({ code: 1 });
    expect(unset.stderr).toContain('DATABASE_URL is not set');
  });

  test('an empty database is told to migrate first', async () => {
    const empty = await createEmptyDatabase();
    opened.push(empty);
    await expect(previewDistribution({ databaseUrl: empty.url })).rejects.toThrow('npm run migrate');
  });
});

describe('with a stand-in for Citus, which only notes what it is asked', () => {
  let url: string;
  beforeAll(async () => {
    url = await newDatabase();
    await standInForCitus(url);
  });

  async function noted(): Promise<string[]> {
    const { rows } = await onDatabase(
      url,
      'select logicalrelid::text as name from pg_dist_partition order by 1',
    );
    return rows.map(row => row.name);
  }

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
      'The worker node bare:5432 lacks the roles credits_app and credits_indexer',
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
      'This version cannot post to distributed tables: its statement create_books fails with "not on a shard".',
    ],
  ])('%s is refused and leaves nothing', async (_, planted, undone, reason) => {
    await onDatabase(url, planted);
    const before = await noted();
    const outcome = await distribute({ databaseUrl: url });
    expect(outcome).toMatchObject({ status: 'refused', reasons: [expect.stringContaining(reason)] });
    expect(await noted()).toEqual(before);
    await onDatabase(url, undone);
  });

  test('two at once do it once, a second run says that it is done, and posting leaves no trace', async () => {
    const outcomes = await Promise.all([distribute({ databaseUrl: url }), distribute({ databaseUrl: url })]);
    expect(outcomes.map(outcome => outcome.status).sort()).toEqual(['distributed', 'done_before']);
    expect(await noted()).toEqual(
      [...(await bucketTables(url)), 'installation', 'ledger_accounts', 'services'].sort(),
    );
    const { rows } = await onDatabase(url, 'select count(*)::integer as books from books');
    expect(rows).toEqual([{ books: 0 }]);
    const again = await runCli(['db', 'distribute'], url);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain(
      `Nothing is left to do: over 2 nodes, ${(await bucketTables(url)).length} tables are distributed on their bucket, ` +
        '3 are copied to every node, 4 stay on the coordinator.',
    );
    expect((await runCli(['db', 'distribute', '--dry-run'], url)).stdout).toContain(
      '-- nothing is left to do',
    );
  });

  test('a table that came later joins the others, and --force does so though nothing could post', async () => {
    await onDatabase(
      url,
      `create table wallets (bucket smallint, address text, primary key (bucket, address));
       create function never() returns trigger language plpgsql as $$ begin raise 'not on a shard'; end $$;
       create trigger never before insert on books for each row execute function never()`,
    );
    const { plan } = await previewDistribution({ databaseUrl: url });
    expect(plan.statements.slice(1)).toEqual([
      `select create_distributed_table('"credits"."wallets"', 'bucket', colocate_with => '"credits"."access_tokens"')`,
    ]);
    expect(await distribute({ databaseUrl: url })).toMatchObject({ status: 'refused' });
    const forced = await runCli(['db', 'distribute', '--force'], url);
    expect(forced.code).toBe(0);
    expect(forced.stdout).toContain('its statement create_books fails with "not on a shard"');
    expect(await noted()).toContain('wallets');
  });
});

describe('the posting path', () => {
  const bought = parseInstant('2026-03-01T15:00:00Z');

  test('names the bucket of every table in every statement that it sends', async () => {
    const url = await newDatabase();
    const tables = await bucketTables(url);
    const sent = await recordPosting(url);
    for (const table of ['books', 'lots', 'lot_faces', 'holds', 'reversals', 'entries', 'postings'])
      expect([...sent.values()].some(text => new RegExp(`\\b${table}\\b`).test(text))).toBe(true);
    for (const [name, text] of sent) expect([name, unroutedTables(text, tables)]).toEqual([name, []]);
  });

  test('is tried with every one of its statements before tables are distributed', async () => {
    const url = await newDatabase();
    const sent = await recordPosting(url);
    const pool = openPool({ databaseUrl: url, max: 1 });
    const codes = await AccountCodes.load(openKysely(pool));
    const client = await pool.connect();
    const tried = record(client);
    await client.query('begin');
    expect(await whyNotPostable(client, codes)).toBeNull();
    await client.query('rollback');
    client.release();
    await pool.end();
    const transaction = new Set(['begin', 'commit', 'rollback']);
    const statements = [...sent.keys()].filter(name => !transaction.has(name));
    expect(statements.length).toBeGreaterThan(5);
    expect([...tried.keys()]).toEqual(expect.arrayContaining(statements));
  });

  test.each([
    ['select * from books where account_id = $1 for update', ['books']],
    ['select b.bucket from books b where b.account_id = $1', ['books']],
    ['select * from lots l join books b on l.account_id = b.account_id where b.bucket = $1', ['lots']],
    ['update books set seq = $1 where account_id = $2', ['books']],
    ['insert into entries (account_id, seq) select account_id, seq from unnest($1, $2)', ['entries']],
    ['insert into entries select * from unnest($1, $2)', ['entries']],
    ['with gone as (delete from lots where account_id = $1) select 1', ['lots']],
    ['select * from credits.postings', ['postings']],
    ['select 1 from books b join lots on lots.x = b.x where b.bucket = $1', ['lots']],
    ['select 1 from books b join (select * from lots where bucket = $1) l on l.x = b.x', ['books']],
    ['select * from books where bucket = $1 and account_id = any($2) for update', []],
    ['update books as b set seq = x.seq from x where b.bucket = $1 and b.account_id = x.id', []],
    ['insert into entries (bucket, seq) values ($1, $2)', []],
    ['select * from entries where (bucket, account_id) in (select * from unnest($1, $2))', []],
  ])('a planted statement is judged: %s', (text, unrouted) => {
    expect(unroutedTables(text, ['books', 'lots', 'entries', 'postings'])).toEqual(unrouted);
  });

  /** Posts one of everything and returns the statements that went to the server, by name. */
  async function recordPosting(databaseUrl: string): Promise<Map<string, string>> {
    const pool = openPool({ databaseUrl, role: 'credits_app', max: 1, pipeline: true });
    const owner = openPool({ databaseUrl, max: 1 });
    try {
      const codes = await AccountCodes.load(openKysely(owner));
      const client = await pool.connect();
      const sent = record(client);
      const post = async (commands: Request[], day = 0n): Promise<Outcome[]> => {
        const addressed = commands.map(
          (command, index): AddressedCommand => ({
            bucket: index,
            accountId: BigInt(index + 1),
            command,
          }),
        );
        return await runBatch(client, addressed, { codes, clock: () => bought + day * DAY });
      };
      const purchases = [purchaseOf(1n, bought, 'one'), purchaseOf(2n, bought, 'two')];
      const debits = [debitOf(1n, 'job'), debitOf(1n, 'job')];
      expect((await post(purchases)).map(codeOf)).toEqual(['accepted', 'accepted']);
      expect((await post(debits)).map(codeOf)).toEqual(['accepted', 'accepted']);
      expect(await post(debits)).toMatchObject([{ replayed: true }, { replayed: true }]);
      expect((await post([debitOf(1_000_000n, 'too much')])).map(codeOf)).toEqual(['insufficient_credits']);
      const clawback: Request = {
        type: 'clawback',
        identity: ownIdentity('taken back'),
        lotId: 1n,
        amountMicrousd: 1_000_000n,
        details: '{}',
      };
      const hold = (key: string): Request => ({
        type: 'hold',
        identity: debitOf(1n, key).identity,
        amountMicrocredits: 5n,
        details: null,
        life: HOUR,
        limits: { ofAccount: 1, ofService: 1 },
      });
      expect((await post([hold('hold')])).map(codeOf)).toEqual(['accepted']);
      const capture: Request = {
        type: 'capture',
        identity: debitOf(1n, 'capture').identity,
        holdId: 3n,
        amountMicrocredits: 5n,
        details: null,
      };
      const reversal: Request = {
        type: 'reversal',
        identity: debitOf(1n, 'reversal').identity,
        spendId: 2n,
        amountMicrocredits: null,
        details: null,
      };
      expect((await post([capture])).map(codeOf)).toEqual(['accepted']);
      expect((await post([reversal])).map(codeOf)).toEqual(['accepted']);
      expect((await post([clawback])).map(codeOf)).toEqual(['accepted']);
      expect(
        (await post([{ type: 'advance' }, { type: 'advance' }], 40n)).map(outcome => outcome.status),
      ).toEqual(['advanced', 'advanced']);
      await client.query('begin');
      const book = await lockSystemBook(runOn(client), 3);
      expect(book.accountId).toBe(SYSTEM_ACCOUNT_ID);
      await bookSystemEntries(
        runOn(client),
        codes,
        book,
        [
          {
            kind: 'receipt',
            identity: ownIdentity('receipt'),
            effectiveAt: bought,
            postings: [{ from: 'ETH:suspense', to: 'ETH:trading', amount: 1n, lot: null }],
            details: '{}',
          },
        ],
        bought,
      );
      await client.query('commit');
      client.release(true);
      return sent;
    } finally {
      await Promise.all([pool.end(), owner.end()]);
    }
  }

  function ownIdentity(key: string): CommandIdentity {
    return commandIdentity({
      serviceId: OWN_SERVICE_ID,
      keyNumber: null,
      idempotencyKey: key,
      payload: key,
    });
  }

  /** Notes each statement under its name, or under its text where it has none, and sends it on. */
  function record(client: pg.PoolClient): Map<string, string> {
    const sent = new Map<string, string>();
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: unknown[]) => {
      const [asked] = args;
      const { name, text } =
        typeof asked === 'string' ? { name: asked, text: asked } : (asked as { name?: string; text: string });
      sent.set(name ?? text, text);
      return query(...args);
    }) as typeof client.query;
    return sent;
  }
});

describe('a Citus cluster', () => {
  const bought = parseInstant('2026-03-01T15:00:00Z');

  test.skipIf(!CITUS_URL)('takes the ledger, and purchases, debits and replays post to it', async () => {
    const database = await createCitusDatabase(CITUS_URL ?? '');
    opened.push(database);
    await migrate(database.url);
    const pool = openPool({ databaseUrl: database.url, max: 1 });
    await ensureInstallation(openKysely(pool), TEST_INSTALLATION);
    await pool.end();
    expect(await distribute({ databaseUrl: database.url })).toMatchObject({
      status: 'distributed',
      notPostable: null,
    });
    expect(await distribute({ databaseUrl: database.url })).toMatchObject({ status: 'done_before' });
    const books = await openBooks(database.url);
    try {
      books.now = bought;
      // Enough accounts for several buckets in one batch.
      const accounts = Array.from({ length: 20 }, (_, index) => BigInt(index + 1));
      const all = async (command: (account: bigint) => Request) =>
        await Promise.all(accounts.map(account => books.poster.submit(account, command(account))));
      const purchases = await all(account => purchaseOf(1n, bought, `receipt-${account}`));
      expect(new Set(purchases.map(codeOf))).toEqual(new Set(['accepted']));
      const debits = await all(() => debitOf(1n, 'job'));
      expect(new Set(debits.map(codeOf))).toEqual(new Set(['accepted']));
      expect(await all(() => debitOf(1n, 'job'))).toEqual(
        debits.map(outcome => ({ ...outcome, replayed: true })),
      );
      await expect(onDatabase(database.url, 'update entries set seq = 9 where bucket = 1')).rejects.toThrow(
        'append-only',
      );
      await expect(onDatabase(database.url, 'truncate entries')).rejects.toThrow('append-only');
    } finally {
      await books.close();
    }
  });
});
