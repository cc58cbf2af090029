/** The books that are made again as tables of a scratch schema, compared with those that are stored by SQL. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { REPLAYED_TABLES } from '../../../ledger/archive/tables.ts';
import { bookName } from '../../../ledger/core/account-id.ts';
import {
  accountName,
  openPool,
  parseInstant,
  type ReplayOptions,
  replayJournal,
  ScratchSchemaError,
} from '../../../ledger/index.ts';
import { SCRATCH_TABLES, ScratchCopy } from '../../../ledger/replay/scratch-copy.ts';
import { type AuditedHistory, writeHistory } from '../../support/audited-history.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { whilePlanted } from '../../support/planted.ts';
import { rowsOf } from '../../support/rows-of.ts';

const SCHEMA = 'again';

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
afterEach(() => owner.query(`drop schema if exists ${SCHEMA} cascade`));

const replay = (options: ReplayOptions = {}, keeps = false) =>
  replayJournal(auditor, { ...options, scratch: { databaseUrl: database.url, schema: SCHEMA, keeps } });

async function schemas(): Promise<string[]> {
  const { rows } = await owner.query<{ name: string }>(
    'select nspname as name from pg_namespace where nspname = $1',
    [SCHEMA],
  );
  return rows.map(({ name }) => name);
}

test('has every table that is made again', () => {
  expect(Object.keys(SCRATCH_TABLES).sort()).toEqual([...REPLAYED_TABLES].sort());
});

test('a sound ledger is the same, and nothing stays behind', async () => {
  const { differences, scratch, entries } = await replay();
  expect(differences).toEqual([]);
  expect(scratch).toMatchObject({ schema: SCHEMA, rowsDiffering: 0, kept: false });
  expect(scratch?.rows).toBeGreaterThan(entries * 2);
  expect(await schemas()).toEqual([]);
});

test('one that is kept has the very rows, and an auditor may read them', async () => {
  expect((await replay({}, true)).scratch).toMatchObject({ kept: true });
  const kept = openPool({ databaseUrl: database.url, role: 'credits_auditor', schema: SCHEMA, max: 1 });
  try {
    for (const table of REPLAYED_TABLES) {
      const rows = async (pool: pg.Pool) =>
        (await rowsOf(pool, table)).map(row =>
          JSON.stringify(row, (key, value) => (key === 'recorded_at' ? null : String(value))),
        );
      expect(await rows(kept), table).toEqual(await rows(owner));
    }
  } finally {
    await kept.end();
  }
});

test('what earlier versions wrote out where nothing is said is the same', async () => {
  const client = await owner.connect();
  try {
    await client.query(`begin; alter table entries disable trigger user;
      update entries set effective_at = coalesce(effective_at, booked_at),
        held_after_microcredits = coalesce(held_after_microcredits, 0),
        debt_after_microcredits = coalesce(debt_after_microcredits, 0);
      alter table entries enable trigger user; commit`);
  } finally {
    client.release();
  }
  const { differences, scratch } = await replay();
  expect({ differences, differing: scratch?.rowsDiffering }).toEqual({ differences: [], differing: 0 });
});

test.each(['2026-03-01T14:00:00Z', '2026-03-01T20:00:00Z', '2026-03-02T10:00:00Z'])(
  'is the same as of %s',
  async at => {
    const { differences, scratch } = await replay({ at: parseInstant(at) });
    expect({ differences, differing: scratch?.rowsDiffering }).toEqual({ differences: [], differing: 0 });
  },
);

test('is of one account alone', async () => {
  const { differences, scratch, books } = await replay({ accountId: history.quiet });
  expect({ differences, books, differing: scratch?.rowsDiffering }).toEqual({
    differences: [],
    books: 1,
    differing: 0,
  });
});

describe('what somebody has changed', () => {
  const cases: readonly [table: string, change: (history: AuditedHistory) => string, column: string][] = [
    [
      'entries',
      ({ busy }) =>
        `update entries set amount_microcredits = amount_microcredits - 1 where account_id = ${busy} and seq = 2`,
      'amount_microcredits',
    ],
    [
      'entries',
      ({ quiet }) => `update entries set hash = decode(repeat('00', 32), 'hex') where account_id = ${quiet}`,
      'hash',
    ],
    [
      'postings',
      ({ busy }) => `update postings set amount = amount + 1 where account_id = ${busy} and seq = 3`,
      'amount',
    ],
    ['lots', ({ quiet }) => `update lots set policy = 'none' where account_id = ${quiet}`, 'policy'],
    [
      'lot_faces',
      ({ quiet }) =>
        `update lot_faces set face_microcredits = face_microcredits + 1 where account_id = ${quiet}`,
      'face_microcredits',
    ],
    ['books', ({ quiet }) => `update books set booked_at = 'epoch' where account_id = ${quiet}`, 'booked_at'],
  ];

  test.each(cases)('%s: its column is named by SQL', async (table, change, column) => {
    await whilePlanted(owner, { statement: change(history), tables: [table] }, async () => {
      const { told, replayed } = await replayListening();
      expect(told).toEqual(
        expect.arrayContaining([
          expect.stringMatching(new RegExp(`^acct_.*: the row of ${table}.* has another ${column}$`)),
        ]),
      );
      expect(replayed.scratch?.rowsDiffering).toBe(told.length);
      expect(replayed.differences.length).toBeGreaterThan(0);
      expect(await schemas()).toEqual([]);
    });
  });

  test('a row that is gone', async () => {
    const statement = `delete from postings where account_id = ${history.quiet} and seq = 2`;
    await whilePlanted(owner, { statement, tables: ['postings'] }, async () => {
      const { told } = await replayListening();
      expect(told).toEqual(
        expect.arrayContaining([expect.stringMatching(/: the row of postings \(.*seq 2.*\) is missing$/)]),
      );
    });
  });

  test.each([
    ['postings', `select account_id, 99, lot_id, null, null, null, 1, from_code, to_code, bucket, amount`],
    ['holds', `select bucket, account_id, 99, 1, now(), now() + interval '1 hour', '{1}', '{1}', null, null`],
    ['reversals', `select bucket, account_id, 99, 100, 1`],
  ])('a row of %s behind the end of the book, which belongs to no entry', async (table, select) => {
    const statement = `insert into ${table} ${select} from postings where account_id = ${history.quiet} and seq = 1 limit 1`;
    await whilePlanted(owner, { statement, tables: [table] }, async () => {
      const { differences } = await replay();
      expect(differences.map(({ book, what }) => `${book}: ${what}`)).toEqual([
        expect.stringMatching(
          new RegExp(
            `^${accountName(history.quiet)}: the row of ${table} \\(.*99.*\\) follows from nothing$`,
          ),
        ),
      ]);
    });
  });

  /** What the comparison by SQL tells of every book, also of those that replay has told something of by itself. */
  async function replayListening() {
    const told: string[] = [];
    const { compare } = ScratchCopy.prototype;
    vi.spyOn(ScratchCopy.prototype, 'compare').mockImplementation(function (
      this: ScratchCopy,
      range,
      differ,
    ) {
      return compare.call(this, range, (book, flaw) => {
        told.push(`${bookName(book.bucket, book.accountId)}: ${flaw.what}`);
        differ(book, flaw);
      });
    });
    try {
      return { replayed: await replay(), told };
    } finally {
      vi.restoreAllMocks();
    }
  }
});

