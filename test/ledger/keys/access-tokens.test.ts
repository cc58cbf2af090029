import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOperatorToken, createServiceToken } from '../../../ledger/keys/access-tokens.ts';
import { authenticateOperator, authenticateService } from '../../../ledger/keys/authenticate.ts';
import { newSecret } from '../../../ledger/keys/secret.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
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
const doors = () => ({ db: openKysely(app), bucketCount: DEFAULT_BUCKET_COUNT, mode: 'dev' as const });

test('a service may have many tokens and keeps its number; another service has another', async () => {
  const [first, second, other] = [
    await createServiceToken(made('painter')),
    await createServiceToken(made('painter')),
    await createServiceToken(made('writer')),
  ];
  expect(await authenticateService(doors(), first)).toEqual({ serviceId: 1, name: 'painter' });
  expect(await authenticateService(doors(), second)).toEqual({ serviceId: 1, name: 'painter' });
  expect(await authenticateService(doors(), other)).toEqual({ serviceId: 2, name: 'writer' });
});

test('services that are new at the same time get different numbers', async () => {
  const names = ['a', 'b', 'c', 'd'];
  const tokens = await Promise.all(names.map(name => createServiceToken(made(name))));
  const services = await Promise.all(tokens.map(token => authenticateService(doors(), token)));
  expect(services.map(service => service?.name)).toEqual(names);
  expect(new Set(services.map(service => service?.serviceId)).size).toBe(4);
});

test('a token opens only what it is for, in its mode, until it is revoked', async () => {
  const service = await createServiceToken(made('reader'));
  const operator = await createOperatorToken(made('Ada'));
  expect(await authenticateOperator(doors(), operator)).toBe('Ada');
  expect(await authenticateOperator(doors(), service)).toBeNull();
  expect(await authenticateService(doors(), operator)).toBeNull();
  expect(await authenticateService({ ...doors(), mode: 'live' }, service)).toBeNull();
  expect(await authenticateService(doors(), newSecret('serviceToken', 'dev'))).toBeNull();
  await owner.query('update access_tokens set revoked_at = now()');
  expect(await authenticateService(doors(), service)).toBeNull();
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
