/** Seals of a real journal: that they hold, that nothing comes behind them, and that every kind of tampering shows. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Problem } from '../../../ledger/audit/problem.ts';
import { verifyIn } from '../../../ledger/audit/verify.ts';
import { accountName } from '../../../ledger/core/account-id.ts';
import { DAY, HOUR, type Instant } from '../../../ledger/core/instant.ts';
import { recordAction } from '../../../ledger/operators/record-action.ts';
import { readTrialBalance } from '../../../ledger/reads/trial-balance.ts';
import { sealNewestMidnight } from '../../../ledger/seals/daily-seal.ts';
import { makeSeal, type SealContext } from '../../../ledger/seals/make-seal.ts';
import { rootOfPath } from '../../../ledger/seals/merkle.ts';
import { proveBook, readSealTree } from '../../../ledger/seals/prove-book.ts';
import { hashText, readDocument, readTotals } from '../../../ledger/seals/seal-document.ts';
import { generateSealKey, readSealKey } from '../../../ledger/seals/seal-key.ts';
import { hexOf, readNewestSeal, readSeals, type SealRow } from '../../../ledger/seals/seal-rows.ts';
import { leafOf } from '../../../ledger/seals/sealed-book.ts';
import { verifySeals, verifySealsIn } from '../../../ledger/seals/verify-seals.ts';
import { AccountCodes } from '../../../ledger/store/account-codes.ts';
import { bucketOfAccount } from '../../../ledger/store/bucket.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { instantText, parseInstant } from '../../../ledger/store/instant-text.ts';
import { openKysely, openPool } from '../../../ledger/store/postgres.ts';
import { type AuditedHistory, writeHistory } from '../../support/audited-history.ts';
import { type Books, debitOf, openBooks, purchaseOf } from '../../support/books.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { rehash, sealContext, sweepAndSeal } from '../../support/sealing.ts';

const KEY = readSealKey(generateSealKey());
/** Before the history; within it, after the reorg; at a midnight that renewed; after its end. */
const THROUGH = [
  '2026-03-01T14:00:00Z',
  '2026-03-02T10:30:00Z',
  '2026-03-03T00:00:00Z',
  '2026-05-01T00:00:00Z',
].map(parseInstant);

let database: TestDatabase;
let history: AuditedHistory;
let owner: pg.Pool;
let auditor: pg.Pool;
let seals: readonly SealRow[];

beforeAll(async () => {
  database = await createDatabase();
  history = await writeHistory(database.url);
  owner = openPool({ databaseUrl: database.url, max: 2 });
  auditor = openPool({ databaseUrl: database.url, role: 'credits_auditor', max: 1 });
  const made: SealRow[] = [];
  for (const through of THROUGH) made.push(await sweepAndSeal(database.url, through, KEY));
  seals = made;
});
afterAll(async () => {
  await Promise.all([owner.end(), auditor.end()]);
  await database.drop();
});

describe('sound seals', () => {
  test('verify, and are chained and signed by one key', async () => {
    const verification = await verifySeals(auditor, { publicKey: KEY.publicKey });
    expect(verification).toEqual({
      seals: THROUGH.length,
      publicKeys: [KEY.publicKey],
      newestHash: hexOf(seals.at(-1)?.hash ?? new Uint8Array()),
      problems: [],
    });
    expect(await readSeals(auditor)).toEqual(seals);
  });

  test('have the books that had an entry by then', () => {
    const counts = seals.map(({ document }) => readDocument(document)?.bookCount);
    expect(counts[0]).toBe(0);
    expect(counts[1]).toBeGreaterThan(2);
    expect(counts.at(-1)).toBeGreaterThanOrEqual(counts[1] ?? 0);
  });

  test('have the totals of the trial balance', async () => {
    for (const seal of seals) {
      const balances = await readTrialBalance(
        { db: openKysely(auditor), bucketCount: DEFAULT_BUCKET_COUNT },
        seal.through,
      );
      const totals = readTotals(seal.totals)?.map(({ account, balance }) => ({ account, balance }));
      expect(totals).toEqual(balances);
    }
  });

  test('keep a book only where it has moved', async () => {
    const { rows } = await owner.query<{ number: number; seq: bigint }>(
      'select number, seq from sealed_heads where account_id = $1 order by number',
      [history.quiet],
    );
    expect(rows).toEqual([
      { number: 2, seq: 3n },
      { number: 4, seq: 4n },
    ]);
  });

  test('tell an auditor of another key that none of them is theirs', async () => {
    const { problems } = await verifySeals(auditor, { publicKey: 'ab'.repeat(32) });
    expect(problems.map(({ what }) => what)).toEqual(
      seals.map(({ number }) => `seal ${number}: its signature is not that of the key`),
    );
  });
});

