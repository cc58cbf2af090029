/** What a caller is told when the database goes away in the middle. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { OutcomeUnknownError } from '../../../ledger/posting/lane.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { type Books, debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { openGate, type TcpGate } from '../../support/tcp-gate.ts';

const bought = parseInstant('2026-03-01T15:00:00Z');

let database: TestDatabase;
let gate: TcpGate;
let books: Books;
let owner: pg.Pool;
beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ databaseUrl: database.url, max: 1 });
  const opened = await openGate(database.url);
  gate = opened.gate;
  books = await openBooks(opened.url);
  books.now = bought;
});
afterAll(async () => {
  await books.close();
  await owner.end();
  await gate.stop();
  await database.drop();
});

let accountId = 0n;
beforeEach(async () => {
  accountId += 1n;
  await books.poster.submit(accountId, purchaseOf(1n, bought, `receipt-${accountId}`));
});
afterEach(async () => {
  gate.mend();
  await owner.query('grant insert on entries to credits_app, credits_api, credits_worker');
});

/** From now on every write fails, not for the moment but for good. */
const forbidWriting = () =>
  owner.query('revoke insert on entries from credits_app, credits_api, credits_worker');

async function metTheCut(): Promise<void> {
  const { refused } = gate;
  await vi.waitUntil(() => gate.refused > refused, { timeout: 60_000, interval: 5 });
}

test('a command is carried out once the database is back', async () => {
  gate.cut();
  const debit = books.poster.submit(accountId, debitOf(1n, 'cut'));
  await metTheCut();
  gate.mend();
  expect(await debit).toMatchObject({ status: 'accepted', replayed: false });
});

test('a failure for good is told as what it is', async () => {
  await forbidWriting();
  await expect(books.poster.submit(accountId, debitOf(1n, 'forbidden'))).rejects.toMatchObject({
    code: '42501',
  });
});

test('a failure for good behind a lost connection leaves the outcome unknown: a commit may have been lost', async () => {
  await forbidWriting();
  gate.cut();
  const debit = books.poster.submit(accountId, debitOf(1n, 'lost'));
  const unknown = expect(debit).rejects.toBeInstanceOf(OutcomeUnknownError);
  await metTheCut();
  gate.mend();
  await unknown;
});
