/**
 * The books that were made again as tables of a schema of their own, laid beside those that are stored by one join for
 * each table. All of it is one transaction, which sees what the replay sees: it is taken back at the end, unless the schema
 * is to be kept, and whatever stops it, a crash too, leaves nothing behind.
 */
import type pg from 'pg';
import { Cursor } from '../audit/cursor.ts';
import type { Flaw } from '../audit/problem.ts';
import { AccountCodes } from '../store/account-codes.ts';
import type { BookKey } from '../store/book-statement.ts';
import { LEDGER_SCHEMA, openPool } from '../store/postgres.ts';
import { BookWriter } from './book-writer.ts';

export interface ScratchOptions {
  /** The owner's: the schema is made with its rights, and all else is done with an auditor's. */
  readonly databaseUrl: string;
  /** The name of the schema, which must not be there. */
  readonly schema: string;
  /** Whether it stays there afterwards; an auditor may read it then. */
  readonly keeps?: boolean | undefined;
  /** Told how many tables were compared, of how many. */
  readonly onProgress?: ((tablesDone: number, tables: number) => void) | undefined;
}

/** What became of it. */
export interface ScratchComparison {
  readonly schema: string;
  /** How many rows were made, and how many are stored otherwise, missing or too many. */
  readonly rows: number;
  readonly rowsDiffering: number;
  readonly kept: boolean;
}

/** The schema cannot be made. One sentence for a person. */
export class ScratchSchemaError extends Error {
  override readonly name = 'ScratchSchemaError';
}

/** What is made again is compared in these tables, row by row by their keys. */
export const SCRATCH_TABLES = {
  books: ['bucket', 'account_id'],
  entries: ['bucket', 'account_id', 'seq'],
  postings: ['bucket', 'account_id', 'lot_id', 'seq', 'line'],
  lots: ['bucket', 'account_id', 'lot_id'],
  lot_faces: ['bucket', 'account_id', 'lot_id', 'seq'],
  holds: ['bucket', 'account_id', 'hold_id'],
  reversals: ['bucket', 'account_id', 'spend_id', 'seq'],
} as const;
type ScratchTable = keyof typeof SCRATCH_TABLES;

/** Written along with books, and always empty here: what was used of limits is recorded and not made again. */
const UNCOMPARED_TABLE = { spending_limits: ['bucket', 'account_id', 'key_number'] } as const;

/** Columns that nothing on record leads to: when a row was written, and what those who set limits note. */
const UNCOMPARED_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  entries: ['recorded_at'],
  books: ['has_limits'],
};

/** What an empty column stands for: earlier versions wrote it out (store/migrations/0027_empty_where_nothing.sql). */
const WHERE_EMPTY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  entries: { effective_at: 'booked_at', held_after_microcredits: '0', debt_after_microcredits: '0' },
};

/** As of an instant these alone are told: what is in the others has no past. */
const TABLES_WITH_PAST: readonly ScratchTable[] = ['entries', 'postings'];

const FETCH_SIZE = 1000;
/** Each join reads a whole table. */
const QUERY_TIMEOUT_MS = 30 * 60_000;

export interface ComparedRange {
  /** Null for all. */
  readonly book: BookKey | null;
  /** Entries that were booked later are left out; null for none. */
  readonly through: string | null;
  /** As text, by the database's clock: a lot that has lapsed is closed whenever somebody looks. */
  readonly now: string;
}

/** A row that is not the same on both sides. */
interface DifferingRow {
  readonly bucket: number;
  readonly account_id: bigint;
  readonly key: readonly string[];
  /** Null where the row is on the other side alone. */
  readonly made: readonly (string | null)[] | null;
  readonly stored: readonly (string | null)[] | null;
}

export class ScratchCopy {
  readonly #pool: pg.Pool;
  readonly #client: pg.PoolClient;
  readonly #options: ScratchOptions;
  readonly #codes: AccountCodes;
  readonly #schema: string;

  private constructor(pool: pg.Pool, client: pg.PoolClient, options: ScratchOptions, codes: AccountCodes) {
    this.#pool = pool;
    this.#client = client;
    this.#options = options;
    this.#codes = codes;
    this.#schema = client.escapeIdentifier(options.schema);
  }

