/** The journal as it is exported: every entry with its postings, in the order of booking, read through cursors. */
import type pg from 'pg';
import { Cursor } from '../audit/cursor.ts';
import { bookName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';

/** What of the journal is meant. */
export interface JournalRange {
  /** What was booked by then, that instant included; everything when left out. */
  readonly at?: Instant | undefined;
  /** The book of this account only. */
  readonly accountId?: bigint | undefined;
}

export interface ExportedPosting {
  readonly line: number;
  readonly from: string;
  readonly to: string;
  /** In the smallest unit of the accounts' asset. */
  readonly amount: bigint;
  /** Null where no lot is concerned. */
  readonly lotId: bigint | null;
}

export interface ExportedEntry {
  /** acct_… or system_… */
  readonly book: string;
  readonly seq: bigint;
  readonly kind: EntryKind;
  readonly effectiveAt: Instant;
  readonly bookedAt: Instant;
  readonly serviceId: number | null;
  readonly keyNumber: number | null;
  readonly details: string | null;
  readonly hash: string;
  readonly postings: readonly ExportedPosting[];
}

export interface AccountTotal {
  /** As the chart has it. */
  readonly account: string;
  /** Debits less credits, in the smallest unit of the asset. */
  readonly balance: bigint;
}

/** What a query needs to keep to a range: a condition on entries `e`, with its values. */
export interface RangeCondition {
  readonly text: string;
  readonly values: readonly unknown[];
}

interface EntryRow {
  bucket: number;
  account_id: bigint;
  seq: bigint;
  kind: EntryKind;
  effective_at: Instant;
  booked_at: Instant;
  service_id: number | null;
  key_number: number | null;
  details: string | null;
  hash: Buffer;
}

interface PostingRow {
  bucket: number;
  account_id: bigint;
  seq: bigint;
  line: number;
  gone: string;
  came: string;
  amount: bigint;
  lot_id: bigint;
}

const FETCH_SIZE = 4000;
const ORDER = 'e.booked_at, e.bucket, e.account_id, e.seq';

export function conditionOf({ at, accountId }: JournalRange, bucketCount: number): RangeCondition {
  const values = [
    at === undefined ? 'infinity' : instantText(at),
    ...(accountId === undefined ? [] : [bucketOfAccount(accountId, bucketCount), accountId]),
  ];
  const ofAccount = accountId === undefined ? '' : ' and e.bucket = $2 and e.account_id = $3';
  return { text: `e.booked_at <= $1::timestamptz${ofAccount}`, values };
}

/** The entries of the range in the transaction of `client`, by when they were booked, then by book and number. */
export async function* readEntries(
  client: pg.ClientBase,
  { text, values }: RangeCondition,
): AsyncGenerator<ExportedEntry> {
  const entries = await Cursor.open<EntryRow>(client, {
    name: 'export_entries',
    text: `select bucket, account_id, seq, kind, coalesce(effective_at, booked_at) as effective_at, booked_at, service_id, key_number, details, hash
      from entries e where ${text} order by ${ORDER}`,
    values,
    fetchSize: FETCH_SIZE,
  });
  const postings = await Cursor.open<PostingRow>(client, {
    name: 'export_postings',
    text: `select p.bucket, p.account_id, p.seq, p.line, gone.name as gone, came.name as came, p.amount, p.lot_id
      from postings p
      join entries e on e.bucket = p.bucket and e.account_id = p.account_id and e.seq = p.seq
      join ledger_accounts gone on gone.code = p.from_code
      join ledger_accounts came on came.code = p.to_code
      where ${text} order by ${ORDER}, p.line`,
    values,
    fetchSize: FETCH_SIZE,
  });
  for (let row = await entries.peek(); row !== null; row = await entries.peek()) {
    entries.pass();
    yield entryOf(row, await postingsOf(row, postings));
  }
  await entries.close();
  await postings.close();
}

async function postingsOf(entry: EntryRow, postings: Cursor<PostingRow>): Promise<ExportedPosting[]> {
  const found: ExportedPosting[] = [];
  for (let row = await postings.peek(); row !== null; row = await postings.peek()) {
    if (row.bucket !== entry.bucket || row.account_id !== entry.account_id || row.seq !== entry.seq) break;
    postings.pass();
    const { line, gone: from, came: to, amount } = row;
    found.push({ line, from, to, amount, lotId: row.lot_id === 0n ? null : row.lot_id });
  }
  return found;
}

function entryOf(row: EntryRow, postings: readonly ExportedPosting[]): ExportedEntry {
  return {
    book: bookName(row.bucket, row.account_id),
    seq: row.seq,
    kind: row.kind,
    effectiveAt: row.effective_at,
    bookedAt: row.booked_at,
    serviceId: row.service_id,
    keyNumber: row.key_number,
    details: row.details,
    hash: row.hash.toString('hex'),
    postings,
  };
}

/** How many entries the range has, and when the last of them was booked; null without any. */
export async function readExtent(
  client: pg.ClientBase,
  { text, values }: RangeCondition,
): Promise<{ entries: number; lastBookedAt: Instant | null }> {
  const { rows } = await client.query<{ count: bigint; last: Instant | null }>(
    `select count(*) as count, max(booked_at) as last from entries e where ${text}`,
    [...values],
  );
  return { entries: Number(rows[0]?.count ?? 0n), lastBookedAt: rows[0]?.last ?? null };
}

/** The balances of the range as the database adds them up, in the order of the chart: what the journal must come to. */
export async function readTotals(
  client: pg.ClientBase,
  { text, values }: RangeCondition,
): Promise<AccountTotal[]> {
  const { rows } = await client.query<AccountTotal>(
    `select a.name as account, sum(moved.amount) as balance
     from postings p
     join entries e on e.bucket = p.bucket and e.account_id = p.account_id and e.seq = p.seq
     cross join lateral (values (p.to_code, p.amount), (p.from_code, -p.amount)) as moved (code, amount)
     join ledger_accounts a on a.code = moved.code
     where ${text}
     group by a.name, a.code order by a.code`,
    [...values],
  );
  return rows;
}
