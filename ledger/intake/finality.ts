/** Recording how far the chain is safe and final, once every payment up to there was compared with it. */
import { lesserOf } from '../core/amount.ts';
import { readBlock } from './chain-answers.ts';
import { type ChainProgress, writeFinality } from './chain-progress.ts';
import type { IntakeContext } from './context.ts';
import type { LookMemory, SettledHeads } from './look-memory.ts';
import type { InclusionRow } from './receipt-facts.ts';

/**
 * Compares the blocks of recorded payments that `heads` newly calls safe with the chain, and records how far they are
 * right. A payment whose block is not the chain's is remembered, and looked into although the indexer still shows it.
 * Throws when the RPC does not answer.
 */
export async function recordFinality(
  context: IntakeContext,
  memory: LookMemory,
  heads: SettledHeads,
  look: { readonly known: ReadonlyMap<string, InclusionRow>; readonly progress: ChainProgress },
): Promise<void> {
  const { known, progress } = look;
  const isNewer = heads.safeBlock > progress.safeBlock || heads.finalizedBlock > progress.finalizedBlock;
  if (!isNewer) return;
  const hashes = new Map<bigint, string | undefined>();
  let safeBlock = heads.safeBlock;
  for (const row of known.values()) {
    const { receipt_id, outcome, block_number, block_hash } = row;
    if (outcome !== 'included' || block_number === null) continue;
    if (block_number <= progress.safeBlock || block_number > heads.safeBlock) continue;
    if (!hashes.has(block_number))
      hashes.set(block_number, (await readBlock(context.client, block_number))?.hash);
    if (hashes.get(block_number) === block_hash) continue;
    memory.orphaned.add(receipt_id);
    safeBlock = lesserOf(safeBlock, block_number - 1n);
  }
  const finalizedBlock = lesserOf(heads.finalizedBlock, safeBlock);
  if (safeBlock === progress.safeBlock && finalizedBlock === progress.finalizedBlock) return;
  await writeFinality(context, { safeBlock, finalizedBlock });
}
