import { type Instant, instantOfSeconds, SECOND } from '../core/instant.ts';
import { readChainProgress } from './chain-progress.ts';
import type { IntakeContext } from './context.ts';
import { readIndexedHead } from './indexed-transfers.ts';

export interface IndexerLag {
  /** The age of the newest block that the indexer has; Infinity while it has none. */
  readonly seconds: number;
  /** How many blocks the chain had beyond that when the worker last asked; NaN where one of both is not known. */
  readonly blocks: number;
}

/** How far the indexer is behind at `now`. */
export async function readIndexerLag(
  recorded: Pick<IntakeContext, 'db' | 'installation'>,
  now: Instant,
): Promise<IndexerLag> {
  const [indexed, { headBlock }] = await Promise.all([
    readIndexedHead(recorded.db),
    readChainProgress(recorded),
  ]);
  if (indexed === null) return { seconds: Number.POSITIVE_INFINITY, blocks: Number.NaN };
  const age = now - instantOfSeconds(indexed.timestamp);
  return {
    seconds: age > 0n ? Number(age) / Number(SECOND) : 0,
    blocks: headBlock === null ? Number.NaN : Math.max(0, Number(headBlock - indexed.block)),
  };
}
