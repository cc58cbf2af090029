/** The limits of keys and grants as they are stored, in the bucket of the account. */
import type { Instant } from '../core/instant.ts';
import type { LimitPeriod, SpendingLimit } from '../core/spending-limit.ts';
import { type BookKey, bookStatement, runAbout } from './book-statement.ts';
import type { OfAccount } from './books.ts';
import type { RunSql } from './run-sql.ts';

const LOAD_LIMITS = bookStatement(
  'load_limits',
  {},
  (wanted, bucket) => `select s.account_id, s.key_number, s.limit_microcredits, s.period, s.period_start,
      s.used_microcredits
    from ${wanted}
    join spending_limits s on s.bucket = ${bucket} and s.account_id = wanted.account_id
    order by s.account_id, s.key_number`,
);

/** All limits of the books, which are locked. */
export async function loadLimits(run: RunSql, keys: readonly BookKey[]): Promise<OfAccount<SpendingLimit>[]> {
  const rows = await runAbout<LimitRow & { account_id: bigint }>(run, LOAD_LIMITS, keys);
  return rows.map(row => ({ accountId: row.account_id, value: limitOf(row) }));
}

export interface LimitRow {
  key_number: number;
  limit_microcredits: bigint;
  period: LimitPeriod;
  period_start: Instant;
  used_microcredits: bigint;
}

export function limitOf(row: LimitRow): SpendingLimit {
  return {
    keyNumber: row.key_number,
    limitMicrocredits: row.limit_microcredits,
    period: row.period,
    periodStart: row.period_start,
    usedMicrocredits: row.used_microcredits,
  };
}
