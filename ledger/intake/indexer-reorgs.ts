import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';
import { isMissing } from './indexed-transfers.ts';

/** A reorg in which the chain replaced what the indexer had taken for final. */
export interface IndexerReorg {
  readonly id: bigint;
  /** The last block that the indexer knows to be as it was; -1 for none. */
  readonly afterBlock: bigint;
  /** The chain's newest block when the indexer found out. */
  readonly headBlock: bigint;
}

/** The deep reorgs that the indexer met and nobody has taken note of, the oldest first. */
export async function readIndexerReorgs(db: Kysely<Tables>): Promise<IndexerReorg[]> {
  try {
    const { rows } = await sql<IndexerReorg>`
      select id, after_block as "afterBlock", head_block as "headBlock"
      from indexer_memory.deep_reorgs order by id`.execute(db);
    return rows;
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Says that a deep reorg was noted: it is not told again. */
export async function forgetIndexerReorg(db: Kysely<Tables>, id: bigint): Promise<void> {
  await sql`delete from indexer_memory.deep_reorgs where id = ${id}`.execute(db);
}
