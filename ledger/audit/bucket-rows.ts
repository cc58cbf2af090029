import type pg from 'pg';
import type { BookTable, LotTable } from '../store/tables.ts';
import { Cursor } from './cursor.ts';
import {
  ENTRY_COLUMNS,
  type EntryRow,
  microsecondsOf,
  POSTING_COLUMNS,
  type PostingRow,
} from './stored-entry.ts';

export type BookRow = Omit<BookTable, 'booked_at'> & { readonly booked_at: string };
export type LotRow = Pick<
  LotTable,
  | 'bucket'
  | 'account_id'
  | 'lot_id'
  | 'available_microcredits'
  | 'held_microcredits'
  | 'unreleased_microcredits'
  | 'deferred_microusd'
  | 'policy'
  | 'paid_microusd'
  | 'face_microcredits'
> & {
  readonly added_at: string;
  readonly expires_at: string;
  readonly first_face: bigint | null;
  readonly last_face: bigint | null;
};

/** One of the faces of the lot, whose bucket is the first parameter. */
function faceOf(which: string): string {
  return `(select f.face_microcredits from lot_faces f where f.bucket = $1 and f.account_id = lots.account_id
    and f.lot_id = lots.lot_id ${which})`;
}

const BOOK_COLUMNS = `bucket, account_id, seq, head, ${microsecondsOf('booked_at')}, debt_microcredits`;
const LOT_COLUMNS = `bucket, account_id, lot_id, available_microcredits, held_microcredits, unreleased_microcredits,
  deferred_microusd, policy, paid_microusd, face_microcredits, ${microsecondsOf('added_at')},
  ${microsecondsOf('expires_at')},
  ${faceOf('and f.seq = lots.lot_id')} as first_face, ${faceOf('order by f.seq desc limit 1')} as last_face`;

/** The tables that are read, each by its primary key: bucket, account and what follows. */
const TABLES = ['books', 'entries', 'postings', 'lots'] as const;

/** All that a bucket has of books, in four streams that go from account to account in the same order. */
export interface BucketRows {
  readonly books: Cursor<BookRow>;
  readonly entries: Cursor<EntryRow>;
  readonly postings: Cursor<PostingRow>;
  readonly lots: Cursor<LotRow>;
}

/** Opens the streams of a bucket, or of one account in it. Close them before the next bucket's are opened. */
export async function openBucket(
  client: pg.ClientBase,
  wanted: { readonly bucket: number; readonly accountId: bigint | null; readonly fetchSize: number },
): Promise<BucketRows> {
  const { bucket, accountId, fetchSize } = wanted;
  const where = accountId === null ? 'where bucket = $1' : 'where bucket = $1 and account_id = $2';
  const values = accountId === null ? [bucket] : [bucket, accountId];
  const open = <Row>(table: (typeof TABLES)[number], columns: string, order: string) =>
    Cursor.open<Row>(client, {
      name: `verify_${table}`,
      text: `select ${columns} from ${table} ${where} order by ${order}`,
      values,
      fetchSize,
    });
  return {
    books: await open<BookRow>('books', BOOK_COLUMNS, 'account_id'),
    entries: await open<EntryRow>('entries', ENTRY_COLUMNS, 'account_id, seq'),
    postings: await open<PostingRow>('postings', POSTING_COLUMNS, 'account_id, seq, line'),
    lots: await open<LotRow>('lots', LOT_COLUMNS, 'account_id, lot_id'),
  };
}

export async function closeBucket(rows: BucketRows): Promise<void> {
  for (const cursor of cursorsOf(rows)) await cursor.close();
}

/** The account that comes next in any of the streams; null when all are at their end. */
export async function nextAccount(rows: BucketRows): Promise<bigint | null> {
  let next: bigint | null = null;
  for (const cursor of cursorsOf(rows)) {
    const row = await cursor.peek();
    if (row && (next === null || row.account_id < next)) next = row.account_id;
  }
  return next;
}

/** The first bucket after `bucket` of which any table has a row, whether it should exist or not; null for none. */
export async function bucketAfter(client: pg.ClientBase, bucket: number | null): Promise<number | null> {
  // One look-up in each primary key, however many rows a bucket has.
  const firsts = TABLES.map(
    table => `(select min(bucket) from ${table} where $1::int is null or bucket > $1)`,
  );
  const { rows } = await client.query<{ next: number | null }>(`select least(${firsts.join(', ')}) as next`, [
    bucket,
  ]);
  return rows[0]?.next ?? null;
}

function cursorsOf(rows: BucketRows): readonly Cursor<{ readonly account_id: bigint }>[] {
  return [rows.books, rows.entries, rows.postings, rows.lots];
}
