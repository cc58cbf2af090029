/** Alarms: raised once, said once, cleared once. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type AlarmContext, clearAlarm, raiseAlarm, readAlarms } from '../../../ledger/alarms/alarm.ts';
import { openKysely, openPool, parseInstant } from '../../../ledger/index.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let pool: pg.Pool;
let now = parseInstant('2026-03-01T15:00:00Z');
const log: string[] = [];
let context: AlarmContext;
beforeAll(async () => {
  database = await createDatabase();
  pool = openPool({ databaseUrl: database.url, role: 'credits_app', max: 1 });
  context = { db: openKysely(pool), now: async () => now, log: line => log.push(line) };
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  await clearAlarm(context, 'payment_without_row');
  log.length = 0;
});

const alarm = (subject: string, message: string) =>
  ({ kind: 'payment_without_row', subject, message }) as const;

it('stands from when it was first raised, and is said once for each message', async () => {
  const raisedAt = now;
  await raiseAlarm(context, alarm('eth:8453:0x01:0', 'Block 7 has it.'));
  now += 1_000_000n;
  await raiseAlarm(context, alarm('eth:8453:0x01:0', 'Block 7 has it.'));
  await raiseAlarm(context, alarm('eth:8453:0x02:0', 'Block 8 has it.'));
  await raiseAlarm(context, alarm('eth:8453:0x01:0', 'Block 9 has it.'));
  expect(await readAlarms(context.db)).toEqual([
    { ...alarm('eth:8453:0x01:0', 'Block 9 has it.'), raisedAt },
    { ...alarm('eth:8453:0x02:0', 'Block 8 has it.'), raisedAt: now },
  ]);
  expect(log.map(line => line.slice(0, 'ALARM payment_without_row eth:8453:0x01:0: Block 7'.length))).toEqual(
    [
      'ALARM payment_without_row eth:8453:0x01:0: Block 7',
      'ALARM payment_without_row eth:8453:0x02:0: Block 8',
      'ALARM payment_without_row eth:8453:0x01:0: Block 9',
    ],
  );
});

it('is over when it is cleared, alone or with all of its kind', async () => {
  for (const subject of ['a', 'b', 'c']) await raiseAlarm(context, alarm(subject, 'Something.'));
  log.length = 0;
  await clearAlarm(context, 'payment_without_row', 'b');
  await clearAlarm(context, 'payment_without_row', 'b');
  expect((await readAlarms(context.db)).map(({ subject }) => subject)).toEqual(['a', 'c']);
  expect(log).toEqual(['alarm over: payment_without_row b']);
  await clearAlarm(context, 'payment_without_row');
  expect(await readAlarms(context.db)).toEqual([]);
});
