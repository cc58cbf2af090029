/** Whether what is noted as used of limits follows from the journal. */
import type pg from 'pg';
import { accountName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import { type LimitPeriod, periodEndOf } from '../core/spending-limit.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Problem } from './problem.ts';

interface Row {
  bucket: number;
  account_id: bigint;
  key_number: number;
  period: LimitPeriod;
  period_start: Instant;
  used_microcredits: bigint;
}

/** A problem for each limit of which something else was used, in the period that is noted, than the journal says. */
export async function checkLimits(
  client: pg.ClientBase,
  bucketCount: number,
  accountId: bigint | null,
): Promise<Problem[]> {
  const columns = 'bucket, account_id, key_number, period, period_start, used_microcredits';
  const { rows } =
    accountId === null
      ? await client.query<Row>(
          `select ${columns} from spending_limits order by bucket, account_id, key_number`,
        )
      : await client.query<Row>(
          `select ${columns} from spending_limits where bucket = $1 and account_id = $2 order by key_number`,
          [bucketOfAccount(accountId, bucketCount), accountId],
        );
  const problems: Problem[] = [];
  for (const row of rows) {
    const used = await usedByJournal(client, row);
    if (used === row.used_microcredits) continue;
    problems.push({
      book: accountName(row.account_id),
      entry: null,
      what: `what is used of the limit of key ${row.key_number} is not what it spent since ${instantText(row.period_start)}`,
      expected: String(used),
      found: String(row.used_microcredits),
    });
  }
  return problems;
}

/** Debits and captures of the period, less all that was reversed of them. */
async function usedByJournal(client: pg.ClientBase, row: Row): Promise<bigint> {
  const end = periodEndOf(row.period, row.period_start);
  const { rows } = await client.query<{ used: bigint }>(
    `select coalesce(sum(e.amount_microcredits - coalesce(r.back, 0)), 0)::bigint as used
     from entries e
     left join holds h on h.bucket = $1 and h.account_id = $2 and h.closed_by = e.seq and e.kind = 'capture'
     left join (
       select spend_id, sum(amount_microcredits) as back from reversals
       where bucket = $1 and account_id = $2 group by spend_id
     ) r on r.spend_id = e.seq
     where e.bucket = $1 and e.account_id = $2 and e.kind in ('debit', 'capture')
       and (case when e.kind = 'capture' then h.key_number else e.key_number end) = $3
       and e.booked_at >= $4 and ($5::timestamptz is null or e.booked_at < $5)`,
    [
      row.bucket,
      row.account_id,
      row.key_number,
      instantText(row.period_start),
      end === null ? null : instantText(end),
    ],
  );
  return rows[0]?.used ?? 0n;
}
