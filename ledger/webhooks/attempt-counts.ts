/** How many attempts had which outcome, ever: kept as a sum, as what was delivered is cleared away. */
import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';

/** The endpoint took the message; it is tried again; it is not any more. */
export const ATTEMPT_OUTCOMES = ['delivered', 'retried', 'given_up'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** Counts one attempt in the transaction that keeps its outcome. Others of the bucket wait until that ends. */
export async function countAttempt(
  trx: Kysely<Tables>,
  bucket: number,
  outcome: AttemptOutcome,
): Promise<void> {
  await trx
    .insertInto('webhook_attempt_counts')
    .values({ bucket, outcome, attempts: 1n })
    .onConflict(conflict =>
      conflict
        .columns(['bucket', 'outcome'])
        .doUpdateSet({ attempts: sql<bigint>`webhook_attempt_counts.attempts + 1` }),
    )
    .execute();
}

/** The attempts of all workers by outcome. Reads a row for each bucket and outcome. */
export async function readAttemptCounts(db: Kysely<Tables>): Promise<Record<AttemptOutcome, bigint>> {
  const rows = await db.selectFrom('webhook_attempt_counts').select(['outcome', 'attempts']).execute();
  const counts = { delivered: 0n, retried: 0n, given_up: 0n };
  for (const { outcome, attempts } of rows) counts[outcome] += attempts;
  return counts;
}
