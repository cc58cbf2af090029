import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOperatorToken, createServiceToken } from '../../../ledger/keys/access-tokens.ts';
import { authenticateOperator, authenticateServices } from '../../../ledger/keys/authenticate.ts';
import { newSecret } from '../../../ledger/keys/secret.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { runOn } from '../../../ledger/store/run-sql.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let owner: pg.Pool;
let app: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ databaseUrl: database.url, max: 4 });
  app = openPool({ databaseUrl: database.url, role: 'credits_app', max: 2 });
});
afterAll(async () => {
  await Promise.all([owner.end(), app.end()]);
  await database.drop();
});

const made = (name: string) => ({
  db: openKysely(owner),
  bucketCount: DEFAULT_BUCKET_COUNT,
  mode: 'dev' as const,
  name,
});
const doors = () => ({
  db: openKysely(app),
  lookUp: runOn(app),
  bucketCount: DEFAULT_BUCKET_COUNT,
  mode: 'dev' as const,
});

test('a service may have many tokens and keeps its number; another service has another', async () => {
  const [first, second, other] = [
    await createServiceToken(made('painter')),
    await createServiceToken(made('painter')),
    await createServiceToken(made('writer')),
  ];
  // Each is answered in its place, as often as it is shown.
  const shown = [other, first, 'mistyped', second, newSecret('serviceToken', 'dev'), first];
  expect(await authenticateServices(doors(), shown)).toEqual([
    { serviceId: 2, name: 'writer' },
    { serviceId: 1, name: 'painter' },
    null,
    { serviceId: 1, name: 'painter' },
    null,
    { serviceId: 1, name: 'painter' },
  ]);
});

test('services that are new at the same time get different numbers', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const tokens = await Promise.all(names.map(name => createServiceToken(made(name))));
  const services = await authenticateServices(doors(), tokens);
  expect(services.map(service => service?.name)).toEqual(names);
  expect(new Set(services.map(service => service?.serviceId)).size).toBe(4);
});

test('a token opens only what it is for, in its mode, until it is revoked', async () => {
  const service = await createServiceToken(made('reader'));
  const operator = await createOperatorToken(made('Ada'));
  expect(await authenticateOperator(doors(), operator)).toBe('Ada');
  expect(await authenticateOperator(doors(), service)).toBeNull();
  expect(await authenticateServices(doors(), [operator, service])).toMatchObject([null, { name: 'reader' }]);
  expect(await authenticateServices({ ...doors(), mode: 'live' }, [service])).toEqual([null]);
  await owner.query('update access_tokens set revoked_at = now()');
  expect(await authenticateServices(doors(), [service])).toEqual([null]);
  expect(await authenticateOperator(doors(), operator)).toBeNull();
});

test('no part can make tokens of operators, and the worker none at all', async () => {
  for (const role of ['credits_api', 'credits_worker', 'credits_app'] as const) {
    const pool = openPool({ databaseUrl: database.url, role, max: 1 });
    const db = openKysely(pool);
    try {
      await expect(createOperatorToken({ ...made('Eve'), db })).rejects.toMatchObject({ code: '42501' });
      if (role === 'credits_worker')
        await expect(createServiceToken({ ...made('eve'), db })).rejects.toMatchObject({ code: '42501' });
    } finally {
      await pool.end();
    }
  }
});
