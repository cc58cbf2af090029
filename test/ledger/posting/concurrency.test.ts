/** Two processes post to the same books at once; connections are cut under them. What is left must be true. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DAY, HOUR } from '../../../ledger/core/instant.ts';
import type { Outcome, Request } from '../../../ledger/posting/batch.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { type Books, codeOf, debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import type { TestDatabase } from '../../support/database.ts';
import { assertVerified, readBooks } from '../../support/journal.ts';
import { LEDGER_PLACES } from '../../support/ledger-places.ts';
import { readInstant } from '../../support/scenario.ts';

const BOUGHT = readInstant('2026-03-01 15:00');
const ACCOUNTS = [1n, 2n, 3n, 4n, 5n, 6n] as const;

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
  });
  afterAll(async () => {
    await Promise.all([one.close(), other.close(), owner.end()]);
    await database.drop();
  });
  /** Each test has accounts of its own. */
  let offset = 0n;
  beforeEach(() => {
    offset += 1000n;
    one.now = other.now = BOUGHT;
  });

  const submit = (books: Books, account: bigint, command: Request) =>
    books.poster.submit(offset + account, command);

  async function verifiedBooks() {
    const books = await readBooks(owner);
    assertVerified(books);
    return books.filter(({ accountId }) => accountId > offset && accountId <= offset + 1000n);
  }

  const acceptedOf = (outcomes: readonly Outcome[]) => outcomes.filter(({ status }) => status === 'accepted');

  test('two processes never overspend an account together, and the books verify', async () => {
    for (const account of ACCOUNTS) await submit(one, account, purchaseOf(1n, BOUGHT, 'payment'));
    const outcomes = await Promise.all(
      ACCOUNTS.flatMap(account =>
        Array.from({ length: 60 }, async (_, index) => {
          const books = index % 2 === 0 ? one : other;
          return { account, outcome: await submit(books, account, debitOf(300n, `job-${index}`)) };
        }),
      ),
    );
    for (const account of ACCOUNTS) {
      const mine = outcomes.filter(outcome => outcome.account === account).map(({ outcome }) => outcome);
      // 10,000 credits are 33 times 300.
      expect(acceptedOf(mine)).toHaveLength(33);
      expect(new Set(mine.map(codeOf))).toEqual(new Set(['accepted', 'insufficient_credits']));
      const seqs = mine.flatMap(outcome => (outcome.status === 'accepted' ? [outcome.entry.seq] : []));
      expect(new Set(seqs).size).toBe(33);
    }
    for (const { book } of await verifiedBooks()) {
      expect(book.seq).toBe(34n);
      expect(book.lots.map(lot => lot.availableMicrocredits)).toEqual([100_000_000n]);
    }
  });

  test('one key used by two processes at once is one debit, and both get the same answer', async () => {
    await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => submit(index % 2 ? one : other, 1n, debitOf(5n, 'one-job'))),
    );
    expect(outcomes.filter(outcome => outcome.status === 'accepted' && !outcome.replayed)).toHaveLength(1);
    const answers = outcomes.map(outcome => ({ ...outcome, replayed: false }));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    const [{ book } = { book: null }] = await verifiedBooks();
    expect(book?.seq).toBe(2n);
  });

  test('two processes take turns on one account, command by command', async () => {
    await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
    for (let round = 0; round < 40; round += 1) {
      const outcomes = await Promise.all(
        [one, other].map((books, index) => submit(books, 1n, debitOf(100n, `job-${round}-${index}`))),
      );
      expect(outcomes.map(codeOf)).toEqual(['accepted', 'accepted']);
    }
    const [stored] = await verifiedBooks();
    expect(stored?.book.seq).toBe(81n);
  });

  // On a cluster it waits on another server.
  test.skipIf(place.isCluster)('a command waits for its book before it reads anything of it', async () => {
    await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
    const holder = await owner.connect();
    await holder.query('begin');
    const { rows: held } = await holder.query<{ pid: number }>(
      'select pg_backend_pid() as pid from books where account_id = $1 for update',
      [offset + 1n],
    );
    const spent = submit(one, 1n, debitOf(1n, 'job'));
    // It is the statement that locks which waits for the holder; without it this waits for ever.
    let waiting = false;
    while (!waiting) {
      const { rows } = await owner.query(
        `select from pg_stat_activity
       where $1 = any (pg_blocking_pids(pid)) and query like '%join books%for update%'`,
        [held[0]?.pid],
      );
      waiting = rows.length > 0;
    }
    await holder.query('commit');
    holder.release();
    expect(codeOf(await spent)).toBe('accepted');
  });

  test('a first purchase by two processes at once makes one book with both lots', async () => {
    await Promise.all(
      [one, other].map((books, index) => submit(books, 1n, purchaseOf(1n, BOUGHT, `payment-${index}`))),
    );
    const [stored, ...none] = await verifiedBooks();
    expect(none).toEqual([]);
    expect(stored?.book.lots.map(lot => lot.id)).toEqual([1n, 2n]);
  });

  test('a process whose clock is behind books no entry before the one that is there', async () => {
    await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
    one.now = BOUGHT + HOUR;
    await submit(one, 1n, debitOf(1n, 'ahead'));
    other.now = BOUGHT + 1n;
    await submit(other, 1n, debitOf(1n, 'behind'));
    const [stored] = await verifiedBooks();
    expect(stored?.entries.map(({ entry }) => entry.bookedAt - BOUGHT)).toEqual([0n, HOUR, HOUR]);
  });

  test('two sweeps at once post what is due once', async () => {
    await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
    await submit(one, 1n, debitOf(7n, 'job'));
    one.now = other.now = BOUGHT + 40n * DAY;
    await Promise.all([one, other, one, other].map(books => submit(books, 1n, { type: 'advance' })));
    const [stored] = await verifiedBooks();
    expect(stored?.entries.map(({ entry }) => entry.kind)).toEqual([
      'purchase',
      'debit',
      'renewal',
      'expiry',
    ]);
    expect(stored?.book.lots.map(lot => lot.open)).toEqual([false]);
  });

  describe('answers', () => {
    test('the answer to a key is the one it was given first, whatever came after', async () => {
      await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
      const first = await submit(one, 1n, debitOf(1n, 'job'));
      one.now = other.now = BOUGHT + 10n * DAY;
      await submit(one, 1n, debitOf(9_000n, 'later'));
      one.now = other.now = BOUGHT + 60n * DAY;
      expect(await submit(other, 1n, debitOf(1n, 'job'))).toEqual({ ...first, replayed: true });
      expect(codeOf(await submit(other, 1n, debitOf(2n, 'job')))).toBe('idempotency_key_reused');
    });

    test('a replay beside new commands in one batch answers as before, and a repeated clawback takes once', async () => {
      await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
      await submit(one, 1n, debitOf(1n, 'job'));
      const identity = {
        serviceId: 0,
        keyNumber: null,
        keyDigest: 'ab'.repeat(16),
        payloadDigest: 'cd'.repeat(16),
      };
      const clawback: Request = {
        type: 'clawback',
        identity,
        lotId: 1n,
        amountMicrousd: 1_000_000n,
        details: null,
      };
      const outcomes = await Promise.all([
        submit(one, 1n, debitOf(1n, 'job')),
        submit(one, 1n, debitOf(2n, 'job-2')),
        submit(one, 1n, clawback),
        submit(one, 1n, clawback),
        submit(one, 1n, debitOf(3n, 'job-3')),
      ]);
      expect(outcomes.map(codeOf)).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'debt_open']);
      expect(outcomes.map(outcome => 'replayed' in outcome && outcome.replayed)).toEqual([
        true,
        false,
        false,
        true,
        false,
      ]);
      const [stored] = await verifiedBooks();
      expect(stored?.book.debtMicrocredits).toBe(3_000_000n);
    });

    test('the payment of a lot that is long closed can be taken back, twice in one batch too', async () => {
      await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
      one.now = BOUGHT + 40n * DAY;
      await submit(one, 1n, { type: 'advance' });
      const clawback = (number: number): Request => ({
        type: 'clawback',
        identity: {
          serviceId: 0,
          keyNumber: null,
          keyDigest: `0${number}`.repeat(16),
          payloadDigest: '00'.repeat(16),
        },
        lotId: 1n,
        amountMicrousd: 400_000n,
        details: null,
      });
      const outcomes = await Promise.all([submit(one, 1n, clawback(1)), submit(one, 1n, clawback(2))]);
      expect(outcomes.map(codeOf)).toEqual(['accepted', 'accepted']);
      const [stored] = await verifiedBooks();
      expect(stored?.book.lots.map(lot => lot.faceMicrocredits)).toEqual([2_000_000_000n]);
    });
  });

  test('a batch with a culprit in the middle: all others of several books are carried out, once', async () => {
    for (const account of ACCOUNTS) await submit(one, account, purchaseOf(1n, BOUGHT, 'payment'));
    const culprit: Request = { ...debitOf(1n, 'culprit'), amountMicrocredits: 0n };
    const all = await Promise.allSettled(
      ACCOUNTS.flatMap(account => [
        submit(one, account, debitOf(1n, 'before')),
        ...(account === 3n ? [submit(one, account, culprit)] : []),
        submit(one, account, debitOf(1n, 'after')),
      ]),
    );
    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(all.findIndex(({ status }) => status === 'rejected')).toBe(5);
    for (const { book } of await verifiedBooks()) expect(book.seq).toBe(3n);
  });

  test('what PostgreSQL cannot store is refused alone as well', async () => {
    await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
    const outcomes = await Promise.allSettled([
      submit(one, 1n, debitOf(1n, 'before')),
      submit(one, 1n, { ...debitOf(1n, 'zero'), details: 'a\u0000b' } as Request),
      submit(one, 1n, debitOf(1n, 'after')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const [stored] = await verifiedBooks();
    expect(stored?.book.seq).toBe(3n);
  });

  test('details are sealed as they are stored, whatever is in them', async () => {
    await submit(one, 1n, purchaseOf(1n, BOUGHT, 'payment'));
    const texts = ['Zürich, 東京 🚀', '\ud800 alone', '{"a": 1,  "b":2}', '\r\n\t"\'\\', ' ', '3:abc,'];
    for (const [index, details] of texts.entries())
      await submit(one, 1n, { ...debitOf(1n, `job-${index}`), details } as Request);
    const [stored] = await verifiedBooks();
    expect(stored?.book.seq).toBe(BigInt(texts.length + 1));
  });

  test('connections cut again and again under load: everybody is answered rightly, everything is done once', async () => {
    for (const account of ACCOUNTS) await submit(one, account, purchaseOf(1n, BOUGHT, 'payment'));
    let pending = true;
    let cuts = 0;
    let answeredCount = 0;
    // Cut whatever posts, until every command is answered: at least a dozen times while they are under way. Three times
    // without an answer in between at the most, or a busy machine would get none posted within the time that a batch is
    // tried.
    const cutting = (async () => {
      for (let left = 3, seen = 0; pending; ) {
        await new Promise(resolve => setTimeout(resolve, 20));
        if (answeredCount !== seen) left = 3;
        seen = answeredCount;
        if (left === 0) continue;
        left -= 1;
        const { rows } = await owner.query<{ cut: boolean }>(
          `select pg_terminate_backend(pid) as cut from pg_stat_activity
         where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
           and (query like '%write_entries%' or query like 'with new_entries%' or query = 'commit'
             or query like '% as wanted (%')`,
        );
        cuts += rows.filter(row => row.cut).length;
      }
    })();
    const outcomes: { account: bigint; key: string; outcome: Outcome }[] = [];
    for (let round = 0; cuts < 12 || round < 5; round += 1) {
      const answered = await Promise.all(
        ACCOUNTS.flatMap(account =>
          Array.from({ length: 20 }, async (_, index) => {
            const key = `job-${round}-${index}`;
            const outcome = await submit(index % 2 ? one : other, account, debitOf(1n, key));
            answeredCount += 1;
            return { account, key, outcome };
          }),
        ),
      );
      outcomes.push(...answered);
    }
    pending = false;
    await cutting;
    expect(new Set(outcomes.map(({ outcome }) => codeOf(outcome)))).toEqual(new Set(['accepted']));
    const stored = new Map((await verifiedBooks()).map(book => [book.accountId, book]));
    for (const account of ACCOUNTS) {
      const mine = outcomes.filter(outcome => outcome.account === account);
      expect(stored.get(offset + account)?.book.seq).toBe(BigInt(mine.length + 1));
      for (const { outcome } of mine) {
        if (outcome.status !== 'accepted') continue;
        // The entry that the caller was told of is the one that stands there.
        const { seq, availableAfterMicrocredits } = outcome.entry;
        const entry = stored.get(offset + account)?.entries[Number(seq) - 1]?.entry;
        expect(entry?.availableAfterMicrocredits).toBe(availableAfterMicrocredits);
      }
      const again = await Promise.all(mine.map(({ key }) => submit(one, account, debitOf(1n, key))));
      expect(again).toEqual(mine.map(({ outcome }) => ({ ...outcome, replayed: true })));
    }
  });
});
