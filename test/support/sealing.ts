/** Seals on a test database, at instants of the test's choice. */
import type pg from 'pg';
import { StoredChart } from '../../ledger/audit/stored-chart.ts';
import {
  ENTRY_COLUMNS,
  type EntryRow,
  POSTING_COLUMNS,
  type PostingRow,
  readEntry,
} from '../../ledger/audit/stored-entry.ts';
import { bookName } from '../../ledger/core/account-id.ts';
import { GENESIS_HASH } from '../../ledger/core/encoding.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import { hashEntry } from '../../ledger/posting/seal.ts';
import { makeSeal, type SealContext } from '../../ledger/seals/make-seal.ts';
import { generateSealKey, readSealKey, type SealKey } from '../../ledger/seals/seal-key.ts';
import type { SealRow } from '../../ledger/seals/seal-rows.ts';
import { readInstallation } from '../../ledger/store/installation.ts';
import { openKysely, openPool } from '../../ledger/store/postgres.ts';
import { sweep } from '../../ledger/sweep/sweep.ts';
import { openBooks } from './books.ts';
import { sweepContext } from './sweep.ts';

/** What makes seals on the database behind `pool`, the clock standing at `now`. */
export async function sealContext(
  pool: pg.Pool,
  now: Instant,
  key: SealKey = readSealKey(generateSealKey()),
): Promise<SealContext> {
  return { pool, key, installation: await readInstallation(openKysely(pool)), now: async () => now };
}

/** Sweeps through `through` and seals it, a microsecond later. */
export async function sweepAndSeal(databaseUrl: string, through: Instant, key?: SealKey): Promise<SealRow> {
  const books = await openBooks(databaseUrl);
  const pool = openPool({ databaseUrl, role: 'credits_worker', max: 2 });
  try {
    books.now = through;
    await sweep(sweepContext(books), new AbortController().signal);
    return await makeSeal(await sealContext(pool, through + 1n, key), through);
  } finally {
    await Promise.all([books.close(), pool.end()]);
  }
}

/** What somebody does who may write anything and knows how entries are sealed: all hashes of a book anew. */
export async function rehash(client: pg.ClientBase, bucket: number, accountId: bigint): Promise<void> {
  const where = 'where bucket = $1 and account_id = $2';
  const { rows: accounts } = await client.query<{ code: number; name: string }>(
    'select code, name from ledger_accounts',
  );
  const chart = new StoredChart(accounts);
  const { rows } = await client.query<EntryRow>(
    `select ${ENTRY_COLUMNS} from entries ${where} order by seq`,
    [bucket, accountId],
  );
  const { rows: postings } = await client.query<PostingRow>(
    `select ${POSTING_COLUMNS} from postings ${where} order by seq, line`,
    [bucket, accountId],
  );
  let head: Uint8Array = GENESIS_HASH;
  for (const row of rows) {
    const read = readEntry(
      row,
      postings.filter(posting => posting.seq === row.seq),
      chart,
    );
    if ('flaw' in read) throw new Error(read.flaw.what);
    head = hashEntry(head, bookName(bucket, accountId), read.entry);
    await client.query(`update entries set hash = $3 ${where} and seq = $4`, [
      bucket,
      accountId,
      head,
      row.seq,
    ]);
  }
  await client.query(`update books set head = $3 ${where}`, [bucket, accountId, head]);
}