  /**
   * Makes the schema and its empty tables.
   * @param snapshot What `pg_export_snapshot` names in the transaction of the replay, which must stay open meanwhile.
   * Throws ScratchSchemaError when there is such a schema, or none can be made.
   */
  static async open(options: ScratchOptions, snapshot: string): Promise<ScratchCopy> {
    const { databaseUrl } = options;
    const pool = openPool({
      databaseUrl,
      max: 1,
      applicationName: 'credits-replay-scratch',
      queryTimeoutMs: QUERY_TIMEOUT_MS,
    });
    try {
      const client = await pool.connect();
      try {
        await client.query('begin isolation level repeatable read');
        await client.query(`set transaction snapshot ${client.escapeLiteral(snapshot)}`);
        await makeSchema(client, options.schema);
        const { rows } = await client.query<{ code: number; name: string }>(
          'select code, name from ledger_accounts',
        );
        return new ScratchCopy(pool, client, options, AccountCodes.of(rows));
      } catch (error) {
        client.release(true);
        throw error;
      }
    } catch (error) {
      await pool.end();
      throw error;
    }
  }

  /** Begins a book, whose rows go into the schema as they are made. */
  async begin(key: BookKey): Promise<BookWriter> {
    return await BookWriter.begin(this.#client, this.#codes, key);
  }

  /**
   * Compares every column of every row with what is stored in the range, and tells each difference to `differ`, table by
   * table and book by book.
   */
  async compare(
    range: ComparedRange,
    differ: (book: BookKey, flaw: Flaw) => void,
  ): Promise<ScratchComparison> {
    const tables = (Object.keys(SCRATCH_TABLES) as ScratchTable[]).filter(
      table => range.through === null || TABLES_WITH_PAST.includes(table),
    );
    let [rows, rowsDiffering] = [0, 0];
    for (const [index, table] of tables.entries()) {
      const { rows: counted } = await this.#client.query<{ count: bigint }>(
        `select count(*) as count from ${this.#schema}.${table}`,
      );
      rows += Number(counted[0]?.count ?? 0n);
      rowsDiffering += await this.#compareTable(table, range, differ);
      this.#options.onProgress?.(index + 1, tables.length);
    }
    const { schema, keeps: kept = false } = this.#options;
    return { schema, rows, rowsDiffering, kept };
  }

  async #compareTable(
    table: ScratchTable,
    range: ComparedRange,
    differ: (book: BookKey, flaw: Flaw) => void,
  ): Promise<number> {
    const columns = await this.#columnsOf(table);
    const { text, values } = joinOf(table, { schema: this.#schema, columns, range });
    const name = `scratch_${table}`;
    const found = await Cursor.open<DifferingRow>(this.#client, {
      name,
      text,
      values,
      fetchSize: FETCH_SIZE,
    });
    let count = 0;
    for (let row = await found.peek(); row !== null; row = await found.peek()) {
      found.pass();
      count += 1;
      differ({ bucket: row.bucket, accountId: row.account_id }, flawOf(table, columns, row));
    }
    await found.close();
    return count;
  }

  /** Out of the catalog: a column that is added later is compared too. */
  async #columnsOf(table: ScratchTable): Promise<string[]> {
    const { rows } = await this.#client.query<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped
       order by attnum`,
      [`${this.#schema}.${table}`],
    );
    return rows.map(({ name }) => name).filter(name => !UNCOMPARED_COLUMNS[table]?.includes(name));
  }

  /** Keeps the schema or takes it back, and lets go of the database. */
  async end(): Promise<void> {
    try {
      await this.#client.query(this.#options.keeps ? 'commit' : 'rollback');
      this.#client.release();
    } finally {
      await this.#pool.end();
    }
  }

  /** Takes everything back, after an error. */
  async giveUp(): Promise<void> {
    // A transaction ends with its connection.
    this.#client.release(true);
    await this.#pool.end();
  }
}

/** An identifier that needs no quotes, so that what is printed can be typed. */
const SCHEMA_NAME = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/;

/** From its end on, all that may be written are the tables of the schema: the rights are an auditor's. */
async function makeSchema(client: pg.ClientBase, name: string): Promise<void> {
  if (!SCHEMA_NAME.test(name))
    throw new ScratchSchemaError(
      `"${name}" is no name for a scratch schema: take up to 63 of a-z, 0-9 and _, such as replay_scratch.`,
    );
  const schema = client.escapeIdentifier(name);
  try {
    await client.query(`create schema ${schema}`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === '42P06')
      throw new ScratchSchemaError(
        `There is a schema "${name}" already: name another, or remove it with \`drop schema ${name} cascade\`.`,
      );
    if (code === '42501')
      throw new ScratchSchemaError(
        `A scratch schema cannot be made (${(error as Error).message}): DATABASE_URL must be the owner's.`,
      );
    throw error;
  }
  for (const [table, key] of Object.entries({ ...SCRATCH_TABLES, ...UNCOMPARED_TABLE }))
    await client.query(
      // Its checks are left out: what breaks them is to be seen as a difference.
      `create table ${schema}.${table} (like ${LEDGER_SCHEMA}.${table} including defaults, primary key (${key.join(', ')}))`,
    );
  await client.query(`
    grant usage on schema ${schema} to credits_auditor;
    grant select, insert, update on all tables in schema ${schema} to credits_auditor;
    set local role credits_auditor;
    set local search_path to ${schema}, ${LEDGER_SCHEMA};
    set local idle_in_transaction_session_timeout = 0`);
}

