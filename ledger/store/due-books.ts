/** Which books time has made something due in. The core decides what it is; this only finds where to ask it. */
import type { Instant } from '../core/instant.ts';
import { instantText } from './instant-text.ts';
import type { RunSql, Statement } from './run-sql.ts';

/*
 * What time makes due for lot `l` or hold `h` of book `b` by $3: what core/advance.ts would post, in SQL. It may name too many
 * books, as one may be advanced by somebody else before the sweep comes to it, but never too few. A lot that ends empty
 * and fully earned is left out: it is closed without an entry, so nothing would be written and every sweep would find
 * it again. What else falls due by time some day is another line here and a case in test/ledger/store/.
 */

/** Something is used of it that a midnight gives back, or is still to be released by one. */
const IS_USED = `(l.policy = 'refill' and l.available_microcredits < l.face_microcredits
  or l.policy = 'installments' and l.unreleased_microcredits > 0)`;

/** Days are told in UTC and are 24 hours, whatever zone the session is in. */
const MIDNIGHT = `date_trunc('day', greatest(b.booked_at, l.added_at), 'UTC') + interval '24 hours'`;

/** The first midnight since the book's last entry has come, and is one of its life. */
const IS_PAST_MIDNIGHT = `${MIDNIGHT} <= $3 and ${MIDNIGHT} < l.expires_at`;

/** Its end has come, and credits lapse or what is left of its payment is earned. */
const HAS_ENDED = `l.expires_at <= $3
  and (l.available_microcredits > 0 or l.unreleased_microcredits > 0 or l.deferred_microusd > 0)`;

/** A hold `h` has come to its deadline. */
const HOLD_IS_DUE = `h.closed_by is null and h.deadline <= $3`;

const IS_DUE = `l.expires_at > b.booked_at and (${IS_USED} and ${IS_PAST_MIDNIGHT} or ${HAS_ENDED})`;

/** The part of it that a lot alone can tell. */
const MAY_BE_DUE = `(${IS_USED} or ${HAS_ENDED})`;

// Two steps, so that a page is read off the index of living lots in its order: PostgreSQL cannot tell how many lots
// pass the whole condition, takes it for hardly any, and would go through the rest of the bucket for each page.
const FIND_DUE_BOOKS: Statement = {
  name: 'find_due_books',
  text: `with looked_at as materialized (
      (select distinct l.account_id
      from lots l
      where l.bucket = $1 and l.account_id > $2 and l.open and ${MAY_BE_DUE}
      order by l.account_id
      limit $4)
      union
      (select distinct h.account_id
      from holds h
      where h.bucket = $1 and h.account_id > $2 and ${HOLD_IS_DUE}
      order by h.account_id
      limit $4)
      order by account_id
      limit $4
    )
    select looked_at.account_id, exists (
        select from lots l
        join books b on b.bucket = $1 and b.account_id = l.account_id
        where l.bucket = $1 and l.account_id = looked_at.account_id and l.open and ${IS_DUE}
      ) or exists (
        select from holds h
        where h.bucket = $1 and h.account_id = looked_at.account_id and ${HOLD_IS_DUE}
      ) as is_due
    from looked_at
    order by looked_at.account_id`,
};

/** Where in the books of a bucket to look, and for what. */
export interface DuePage {
  readonly bucket: number;
  /** The last account of the page before this one; 0 for the first page. */
  readonly after: bigint;
  /** What is due by this instant, inclusive. */
  readonly through: Instant;
  /** How many books to look at. */
  readonly limit: number;
}

export interface DueBooks {
  /** In their order; may be none although there are more behind this page. */
  readonly accountIds: readonly bigint[];
  /** What the next page comes after; null when this is the last one. */
  readonly last: bigint | null;
}

/** The accounts of a page of a bucket's books in which something is due. */
export async function findDueBooks(run: RunSql, page: DuePage): Promise<DueBooks> {
  const rows = await run<{ account_id: bigint; is_due: boolean }>(FIND_DUE_BOOKS, [
    page.bucket,
    page.after,
    instantText(page.through),
    page.limit,
  ]);
  return {
    accountIds: rows.filter(row => row.is_due).map(row => row.account_id),
    last: rows.length < page.limit ? null : (rows.at(-1)?.account_id ?? null),
  };
}
