import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { authenticateKeys } from '../../../ledger/keys/authenticate.ts';
import { hashSecret, newSecret } from '../../../ledger/keys/secret.ts';
import { bucketOf } from '../../../ledger/store/bucket.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { runIn, runOn } from '../../../ledger/store/run-sql.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { rowsRead } from '../../support/rows-read.ts';
import { readInstant } from '../../support/scenario.ts';

const NOW = readInstant('2026-03-01 15:00');

let database: TestDatabase;
let owner: pg.Pool;
let app: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ databaseUrl: database.url, max: 2 });
  // As those of the ledger that look up what is shown.
  app = openPool({ databaseUrl: database.url, role: 'credits_app', max: 2, pipeline: true });
});
afterAll(async () => {
  await Promise.all([owner.end(), app.end()]);
  await database.drop();
});

/** A key of `accountId` that was used before, or was not. */
async function insertKey(accountId: bigint, isUsed: boolean): Promise<string> {
  const key = newSecret('secureKey', 'dev');
  const hash = hashSecret(key);
  await owner.query(
    `insert into secure_keys (bucket, key_hash, account_id, key_number, scope, last_four, created_at, first_used_at)
     values ($1, $2, $3, 1, 'manage', $4, now(), case when $5 then now() end)`,
    [bucketOf(hash, DEFAULT_BUCKET_COUNT), hash, accountId, key.slice(-4), isUsed],
  );
  return key;
}

const authenticate = (keys: readonly string[]) =>
  authenticateKeys(
    { db: openKysely(app), lookUp: runOn(app), bucketCount: DEFAULT_BUCKET_COUNT, mode: 'dev' },
    keys,
    async () => NOW,
  );

test('each key is answered in its place, the same one as often as it is shown', async () => {
  const [first, second] = [await insertKey(11n, true), await insertKey(12n, true)];
  const answers = await authenticate([second, 'mistyped', first, newSecret('secureKey', 'dev'), second]);
  const holders = await Promise.all(answers);
  expect(holders.map(holder => holder?.accountId ?? null)).toEqual([12n, null, 11n, null, 12n]);
  expect(holders[2]).toEqual({
    accountId: 11n,
    keyNumber: 1,
    scope: 'manage',
    lastFour: first.slice(-4),
    graceUntil: null,
  });
});

test('a key is looked up by its hash, not by going through all keys', async () => {
  const keys = await Promise.all(
    Array.from({ length: 300 }, (_, index) => insertKey(1001n + BigInt(index), true)),
  );
  await owner.query('analyze secure_keys');
  const shown = keys.slice(100, 110);
  const options = { db: openKysely(app), bucketCount: DEFAULT_BUCKET_COUNT, mode: 'dev' as const };
  const rows = await rowsRead(app, async db => {
    const found = await authenticateKeys({ ...options, lookUp: runIn(db) }, shown, async () => NOW);
    expect(found).not.toContain(null);
  });
  expect(rows).toBeLessThanOrEqual(shown.length);
});

test('a key that is used for the first time, and waits for its row, holds up no other', async () => {
  const [fresh, used] = [await insertKey(21n, false), await insertKey(22n, true)];
  const claiming = await owner.connect();
  try {
    await claiming.query('begin');
    await claiming.query('select from secure_keys where account_id = 21 for update');
    const [waiting, answered] = await authenticate([fresh, used]);
    expect(await answered).toMatchObject({ accountId: 22n });
    expect(await Promise.race([waiting, 'still waiting'])).toBe('still waiting');
    await claiming.query('commit');
    expect(await waiting).toMatchObject({ accountId: 21n });
  } finally {
    claiming.release(true);
  }
  const { rows } = await owner.query('select first_used_at from secure_keys where account_id = 21');
  expect(rows).toEqual([{ first_used_at: NOW }]);
});
