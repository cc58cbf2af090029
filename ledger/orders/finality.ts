import type { Kysely } from 'kysely';
import type { Tables } from '../store/tables.ts';

/** How settled a block is, in the chain's own words. */
export type Finality = 'latest' | 'safe' | 'finalized';

export interface SettledBlocks {
  readonly safe_block: bigint;
  readonly finalized_block: bigint;
}

/** Of the installation's only chain; null before it was looked at. */
export async function readSettledBlocks(db: Kysely<Tables>): Promise<SettledBlocks | null> {
  const columns = ['safe_block', 'finalized_block'] as const;
  return (await db.selectFrom('chain_progress').select(columns).executeTakeFirst()) ?? null;
}

/** Of the block that a payment is in; 'latest' for one that was taken back. */
export function finalityOf(
  { blockNumber, reversed }: { readonly blockNumber: bigint; readonly reversed: boolean },
  settled: SettledBlocks | null,
): Finality {
  if (settled === null || reversed || blockNumber > settled.safe_block) return 'latest';
  return blockNumber > settled.finalized_block ? 'safe' : 'finalized';
}