describe('a proof', () => {
  test('leads from the book to the signed root, for each account and seal', async () => {
    for (const seal of seals.slice(1)) {
      const tree = await readSealTree(auditor, seal, DEFAULT_BUCKET_COUNT);
      for (const accountId of [history.busy, history.quiet]) {
        const proof = await proveBook(auditor, tree, { accountId, bucketCount: DEFAULT_BUCKET_COUNT });
        if (!proof) throw new Error('there is no proof');
        const { book, leafIndex: index, leafCount: size, path } = proof;
        const root = rootOfPath({ leaf: leafOf(book), index, size, path });
        expect(root?.toString('hex')).toBe(readDocument(seal.document)?.root);
        expect(book.name).toBe(accountName(accountId));
      }
    }
  });

  test('is none for an account that the seal has not', async () => {
    const tree = await readSealTree(auditor, seals[0] as SealRow, DEFAULT_BUCKET_COUNT);
    const asked = { accountId: history.busy, bucketCount: DEFAULT_BUCKET_COUNT };
    expect(await proveBook(auditor, tree, asked)).toBeNull();
  });
});

interface Tampering {
  readonly title: string;
  readonly sql: () => string;
  /** Whether all hashes of the busy book are made anew after it. */
  readonly rehashed?: boolean;
  /** Whether `verify` has nothing to say of it. */
  readonly unseenByVerify?: boolean;
  /** What is said of seals, in this order; of a book, `busy: entry`. */
  readonly seen: readonly string[];
}

const inBusy = (table: string, set: string, seq: number) => () =>
  `update ${table} set ${set} where account_id = ${history.busy} and seq = ${seq}`;
const ROOTS = (...numbers: number[]) =>
  numbers.map(number => `seal ${number}: the books do not lead to its root`);
const TOTALS = (...numbers: number[]) => numbers.map(number => `seal ${number}: the totals differ`);
const CUT_OFF = () => `
  delete from entries where account_id = ${history.quiet} and seq > 2;
  delete from postings where account_id = ${history.quiet} and seq > 2;
  update books b set (seq, head, booked_at) = (select seq, hash, booked_at from entries e
    where e.account_id = b.account_id and e.seq = 2) where account_id = ${history.quiet};
  update lots l set open = true, (available_microcredits, deferred_microusd) = (
    select p.lot_available_after_microcredits, l.paid_microusd from postings p
    where p.account_id = l.account_id and p.seq = 2) where account_id = ${history.quiet}`;

