/**
 * Recomputes everything that can be recomputed of the journal: every hash chain, every balance that an entry or a lot
 * notes, where each book stands, and what is used of the limits of keys and grants; and compares the schema with what the
 * migrations make. One snapshot is read through, bucket by bucket and in each from book to book, so that no more is in
 * memory than a few fetches and the lots of one book. Writes nothing.
 *
 * It shows that the books are what was sealed. Whoever may write to the database and seals anew, or cuts off the end of
 * a book and points the book at what is left, shows only by comparison with a head that was kept elsewhere: see seals/.
 */
import type pg from 'pg';
import { accountName } from '../core/account-id.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { estimateEntries, readBucketCount } from '../store/journal-size.ts';
import { inSnapshot } from '../store/snapshot.ts';
import { bucketAfter, closeBucket, openBucket } from './bucket-rows.ts';
import { JournalCheck } from './journal-check.ts';
import { checkLimits } from './limit-check.ts';
import type { Problem } from './problem.ts';
import { checkSchema } from './schema-check.ts';
import { readStoredChart } from './stored-chart.ts';

export interface VerifyOptions {
  /** Verifies the book of this account only, and not the schema. */
  readonly accountId?: bigint | undefined;
  /** How many rows of a table are in memory at a time. */
  readonly fetchSize?: number | undefined;
  /** Told now and then, and at the end, how many entries are done, of about how many: null when one book is read. */
  readonly onProgress?: ((entriesDone: number, entriesEstimated: number | null) => void) | undefined;
}

export interface Verification {
  /** How many were read, the bad ones and what follows them included. */
  readonly books: number;
  readonly entries: number;
  readonly postings: number;
  /** Of each book the first, in the order of buckets and accounts; then those that concern no book. */
  readonly problems: readonly Problem[];
}

const FETCH_SIZE = 4000;

/**
 * Verifies the journal in a read-only snapshot of its own. Bad data is told in the result; throws when the database
 * cannot be reached or has no ledger in it.
 */
export async function verifyJournal(pool: pg.Pool, options: VerifyOptions = {}): Promise<Verification> {
  return await inSnapshot(pool, ({ client }) => verifyIn(client, options));
}

/** Verifies the journal in the transaction of `client`, which must see the same from beginning to end. */
export async function verifyIn(client: pg.ClientBase, options: VerifyOptions = {}): Promise<Verification> {
  const { accountId, fetchSize = FETCH_SIZE, onProgress } = options;
  // Every cursor is read to its end: no plan is better for its first rows.
  await client.query('set local cursor_tuple_fraction = 1');
  const bucketCount = await readBucketCount(client);
  const estimated = onProgress && accountId === undefined ? await estimateEntries(client) : null;
  const check = new JournalCheck({
    chart: await readStoredChart(client),
    bucketCount,
    onProgress: done => onProgress?.(done, estimated),
  });
  const takeIn = async (bucket: number) => {
    const rows = await openBucket(client, { bucket, accountId: accountId ?? null, fetchSize });
    await check.bucket(bucket, rows);
    await closeBucket(rows);
  };
  if (accountId === undefined) {
    let bucket = await bucketAfter(client, null);
    for (; bucket !== null; bucket = await bucketAfter(client, bucket)) await takeIn(bucket);
  } else {
    await takeIn(bucketOfAccount(accountId, bucketCount));
  }
  const limits = await checkLimits(client, bucketCount, accountId ?? null);
  const schema = accountId === undefined ? await checkSchema(client) : [];
  const result = { ...check.result, problems: [...check.result.problems, ...limits, ...schema] };
  onProgress?.(result.entries, estimated);
  if (accountId === undefined || result.books > 0 || result.problems.length > 0) return result;
  const missing = { entry: null, what: 'there is no such book', expected: 'a book', found: 'none' };
  return { ...result, problems: [{ book: accountName(accountId), ...missing }] };
}
