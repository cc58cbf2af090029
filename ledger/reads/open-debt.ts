import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';

/** What all customers owe together, in microcredits. */
export async function readOpenDebt(db: Kysely<Tables>): Promise<bigint> {
  const { rows } = await sql<{ debt: bigint | null }>`
    select sum(debt_microcredits) as debt from books where debt_microcredits > 0`.execute(db);
  return rows[0]?.debt ?? 0n;
}
