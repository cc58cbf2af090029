import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { ReadOptions } from './read-options.ts';
import { readUnposted } from './unposted.ts';

export interface AccountBalance {
  readonly account: string;
  /** Debits less credits, in the smallest unit of the asset: microcredits, micro-dollars or wei. */
  readonly balance: bigint;
}

/**
 * The balance of every ledger account that was posted to by `at`, over all books, in the order of the chart: what was
 * booked by then, that instant included, and what time had made due by then, whether or not anybody has posted it.
 * Within each asset they add up to zero. Of one moment, and writes nothing. Adds up the whole journal.
 */
export async function readTrialBalance(options: ReadOptions, at: Instant): Promise<AccountBalance[]> {
  return await options.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(db => trialBalanceIn({ ...options, db }, at));
}

/** The same in the transaction of `options.db`, which must see one moment. */
export async function trialBalanceIn(options: ReadOptions, at: Instant): Promise<AccountBalance[]> {
  const balances = await postedBy(options.db, at);
  await addUnposted(options, at, balances);
  const { rows } = await sql<{ name: string }>`select name from ledger_accounts order by code`.execute(
    options.db,
  );
  return rows.flatMap(({ name }) => {
    const balance = balances.get(name);
    return balance === undefined ? [] : [{ account: name, balance }];
  });
}

async function postedBy(db: Kysely<Tables>, at: Instant): Promise<Map<string, bigint>> {
  const { rows } = await sql<{ name: string; balance: bigint }>`
    select a.name, sum(moved.amount) as balance
    from (
      select p.from_code, p.to_code, p.amount from postings p
      join entries e on e.bucket = p.bucket and e.account_id = p.account_id and e.seq = p.seq
      where e.booked_at <= ${instantText(at)}
    ) posted
    cross join lateral (values (posted.to_code, posted.amount), (posted.from_code, -posted.amount)) as moved (code, amount)
    join ledger_accounts a on a.code = moved.code
    group by a.name`.execute(db);
  return new Map(rows.map(row => [row.name, row.balance]));
}

/** Books in which something was due by then are advanced in memory. */
async function addUnposted(options: ReadOptions, at: Instant, balances: Map<string, bigint>): Promise<void> {
  const add = (account: string, amount: bigint) =>
    balances.set(account, (balances.get(account) ?? 0n) + amount);
  for await (const { entries } of readUnposted(options, at))
    for (const { from, to, amount } of entries.flatMap(({ postings }) => postings)) {
      add(from, -amount);
      add(to, amount);
    }
}
