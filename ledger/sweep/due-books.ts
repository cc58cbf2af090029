/** Which books time has made something due in. The core decides what it is; this only finds where to ask it. */
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { RunSql, Statement } from '../store/run-sql.ts';

/** Days are told in UTC and are 24 hours, whatever zone the session is in. */
const FIRST_MIDNIGHT = `date_trunc('day', greatest(b.booked_at, l.added_at), 'UTC') + interval '24 hours'`;

/**
 * Whether time has made an entry due for lot `l` of book `b` by $3: what core/advance.ts would post, in SQL. It may name
 * too many books, as one may be advanced by somebody else before the sweep comes to it, but never too few. A lot that
 * ends empty and fully earned is left out: it is closed without an entry, so nothing would be written and every sweep
 * would find it again. What else falls due by time some day is a line here and a case in test/ledger/sweep/.
 */
const IS_DUE = `l.expires_at > b.booked_at and (
    -- it renews: something is used of a refill lot, and a midnight of its life has passed since the last entry
    l.policy = 'refill' and l.available_microcredits < l.face_microcredits
      and ${FIRST_MIDNIGHT} < l.expires_at and ${FIRST_MIDNIGHT} <= $3
    -- it expires: credits lapse, or what is left of its payment is earned
    or l.expires_at <= $3
      and (l.available_microcredits > 0 or l.unreleased_microcredits > 0 or l.deferred_microusd > 0)
  )`;

// By the lots, as only those that live are in the index: there are always more books than that.
const FIND_DUE_BOOKS: Statement = {
  name: 'find_due_books',
  text: `select distinct l.account_id
    from lots l
    join books b on b.bucket = l.bucket and b.account_id = l.account_id
    where l.bucket = $1 and l.account_id > $2 and l.open and ${IS_DUE}
    order by l.account_id
    limit $4`,
};

/** Where in the books of a bucket to look, and for what. */
export interface DuePage {
  readonly bucket: number;
  /** The last account of the page before this one; 0 for the first page. */
  readonly after: bigint;
  /** What is due by this instant, inclusive. */
  readonly through: Instant;
  readonly limit: number;
}

/** The accounts of the next due books of a bucket, in their order; fewer than `limit` when there are no more. */
export async function findDueBooks(run: RunSql, page: DuePage): Promise<bigint[]> {
  const rows = await run<{ account_id: bigint }>(FIND_DUE_BOOKS, [
    page.bucket,
    page.after,
    instantText(page.through),
    page.limit,
  ]);
  return rows.map(row => row.account_id);
}
