/** What is drawn by day: receipts, liability, breakage and how late payments were noticed. */
import type pg from 'pg';
import { microusdFor } from '../core/amount.ts';
import { DAY, type Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';

export interface DailyFigures {
  /** 00:00:00 UTC. */
  readonly day: Instant;
  /** Paid on that day in ETH and by card, in micro-dollars. */
  readonly chainMicrousd: bigint;
  readonly cardMicrousd: bigint;
  /** What customers could still use at its end, at the rate at which credits are sold. */
  readonly liabilityMicrousd: bigint;
  /** Credits that lapsed on that day. */
  readonly breakageMicrocredits: bigint;
  /** Between a payment and its being noticed, on average and at most, of those noticed on that day. */
  readonly lagAverage: Instant;
  readonly lagMax: Instant;
}

interface Row {
  day: Instant;
  chain: bigint;
  card: bigint;
  usable: bigint;
  breakage: bigint;
  lag_average: bigint;
  lag_max: bigint;
}

/** The queries are shown to readers, so that they can find the figures again. */
export const DAILY_QUERY = `
with noticed as (
  select noticed_at as at, noticed_at - block_at as lag from receipt_inclusions
  where outcome = 'included' and version = 1
  union all select decided_at, decided_at - moved_at from card_payments where version = 1 and moved_at is not null
), figures as (
  select date_trunc('day', e.booked_at, 'UTC') as day,
    sum(case when e.account_id = 0 and e.kind in ('assignment', 'assignment_reversal') and m.code = 2120
      then m.amount else 0 end) as chain,
    sum(case when e.account_id = 0 and e.kind = 'card_payment' and m.code = 2110 and m.amount < 0
      then -m.amount else 0 end) as card,
    sum(case when m.code in (1000, 1010, 1020) then m.amount else 0 end) as usable,
    sum(case when m.code = 1210 then m.amount else 0 end) as breakage,
    0 as lag_average, 0 as lag_max
  from postings p
  join entries e on e.bucket = p.bucket and e.account_id = p.account_id and e.seq = p.seq
  cross join lateral (values (p.to_code, p.amount), (p.from_code, -p.amount)) as m (code, amount)
  where e.booked_at <= $1::timestamptz
  group by 1
  union all
  select date_trunc('day', at, 'UTC'), 0, 0, 0, 0, trunc(avg(extract(epoch from lag)) * 1000000),
    trunc(max(extract(epoch from lag)) * 1000000)
  from noticed where at <= $1::timestamptz group by 1
)
select day, sum(chain) as chain, sum(card) as card, sum(usable) as usable, sum(breakage) as breakage,
  sum(lag_average) as lag_average, sum(lag_max) as lag_max
from figures group by day order by day`;

/** Every day from the first on which anything was booked through that of `at`. */
export async function readDailyFigures(client: pg.ClientBase, at: Instant): Promise<DailyFigures[]> {
  const { rows } = await client.query<Row>(DAILY_QUERY, [instantText(at)]);
  const byDay = new Map(rows.map(row => [row.day, row]));
  const first = rows[0]?.day;
  if (first === undefined) return [];
  const days: DailyFigures[] = [];
  let usable = 0n;
  for (let day = first; day <= at; day += DAY) {
    const row = byDay.get(day);
    usable += row?.usable ?? 0n;
    days.push({
      day,
      chainMicrousd: row?.chain ?? 0n,
      cardMicrousd: row?.card ?? 0n,
      liabilityMicrousd: microusdFor(usable),
      breakageMicrocredits: row?.breakage ?? 0n,
      lagAverage: row?.lag_average ?? 0n,
      lagMax: row?.lag_max ?? 0n,
    });
  }
  return days;
}