const tamperings: readonly Tampering[] = [
  {
    title: 'the details of an entry are changed, and all hashes made anew',
    sql: inBusy('entries', `details = '{"order":"another"}'`, 1),
    rehashed: true,
    unseenByVerify: true,
    seen: ['busy: 6', ...ROOTS(2, 3, 4)],
  },
  {
    title: 'an instant is moved, and all hashes made anew',
    sql: inBusy('entries', `effective_at = booked_at - interval '1 second'`, 8),
    rehashed: true,
    unseenByVerify: true,
    seen: ['busy: 8', ...ROOTS(3, 4)],
  },
  {
    title: 'a hash is changed',
    sql: inBusy('entries', 'hash = set_byte(hash, 31, get_byte(hash, 31) # 1)', 12),
    seen: ['busy: 12', ...ROOTS(4)],
  },
  {
    title: 'a balance after an entry is changed',
    sql: inBusy('entries', 'available_after_microcredits = available_after_microcredits + 1', 12),
    seen: ['busy: 12', ...ROOTS(4)],
  },
  {
    title: 'the end of a book is cut off, and what is left made to fit',
    sql: CUT_OFF,
    unseenByVerify: true,
    seen: [...TOTALS(2, 3, 4), 'quiet: 2', ...ROOTS(2, 3, 4)],
  },
  {
    title: 'a book is removed with all that it has',
    sql: () =>
      ['books', 'entries', 'postings', 'lots', 'lot_faces']
        .map(table => `delete from ${table} where account_id = ${history.quiet}`)
        .join(';'),
    unseenByVerify: true,
    seen: [
      ...TOTALS(2, 3, 4),
      'quiet: 3',
      ...[2, 3, 4].flatMap(number => [
        `seal ${number}: the books do not lead to its root`,
        `seal ${number}: it has another number of books`,
      ]),
    ],
  },
  {
    title: 'the amount of a posting is changed',
    sql: inBusy('postings', 'amount = amount + 1', 3),
    seen: TOTALS(2, 3, 4),
  },
  {
    title: 'an entry is booked later than it was',
    sql: inBusy('entries', `booked_at = booked_at + interval '60 days'`, 12),
    seen: [...TOTALS(4), 'busy: 11', ...ROOTS(4)],
  },
  {
    title: 'what is kept of a book is changed',
    sql: () =>
      `update sealed_heads set leaf = sha256('x') where account_id = ${history.quiet} and number = 2`,
    unseenByVerify: true,
    seen: [
      'quiet: 3',
      ...[2, 3].map(
        number => `seal ${number}: what is kept of where the books stood does not lead to its root`,
      ),
    ],
  },
  {
    title: 'the totals of a seal are changed',
    sql: () => `update seals set totals = replace(totals, 'CREDIT', 'DEBITS') where number = 3`,
    unseenByVerify: true,
    seen: ['seal 3: its totals are not those that it sealed'],
  },
  {
    title: 'a seal is said to be through another instant',
    sql: () => `update seals set sealed_through = sealed_through + interval '1 second' where number = 3`,
    unseenByVerify: true,
    seen: ['seal 3: its instant is not that of its document'],
  },
  {
    title: 'a document is changed',
    sql: () => `update seals set document = replace(document, ',1:3,', ',1:9,') where number = 3`,
    unseenByVerify: true,
    seen: [
      'seal 3: its number is not that of its document',
      'seal 3: its hash is not that of its document',
      'seal 3: its signature is not that of the key',
    ],
  },
  {
    title: 'a document is made unreadable',
    sql: () => `update seals set document = document || ' ' where number = 4`,
    unseenByVerify: true,
    seen: ['seal 4: its document cannot be read'],
  },
  {
    title: 'a signature is changed',
    sql: () =>
      `update seals set signature = set_byte(signature, 3, get_byte(signature, 3) # 1) where number = 1`,
    unseenByVerify: true,
    seen: ['seal 1: its signature is not that of the key'],
  },
  {
    title: 'a seal in the middle is removed',
    sql: () => 'delete from seals where number = 3',
    unseenByVerify: true,
    seen: [
      'seal 4: it does not follow the seal before it',
      'seal 4: it names another seal as the one before it',
    ],
  },
];