/** The rows of a table that are not the same on both sides. Its names are of this file and of the catalog. */
function joinOf(
  table: ScratchTable,
  about: { readonly schema: string; readonly columns: readonly string[]; readonly range: ComparedRange },
): { text: string; values: unknown[] } {
  const { schema, columns, range } = about;
  const { book, through, now } = range;
  const key: readonly string[] = SCRATCH_TABLES[table];
  const values: unknown[] = [];
  const value = (of: unknown) => `$${values.push(of)}`;
  const conditions = [
    ...(book === null
      ? []
      : [`bucket = ${value(book.bucket)}`, `account_id = ${value(String(book.accountId))}`]),
    ...(through === null ? [] : [bookedBy(table, value(through))]),
  ];
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`;
  // A lot that has lapsed with nothing in it is closed without an entry, whenever somebody looks: core/lot.ts, isOpen.
  const lapsed =
    table === 'lots'
      ? ` and not (m.open and not s.open and m.held_microcredits = 0 and m.debt_microcredits = 0 and
          (m.expires_at <= ${value(now)}::timestamptz or m.face_microcredits = 0 and m.available_microcredits = 0))`
      : '';
  const valueIn = (side: string, column: string) => {
    const meant = WHERE_EMPTY[table]?.[column];
    if (meant === undefined) return `${side}.${column}`;
    return `coalesce(${side}.${column}, ${columns.includes(meant) ? `${side}.${meant}` : meant})`;
  };
  const differs = columns
    .map(
      column =>
        `${valueIn('m', column)} is distinct from ${valueIn('s', column)}${column === 'open' ? lapsed : ''}`,
    )
    .join(' or ');
  const texts = (side: string) =>
    `case when ${side}.bucket is not null then array[${columns.map(column => `${valueIn(side, column)}::text`).join(', ')}] end`;
  return {
    text: `select coalesce(m.bucket, s.bucket) as bucket, coalesce(m.account_id, s.account_id) as account_id,
        array[${key.map(column => `coalesce(m.${column}, s.${column})::text`).join(', ')}] as key,
        ${texts('m')} as made, ${texts('s')} as stored
      from ${schema}.${table} m
      full join (select * from ${LEDGER_SCHEMA}.${table}${where}) s
        on ${key.map(column => `m.${column} = s.${column}`).join(' and ')}
      where ${differs}
      order by ${key.map(column => `coalesce(m.${column}, s.${column})`).join(', ')}`,
    values,
  };
}

function bookedBy(table: ScratchTable, through: string): string {
  if (table === 'entries') return `booked_at <= ${through}::timestamptz`;
  return `exists (select from ${LEDGER_SCHEMA}.entries e where e.bucket = ${table}.bucket
    and e.account_id = ${table}.account_id and e.seq = ${table}.seq and e.booked_at <= ${through}::timestamptz)`;
}

function flawOf(table: ScratchTable, columns: readonly string[], { key, made, stored }: DifferingRow): Flaw {
  const names: readonly string[] = SCRATCH_TABLES[table];
  // Whose book it is in is told with it.
  const parts = names.flatMap((name, index) => (index < 2 ? [] : [`${name} ${key[index]}`]));
  const row = `the row of ${table}${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
  const seq = key[names.indexOf('seq')];
  const entry = seq === undefined ? null : BigInt(seq);
  if (made === null)
    return { entry, what: `${row} follows from nothing`, expected: 'no such row', found: 'a row' };
  if (stored === null) return { entry, what: `${row} is missing`, expected: 'a row', found: 'no such row' };
  const index = columns.findIndex((_, at) => made[at] !== stored[at]);
  return {
    entry,
    what: `${row} has another ${columns[index]}`,
    expected: made[index] ?? 'none',
    found: stored[index] ?? 'none',
  };
}
