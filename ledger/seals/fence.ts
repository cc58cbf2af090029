/**
 * That nothing is booked by an instant any more, whoever posts: asked before a seal through it is made.
 *
 * An entry is booked at the database's clock, read after its book was locked, or at the instant that made it due. So once
 * the clock has passed T, what can still come is (1) what transactions bring that locked a book before, (2) entries of
 * system books, whose instants are read before the lock, and (3) what fell due by T and was not posted yet. The fence
 * holds back 2: it is read with the system book locked (posting/system-entries.ts) and raised here first. Then 1 is
 * waited for: whoever has a lock on `books` now. Then 3 is asked for, and can grow no more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { bookName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import { type DuePage, findDueBooks } from '../store/due-books.ts';
import { instantText } from '../store/instant-text.ts';
import { runOn } from '../store/run-sql.ts';
import { raiseSealFence } from '../store/seal-fence.ts';
import { SealRefusedError } from './seal-refused-error.ts';

const PAUSE_MS = 20;
/** A statement of the posting path is cut off after 10 s; who is longer at it hangs. */
const WAIT_MS_MAX = 60_000;
const PAGE = 1000;

/**
 * Resolves once nothing can be booked through `through` any more; `through` must have passed on the database's clock.
 * Throws SealRefusedError when something that was due by then is not posted, or a transaction does not end.
 */
export async function closeThrough(
  pool: pg.Pool,
  {
    through,
    bucketCount,
    waitMsMax = WAIT_MS_MAX,
  }: {
    readonly through: Instant;
    readonly bucketCount: number;
    readonly waitMsMax?: number | undefined;
  },
): Promise<void> {
  await raiseSealFence(pool, through);
  await waitForWriters(pool, waitMsMax);
  await assertSwept(pool, through, bucketCount);
}

/** Waits for the transactions that have locked any book by now, as `create index concurrently` does. */
async function waitForWriters(pool: pg.Pool, waitMsMax: number): Promise<void> {
  const giveUpAt = performance.now() + waitMsMax;
  let awaited = await writers(pool);
  while (awaited.size > 0) {
    if (performance.now() > giveUpAt)
      throw new SealRefusedError(
        `A transaction has had books locked for over ${Math.round(waitMsMax / 1000)} s: look at pg_stat_activity, end it and seal again.`,
      );
    await sleep(PAUSE_MS);
    const still = await writers(pool);
    awaited = new Set([...awaited].filter(transaction => still.has(transaction)));
  }
}

/** The transactions that hold a lock on the table of books which those take who write or lock rows of it. */
async function writers(pool: pg.Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ transaction: string }>(
    `select distinct virtualtransaction as transaction from pg_locks
     where locktype = 'relation' and relation = 'books'::regclass and granted
       and database = (select oid from pg_database where datname = current_database())
       and mode = any (array['RowShareLock', 'RowExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
         'AccessExclusiveLock']) and pid is distinct from pg_backend_pid()`,
  );
  return new Set(rows.map(({ transaction }) => transaction));
}

async function assertSwept(pool: pg.Pool, through: Instant, bucketCount: number): Promise<void> {
  const { rows } = await pool.query<{ bucket: number }>(
    `select numbers.bucket from generate_series(0, $2::int - 1) as numbers (bucket)
     left join sweep_progress p on p.bucket = numbers.bucket
     where p.swept_through is null or p.swept_through < $1 order by 1`,
    [instantText(through), bucketCount],
  );
  if (rows[0])
    throw new SealRefusedError(
      `${rows.length} of ${bucketCount} buckets are not swept through ${instantText(through)} yet: start the worker, ` +
        'which sweeps at its start and at every full hour, or wait for the hour if it runs, and seal again.',
    );
  const client = await pool.connect();
  try {
    for (let bucket = 0; bucket < bucketCount; bucket += 1)
      for (let after: bigint | null = 0n; after !== null; ) {
        const page: DuePage = { bucket, after, through, limit: PAGE };
        const { accountIds, last } = await findDueBooks(runOn(client), page);
        if (accountIds[0] !== undefined)
          throw new SealRefusedError(
            `${bookName(bucket, accountIds[0])} has something due by ${instantText(through)} that the sweep could not ` +
              "post: the worker's log says why.",
          );
        after = last;
      }
  } finally {
    client.release();
  }
}
