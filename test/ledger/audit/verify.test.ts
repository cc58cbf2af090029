/** What `verify` sees: nothing in a sound ledger, and in a tampered one the very entry. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Problem } from '../../../ledger/audit/problem.ts';
import { type Verification, verifyIn, verifyJournal } from '../../../ledger/audit/verify.ts';
import { accountName } from '../../../ledger/core/account-id.ts';
import { bucketOfAccount } from '../../../ledger/store/bucket.ts';
import { DEFAULT_BUCKET_COUNT } from '../../../ledger/store/installation.ts';
import { openPool } from '../../../ledger/store/postgres.ts';
import { type AuditedHistory, writeHistory } from '../../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let history: AuditedHistory;
/** A superuser, who can put the triggers to sleep. */
let owner: pg.Pool;
let app: pg.Pool;
let untouched: Verification;

beforeAll(async () => {
  database = await createDatabase();
  history = await writeHistory(database.url);
  owner = openPool({ databaseUrl: database.url, max: 1 });
  app = openPool({ databaseUrl: database.url, role: 'credits_app', max: 1 });
  untouched = await verifyJournal(app);
});
afterAll(async () => {
  await Promise.all([owner.end(), app.end()]);
  await database.drop();
});

/** Where the rows of a book are: for `where`. The system's is that of the bucket with the most entries. */
function rowsOf(book: 'busy' | 'quiet' | 'system'): string {
  if (book === 'system')
    return `account_id = 0 and bucket = (select bucket from books where account_id = 0 order by seq desc, bucket limit 1)`;
  return `account_id = ${history[book]}`;
}

/** Changes the database in a transaction that leaves nothing behind, and tells what the application's role sees of it. */
async function verifyTampered(tampering: string, options = {}): Promise<Verification> {
  const client = await owner.connect();
  try {
    await client.query('begin isolation level repeatable read');
    await client.query(`set local session_replication_role = 'replica'`);
    await client.query(tampering);
    await client.query('set local role credits_app');
    return await verifyIn(client, options);
  } finally {
    await client.query('rollback');
    client.release();
  }
}

async function single(query: string): Promise<unknown> {
  const { rows } = await owner.query<{ value: unknown }>(query);
  return rows[0]?.value;
}

describe('an untouched ledger', () => {
  test('has no problem, and every row of it was read', async () => {
    expect(untouched.problems).toEqual([]);
    const { rows } = await owner.query(
      `select (select count(*)::int from books) as books, (select count(*)::int from entries) as entries,
         (select count(*)::int from postings) as postings`,
    );
    expect([untouched]).toEqual([{ ...rows[0], problems: [] }]);
  });

  test('has everything in it that the tamperings below are about', async () => {
    const { rows } = await owner.query<{ kind: string }>('select distinct kind::text as kind from entries');
    expect(rows.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([
        ...['purchase', 'debit', 'renewal', 'expiry', 'clawback'],
        ...['receipt', 'assignment', 'assignment_reversal', 'receipt_reversal'],
      ]),
    );
  });

  test.each([1, 2, 3, 7])('is the same read %i rows at a time', async fetchSize => {
    expect(await verifyJournal(app, { fetchSize })).toEqual(untouched);
  });

  test('may be verified book by book', async () => {
    expect(await verifyJournal(app, { accountId: history.quiet })).toEqual({
      books: 1,
      entries: 2,
      postings: 3,
      problems: [],
    });
    const bad = `update entries set details = 'x' where ${rowsOf('busy')} and seq = 9`;
    expect((await verifyTampered(bad, { accountId: history.quiet })).problems).toEqual([]);
    expect((await verifyTampered(bad, { accountId: history.busy })).problems).toMatchObject([{ entry: 9n }]);
  });

  test('has no book of an account that never was', async () => {
    expect(await verifyJournal(app, { accountId: 1n })).toEqual({
      books: 0,
      entries: 0,
      postings: 0,
      problems: [
        {
          book: 'acct_0000000000000001',
          entry: null,
          what: 'there is no such book',
          expected: 'a book',
          found: 'none',
        },
      ],
    });
  });

  test('may have any recorded_at, which is not sealed', async () => {
    const changed = await verifyTampered(`update entries set recorded_at = recorded_at + interval '1 year'`);
    expect(changed).toEqual(untouched);
  });

  test('may have books without an entry', async () => {
    const added = await verifyTampered(
      `insert into books (bucket, account_id, head, booked_at)
         select bucket, 0, '\\x${'00'.repeat(32)}', 'epoch' from generate_series(0, 63) bucket on conflict do nothing`,
    );
    expect(added).toEqual({ ...untouched, books: DEFAULT_BUCKET_COUNT + 2 });
  });
});

