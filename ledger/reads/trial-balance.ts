import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';

export interface AccountBalance {
  readonly account: string;
  /** Debits less credits, in the smallest unit of the asset: microcredits, micro-dollars or wei. */
  readonly balance: bigint;
}

/**
 * The balance of every ledger account that was ever posted to, over all books. Within each asset they add up to
 * zero. Adds up the whole journal.
 */
export async function readTrialBalance(db: Kysely<Tables>): Promise<AccountBalance[]> {
  const { rows } = await sql<{ name: string; balance: bigint }>`
    select a.name, sum(moved.amount) as balance
    from (
      select to_code as code, amount from postings
      union all
      select from_code, -amount from postings
    ) moved
    join ledger_accounts a on a.code = moved.code
    group by a.code, a.name
    order by a.code`.execute(db);
  return rows.map(row => ({ account: row.name, balance: row.balance }));
}
