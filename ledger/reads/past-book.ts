/**
 * A book as it stood at an instant of the past. Entries say what the book had after them, and postings what their lots
 * had: so the last entry by then, the lots that were alive and the holds that were open are all that is looked up, each
 * by an index, whatever the history before and after.
 */
import { sql } from 'kysely';
import { type Book, EMPTY_BOOK } from '../core/book.ts';
import type { Instant } from '../core/instant.ts';
import { compareBurnOrder, isOpen, type Lot, type RenewalPolicy } from '../core/lot.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { HOLDS_AS_JSON, type HoldJson, holdOfJson } from '../store/hold-row.ts';
import { instantText } from '../store/instant-text.ts';
import type { ReadOptions } from './read-options.ts';

interface Row {
  seq: bigint;
  booked_at: Instant;
  debt_after_microcredits: bigint;
  holds: readonly HoldJson[] | null;
  lot_id: bigint | null;
  added_at: Instant;
  expires_at: Instant;
  policy: RenewalPolicy;
  paid_microusd: bigint;
  debt_microcredits: bigint;
  deferred_at: Instant;
  face_microcredits: bigint;
  lot_available_after_microcredits: bigint;
  lot_held_after_microcredits: bigint;
  lot_unreleased_after_microcredits: bigint;
}

/**
 * The book after its last entry by `at`: what it had, its lots and open holds. What of their payments was deferred is not
 * told, it is zero; nor are limits. An account without an entry by then has the empty book.
 */
export async function readPastBook(options: ReadOptions, accountId: bigint, at: Instant): Promise<Book> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  // Booking never goes back, so the last entry by an instant is found by halving the numbers; the limits see to it that
  // each is looked up by its number. A hold lasts a day at the most, and a lot lives for 30: what was alive or held
  // then is a range of expiries. Of the holds, those that somebody closed later were not at their deadline yet. What lots
  // owe is told as of now: it is settled by holds that end without an entry, and there is none such before a later entry.
  const { rows } = await sql<Row>`
    with recursive halves as (
      select 0::bigint as low, b.seq as high from books b where b.bucket = ${bucket} and b.account_id = ${accountId}
      union all
      select case when e.booked_at <= ${instantText(at)} then e.seq else low end,
        case when e.booked_at <= ${instantText(at)} then high else e.seq - 1 end
      from halves
      cross join lateral (
        select seq, booked_at from entries
        where bucket = ${bucket} and account_id = ${accountId} and seq = (low + high + 1) / 2
        limit 1
      ) e
      where low < high
    ), last as materialized (
      select e.seq, e.booked_at, e.debt_after_microcredits
      from halves
      cross join lateral (
        select seq, booked_at, coalesce(debt_after_microcredits, 0) as debt_after_microcredits from entries
        where bucket = ${bucket} and account_id = ${accountId} and seq = low
        limit 1
      ) e
      where low = high
    )
    select last.*, l.lot_id, l.added_at, l.expires_at, l.policy, l.paid_microusd, l.debt_microcredits,
      l.deferred_at, f.face_microcredits,
      p.lot_available_after_microcredits, p.lot_held_after_microcredits, p.lot_unreleased_after_microcredits,
      (select ${sql.raw(HOLDS_AS_JSON)} from holds h
        where h.bucket = ${bucket} and h.account_id = ${accountId} and h.closed_by is null
          and h.hold_id <= last.seq) as holds
    from last
    left join (
      lots l
      cross join lateral (
        select lot_available_after_microcredits, lot_held_after_microcredits, lot_unreleased_after_microcredits
        from postings
        where bucket = ${bucket} and account_id = ${accountId} and lot_id = l.lot_id and seq <= (select seq from last)
        order by seq desc, line desc limit 1
      ) p
      cross join lateral (
        select face_microcredits from lot_faces
        where bucket = ${bucket} and account_id = ${accountId} and lot_id = l.lot_id and seq <= (select seq from last)
        order by seq desc limit 1
      ) f
    ) on l.bucket = ${bucket} and l.account_id = ${accountId} and l.lot_id <= last.seq
      and (l.expires_at between last.booked_at - interval '25 hours' and last.booked_at + interval '31 days'
        or l.open and l.debt_microcredits > 0)`.execute(options.db);
  const [first] = rows;
  if (!first) return EMPTY_BOOK;
  return {
    seq: first.seq,
    bookedAt: first.booked_at,
    debtMicrocredits: first.debt_after_microcredits,
    lots: rows.flatMap(row => (row.lot_id === null ? [] : [lotOf(row, row.lot_id)])).sort(compareBurnOrder),
    holds: (first.holds ?? []).map(holdOfJson),
    limits: [],
  };
}

function lotOf(row: Row, id: bigint): Lot {
  const lot: Lot = {
    id,
    addedAt: row.added_at,
    expiresAt: row.expires_at,
    policy: row.policy,
    faceMicrocredits: row.face_microcredits,
    availableMicrocredits: row.lot_available_after_microcredits,
    heldMicrocredits: row.lot_held_after_microcredits,
    unreleasedMicrocredits: row.lot_unreleased_after_microcredits,
    settledMicrocredits: 0n,
    paidMicrousd: row.paid_microusd,
    returnedMicrousd: 0n,
    deferredMicrousd: 0n,
    deferredAt: row.deferred_at,
    debtMicrocredits: row.debt_microcredits,
    restoresLotId: null,
    open: true,
  };
  return { ...lot, open: isOpen(lot, row.booked_at) };
}