const HASH = 'the hash is not that of this entry behind the one before it';
const MISSING = 'the entry is missing';
const schemaDiffers = (thing: string) => `the schema's ${thing} is not what the migrations make`;

interface Tampering {
  readonly title: string;
  /** The statements of whoever does it. */
  readonly sql: () => string;
  /** The problems in the order of the entries they name. */
  readonly seen: readonly Pick<Problem, 'entry' | 'what'>[];
  /** Whose the problems are; `busy` when left out, null for the ledger as a whole. */
  readonly book?: 'busy' | 'quiet' | 'both' | 'system' | null;
}

const inBusy = (table: string, set: string, where: string) => () =>
  `update ${table} set ${set} where ${rowsOf('busy')} and ${where}`;

const tamperings: Tampering[] = [
  {
    title: 'the amount of a posting is changed',
    sql: inBusy('postings', 'amount = amount + 1', 'seq = 5 and line = 2'),
    seen: [{ entry: 5n, what: HASH }],
  },
  {
    title: 'a posting is removed from the end of its entry',
    sql: () => `delete from postings where ${rowsOf('busy')} and seq = 7 and line = 4`,
    seen: [{ entry: 7n, what: HASH }],
  },
  {
    title: 'a posting is removed from the middle of its entry',
    sql: () => `delete from postings where ${rowsOf('busy')} and seq = 7 and line = 2`,
    seen: [{ entry: 7n, what: 'posting 2 is missing' }],
  },
  {
    title: 'the only posting of an entry is removed',
    sql: () => `delete from postings where ${rowsOf('busy')} and seq = 3`,
    seen: [{ entry: 3n, what: 'the entry has no posting' }],
  },
  {
    title: 'a posting is added to an entry',
    sql: () => `insert into postings (bucket, account_id, seq, line, from_code, to_code, amount, lot_id)
      select bucket, account_id, 4, 3, 2300, 2200, 1, 0 from books where ${rowsOf('busy')}`,
    seen: [{ entry: 4n, what: HASH }],
  },
  {
    title: 'a posting is added without an entry',
    sql: () => `insert into postings (bucket, account_id, seq, line, from_code, to_code, amount, lot_id)
      select bucket, account_id, 99, 1, 2300, 2200, 1, 0 from books where ${rowsOf('busy')}`,
    seen: [{ entry: 99n, what: 'posting 1 is there without its entry' }],
  },
  {
    title: 'the postings of an entry are reordered',
    sql: inBusy('postings', 'line = 3 - line', 'seq = 5'),
    seen: [{ entry: 5n, what: HASH }],
  },
  {
    title: 'two entries are swapped, their postings with them',
    sql: () => `
      update entries set seq = 1000 + seq where ${rowsOf('busy')} and seq in (2, 3);
      update entries set seq = 1005 - seq where ${rowsOf('busy')} and seq > 1000;
      update postings set seq = 1000 + seq where ${rowsOf('busy')} and seq in (2, 3);
      update postings set seq = 1005 - seq where ${rowsOf('busy')} and seq > 1000`,
    seen: [{ entry: 2n, what: HASH }],
  },
  {
    title: 'an entry in the middle is removed with its postings',
    sql: () => `
      delete from entries where ${rowsOf('busy')} and seq = 9;
      delete from postings where ${rowsOf('busy')} and seq = 9`,
    seen: [{ entry: 9n, what: MISSING }],
  },
  {
    title: 'an entry in the middle is removed and what follows moves up',
    sql: () => `
      delete from entries where ${rowsOf('busy')} and seq = 2;
      delete from postings where ${rowsOf('busy')} and seq = 2;
      update entries set seq = 1000 + seq where ${rowsOf('busy')} and seq > 2;
      update entries set seq = seq - 1001 where ${rowsOf('busy')} and seq > 1000;
      update postings set seq = 1000 + seq where ${rowsOf('busy')} and seq > 2;
      update postings set seq = seq - 1001 where ${rowsOf('busy')} and seq > 1000;
      update books set seq = seq - 1 where ${rowsOf('busy')}`,
    seen: [{ entry: 2n, what: HASH }],
  },
  {
    title: 'the first entry is removed',
    sql: () => `delete from entries where ${rowsOf('busy')} and seq = 1`,
    seen: [{ entry: 1n, what: MISSING }],
  },
  {
    title: 'the last entry is removed with its postings',
    sql: () => `
      delete from entries where ${rowsOf('quiet')} and seq = 2;
      delete from postings where ${rowsOf('quiet')} and seq = 2`,
    seen: [{ entry: 2n, what: 'the book ends with another entry than its journal' }],
    book: 'quiet',
  },
  {
    title: 'a hash is changed',
    sql: inBusy('entries', 'hash = set_byte(hash, 31, get_byte(hash, 31) # 1)', 'seq = 6'),
    seen: [{ entry: 6n, what: HASH }],
  },
  {
    title: 'the details are changed by one byte',
    sql: inBusy('entries', `details = replace(details, '{', '[')`, 'seq = 7'),
    seen: [{ entry: 7n, what: HASH }],
  },
  {
    title: 'the details of a system entry are changed by one byte',
    sql: () => `update entries set details = details || ' ' where ${rowsOf('system')} and seq = 2`,
    seen: [{ entry: 2n, what: HASH }],
    book: 'system',
  },
  {
    title: 'effective_at is moved by a microsecond',
    sql: inBusy(
      'entries',
      `effective_at = coalesce(effective_at, booked_at) + interval '1 microsecond'`,
      'seq = 4',
    ),
    seen: [{ entry: 4n, what: HASH }],
  },
  {
    title: 'effective_at is moved to the end of time',
    sql: inBusy('entries', `effective_at = 'infinity'`, 'seq = 4'),
    seen: [{ entry: 4n, what: 'effective_at is no instant of a book' }],
  },
  {
    title: 'booked_at is moved before the common era',
    sql: inBusy('entries', `booked_at = '0044-03-15 00:00:00+00 BC'`, 'seq = 4'),
    seen: [{ entry: 4n, what: HASH }],
  },
  {
    title: 'booked_at is moved beyond what a program can tell',
    sql: inBusy('entries', `booked_at = '290000-01-01 00:00:00+00'`, 'seq = 4'),
    seen: [{ entry: 4n, what: 'booked_at is no instant of a book' }],
  },
  {
    title: 'an amount is made no number',
    sql: inBusy('postings', `amount = 'NaN'`, 'seq = 2'),
    seen: [{ entry: 2n, what: 'the amount of posting 1 is no number' }],
  },
  {
    title: 'an entry that nobody asked for gets a key',
    sql: inBusy('entries', 'key_number = 1', 'seq = 3'),
    seen: [{ entry: 3n, what: 'who asked for it is only partly told' }],
  },
  {
    title: 'a posting without a lot tells what a lot holds',
    sql: () =>
      `update postings set lot_available_after_microcredits = 1 where ${rowsOf('system')} and seq = 1`,
    seen: [{ entry: 1n, what: 'posting 1 tells what no lot holds' }],
    book: 'system',
  },
  {
    title: 'a posting no longer tells what its lot holds, where that was nothing',
    sql: inBusy('postings', 'lot_held_after_microcredits = null', 'seq = 5 and line = 1'),
    seen: [{ entry: 5n, what: 'posting 1 does not tell what lot 1 holds' }],
  },
  {
    title: 'empty details are put where there were none',
    sql: () => `alter table entries drop constraint entries_details_check;
      update entries set details = '' where ${rowsOf('busy')} and seq = 3`,
    seen: [
      { entry: 3n, what: 'its details are empty' },
      { entry: null, what: schemaDiffers('constraint entries_details_check of entries') },
    ],
  },
  {
    title: 'an account of a posting is swapped for another of the asset',
    sql: inBusy('postings', 'to_code = 1210', 'seq = 2'),
    seen: [{ entry: 2n, what: HASH }],
  },
  {
    title: 'the accounts of a posting are swapped',
    sql: inBusy('postings', 'from_code = to_code, to_code = from_code', 'seq = 2'),
    seen: [{ entry: 2n, what: HASH }],
  },
  {
    title: 'an account of a posting is none of the chart',
    sql: inBusy('postings', 'to_code = 1999', 'seq = 2'),
    seen: [
      { entry: 2n, what: 'posting 1 is on no account of the chart' },
      { entry: null, what: 'the postings of CREDIT do not add up to zero' },
      { entry: null, what: 'the postings of code 1999 do not add up to zero' },
    ],
  },
  {
    title: 'the head of a book is changed',
    sql: inBusy('books', `head = set_byte(head, 0, get_byte(head, 0) # 128)`, 'true'),
    seen: [{ entry: 12n, what: "the book's head is not the hash of its last entry" }],
  },
  {
    title: 'a book is said to end before it does',
    sql: inBusy('books', 'seq = 10', 'true'),
    seen: [{ entry: 11n, what: 'the book ends with another entry than its journal' }],
  },
  {
    title: 'the booked_at of a book is changed',
    sql: inBusy('books', `booked_at = booked_at - interval '1 microsecond'`, 'true'),
    seen: [{ entry: 12n, what: "the book's booked_at is not its last entry's" }],
  },
  {
    title: 'the booked_at of a book is moved to the end of time',
    sql: inBusy('books', `booked_at = 'infinity'`, 'true'),
    seen: [{ entry: 12n, what: "the book's booked_at is no instant of a book" }],
  },
  {
    title: 'the debt of a book is changed',
    sql: inBusy('books', 'debt_microcredits = 1', 'true'),
    seen: [{ entry: 12n, what: "the book's debt is not the sum of its postings" }],
  },
  {
    title: 'what is available in a lot is changed',
    sql: () => `update lots set available_microcredits = available_microcredits + 1 where ${rowsOf('quiet')}`,
    seen: [{ entry: 2n, what: 'lot 1 does not hold what its last posting says' }],
    book: 'quiet',
  },
  {
    title: 'what is held of a lot is changed',
    sql: inBusy('lots', 'held_microcredits = 1', 'lot_id = 4'),
    seen: [{ entry: 6n, what: 'lot 4 does not hold what its last posting says' }],
  },
  {
    title: 'what is unreleased of a lot is changed',
    sql: inBusy('lots', 'unreleased_microcredits = 1', 'lot_id = 7'),
    seen: [{ entry: 12n, what: 'lot 7 does not hold what its last posting says' }],
  },
  {
    title: 'what a lot has deferred is changed',
    sql: inBusy('lots', 'deferred_microusd = 1', 'lot_id = 7'),
    seen: [{ entry: 12n, what: 'what its lots have deferred is not the sum of its postings' }],
  },
  {
    title: 'a lot is said to be added later',
    sql: inBusy('lots', `added_at = added_at + interval '1 second'`, 'lot_id = 4'),
    seen: [{ entry: 4n, what: 'lot 4 was added at another instant' }],
  },
  {
    title: 'a lot is made to live longer',
    sql: inBusy('lots', `expires_at = expires_at + interval '1 microsecond'`, 'lot_id = 1'),
    seen: [{ entry: 1n, what: 'lot 1 expires at another instant' }],
  },
  {
    title: 'a lot is made to live for ever',
    sql: inBusy('lots', `expires_at = 'infinity'`, 'lot_id = 1'),
    seen: [{ entry: 1n, what: 'lot 1 expires at another instant' }],
  },
  {
    title: 'a lot is said to be paid with more',
    sql: inBusy('lots', 'paid_microusd = paid_microusd + 1', 'lot_id = 7'),
    seen: [{ entry: 7n, what: 'lot 7 was paid with another amount' }],
  },
  {
    title: 'the face of a lot is changed',
    sql: inBusy('lots', 'face_microcredits = face_microcredits + 1', 'lot_id = 7'),
    seen: [{ entry: 7n, what: 'lot 7 has another face than the last that is noted' }],
  },
  {
    title: 'the face of a lot is changed, and what is noted of it too',
    sql: () => `update lots set face_microcredits = 1 where ${rowsOf('busy')} and lot_id = 7;
      update lot_faces set face_microcredits = 1 where ${rowsOf('busy')} and lot_id = 7`,
    seen: [{ entry: 7n, what: 'lot 7 was added with another face' }],
  },
  {
    title: 'what is noted of faces is removed',
    sql: () => `delete from lot_faces where ${rowsOf('quiet')}`,
    seen: [{ entry: 1n, what: 'lot 1 was added with another face' }],
    book: 'quiet',
  },
  {
    title: 'a lot that has renewed is said to come once',
    sql: inBusy('lots', `policy = 'none'`, 'lot_id = 1'),
    seen: [{ entry: 1n, what: 'lot 1 has another policy' }],
  },
  {
    title: 'a lot that came at once is said to come in installments',
    sql: inBusy('lots', `policy = 'installments'`, 'lot_id = 7'),
    seen: [{ entry: 7n, what: 'lot 7 has another policy' }],
  },
  {
    title: 'a lot is removed',
    sql: () => `delete from lots where ${rowsOf('busy')} and lot_id = 4`,
    seen: [{ entry: 6n, what: 'lot 4 is missing' }],
  },
  {
    title: 'a lot is put there that nothing was ever posted of',
    sql: () => `insert into lots (bucket, account_id, lot_id, added_at, expires_at, policy, face_microcredits,
        available_microcredits, deferred_at, open)
      select bucket, account_id, 3, now(), now() + interval '1 day', 'refill', 5, 5, now(), true from books where ${rowsOf('busy')}`,
    seen: [{ entry: null, what: 'lot 3 stands, and nothing was ever posted of it' }],
  },
  {
    title: 'an entry is moved to the end of another book with its postings',
    sql: () => `
      update entries set (bucket, account_id, seq) = (select bucket, account_id, 3 from books where ${rowsOf('quiet')})
        where ${rowsOf('busy')} and seq = 9;
      update postings set (bucket, account_id, seq) = (select bucket, account_id, 3 from books where ${rowsOf('quiet')})
        where ${rowsOf('busy')} and seq = 9`,
    seen: [
      { entry: 9n, what: MISSING },
      { entry: 3n, what: HASH },
    ],
    book: 'both',
  },
  {
    title: 'a whole book is removed, and its entries remain',
    sql: () => `delete from books where ${rowsOf('busy')}`,
    seen: [{ entry: 1n, what: 'the entry is there without a book' }],
  },
  {
    title: 'a book and its entries are removed, and the postings remain',
    sql: () => `delete from books where ${rowsOf('busy')}; delete from entries where ${rowsOf('busy')}`,
    seen: [{ entry: 1n, what: 'posting 1 is there without its entry' }],
  },
  {
    title: 'everything of a book is removed but its lots',
    sql: () => `delete from books where ${rowsOf('busy')}; delete from entries where ${rowsOf('busy')};
      delete from postings where ${rowsOf('busy')}`,
    seen: [{ entry: null, what: 'lot 1 is there without a book' }],
  },
  {
    title: 'a system book is removed, and its entries remain',
    sql: () => `delete from books where account_id = 0 and bucket = (
        select bucket from books where account_id = 0 order by bucket limit 1)`,
    seen: [{ entry: 1n, what: 'the entry is there without a book' }],
    book: null,
  },
  {
    title: 'a whole book is moved to a bucket where nobody looks for it',
    sql: () =>
      ['books', 'entries', 'postings', 'lots']
        .map(table => `update ${table} set bucket = 30000 where ${rowsOf('busy')}`)
        .join(';'),
    seen: [{ entry: null, what: 'the book is in a bucket that is not its own' }],
  },
  {
    title: 'an asset is left within a posting',
    sql: () => `alter table postings drop constraint postings_check;
      update postings set to_code = 2300 where ${rowsOf('busy')} and seq = 2`,
    seen: [
      { entry: 2n, what: 'the posting from CREDIT:available to USD:revenue leaves its asset' },
      { entry: null, what: 'the postings of CREDIT do not add up to zero' },
      { entry: null, what: 'the postings of USD do not add up to zero' },
      { entry: null, what: schemaDiffers('constraint postings_check of postings') },
    ],
  },
  {
    title: 'an account of the chart is renamed',
    sql: () => `update ledger_accounts set name = 'CREDIT:gone' where code = 1200`,
    seen: [{ entry: null, what: 'the chart has something else at code 1200' }],
    book: null,
  },
];

