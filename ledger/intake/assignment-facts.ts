/** What is recorded of whose an inclusion is. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { AssignmentTable, Tables } from '../store/tables.ts';
import type { Match } from './match-inclusion.ts';
import type { Included } from './receipt-facts.ts';

export interface LastAssignment extends Selectable<AssignmentTable> {
  /** True when it was kept back: the inclusion is in suspense, and an operator may assign it anew. */
  readonly isKeptBack: boolean;
}

/** The last assignment of an inclusion, or null. */
export async function readLastAssignment(
  db: Kysely<Tables>,
  { bucket, receiptId, version }: Included,
): Promise<LastAssignment | null> {
  const { rows } = await sql<LastAssignment>`
    select a.*, exists (select from suspense_reasons s where s.bucket = ${bucket} and s.receipt_id = a.receipt_id
      and s.version = a.version and s.assignment_number = a.number) as "isKeptBack"
    from assignments a
    where a.bucket = ${bucket} and a.receipt_id = ${receiptId} and a.version = ${version}
    order by a.number desc
    limit 1`.execute(db);
  return rows[0] ?? null;
}

/** The match that an assignment wrote down. */
export function matchOf(assignment: Selectable<AssignmentTable>): Match {
  const { account_id, order_id, matched_by, reason, operator } = assignment;
  return { accountId: account_id, orderId: order_id, matchedBy: matched_by, reason, operator };
}

/** What an inclusion that has its price was assigned as, where a quote makes it worth something else. */
export interface QuotedWorth {
  readonly quoteAnswer: bigint;
  readonly quotedWei: bigint;
  readonly amountMicrousd: bigint;
}

/** Writes down whose an inclusion is, in a transaction that holds the lock of its system book. */
export async function writeAssignment(
  trx: Kysely<Tables>,
  { bucket, receiptId, version }: Included,
  match: Match,
  options: { readonly number: number; readonly now: Instant; readonly worth?: QuotedWorth | null },
): Promise<void> {
  const { number, now, worth } = options;
  await trx
    .insertInto('assignments')
    .values({
      bucket,
      receipt_id: receiptId,
      version,
      number,
      account_id: match.accountId,
      order_id: match.orderId,
      matched_by: match.matchedBy,
      reason: match.reason,
      operator: match.operator ?? null,
      decided_at: instantText(now),
      quote_answer: worth?.quoteAnswer ?? null,
      quoted_wei: worth?.quotedWei ?? null,
      amount_microusd: worth?.amountMicrousd ?? null,
    })
    .execute();
}
