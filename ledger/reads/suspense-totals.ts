import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';

/** What is nobody's yet, all of it. */
export interface SuspenseTotals {
  readonly receiptCount: number;
  readonly amountWei: bigint;
}

/** Adds up the payments that `readSuspense` lists. */
export async function readSuspenseTotals(db: Kysely<Tables>): Promise<SuspenseTotals> {
  const { rows } = await sql<{ count: bigint; amount: bigint | null }>`
    select count(*) as count, sum(i.amount_wei) as amount
    from suspense_reasons s
    join receipt_inclusions i on i.bucket = s.bucket and i.receipt_id = s.receipt_id and i.version = s.version
    where not exists (select from receipt_inclusions later
        where later.bucket = s.bucket and later.receipt_id = s.receipt_id and later.version > s.version)
      and not exists (select from assignments later where later.bucket = s.bucket
        and later.receipt_id = s.receipt_id and later.version = s.version and later.number > s.assignment_number)`.execute(
    db,
  );
  return { receiptCount: Number(rows[0]?.count ?? 0n), amountWei: rows[0]?.amount ?? 0n };
}