describe('tampering', () => {
  test.each(tamperings)('$title', async ({ sql, rehashed = false, unseenByVerify = false, seen }) => {
    const client = await owner.connect();
    try {
      await client.query('begin isolation level repeatable read');
      await client.query(`set local session_replication_role = 'replica'`);
      await client.query(sql());
      if (rehashed) await rehash(client, bucketOfAccount(history.busy, DEFAULT_BUCKET_COUNT), history.busy);
      await client.query('set local role credits_auditor');
      const { problems } = await verifySealsIn(client);
      expect([...new Set(problems.map(said))]).toEqual(seen);
      for (const { expected, found } of problems) expect(expected).not.toBe(found);
      const verified = await verifyIn(client);
      if (unseenByVerify) expect(verified.problems).toEqual([]);
      // One of the two sees everything.
      expect(problems.length + verified.problems.length).toBeGreaterThan(0);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  function said({ book, entry, what }: Problem): string {
    if (book === null) return what.replace(/the journal has another balance of .*/, 'the totals differ');
    const name =
      book === accountName(history.busy) ? 'busy' : book === accountName(history.quiet) ? 'quiet' : book;
    return `${name}: ${entry}`;
  }

  test('amounts that are changed together with all hashes show in the totals', async () => {
    const client = await owner.connect();
    try {
      await client.query('begin isolation level repeatable read');
      await client.query(`set local session_replication_role = 'replica'`);
      await client.query(
        `update postings set amount = amount + 7 where account_id = ${history.busy} and seq = 2`,
      );
      const { problems } = await verifySealsIn(client);
      expect(problems.map(({ what }) => what)).toEqual(
        [2, 3, 4].flatMap(number => [
          `seal ${number}: the journal has another balance of CREDIT:available`,
          `seal ${number}: the journal has another balance of CREDIT:consumed`,
        ]),
      );
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
});

describe('making one', () => {
  let other: TestDatabase;
  let books: Books;
  let worker: pg.Pool;
  const BOUGHT = parseInstant('2026-03-01T15:00:00Z');
  const MIDNIGHT = parseInstant('2026-03-02T00:00:00Z');
  beforeAll(async () => {
    other = await createDatabase();
    books = await openBooks(other.url);
    worker = openPool({ databaseUrl: other.url, role: 'credits_worker', max: 3 });
    books.now = BOUGHT;
    await books.poster.submit(1n, purchaseOf(1n, BOUGHT, 'payment'));
    await books.poster.submit(1n, debitOf(5n, 'job'));
  });
  afterAll(async () => {
    await Promise.all([books.close(), worker.end()]);
    await other.drop();
  });

  const at = async (now: Instant): Promise<SealContext> => await sealContext(worker, now, KEY);
  const noteSwept = (through: Instant) =>
    worker.query(
      `insert into sweep_progress select bucket, $1 from generate_series(0, 63) bucket
       on conflict (bucket) do update set swept_through = excluded.swept_through`,
      [instantText(through)],
    );

  test('is refused for what has not passed, is not swept, or has something due', async () => {
    await expect(makeSeal(await at(MIDNIGHT), MIDNIGHT)).rejects.toThrow('has not passed yet');
    await expect(makeSeal(await at(MIDNIGHT + 1n), MIDNIGHT)).rejects.toThrow(
      '64 of 64 buckets are not swept through 2026-03-02T00:00:00.000000Z yet: start the worker',
    );
    // Said to be swept, and the renewal is not posted.
    await noteSwept(MIDNIGHT);
    await expect(makeSeal(await at(MIDNIGHT + 1n), MIDNIGHT)).rejects.toThrow(
      'acct_0000000000000001 has something due by 2026-03-02T00:00:00.000000Z',
    );
    expect(await readNewestSeal(worker)).toBeNull();
  });

  test('gives one seal, asked for twice and by two at once', async () => {
    books.now = MIDNIGHT;
    await books.poster.submit(1n, { type: 'advance' });
    const [one, two] = await Promise.all([
      makeSeal(await at(MIDNIGHT + 1n), MIDNIGHT),
      makeSeal(await at(MIDNIGHT + 1n), MIDNIGHT),
    ]);
    expect(two).toEqual(one);
    expect(await makeSeal(await at(MIDNIGHT + DAY), MIDNIGHT)).toEqual(one);
    expect(await readSeals(worker)).toEqual([one]);
    await expect(makeSeal(await at(MIDNIGHT + DAY), MIDNIGHT - 1n)).rejects.toThrow(
      'Seal 1 is through 2026-03-02T00:00:00.000000Z already',
    );
  });

  test('puts every later system entry behind it, whenever its instant was read', async () => {
    const codes = await AccountCodes.load(openKysely(books.pool));
    const action = { action: 'register_service', operator: 'ops', subject: 'chat', reason: 'new' } as const;
    await openKysely(books.pool)
      .transaction()
      .execute(trx =>
        recordAction({ codes, bucketCount: DEFAULT_BUCKET_COUNT }, trx, action, MIDNIGHT - HOUR),
      );
    const { rows } = await worker.query<{ booked_at: Instant; effective_at: Instant }>(
      `select booked_at, effective_at from entries where kind = 'operator_action'`,
    );
    expect(rows).toEqual([{ booked_at: MIDNIGHT + 1n, effective_at: MIDNIGHT - HOUR }]);
    expect((await verifySeals(worker)).problems).toEqual([]);
  });

  test('is for the worker once a day, and what is in its way is said', async () => {
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const noon = MIDNIGHT + DAY / 2n;
    await sealNewestMidnight(await at(noon), say);
    expect(lines).toEqual([]);
    await sealNewestMidnight(await at(noon + DAY), say);
    expect(lines.splice(0)).toEqual([
      expect.stringMatching(/^no seal through 2026-03-03T00:00:00.000000Z yet: 64 of 64 buckets/),
    ]);
    books.now = noon + DAY;
    await books.poster.submit(1n, { type: 'advance' });
    await noteSwept(noon + DAY);
    await sealNewestMidnight(await at(noon + DAY), say);
    await sealNewestMidnight(await at(noon + DAY), say);
    const newest = await readNewestSeal(worker);
    expect(lines).toEqual([
      `seal 2 through 2026-03-03T00:00:00.000000Z: ${hashText(newest?.document ?? '')}`,
    ]);
  });
});

describe('a transaction in flight over the fence', () => {
  let other: TestDatabase;
  let books: Books;
  let worker: pg.Pool;
  beforeAll(async () => {
    other = await createDatabase();
    // By the database's own clock.
    books = await openBooks(other.url);
    worker = openPool({ databaseUrl: other.url, role: 'credits_worker', max: 3 });
    const none = { ...purchaseOf(1n, await clock(), 'payment'), policy: 'none' } as const;
    await books.poster.submit(1n, none);
  });
  afterAll(async () => {
    await Promise.all([books.close(), worker.end()]);
    await other.drop();
  });

  async function clock(): Promise<Instant> {
    const { rows } = await worker.query<{ now: Instant }>('select clock_timestamp() as now');
    return rows[0]?.now ?? 0n;
  }

  test('is waited for, and is in the seal', async () => {
    const blocker = await openPool({ databaseUrl: other.url, max: 1 }).connect();
    try {
      // A batch has read the clock by the time it writes.
      await blocker.query('begin');
      await blocker.query('lock table entries in share mode');
      const debit = books.poster.submit(1n, debitOf(1n, 'in flight'));
      await vi.waitUntil(
        async () => {
          const { rows } = await worker.query(
            `select from pg_locks where relation = 'entries'::regclass and not granted
               and database = (select oid from pg_database where datname = current_database())`,
          );
          return rows.length > 0;
        },
        { timeout: 60_000 },
      );
      const through = await clock();
      await worker.query(`insert into sweep_progress select bucket, $1 from generate_series(0, 63) bucket`, [
        instantText(through),
      ]);
      const context = { ...(await sealContext(worker, 0n, KEY)), now: clock };
      await expect(makeSeal({ ...context, waitMsMax: 200 }, through)).rejects.toThrow(
        'A transaction has had books locked',
      );
      let isMade = false;
      const making = makeSeal(context, through).finally(() => {
        isMade = true;
      });
      await sleep(300);
      expect(isMade).toBe(false);
      await blocker.query('rollback');
      expect(await debit).toMatchObject({ status: 'accepted', entry: { seq: 2n } });
      const seal = await making;
      const { rows } = await worker.query<{ booked_at: Instant; seq: bigint }>(
        'select e.booked_at, h.seq from entries e join sealed_heads h using (bucket, account_id) where e.seq = 2',
      );
      expect(rows).toEqual([{ booked_at: expect.any(BigInt), seq: 2n }]);
      expect(rows[0]?.booked_at).toBeLessThan(seal.through);
      expect((await verifySeals(worker)).problems).toEqual([]);
    } finally {
      blocker.release(true);
    }
  });
});
