/** The entries of a book as the bytes that were sealed, for whoever recomputes the hashes. */
import type pg from 'pg';
import { readStoredChart } from '../audit/stored-chart.ts';
import {
  ENTRY_COLUMNS,
  type EntryRow,
  POSTING_COLUMNS,
  type PostingRow,
  readEntry,
} from '../audit/stored-entry.ts';
import { bookName } from '../core/account-id.ts';
import { encodeEntry } from '../core/encoding.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { hexOf } from './seal-rows.ts';

export interface SealedEntryText {
  readonly seq: bigint;
  /** The text of core/encoding.ts: SHA-256 of the hash before it and of its UTF-8 bytes is the hash. */
  readonly sealed: string;
  readonly hash: string;
}

export interface SealedJournalPage {
  readonly entries: readonly SealedEntryText[];
  /** The number to ask after for the next page; null when this is the last one. */
  readonly next: bigint | null;
}

/**
 * The entries of an account behind number `after`, the oldest first, at most `limit`. Throws when an entry cannot be
 * told as it was sealed, which `verify` explains.
 */
export async function readSealedJournal(
  pool: pg.Pool,
  book: { readonly accountId: bigint; readonly bucketCount: number },
  { after, limit }: { readonly after: bigint; readonly limit: number },
): Promise<SealedJournalPage> {
  const { accountId, bucketCount } = book;
  const bucket = bucketOfAccount(accountId, bucketCount);
  const chart = await readStoredChart(pool);
  const { rows } = await pool.query<EntryRow>(
    `select ${ENTRY_COLUMNS} from entries where bucket = $1 and account_id = $2 and seq > $3 order by seq limit $4`,
    [bucket, accountId, after, limit + 1],
  );
  const page = rows.slice(0, limit);
  // Entries never change, so what is read of them later is of the same moment.
  const { rows: postings } = await pool.query<PostingRow>(
    `select ${POSTING_COLUMNS} from postings where bucket = $1 and account_id = $2 and seq > $3 and seq <= $4
     order by seq, line`,
    [bucket, accountId, after, page.at(-1)?.seq ?? after],
  );
  const bySeq = Map.groupBy(postings, posting => posting.seq);
  return {
    entries: page.map(row => {
      const read = readEntry(row, bySeq.get(row.seq) ?? [], chart);
      if ('flaw' in read) throw new Error(`entry ${row.seq} cannot be read: ${read.flaw.what}`);
      const sealed = encodeEntry(bookName(bucket, accountId), read.entry);
      return { seq: row.seq, sealed, hash: hexOf(row.hash) };
    }),
    next: rows.length > limit ? (page.at(-1)?.seq ?? null) : null,
  };
}
