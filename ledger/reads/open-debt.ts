import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';

/** What all customers owe together, in microcredits. */
export async function readOpenDebt(db: Kysely<Tables>): Promise<bigint> {
  const { rows } = await sql<{ debt: bigint | null }>`
    select sum(debt_microcredits) as debt from books where debt_microcredits > 0`.execute(db);
  return rows[0]?.debt ?? 0n;
}

/** An account that owes. */
export interface Debtor {
  readonly accountId: bigint;
  /** More than 0. */
  readonly debtMicrocredits: bigint;
}

/** Those who owe most, at most `limit` of them, the largest debt first. */
export async function readDebtors(db: Kysely<Tables>, limit: number): Promise<Debtor[]> {
  const { rows } = await sql<{ account_id: bigint; debt_microcredits: bigint }>`
    select account_id, debt_microcredits from books where debt_microcredits > 0
    order by debt_microcredits desc, account_id limit ${limit}`.execute(db);
  return rows.map(row => ({ accountId: row.account_id, debtMicrocredits: row.debt_microcredits }));
}
