/** What a reversal undoes: a debit or a capture, with the lots it was taken from. */
import type { Take } from '../core/hold.ts';
import type { Instant } from '../core/instant.ts';
import type { Spend } from '../core/reversal.ts';
import { type BookKey, bookStatement, runAbout } from './book-statement.ts';
import type { OfAccount } from './books.ts';
import type { RunSql } from './run-sql.ts';

// The lots a spend was taken from were alive then, or had expired within the day that a hold may last: they are found
// by their expiry, and their postings by lot and entry, so that no history is gone through.
const LOAD_SPENDS = bookStatement(
  'load_spends',
  { spend_id: 'bigint' },
  (
    wanted,
    bucket,
  ) => `select e.account_id, e.seq, e.service_id, case when h.hold_id is null then e.key_number else h.key_number end as key_number, e.booked_at,
      coalesce(h.placed_at, e.booked_at) as taken_at,
      taken.lot_ids, taken.amounts, coalesce(r.microcredits, 0) as reversed_microcredits
    from ${wanted}
    join entries e on e.bucket = ${bucket} and e.account_id = wanted.account_id and e.seq = wanted.spend_id
      and e.kind in ('debit', 'capture')
    left join holds h on h.bucket = ${bucket} and h.account_id = wanted.account_id and h.closed_by = e.seq
    cross join lateral (
      select array_agg(p.lot_id order by p.line) as lot_ids, array_agg(p.amount order by p.line) as amounts
      from lots l
      join postings p on p.bucket = ${bucket} and p.account_id = l.account_id and p.lot_id = l.lot_id and p.seq = e.seq
      where l.bucket = ${bucket} and l.account_id = wanted.account_id
        and l.expires_at between e.booked_at - interval '25 hours' and e.booked_at + interval '31 days'
        and p.to_code = (select code from ledger_accounts where name = 'CREDIT:consumed')
    ) taken
    left join lateral (
      select sum(amount_microcredits) as microcredits from reversals
      where bucket = ${bucket} and account_id = wanted.account_id and spend_id = e.seq
    ) r on true`,
);

/** Those of the named entries that are debits or captures. */
export async function loadSpends(
  run: RunSql,
  keys: readonly (BookKey & { readonly spendId: bigint })[],
): Promise<OfAccount<Spend>[]> {
  const spendIds = keys.map(key => key.spendId);
  const rows = await runAbout<{
    account_id: bigint;
    seq: bigint;
    service_id: number;
    key_number: number | null;
    booked_at: Instant;
    taken_at: Instant;
    lot_ids: bigint[];
    amounts: bigint[];
    reversed_microcredits: bigint;
  }>(run, LOAD_SPENDS, keys, spendIds);
  return rows.map(row => ({
    accountId: row.account_id,
    value: {
      id: row.seq,
      serviceId: row.service_id,
      keyNumber: row.key_number,
      spentAt: row.booked_at,
      takenAt: row.taken_at,
      takes: row.lot_ids.map(
        (lotId, index): Take => ({ lotId, amountMicrocredits: row.amounts[index] ?? 0n }),
      ),
      reversedMicrocredits: row.reversed_microcredits,
    },
  }));
}
