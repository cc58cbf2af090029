/** Everything that is stored of books, in streams that go from account to account in the same order. */
import type pg from 'pg';
import { Cursor } from '../audit/cursor.ts';
import {
  ENTRY_COLUMNS,
  type EntryRow,
  microsecondsOf,
  POSTING_COLUMNS,
  type PostingRow,
} from '../audit/stored-entry.ts';
import { HOLD_COLUMNS, type HoldRow } from '../store/hold-row.ts';
import { LOT_COLUMNS, type LotRow } from '../store/lot-row.ts';

export interface StoredBook {
  readonly bucket: number;
  readonly account_id: bigint;
  readonly seq: bigint;
  readonly head: Uint8Array;
  /** In microseconds: of a tampered book not always a number. */
  readonly booked_at: string;
  readonly debt_microcredits: bigint;
}

export interface ReversalRow {
  readonly account_id: bigint;
  readonly spend_id: bigint;
  readonly seq: bigint;
  readonly amount_microcredits: bigint;
}

export interface FaceRow {
  readonly account_id: bigint;
  readonly lot_id: bigint;
  readonly seq: bigint;
  readonly face_microcredits: bigint;
}

export interface StoredBooks {
  readonly books: Cursor<StoredBook>;
  readonly entries: Cursor<EntryRow>;
  readonly postings: Cursor<PostingRow>;
  readonly holds: Cursor<HoldRow>;
  readonly reversals: Cursor<ReversalRow>;
  readonly lots: Cursor<LotRow>;
  readonly faces: Cursor<FaceRow>;
}

export interface Wanted {
  readonly bucket: number;
  /** Null for all of the bucket. */
  readonly accountId: bigint | null;
  /** Entries that were booked later are left out; null for none. */
  readonly through: string | null;
  readonly fetchSize: number;
}

/** Opens the streams of a bucket, or of one account in it. Close them before others are opened. */
export async function openStoredBooks(client: pg.ClientBase, wanted: Wanted): Promise<StoredBooks> {
  const { bucket, accountId, through, fetchSize } = wanted;
  const open = <Row>(table: string, columns: string, order: string, booked?: string) =>
    Cursor.open<Row>(client, {
      name: `replay_${table.split(' ')[0]}`,
      text: `select ${columns} from ${table} where bucket = $1 and ($2::bigint is null or account_id = $2)
        ${booked ?? ''} order by ${order}`,
      values: booked === undefined ? [bucket, accountId] : [bucket, accountId, through],
      fetchSize,
    });
  return {
    books: await open(
      'books',
      `bucket, account_id, seq, head, ${microsecondsOf('booked_at')}, debt_microcredits`,
      'account_id',
    ),
    entries: await open(
      'entries',
      ENTRY_COLUMNS,
      'account_id, seq',
      'and ($3::timestamptz is null or booked_at <= $3)',
    ),
    postings: await open('postings', POSTING_COLUMNS, 'account_id, seq, line'),
    holds: await open('holds h', HOLD_COLUMNS, 'account_id, hold_id'),
    reversals: await open(
      'reversals',
      'account_id, spend_id, seq, amount_microcredits',
      'account_id, spend_id, seq',
    ),
    lots: await open('lots l', LOT_COLUMNS, 'account_id, lot_id'),
    faces: await open('lot_faces', 'account_id, lot_id, seq, face_microcredits', 'account_id, lot_id, seq'),
  };
}

export async function closeStoredBooks(books: StoredBooks): Promise<void> {
  for (const cursor of Object.values(books)) await cursor.close();
}

/** The next row of `cursor` if it is the account's, which is then passed; null otherwise. */
export async function nextOf<Row extends { readonly account_id: bigint }>(
  cursor: Cursor<Row>,
  accountId: bigint,
  fits: (row: Row) => boolean = () => true,
): Promise<Row | null> {
  const row = await cursor.peek();
  if (!row || row.account_id !== accountId || !fits(row)) return null;
  cursor.pass();
  return row;
}

/** The account that comes next in any of the streams; null when all are at their end. */
export async function nextAccountIn(books: StoredBooks): Promise<bigint | null> {
  let next: bigint | null = null;
  for (const cursor of Object.values(books) as Cursor<{ readonly account_id: bigint }>[]) {
    const row = await cursor.peek();
    if (row && (next === null || row.account_id < next)) next = row.account_id;
  }
  return next;
}
