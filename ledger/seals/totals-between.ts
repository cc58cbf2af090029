import type pg from 'pg';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';

/** What was posted to each ledger account, by its code, in what was booked after `after` (if any) and by `through`. */
export async function postedBetween(
  client: pg.ClientBase,
  { after, through }: { readonly after: Instant | null; readonly through: Instant },
): Promise<Map<number, bigint>> {
  const { rows } = await client.query<{ code: number; moved: bigint }>(
    `select m.code, sum(m.amount) as moved
     from entries e
     join postings p on p.bucket = e.bucket and p.account_id = e.account_id and p.seq = e.seq
     cross join lateral (values (p.to_code, p.amount), (p.from_code, -p.amount)) as m (code, amount)
     where ($1::timestamptz is null or e.booked_at > $1) and e.booked_at <= $2
     group by m.code`,
    [after === null ? null : instantText(after), instantText(through)],
  );
  return new Map(rows.map(row => [row.code, row.moved]));
}

/** The names of the ledger accounts by their codes. */
export async function accountNames(client: pg.ClientBase): Promise<Map<number, string>> {
  const { rows } = await client.query<{ code: number; name: string }>(
    'select code, name from ledger_accounts',
  );
  return new Map(rows.map(row => [row.code, row.name]));
}