describe('a tampered ledger', () => {
  test.each(tamperings)('$title', async ({ sql, seen, book = 'busy' }) => {
    const { problems } = await verifyTampered(sql());
    const inOrder = [...problems].sort((a, b) => rank(a) - rank(b));
    expect(inOrder.map(({ entry, what }) => ({ entry, what }))).toEqual(seen);
    const named = await namesOf(book);
    for (const problem of problems.filter(({ what }) => !/chart has|add up|the schema/.test(what)))
      if (book !== null) expect(named).toContain(problem.book);
    // What is expected is told apart from what was found.
    for (const { expected, found } of problems) expect(expected).not.toBe(found);
  });

  /** Buckets, and so the order of books, are drawn anew in each run. */
  function rank({ book }: Problem): number {
    if (book === null) return 2;
    return book === accountName(history.busy) ? 0 : 1;
  }

  async function namesOf(book: Tampering['book']): Promise<string[]> {
    if (book === 'both') return [accountName(history.busy), accountName(history.quiet)];
    if (book === 'busy' || book === 'quiet') return [accountName(history[book])];
    if (book === 'system') {
      const bucket = await single(`select bucket as value from books where ${rowsOf('system')}`);
      return [`system_${bucket}`];
    }
    return [];
  }

  test('tells the hash that it expected and the one that it found', async () => {
    const stored = String(
      await single(`select encode(hash, 'hex') as value from entries where ${rowsOf('quiet')} and seq = 2`),
    );
    const { problems } = await verifyTampered(
      `update entries set hash = decode('${'ab'.repeat(32)}', 'hex') where ${rowsOf('quiet')} and seq = 2`,
    );
    expect(problems).toEqual([
      { book: accountName(history.quiet), entry: 2n, what: HASH, expected: stored, found: 'ab'.repeat(32) },
    ]);
  });

  test('has one problem a book, and every bad book is named', async () => {
    const { problems, ...counted } = await verifyTampered(
      `update entries set amount_microcredits = amount_microcredits + 1`,
    );
    expect(problems).toHaveLength(untouched.books);
    expect(new Set(problems.map(({ book }) => book)).size).toBe(untouched.books);
    expect(problems.every(({ entry }) => entry === 1n)).toBe(true);
    // What follows is counted, though no longer judged.
    expect({ ...counted, problems: [] }).toEqual(untouched);
  });

  test.each([1, 2, 3])('is seen the same %i rows at a time', async fetchSize => {
    const tampering = tamperings.map(({ sql }) => sql).filter((_, index) => index % 5 === 0);
    for (const sql of tampering)
      expect(await verifyTampered(sql(), { fetchSize })).toEqual(await verifyTampered(sql()));
  });
});

