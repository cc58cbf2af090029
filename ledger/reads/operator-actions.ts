import { type Kysely, sql } from 'kysely';
import { bookName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** What an operator did, as it is sealed. */
export interface RecordedAction {
  /** The book and the number of the entry that seals it. */
  readonly book: string;
  readonly seq: bigint;
  readonly at: Instant;
  readonly operator: string | null;
  /** `adjustment`, or what kind of action it was. */
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
  /** What else is sealed with it. */
  readonly decided: Readonly<Record<string, unknown>>;
}

/** Where a page ended. */
export interface ActionCursor {
  readonly at: Instant;
  readonly bucket: number;
  readonly accountId: bigint;
  readonly seq: bigint;
}

export interface ActionPage {
  readonly actions: readonly RecordedAction[];
  /** Where the next page begins; null when this is the last. */
  readonly next: ActionCursor | null;
}

/**
 * A page of what operators did, the newest first: actions from the system books, and adjustments from the customers'
 * books, which seal operator and reason themselves.
 * @param page `before` is the `next` of the page before it; left out for the first. `limit` is at least 1.
 */
export async function readOperatorActions(
  db: Kysely<Tables>,
  { before, limit }: { readonly before?: ActionCursor | undefined; readonly limit: number },
): Promise<ActionPage> {
  const onwards = before
    ? sql`and (booked_at, bucket, account_id, seq)
        < (${instantText(before.at)}::timestamptz, ${before.bucket}::smallint, ${before.accountId}::bigint, ${before.seq}::bigint)`
    : sql``;
  const { rows } = await sql<{
    bucket: number;
    account_id: bigint;
    seq: bigint;
    kind: 'operator_action' | 'adjustment';
    booked_at: Instant;
    amount_microcredits: bigint;
    details: string;
  }>`
    select bucket, account_id, seq, kind, booked_at, amount_microcredits, details from entries
    where details like '{"operator":%' and kind in ('operator_action', 'adjustment') ${onwards}
    order by booked_at desc, bucket desc, account_id desc, seq desc
    limit ${limit + 1}`.execute(db);
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    actions: rows.slice(0, limit).map(row => {
      const book = bookName(row.bucket, row.account_id);
      const { operator, action, subject, reason, ...decided } = JSON.parse(row.details);
      const common = { book, seq: row.seq, at: row.booked_at, operator, reason };
      if (row.kind === 'operator_action') return { ...common, action, subject, decided };
      const amount = row.amount_microcredits.toString();
      return {
        ...common,
        action: 'adjustment',
        subject: book,
        decided: { ...decided, amount_microcredits: amount },
      };
    }),
    next: last
      ? { at: last.booked_at, bucket: last.bucket, accountId: last.account_id, seq: last.seq }
      : null,
  };
}
