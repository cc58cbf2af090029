/** What can be undone once is undone once, however many ask for it at once and under whatever keys. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openPool } from '../../../ledger/store/postgres.ts';
import { type Books, openBooks } from '../../support/books.ts';
import type { TestDatabase } from '../../support/database.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { LEDGER_PLACES } from '../../support/ledger-places.ts';
import { type Answer, ask, type LoadCommand } from '../../support/load-command.ts';
import { readInstant } from '../../support/scenario.ts';

const COUNT = 60;
const PAID_MICROUSD = 10_000;
const SPENT_MICROCREDITS = 1_000_000;

describe.each(LEDGER_PLACES)('$name', place => {
  let database: TestDatabase;
  let owner: pg.Pool;
  let one: Books;
  let other: Books;
  beforeAll(async () => {
    database = await place.create();
    owner = openPool({ databaseUrl: database.url, max: 4 });
    [one, other] = await Promise.all([
      openBooks(database.url, place.isDistributed),
      openBooks(database.url, place.isDistributed),
    ]);
    one.now = other.now = readInstant('2026-03-01 15:00');
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close(), owner.end()]);
    await database.drop();
  });
  let account = 0;
  beforeEach(() => {
    account += 1;
  });

  /** Asks for so many, and returns their numbers. */
  async function post(type: LoadCommand['type'], amount: number, count = COUNT): Promise<number[]> {
    const answers = await Promise.all(
      Array.from({ length: count }, (_, index) =>
        ask(one, { key: `${type}-${index}`, account, type, amount, about: 0 }),
      ),
    );
    return answers.map(answer => (answer.status === 'accepted' ? answer.seq : 0));
  }

  /** Asks two processes for each at once, under keys that end differently for each of them. */
  async function twice(commands: readonly LoadCommand[], ends: readonly [string, string]): Promise<Answer[]> {
    return await Promise.all(
      commands.flatMap(command =>
        [one, other].map((books, index) => ask(books, { ...command, key: command.key + ends[index] })),
      ),
    );
  }

  /** How often each answer was given. */
  function tallyOf(answers: readonly Answer[]): Record<string, number> {
    const tally: Record<string, number> = {};
    for (const answer of answers) {
      const name = nameOf(answer);
      tally[name] = (tally[name] ?? 0) + 1;
    }
    return tally;
  }

  function nameOf(answer: Answer): string {
    switch (answer.status) {
      case 'accepted':
        return answer.replayed ? 'replayed' : 'accepted';
      case 'refused':
        return answer.code;
      case 'failed':
        return answer.message.replace(/lot \d+/, 'lot');
      case 'unknown':
        return 'unknown';
    }
  }

  async function bookOfAccount() {
    const books = await readBooks(owner);
    assertVerified(books);
    const stored = books.find(({ accountId }) => accountId === BigInt(account));
    if (!stored) throw new Error(`account ${account} has no book`);
    return stored;
  }

  async function reversals(): Promise<LoadCommand[]> {
    await post('purchase', PAID_MICROUSD, 1);
    const debits = await post('debit', SPENT_MICROCREDITS);
    return debits.map(about => ({
      key: `undo-${about}`,
      account,
      type: 'reversal',
      amount: SPENT_MICROCREDITS,
      about,
    }));
  }

  async function clawbacks(): Promise<LoadCommand[]> {
    const payments = await post('purchase', PAID_MICROUSD);
    await post('debit', SPENT_MICROCREDITS);
    return payments.map(about => ({
      key: `back-${about}`,
      account,
      type: 'clawback',
      amount: PAID_MICROUSD,
      about,
    }));
  }

  describe('every debit is reversed twice at once', () => {
    test('under one key: each once, and both are told so', async () => {
      expect(tallyOf(await twice(await reversals(), ['', '']))).toEqual({ accepted: COUNT, replayed: COUNT });
      await expectAllGivenBack();
    });

    test('under two keys: each once, and the other is refused', async () => {
      const answers = await twice(await reversals(), ['-a', '-b']);
      expect(tallyOf(answers)).toEqual({ accepted: COUNT, reversal_above_spend: COUNT });
      await expectAllGivenBack();
    });
  });

  async function expectAllGivenBack(): Promise<void> {
    const { book } = await bookOfAccount();
    expect(book.seq).toBe(BigInt(1 + 2 * COUNT));
    const [lot] = book.lots;
    expect(lot?.availableMicrocredits).toBe(lot?.faceMicrocredits);
  }

  describe('every payment is taken back twice at once', () => {
    test('under one key: each once, and both are told so', async () => {
      expect(tallyOf(await twice(await clawbacks(), ['', '']))).toEqual({ accepted: COUNT, replayed: COUNT });
      await expectAllTakenBack();
    });

    test('under two keys: each once, and for the other more than is left would go', async () => {
      expect(tallyOf(await twice(await clawbacks(), ['-a', '-b']))).toEqual({
        accepted: COUNT,
        [`Error: clawback of ${PAID_MICROUSD} micro-dollars, more than is left of lot`]: COUNT,
      });
      await expectAllTakenBack();
    });
  });

  async function expectAllTakenBack(): Promise<void> {
    const { book } = await bookOfAccount();
    expect(book.seq).toBe(BigInt(3 * COUNT));
    expect(new Set(book.lots.map(lot => lot.returnedMicrousd))).toEqual(new Set([BigInt(PAID_MICROUSD)]));
    // What was spent is all that is owed.
    expect(book.debtMicrocredits).toBe(BigInt(COUNT * SPENT_MICROCREDITS));
  }
});
