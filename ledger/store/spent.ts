/**
 * What was spent, told by the journal alone: debits and captures, each with who authorised it (a capture: whoever placed
 * the hold), less what was reversed of them, which counts where the spend was booked.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { BookKey } from './book-statement.ts';
import { instantText } from './instant-text.ts';
import type { Tables } from './tables.ts';

/** A part of a book's entries: those with numbers above `after`, up to `through`. */
export interface EntryRange {
  readonly after: bigint;
  readonly through: bigint;
}

/** Higher than any entry's number. */
const LAST_NUMBER = 2n ** 63n - 1n;

/** Which spends are meant, and which reversals: of which spends, and by which entries. */
export interface SpentRange {
  readonly spends: EntryRange;
  readonly reversalsOf: EntryRange;
  readonly reversedBy: EntryRange;
}

/** The spends of a range with all that was ever reversed of them. */
export function spendsIn(range: EntryRange): SpentRange {
  return { spends: range, reversalsOf: range, reversedBy: { after: range.after, through: LAST_NUMBER } };
}

/**
 * The number of the book's last entry that is booked before `instant`; 0 for none. Booking never goes back, so it is found
 * by halving, each step a look-up in the primary key.
 */
export async function lastEntryBefore(
  db: Kysely<Tables>,
  { bucket, accountId }: BookKey,
  instant: Instant,
): Promise<bigint> {
  const { rows } = await sql<{ low: bigint }>`
    with recursive halves as (
      select 0::bigint as low, b.seq as high from books b where b.bucket = ${bucket} and b.account_id = ${accountId}
      union all
      select case when e.booked_at < ${instantText(instant)} then e.seq else low end,
        case when e.booked_at < ${instantText(instant)} then high else e.seq - 1 end
      from halves
      cross join lateral (
        select seq, booked_at from entries
        where bucket = ${bucket} and account_id = ${accountId} and seq = (low + high + 1) / 2
        limit 1
      ) e
      where low < high
    )
    select low from halves where low = high`.execute(db);
  return rows[0]?.low ?? 0n;
}

/** How far the book goes; 0 where there is none. */
export async function lastEntry(db: Kysely<Tables>, { bucket, accountId }: BookKey): Promise<bigint> {
  const row = await db
    .selectFrom('books')
    .select('seq')
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return row?.seq ?? 0n;
}

/**
 * Rows of what was spent and reversed: `seq` of the spend, `booked_at`, `service_id`, `key_number` and `details` as of the
 * spend, `amount` below zero for a reversal.
 */
export function spentRows({ bucket, accountId }: BookKey, range: SpentRange): RawBuilder<unknown> {
  const { spends, reversalsOf, reversedBy } = range;
  const author = sql`case when e.kind = 'capture' then h.key_number else e.key_number end as key_number`;
  const hold = sql`left join holds h on h.bucket = ${bucket} and h.account_id = ${accountId}
    and h.closed_by = e.seq and e.kind = 'capture'`;
  return sql`
    select e.seq, e.booked_at, e.service_id, ${author}, e.details, e.amount_microcredits as amount
    from entries e ${hold}
    where e.bucket = ${bucket} and e.account_id = ${accountId} and e.seq > ${spends.after}
      and e.seq <= ${spends.through} and e.kind in ('debit', 'capture')
    union all
    select e.seq, e.booked_at, e.service_id, ${author}, e.details, -r.amount_microcredits
    from reversals r
    join entries e on e.bucket = ${bucket} and e.account_id = ${accountId} and e.seq = r.spend_id ${hold}
    where r.bucket = ${bucket} and r.account_id = ${accountId} and r.spend_id > ${reversalsOf.after}
      and r.spend_id <= ${reversalsOf.through} and r.seq > ${reversedBy.after} and r.seq <= ${reversedBy.through}`;
}

/** What a key or grant has spent, less what was reversed. */
export async function sumSpent(
  db: Kysely<Tables>,
  book: BookKey,
  keyNumber: number,
  range: SpentRange,
): Promise<bigint> {
  const { rows } = await sql<{ spent: bigint }>`
    select coalesce(sum(amount), 0)::bigint as spent from (${spentRows(book, range)}) spent
    where key_number = ${keyNumber}`.execute(db);
  return rows[0]?.spent ?? 0n;
}
