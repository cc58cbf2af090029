import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  DEFAULT_BUCKET_COUNT,
  ensureInstallation,
  InstallationMismatchError,
  type InstallationWanted,
  readInstallation,
} from '../../../ledger/store/installation.ts';
import { migrate, pendingMigrations } from '../../../ledger/store/migrate.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../../support/database.ts';
import { TEST_INSTALLATION } from '../../support/installation.ts';

/** Everything the schema is made of, as one text. */
async function describeSchema(url: string): Promise<string> {
  const pool = openPool({ databaseUrl: url, max: 1 });
  try {
    const { rows } = await pool.query<{ what: string }>(`
      select format('%s.%s %s %s', table_name, column_name, data_type, column_default) as what
        from information_schema.columns where table_schema = 'credits'
      union all select format('%s on %s: %s', tgname, tgrelid::regclass, tgenabled) from pg_trigger
        where not tgisinternal
      union all select format('%s: %s', indexname, indexdef) from pg_indexes where schemaname = 'credits'
      union all select format('%s: %s', conname, pg_get_constraintdef(oid)) from pg_constraint
        where connamespace = 'credits'::regnamespace
      union all select format('%s may %s %s', grantee, privilege_type, table_name)
        from information_schema.role_table_grants where table_schema = 'credits'
      union all select format('%s has run', name) from credits.kysely_migration
      order by what`);
    return rows.map(row => row.what).join('\n');
  } finally {
    await pool.end();
  }
}

describe('migrations', () => {
  const opened: TestDatabase[] = [];
  afterAll(() => Promise.all(opened.map(database => database.drop())));
  async function newDatabase(): Promise<string> {
    const database = await createEmptyDatabase();
    opened.push(database);
    return database.url;
  }

  test('are named as they are done, and nothing is left to do', async () => {
    const url = await newDatabase();
    const pending = await pendingMigrations(url);
    expect(pending.length).toBeGreaterThan(0);
    expect(await migrate(url)).toEqual(pending);
    expect(await pendingMigrations(url)).toEqual([]);
  });

  test('done twice change nothing', async () => {
    const url = await newDatabase();
    await migrate(url);
    const before = await describeSchema(url);
    expect(await migrate(url)).toEqual([]);
    expect(await describeSchema(url)).toBe(before);
  });

  test('done by four programs at once are done once', async () => {
    const url = await newDatabase();
    const done = await Promise.all([migrate(url), migrate(url), migrate(url), migrate(url)]);
    expect(done.filter(names => names.length > 0)).toHaveLength(1);
    const alone = await newDatabase();
    await migrate(alone);
    expect(await describeSchema(url)).toBe(await describeSchema(alone));
  });

  test('make the same in another schema, for replay', async () => {
    const url = await newDatabase();
    await migrate(url);
    expect(await migrate(url, 'scratch')).toEqual(await migrate(await newDatabase()));
  });
});

describe('what an installation is', () => {
  let database: TestDatabase;
  const other: InstallationWanted = {
    mode: 'live',
    chainId: 84_532,
    genesisHash: `0x${'11'.repeat(32)}`,
    paymentAddress: `0x${'22'.repeat(20)}`,
  };
  beforeAll(async () => {
    database = await createDatabase();
  });
  afterAll(() => database.drop());

  async function ensure(url: string, wanted: InstallationWanted): Promise<void> {
    const pool = openPool({ databaseUrl: url, max: 1 });
    try {
      await ensureInstallation(openKysely(pool), wanted);
    } finally {
      await pool.end();
    }
  }

  test('the same one is welcome again, whatever the case of its address', async () => {
    await ensure(database.url, TEST_INSTALLATION);
    await ensure(database.url, {
      ...TEST_INSTALLATION,
      paymentAddress: `0x${TEST_INSTALLATION.paymentAddress.slice(2).toUpperCase()}`,
    });
  });

  test.each([
    ['mode', 'MODE', TEST_INSTALLATION.mode, other.mode],
    ['chainId', 'chain id', TEST_INSTALLATION.chainId, other.chainId],
    ['genesisHash', 'genesis block', TEST_INSTALLATION.genesisHash, other.genesisHash],
    ['paymentAddress', 'PAYMENT_ADDRESS', TEST_INSTALLATION.paymentAddress, other.paymentAddress],
  ] as const)(
    'another %s is named, with what is stored and what was wanted',
    async (field, named, is, wanted) => {
      const error = await ensure(database.url, { ...TEST_INSTALLATION, [field]: wanted }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(InstallationMismatchError);
      const { message } = error as Error;
      expect(message).toContain(`made for ${named} ${is},`);
      expect(message).toContain(`started with ${wanted}:`);
    },
  );

  test('an empty one says what to do', async () => {
    const empty = await createEmptyDatabase();
    const pool = openPool({ databaseUrl: empty.url, max: 1 });
    try {
      await migrate(empty.url);
      await expect(readInstallation(openKysely(pool))).rejects.toThrow('npm run migrate');
      await ensureInstallation(openKysely(pool), other);
      expect(await readInstallation(openKysely(pool))).toEqual({
        ...other,
        bucketCount: DEFAULT_BUCKET_COUNT,
      });
    } finally {
      await pool.end();
      await empty.drop();
    }
  });
});
