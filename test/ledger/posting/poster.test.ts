import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HOUR } from '../../../ledger/core/instant.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { type Books, codeOf, debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import type { TestDatabase } from '../../support/database.ts';
import { LEDGER_PLACES } from '../../support/ledger-places.ts';

const bought = parseInstant('2026-03-01T15:00:00Z');

describe.each(LEDGER_PLACES)('$name', place => {
  let database: TestDatabase;
  let books: Books;
  beforeAll(async () => {
    database = await place.create();
    books = await openBooks(database.url, place.isDistributed);
  });
  afterAll(async () => {
    await books.close();
    await database.drop();
  });

  test('a purchase becomes a lot, a debit spends it, the same key answers the same and never spends again', async () => {
    books.now = bought;
    const purchase = await books.poster.submit(1n, purchaseOf(10n, bought, 'receipt-1'));
    expect(purchase).toMatchObject({
      status: 'accepted',
      replayed: false,
      entry: { seq: 1n, kind: 'purchase', availableAfterMicrocredits: 100_000_000_000n },
    });
    books.now = bought + HOUR;
    const debit = await books.poster.submit(1n, debitOf(30_000n, 'job-1'));
    expect(debit).toMatchObject({
      status: 'accepted',
      replayed: false,
      entry: { seq: 2n, availableAfterMicrocredits: 70_000_000_000n },
    });
    books.now = bought + 2n * HOUR;
    const again = await books.poster.submit(1n, debitOf(30_000n, 'job-1'));
    expect(again).toEqual({ ...debit, replayed: true });
    expect(codeOf(await books.poster.submit(1n, debitOf(29_999n, 'job-1')))).toBe('idempotency_key_reused');
  });

  test('a debit beyond what is there is refused as a whole, and the same key may be decided anew', async () => {
    books.now = bought;
    await books.poster.submit(2n, purchaseOf(1n, bought, 'receipt-2'));
    expect(await books.poster.submit(2n, debitOf(10_001n, 'job'))).toEqual({
      status: 'refused',
      refusal: {
        code: 'insufficient_credits',
        availableMicrocredits: 10_000_000_000n,
        requiredMicrocredits: 10_001_000_000n,
        renewsAt: parseInstant('2026-03-02T00:00:00Z'),
      },
    });
    await books.poster.submit(2n, purchaseOf(1n, bought, 'receipt-3'));
    expect(codeOf(await books.poster.submit(2n, debitOf(10_001n, 'job')))).toBe('accepted');
  });

  test('an account without a book has nothing to debit', async () => {
    expect(codeOf(await books.poster.submit(3n, debitOf(1n, 'job')))).toBe('account_unknown');
  });

  test('64 at once on one account never overspend, and one key used at once debits once', async () => {
    books.now = null;
    const now = BigInt(Date.now()) * 1000n;
    await books.poster.submit(4n, purchaseOf(1n, now, 'receipt-4'));
    const spent = await Promise.all(
      Array.from({ length: 64 }, (_, index) => books.poster.submit(4n, debitOf(300n, `job-${index}`))),
    );
    expect(spent.filter(outcome => outcome.status === 'accepted')).toHaveLength(33);
    expect(new Set(spent.map(codeOf))).toEqual(new Set(['accepted', 'insufficient_credits']));

    await books.poster.submit(4n, purchaseOf(1n, now, 'receipt-5'));
    const same = await Promise.all(
      Array.from({ length: 20 }, () => books.poster.submit(4n, debitOf(5n, 'one-job'))),
    );
    expect(same.filter(outcome => outcome.status === 'accepted' && !outcome.replayed)).toHaveLength(1);
    expect(same.every(outcome => outcome.status === 'accepted')).toBe(true);
  });

  test('one command that breaks an invariant fails alone; the others of its batch are carried out', async () => {
    books.now = bought;
    await books.poster.submit(5n, purchaseOf(1n, bought, 'receipt-6'));
    const broken = { ...debitOf(1n, 'broken'), type: 'clawback' as const, lotId: 99n, amountMicrousd: 1n };
    const outcomes = await Promise.allSettled([
      books.poster.submit(5n, debitOf(1n, 'before')),
      books.poster.submit(5n, { ...broken, details: null } as never),
      books.poster.submit(5n, debitOf(1n, 'after')),
    ]);
    expect(outcomes.map(outcome => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
