/**
 * Two processes post a random load to the same books at once, their clocks apart. Whatever came of it, one of them alone
 * would have come to in the order of the entries: the core, given the same commands at the same instants, writes the
 * same journal.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bookName } from '../../../ledger/core/account-id.ts';
import { type Book, EMPTY_BOOK } from '../../../ledger/core/book.ts';
import { type Command, decide } from '../../../ledger/core/commands.ts';
import { GENESIS_HASH } from '../../../ledger/core/encoding.ts';
import { MINUTE } from '../../../ledger/core/instant.ts';
import type { Entry } from '../../../ledger/core/journal.ts';
import { sealEntries } from '../../../ledger/posting/seal.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { type Books, openBooks } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { SEED, spendOf } from '../../support/histories.ts';
import { assertVerified, readBooks, type StoredBook } from '../../support/journal.ts';
import {
  type Answer,
  ask,
  isFault,
  keyNameOf,
  type LoadCommand,
  requestOf,
} from '../../support/load-command.ts';
import { RandomLoad } from '../../support/random-load.ts';
import { readInstant } from '../../support/scenario.ts';

const ACCOUNTS = [1, 2, 3, 4, 5, 6];
const CLIENTS = 24;
const COMMANDS_OF_CLIENT = 25;
/** A process of so many commands lives for some 40 days: lots renew and expire meanwhile. */
const STEP = 90n * MINUTE;

let database: TestDatabase;
let owner: pg.Pool;
let processes: Books[];
beforeAll(async () => {
  database = await createDatabase();
  owner = openPool({ databaseUrl: database.url, max: 4 });
  processes = [await openBooks(database.url), await openBooks(database.url)];
});
afterAll(async () => {
  await Promise.all([...processes.map(books => books.close()), owner.end()]);
  await database.drop();
});

interface Answered {
  readonly command: LoadCommand;
  readonly answer: Answer;
}

/** What one process asks for with many clients, and what it is told. */
async function run(books: Books, number: number): Promise<Answered[]> {
  const load = new RandomLoad({ seed: SEED + number, name: `process-${number}`, accounts: ACCOUNTS });
  const answered: Answered[] = [];
  let now = readInstant('2026-03-01 15:00') + BigInt(number) * 5n * MINUTE;
  const client = async () => {
    for (let count = 0; count < COMMANDS_OF_CLIENT; count += 1) {
      const command = load.next();
      now += STEP;
      books.now = now;
      const answer = await ask(books, command);
      answered.push({ command, answer });
      load.learn(command, answer);
      await sleep(Math.abs(command.amount) % 4);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return answered;
}

/** The journal of one who carries out what the entries of a book were asked for, in their order. */
function replay(stored: StoredBook, asked: ReadonlyMap<string, LoadCommand>) {
  let book: Book = EMPTY_BOOK;
  const entries: Entry[] = [];
  for (const { entry } of stored.entries) {
    if (entry.command === null) continue;
    const command = asked.get(`${stored.accountId}:${entry.command.keyDigest}`);
    if (!command) throw new Error(`nobody asked for entry ${entry.seq}`);
    const decision = decide(book, commandOf(command, book, entries), entry.bookedAt);
    if (!decision.accepted) throw new Error(`entry ${entry.seq}: ${decision.refusal.code}`);
    book = decision.step.book;
    entries.push(...decision.step.entries);
  }
  return { book, entries };
}

function commandOf(command: LoadCommand, book: Book, entries: readonly Entry[]): Command {
  const request = requestOf(command);
  if (request.type !== 'reversal') return request;
  const { spendId, ...rest } = request;
  const spent = entries.find(({ seq }) => seq === spendId);
  return { ...rest, spend: spent ? spendOf(spent, book, entries) : null };
}

test(`seed ${SEED}: what two processes have done at once is what one would have done in that order`, async () => {
  const answered = (await Promise.all(processes.map(run))).flat();
  expect(answered.filter(({ answer }) => isFault(answer))).toEqual([]);
  const told = new Map(answered.map(({ command, answer }) => [keyNameOf(command), answer]));
  const asked = new Map(answered.map(({ command }) => [keyNameOf(command), command]));
  const books = await readBooks(owner);
  assertVerified(books);
  expect(books.map(({ accountId }) => Number(accountId)).sort()).toEqual(ACCOUNTS);
  let accepted = 0;
  const kinds = new Set<string>();
  for (const stored of books) {
    const replayed = replay(stored, asked);
    expect(stored.entries.map(({ entry }) => entry)).toEqual(replayed.entries);
    const { head } = sealEntries(GENESIS_HASH, bookName(stored.bucket, stored.accountId), replayed.entries);
    expect(stored.head).toBe(Buffer.from(head).toString('hex'));
    expect(stored.book.lots.filter(({ open }) => open)).toEqual(
      replayed.book.lots.filter(({ open }) => open),
    );
    for (const { entry } of stored.entries) {
      kinds.add(entry.kind);
      if (entry.command === null) continue;
      accepted += 1;
      const answer = told.get(`${stored.accountId}:${entry.command.keyDigest}`);
      expect(answer).toMatchObject({ status: 'accepted', seq: Number(entry.seq) });
    }
  }
  // Nobody was told of more than there is, and the load was one in which everything happened.
  expect(answered.filter(({ answer }) => answer.status === 'accepted')).toHaveLength(accepted);
  expect([...kinds].sort()).toEqual([
    ...['adjustment', 'capture', 'clawback', 'debit', 'expiry', 'hold', 'hold_timeout'],
    ...['purchase', 'release', 'renewal', 'reversal'],
  ]);
});