describe('every column is watched', () => {
  /** Some other value of the column's type. */
  const OTHER: Readonly<Record<string, (column: string) => string>> = {
    bigint: column => `coalesce(${column}, 0) + 1`,
    integer: column => `coalesce(${column}, 0) + 1`,
    smallint: column => `${column} + 1`,
    numeric: column => `${column} + 1`,
    text: column => `coalesce(${column}, '') || 'x'`,
    uuid: column => `case when ${column} is null then '${'0'.repeat(32)}'::uuid else null end`,
    bytea: column => `set_byte(${column}, 7, get_byte(${column}, 7) # 1)`,
    'timestamp with time zone': column => `coalesce(${column}, booked_at) + interval '1 microsecond'`,
    'USER-DEFINED': column => `case ${column} when 'debit' then 'purchase'::entry_kind else 'debit' end`,
  };

  /** Where the row stands, which the tamperings above move. */
  const PLACE = ['bucket', 'account_id', 'seq', 'lot_id', 'line'];

  test.each([
    { table: 'entries', unsealed: ['recorded_at'] },
    { table: 'postings', unsealed: [] },
  ])('of $table, in each row of a book', async ({ table, unsealed }) => {
    const { rows: columns } = await owner.query<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns
       where table_schema = 'credits' and table_name = $1 order by 1`,
      [table],
    );
    const { rows: places } = await owner.query<{ seq: bigint; at: string }>(
      `select seq, ctid::text as at from ${table} where ${rowsOf('busy')} order by seq`,
    );
    const checks = await single(
      `select string_agg(format('alter table ${table} drop constraint %I', conname), ';') as value
       from pg_constraint where conrelid = '${table}'::regclass and contype = 'c'`,
    );
    const watched = columns.filter(({ name }) => ![...PLACE, ...unsealed].includes(name));
    expect(watched.length).toBeGreaterThan(4);
    for (const { name, type } of watched)
      for (const { seq, at } of places) {
        const other = OTHER[type];
        if (!other) throw new Error(`no other value of ${name}, which is ${type}`);
        const { problems } = await verifyTampered(
          `${checks}; update ${table} set ${name} = ${other(name)} where ctid = '${at}'`,
          { accountId: history.busy },
        );
        expect([name, problems[0]?.entry, problems[0]?.book]).toEqual([name, seq, accountName(history.busy)]);
      }
  });
});

test('progress is told with the length of the books, and the snapshot is let go', async () => {
  const told: (number | null)[][] = [];
  await verifyJournal(app, { onProgress: (...progress) => told.push(progress) });
  expect(told).toEqual([[untouched.entries, untouched.entries]]);
  const open = await single(
    `select count(*)::int as value from pg_stat_activity where datname = current_database() and state like 'idle in%'`,
  );
  expect(open).toBe(0);
});

test('a database that is away is an error, and no result', async () => {
  const gone = openPool({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', max: 1 });
  await expect(verifyJournal(gone)).rejects.toThrow(/ECONNREFUSED/);
  await gone.end();
});

test('the history lies in the buckets of its accounts', async () => {
  const buckets = await single(
    `select array_agg(bucket::int order by account_id) as value from books where account_id <> 0`,
  );
  const sorted = [history.busy, history.quiet].sort((a, b) => (a < b ? -1 : 1));
  expect(buckets).toEqual(sorted.map(account => bucketOfAccount(account, DEFAULT_BUCKET_COUNT)));
});
