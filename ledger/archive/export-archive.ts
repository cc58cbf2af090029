/**
 * A ledger as lines of JSON (https://jsonlines.org): what cannot be computed, and nothing else. First what installation
 * it is, then the copied tables row by row as PostgreSQL writes them, then of each book its commands in their order and
 * where it stood. docs/proof.md has the format.
 */
import type pg from 'pg';
import { Cursor } from '../audit/cursor.ts';
import { bookName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import { ARCHIVE_VERSION, COPIED_TABLES } from './tables.ts';

export interface ExportOptions {
  readonly fetchSize?: number | undefined;
  /** Told now and then how many lines were written, of about how many. */
  readonly onProgress?: ((linesDone: number, linesEstimated: number) => void) | undefined;
}

const FETCH_SIZE = 2000;

/**
 * The lines of the archive, without their line ends, out of one read-only snapshot. Has hashes of keys and tokens and the
 * secrets of webhooks in it: keep it like the database. Throws when the database cannot be reached or has no ledger.
 */
export async function* exportArchive(pool: pg.Pool, options: ExportOptions = {}): AsyncGenerator<string> {
  const { fetchSize = FETCH_SIZE, onProgress } = options;
  const client = await pool.connect();
  let failed = true;
  let lines = 0;
  try {
    await client.query('begin isolation level repeatable read read only');
    await client.query('set local cursor_tuple_fraction = 1');
    const estimated = await estimateLines(client);
    for await (const line of linesOf(client, fetchSize)) {
      yield line;
      lines += 1;
      onProgress?.(lines, Math.max(lines, estimated));
    }
    // So that one that was cut off is noticed.
    yield JSON.stringify({ lines: lines + 1 });
    await client.query('commit');
    failed = false;
  } finally {
    client.release(failed);
  }
}

async function* linesOf(client: pg.ClientBase, fetchSize: number): AsyncGenerator<string> {
  yield await headerOf(client);
  for (const table of COPIED_TABLES) {
    const rows = await Cursor.open<{ row: string }>(client, {
      name: `export_${table}`,
      text: `select to_json(t)::text as row from ${table} t`,
      values: [],
      fetchSize,
    });
    // The row stays text all the way: JavaScript's numbers would lose the last digits of it.
    for (let row = await rows.peek(); row; row = await rows.peek()) {
      rows.pass();
      yield `{"table":"${table}","row":${row.row}}`;
    }
    await rows.close();
  }
  yield* bookLines(client, fetchSize);
}

async function headerOf(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{
    mode: string;
    bucket_count: number;
    chain_id: number;
    genesis_hash: string;
    payment_address: string;
    now: Instant;
  }>('select *, clock_timestamp() as now from installation');
  const [row] = rows;
  if (!row) throw new Error('The database is empty: there is nothing to export.');
  return JSON.stringify({
    archive: ARCHIVE_VERSION,
    exported_at: instantText(row.now),
    installation: {
      mode: row.mode,
      bucket_count: row.bucket_count,
      chain_id: row.chain_id,
      genesis_hash: row.genesis_hash,
      payment_address: row.payment_address,
    },
  });
}

interface CommandRow {
  account_id: bigint;
  bucket: number;
  seq: bigint;
  kind: string;
  booked_at: Instant;
  effective_at: Instant;
  service_id: number;
  key_number: number | null;
  key_digest: string;
  payload_digest: string;
  amount_microcredits: bigint;
  details: string | null;
  deadline: Instant | null;
  hold_id: bigint | null;
  spend_id: bigint | null;
  is_reversed: boolean;
}

interface BookRow {
  bucket: number;
  account_id: bigint;
  seq: bigint;
  head: Uint8Array;
  booked_at: Instant;
}

async function* bookLines(client: pg.ClientBase, fetchSize: number): AsyncGenerator<string> {
  const books = await Cursor.open<BookRow>(client, {
    name: 'export_books',
    text: 'select bucket, account_id, seq, head, booked_at from books order by bucket, account_id',
    values: [],
    fetchSize,
  });
  // Whatever time made due is left out: it is due again.
  const commands = await Cursor.open<CommandRow>(client, {
    name: 'export_commands',
    text: `select e.account_id, e.bucket, e.seq, e.kind::text, e.booked_at,
        coalesce(e.effective_at, e.booked_at) as effective_at, e.service_id, e.key_number, e.key_digest, e.payload_digest, e.amount_microcredits, e.details, placed.deadline, closed.hold_id, r.spend_id,
        e.kind in ('debit', 'capture') and exists (select from reversals later where later.bucket = e.bucket
          and later.account_id = e.account_id and later.spend_id = e.seq) as is_reversed
      from entries e
      left join holds placed on e.kind = 'hold' and placed.bucket = e.bucket and placed.account_id = e.account_id
        and placed.hold_id = e.seq
      left join holds closed on e.kind in ('capture', 'release') and closed.bucket = e.bucket
        and closed.account_id = e.account_id and closed.closed_by = e.seq
      left join reversals r on e.kind = 'reversal' and r.bucket = e.bucket and r.account_id = e.account_id
        and r.seq = e.seq
      where e.key_digest is not null
      order by e.bucket, e.account_id, e.seq`,
    values: [],
    fetchSize,
  });
  for (let book = await books.peek(); book; book = await books.peek()) {
    books.pass();
    const { bucket, account_id: accountId } = book;
    const name = bookName(bucket, accountId);
    for (;;) {
      const row = await commands.peek();
      if (row?.bucket !== bucket || row.account_id !== accountId) break;
      commands.pass();
      yield commandLine(name, row);
    }
    yield JSON.stringify({
      end: name,
      entries: String(book.seq),
      through: instantText(book.booked_at),
      head: Buffer.from(book.head).toString('hex'),
    });
  }
  await commands.close();
  await books.close();
}

function commandLine(book: string, row: CommandRow): string {
  const isSystem = row.account_id === SYSTEM_ACCOUNT_ID;
  const text = (value: bigint | null) => (value === null ? undefined : String(value));
  return JSON.stringify({
    book,
    kind: row.kind,
    at: instantText(row.booked_at),
    // Of what an operator did there is no other record.
    effective_at: isSystem ? instantText(row.effective_at) : undefined,
    service: row.service_id,
    key: row.key_number ?? undefined,
    key_digest: row.key_digest.replaceAll('-', ''),
    payload_digest: row.payload_digest.replaceAll('-', ''),
    amount: isSystem ? undefined : String(row.amount_microcredits),
    details: row.details ?? undefined,
    deadline: row.deadline === null ? undefined : instantText(row.deadline),
    hold: text(row.hold_id),
    spend: text(row.spend_id),
    reversed: row.is_reversed || undefined,
  });
}

async function estimateLines(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ lines: bigint }>(
    `select (select coalesce(sum(seq), 0) from books)::bigint
      + (select coalesce(sum(greatest(reltuples, 0)), 0) from pg_class
         where relnamespace = current_schema()::regnamespace and relname = any($1))::bigint as lines`,
    [COPIED_TABLES],
  );
  return Number(rows[0]?.lines ?? 0n);
}
