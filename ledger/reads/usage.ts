/** What was used: added up from the journal, from as many entries as the time asked for has. */
import { type RawBuilder, sql } from 'kysely';
import { DAY, type Instant } from '../core/instant.ts';
import { periodStartOf } from '../core/spending-limit.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import { lastEntry, lastEntryBefore, spendsIn, spentRows } from '../store/spent.ts';
import type { ReadOptions } from './read-options.ts';

export const USAGE_GROUPS = ['day', 'service', 'model', 'key'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** The longest time that usage is told of at once. */
export const USAGE_SPAN_MAX = 92n * DAY;

/** What one of a group has used. */
export interface Usage {
  /**
   * The beginning of the day, in microseconds; the service's name; the model, null where none was told; or the number of the
   * key or grant, null where none authorised it.
   */
  readonly group: string | null;
  /** Debits and captures, less what was reversed of them, whenever that was. */
  readonly amountMicrocredits: bigint;
  /** How many debits and captures, those that were reversed included. */
  readonly count: number;
}

/** The model in an entry's details, as JSON has it: an escaped quote can stand neither before nor in the name of a member. */
const MODEL = `substring(details from '"model":("(?:[^"\\\\]|\\\\.)*")')`;

const GROUPS: Readonly<Record<UsageGroup, RawBuilder<unknown>>> = {
  day: sql`(extract(epoch from date_trunc('day', booked_at, 'UTC'))::bigint * 1000000)::text`,
  service: sql`(select name from services s where s.service_id = spent.service_id)`,
  model: sql.raw(MODEL),
  key: sql`key_number::text`,
};

/**
 * What an account used in [from, to), in groups: days in their order, others by what they used, the most first. Throws when
 * that is longer than USAGE_SPAN_MAX.
 */
export async function readUsage(
  { db, bucketCount }: ReadOptions,
  accountId: bigint,
  asked: { readonly from: Instant; readonly to: Instant; readonly groupBy: UsageGroup },
): Promise<Usage[]> {
  const { from, to, groupBy } = asked;
  if (to - from > USAGE_SPAN_MAX) throw new Error('usage of more than 92 days is not told at once');
  const book = { bucket: bucketOfAccount(accountId, bucketCount), accountId };
  const after = await lastEntryBefore(db, book, from);
  const through = await lastEntryBefore(db, book, to);
  if (through <= after) return [];
  const order = groupBy === 'day' ? sql`"group"` : sql`amount desc, "group" nulls last`;
  const { rows } = await sql<{ group: string | null; amount: bigint; count: bigint }>`
    select ${GROUPS[groupBy]} as "group", sum(amount)::bigint as amount, count(*) filter (where amount > 0) as count
    from (${spentRows(book, spendsIn({ after, through }))}) spent
    group by 1
    order by ${order}`.execute(db);
  return rows.map(row => ({
    group: groupBy === 'model' && row.group !== null ? (JSON.parse(row.group) as string) : row.group,
    amountMicrocredits: row.amount,
    count: Number(row.count),
  }));
}

/** What a key or grant has used of the day, the week and the month of an instant, and ever. */
export interface CredentialUsage {
  readonly dayMicrocredits: bigint;
  readonly weekMicrocredits: bigint;
  readonly monthMicrocredits: bigint;
  readonly lifetimeMicrocredits: bigint;
}

/** Goes through all that the account has ever spent. */
export async function readCredentialUsage(
  { db, bucketCount }: ReadOptions,
  { accountId, keyNumber }: { readonly accountId: bigint; readonly keyNumber: number },
  now: Instant,
): Promise<CredentialUsage> {
  const book = { bucket: bucketOfAccount(accountId, bucketCount), accountId };
  const through = await lastEntry(db, book);
  const since = (period: 'day' | 'week' | 'month') =>
    sql`coalesce(sum(amount) filter (where booked_at >= ${instantText(periodStartOf(period, now))}), 0)::bigint`;
  const { rows } = await sql<{ day: bigint; week: bigint; month: bigint; lifetime: bigint }>`
    select ${since('day')} as day, ${since('week')} as week, ${since('month')} as month,
      coalesce(sum(amount), 0)::bigint as lifetime
    from (${spentRows(book, spendsIn({ after: 0n, through }))}) spent
    where key_number = ${keyNumber}`.execute(db);
  const [row] = rows;
  return {
    dayMicrocredits: row?.day ?? 0n,
    weekMicrocredits: row?.week ?? 0n,
    monthMicrocredits: row?.month ?? 0n,
    lifetimeMicrocredits: row?.lifetime ?? 0n,
  };
}
