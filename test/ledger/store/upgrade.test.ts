/** An installation that was in use before the program was updated: all of it is there afterwards, and goes on. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyJournal } from '../../../ledger/audit/verify.ts';
import { HOUR } from '../../../ledger/core/instant.ts';
import { claimKey } from '../../../ledger/orders/claim-key.ts';
import { createOrder } from '../../../ledger/orders/create-order.ts';
import { commandIdentity } from '../../../ledger/posting/identity.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { migrate } from '../../../ledger/store/migrate.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { writeHistory } from '../../support/audited-history.ts';
import { debitOf, openBooks } from '../../support/books.ts';
import { createDatabase, createEmptyDatabase, type TestDatabase } from '../../support/database.ts';
import { ANSWER, calldataOf, openIntake, roundOf } from '../../support/intake.ts';
import {
  copyRows,
  migrateThrough,
  rowsOf,
  tableNames,
  writtenOut,
} from '../../support/older-installation.ts';

const START = parseInstant('2026-05-02T15:00:00Z');
const THROUGH = ['0014_cards', '0016_rate_cards', '0019_operators'] as const;

/** What this version writes into a new database. */
let source: TestDatabase;
let sourceOwner: pg.Pool;
let customer: bigint;
beforeAll(async () => {
  source = await createDatabase();
  sourceOwner = openPool({ databaseUrl: source.url, max: 2 });
  await writeHistory(source.url);
  customer = await writeKeysAndHolds();
});
afterAll(async () => {
  await sourceOwner?.end();
  await source?.drop();
});

/** A customer with a key that has spent and that holds: one hold is open, one captured. */
async function writeKeysAndHolds(): Promise<bigint> {
  const books = await openBooks(source.url);
  const intake = await openIntake(source.url, () => START);
  books.now = START;
  try {
    const doors = { db: openKysely(sourceOwner), bucketCount: DEFAULT_BUCKET_COUNT, mode: 'dev' } as const;
    const wanted = { amountMicrousd: 1_000_000n, round: roundOf(ANSWER, START), now: START };
    const { order, secret } = await createOrder(doors, wanted);
    await intake.pay({ calldata: calldataOf(order.reference), amountWei: order.quoted_wei ?? 0n });
    expect((await claimKey(doors, order.order_id, secret, START)).status).toBe('claimed');
    const { account_id: accountId } = order;
    const common = { details: null, amountMicrocredits: 7n };
    const hold = { ...common, type: 'hold', life: HOUR, limits: { ofAccount: 9, ofService: 9 } } as const;
    for (const request of [
      { ...hold, identity: identity('first') },
      { ...hold, identity: identity('second') },
      { ...common, type: 'capture', holdId: 2n, identity: identity('capture') },
    ] as const)
      expect(await books.poster.submit(accountId, request)).toMatchObject({ status: 'accepted' });
    return accountId;
  } finally {
    await Promise.all([books.close(), intake.close()]);
  }
}

function identity(idempotencyKey: string) {
  return commandIdentity({ serviceId: 1, keyNumber: 1, idempotencyKey, payload: idempotencyKey });
}

describe.each(THROUGH)('from %s', newest => {
  let database: TestDatabase;
  let owner: pg.Pool;
  beforeAll(async () => {
    database = await createEmptyDatabase();
    await migrateThrough(database.url, newest);
    owner = openPool({ databaseUrl: database.url, max: 2 });
    await copyRows(sourceOwner, owner);
  });
  afterAll(async () => {
    await owner?.end();
    await database?.drop();
  });

  test('nothing is lost, and all of it is as this version would have written it', async () => {
    expect((await rowsOf(owner, 'entries')).length).toBeGreaterThan(20);
    expect((await migrate(database.url)).length).toBeGreaterThan(0);
    const tables = await tableNames(sourceOwner);
    expect(await tableNames(owner)).toEqual(tables);
    for (const table of tables)
      expect([table, await inOrder(owner, table)]).toEqual([table, await inOrder(sourceOwner, table)]);
    expect(await rowsOf(owner, 'holds')).toHaveLength(2);
    expect((await rowsOf(owner, 'account_keys')).length).toBeGreaterThan(0);
  });

  test('the journal verifies, with the rights of an auditor', async () => {
    const auditor = openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 1 });
    expect((await verifyJournal(auditor)).problems).toEqual([]);
    await auditor.end();
  });

  test('it goes on: what was held is captured, credits are spent, and the journal verifies again', async () => {
    const books = await openBooks(database.url);
    books.now = START + 1n;
    const captured = { type: 'capture', holdId: 3n, amountMicrocredits: 5n, details: null } as const;
    for (const request of [{ ...captured, identity: identity('later') }, debitOf(1n, 'later too')])
      expect(await books.poster.submit(customer, request)).toMatchObject({ status: 'accepted' });
    await books.close();
    expect((await verifyJournal(owner)).problems).toEqual([]);
  });
});

/** The rows as an older installation has them too, and their columns, which it has in another order. */
async function inOrder(pool: pg.Pool, table: string): Promise<unknown[]> {
  const { rows } = await pool.query<{ row: string }>(
    `select to_jsonb(t)::text as row from ${table} t order by to_jsonb(t)::text`,
  );
  return rows.map(({ row }) => writtenOut(row)).sort();
}