describe('a schema that cannot be made is refused:', () => {
  test.each(['credits', 'public', 'pg_temp', 'Again', 'a b', ''])('%j', async schema => {
    const asked = replayJournal(auditor, { scratch: { databaseUrl: database.url, schema } });
    await expect(asked).rejects.toThrow(ScratchSchemaError);
  });

  test('one that is there is left as it is', async () => {
    await owner.query(`create schema ${SCHEMA}; create table ${SCHEMA}.mine (n integer)`);
    await expect(replay()).rejects.toThrow(`There is a schema "${SCHEMA}" already: name another`);
    await owner.query(`select from ${SCHEMA}.mine`);
  });
});

test('whatever stops it leaves nothing behind, and the next one may begin', async () => {
  const stopped = replayJournal(auditor, {
    scratch: {
      databaseUrl: database.url,
      schema: SCHEMA,
      keeps: true,
      onProgress() {
        throw new Error('stopped half-way');
      },
    },
  });
  await expect(stopped).rejects.toThrow('stopped half-way');
  expect((await replay()).differences).toEqual([]);
});

test('all but the making of the schema is done with the rights of an auditor', async () => {
  await owner.query('revoke select on ledger_accounts from credits_auditor');
  try {
    // Replay itself runs with the owner's here.
    const asked = replayJournal(owner, { scratch: { databaseUrl: database.url, schema: SCHEMA } });
    await expect(asked).rejects.toThrow('permission denied for table ledger_accounts');
  } finally {
    await owner.query('grant select on ledger_accounts to credits_auditor');
  }
});
