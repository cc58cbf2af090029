import { type Kysely, sql } from 'kysely';
import { advance } from '../core/advance.ts';
import type { Instant } from '../core/instant.ts';
import { findDueBooks } from '../store/due-books.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import { readLatestBook } from './latest-book.ts';
import type { ReadOptions } from './read-options.ts';

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
    .execute(async db => {
      const balances = await postedBy(db, at);
      await addUnposted({ ...options, db }, at, balances);
      const { rows } = await sql<{ name: string }>`select name from ledger_accounts order by code`.execute(
        db,
      );
      return rows.flatMap(({ name }) => {
        const balance = balances.get(name);
        return balance === undefined ? [] : [{ account: name, balance }];
      });
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
  for (const bucket of await bucketsWithOpen(options.db)) {
    let after: bigint | null = 0n;
    while (after !== null) {
      const page = await findDueBooks(runIn(options.db), { bucket, after, through: at, limit: PAGE });
      for (const accountId of page.accountIds) {
        const { entries } = advance(await readLatestBook(options, accountId), at);
        for (const { from, to, amount } of entries.flatMap(({ postings }) => postings)) {
          add(from, -amount);
          add(to, amount);
        }
      }
      after = page.last;
    }
  }
}

/** The buckets in which something may be due: those of an open lot or an open hold. */
async function bucketsWithOpen(db: Kysely<Tables>): Promise<number[]> {
  const { rows } = await sql<{ bucket: number }>`
    select bucket from lots where open
    union
    select bucket from holds where closed_by is null
    order by bucket`.execute(db);
  return rows.map(({ bucket }) => bucket);
}

const PAGE = 500;
