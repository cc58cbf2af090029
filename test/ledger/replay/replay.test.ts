/** A ledger that is made again out of what is on record, and what shows when somebody has changed it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountName } from '../../../ledger/core/account-id.ts';
import { openPool, parseInstant, replayJournal } from '../../../ledger/index.ts';
import { type AuditedHistory, writeHistory } from '../../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let history: AuditedHistory;
let owner: pg.Pool;
let auditor: pg.Pool;

beforeAll(async () => {
  database = await createDatabase();
  history = await writeHistory(database.url);
  owner = openPool({ databaseUrl: database.url, max: 1 });
  auditor = openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 1 });
});
afterAll(async () => {
  await Promise.all([owner?.end(), auditor?.end()]);
  await database?.drop();
});

/** What replay says while `change` is made to the database, which is undone afterwards. */
async function differencesAfter(change: string): Promise<string[]> {
  const client = await owner.connect();
  try {
    await client.query("begin; set local session_replication_role = 'replica'");
    const { rowCount } = await client.query(change);
    expect(rowCount, 'the planted change finds its row').toBeGreaterThan(0);
    // In the same transaction, as nobody else sees it.
    const { differences } = await replayJournal({
      connect: async () => heldOpen(client),
    } as unknown as pg.Pool);
    return differences.map(({ book, entry, what }) => `${book} ${entry ?? '-'}: ${what}`);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

/** The connection in a transaction that goes on. */
function heldOpen(client: pg.PoolClient): pg.PoolClient {
  return new Proxy(client, {
    get(target, name) {
      if (name === 'release') return () => {};
      if (name !== 'query') return Reflect.get(target, name);
      return (text: string, values: unknown[]) =>
        /^(begin|commit)/.test(text) ? Promise.resolve({ rows: [] }) : target.query(text, values);
    },
  });
}

test('a sound ledger is the same when it is made again', async () => {
  const { differences, entries, commands, books } = await replayJournal(auditor);
  expect(differences).toEqual([]);
  expect({ entries, books: books > 2 }).toEqual({ entries: 25, books: true });
  expect(commands).toBeLessThan(entries);
});

test.each(['2026-03-01T14:00:00Z', '2026-03-01T20:00:00Z', '2026-03-02T09:30:00Z', '2026-03-02T10:00:00Z'])(
  'as of %s too',
  async at => {
    expect((await replayJournal(auditor, { at: parseInstant(at) })).differences).toEqual([]);
  },
);

test('an account alone', async () => {
  const { books, entries, differences } = await replayJournal(auditor, { accountId: history.quiet });
  expect({ books, entries, differences }).toEqual({ books: 1, entries: 2, differences: [] });
});

describe('what somebody has changed is named', () => {
  const busy = () => accountName(history.busy);
  const cases: readonly [what: string, change: () => string, named: () => RegExp][] = [
    [
      'the amount of a debit',
      () =>
        `update entries set amount_microcredits = amount_microcredits - 1 where account_id = ${history.busy} and seq = 2`,
      () => new RegExp(`^${busy()} 2: `),
    ],
    [
      'an instant',
      () =>
        `update entries set booked_at = booked_at + interval '1 second' where account_id = ${history.busy} and seq = 2`,
      () => new RegExp(`^${busy()} 2: `),
    ],
    [
      'the order of two entries',
      () =>
        `update entries set seq = case seq when 2 then 999 else seq end where account_id = ${history.busy} and seq = 2`,
      () => new RegExp(`^${busy()} `),
    ],
    [
      'a debit that was deleted',
      () => `delete from entries where account_id = ${history.busy} and seq = 2`,
      () => new RegExp(`^${busy()} 3: its number is another`),
    ],
    [
      'a renewal that was deleted',
      () => `delete from entries where account_id = ${history.busy} and kind = 'renewal'`,
      () => new RegExp(`^${busy()} .*missing|number`),
    ],
    [
      'an entry that was put in',
      () => `insert into entries select account_id, seq + 1000, effective_at, booked_at, recorded_at, amount_microcredits,
        available_after_microcredits, held_after_microcredits, debt_after_microcredits, 'expiry', null, null, bucket, null,
        null, hash, null from entries where account_id = ${history.quiet} and seq = 2`,
      () => new RegExp(`^${accountName(history.quiet)} 1002: `),
    ],
    [
      'details',
      () => `update entries set details = 'x' where account_id = ${history.busy} and seq = 1`,
      () => new RegExp(`^${busy()} 1: `),
    ],
    [
      'the face of a lot',
      () => `update lots set face_microcredits = face_microcredits + 1 where account_id = ${history.quiet}`,
      () => new RegExp(`^${accountName(history.quiet)} -: lot 1 has another faceMicrocredits`),
    ],
    [
      'the policy of a lot',
      () => `update lots set policy = 'none' where account_id = ${history.quiet}`,
      () => new RegExp(`^${accountName(history.quiet)} -: lot 1 has another policy`),
    ],
    [
      'when a lot expires',
      () => `update lots set expires_at = expires_at + interval '1 day' where account_id = ${history.quiet}`,
      () => new RegExp(`^${accountName(history.quiet)} -: lot 1 has another expiresAt`),
    ],
    [
      'a lot that was deleted',
      () => `delete from lots where account_id = ${history.quiet}`,
      () => new RegExp(`^${accountName(history.quiet)} -: lot 1 is missing`),
    ],
    [
      'the head of a book',
      () => `update books set head = decode(repeat('00', 32), 'hex') where account_id = ${history.quiet}`,
      () => new RegExp(`^${accountName(history.quiet)} -: the book's head is another`),
    ],
    [
      'what arrived, in the facts',
      () =>
        `update receipt_inclusions set amount_wei = amount_wei + 1 where receipt_id = (select receipt_id from receipt_inclusions order by receipt_id limit 1)`,
      () => /^system_\d+ \d+: its posting 1 is another/,
    ],
    [
      'the price of a payment, in the facts',
      () =>
        `update price_records set amount_microusd = amount_microusd + 1 where receipt_id = (select details::json->>'receipt' from entries where account_id = ${history.quiet} and seq = 1)`,
      () => new RegExp(`^${accountName(history.quiet)} 1: its amount is another`),
    ],
    [
      'whose a payment is, in the facts',
      () => `update assignments set account_id = ${history.busy} where account_id = ${history.quiet}`,
      () => new RegExp(`^${accountName(history.quiet)} 1: a purchase that cannot have been carried out`),
    ],
    [
      'a fact that was deleted',
      () =>
        `delete from receipt_inclusions where receipt_id = (select details::json->>'receipt' from entries where account_id = ${history.quiet} and seq = 1)`,
      () => /^system_\d+ \d+: nothing that is recorded leads to this entry/,
    ],
    [
      'a purchase that was deleted',
      () => `delete from entries where account_id = ${history.quiet} and seq = 1`,
      () => new RegExp(`^${accountName(history.quiet)} -: the purchase of receipt .* is missing`),
    ],
    [
      'an entry of a system book that was deleted',
      () => `delete from entries where account_id = 0 and kind = 'assignment'`,
      () => /^system_\d+ -: a assignment that follows from the facts is missing/,
    ],
  ];
  test.each(cases)('%s', async (_, change, named) => {
    expect(await differencesAfter(change())).toEqual(
      expect.arrayContaining([expect.stringMatching(named())]),
    );
  });
});
