/** Recording how far the chain is safe and final, once every payment up to there was compared with it. */
import { lesserOf } from '../core/amount.ts';
import { type ChainProgress, writeFinality } from './chain-progress.ts';
import type { IntakeContext } from './context.ts';
import type { LookMemory, SettledHeads } from './look-memory.ts';
import { type Included, type InclusionRow, included } from './receipt-facts.ts';
import { agreesWith, contradicts, testify } from './testimony.ts';

/** So many payments are traced again at once. */
const TRACED_AT_ONCE = 32;

/**
 * Has the payments traced again that `heads` newly calls safe, and records how far they are right. The indexer was told
 * of them once, at the head of the chain, and perhaps what never was; the block's hash alone does not tell. A payment
 * that is not on the chain as it is recorded is remembered, and looked into although the indexer still shows it. Returns
 * 1 when there are RPCs to be asked again, else 0.
 */
export async function recordFinality(
  context: IntakeContext,
  memory: LookMemory,
  heads: SettledHeads,
  look: { readonly known: ReadonlyMap<string, InclusionRow>; readonly progress: ChainProgress },
): Promise<number> {
  const { known, progress } = look;
  const isNewer = heads.safeBlock > progress.safeBlock || heads.finalizedBlock > progress.finalizedBlock;
  if (!isNewer) return 0;
  const newlySafe = [...known.values()]
    .filter(({ outcome }) => outcome === 'included')
    .map(included)
    .filter(({ blockNumber }) => blockNumber > progress.safeBlock && blockNumber <= heads.safeBlock);
  let safeBlock = heads.safeBlock;
  let pending = 0;
  for (let start = 0; start < newlySafe.length; start += TRACED_AT_ONCE) {
    const some = newlySafe.slice(start, start + TRACED_AT_ONCE);
    const verdicts = await Promise.all(some.map(recorded => traceAgain(context, memory, recorded)));
    for (const [index, { receiptId, blockNumber }] of some.entries()) {
      const verdict = verdicts[index];
      if (verdict === 'right') continue;
      if (verdict === 'doubtful') memory.orphaned.add(receiptId);
      else pending = 1;
      safeBlock = lesserOf(safeBlock, blockNumber - 1n);
    }
  }
  const finalizedBlock = lesserOf(heads.finalizedBlock, safeBlock);
  if (safeBlock !== progress.safeBlock || finalizedBlock !== progress.finalizedBlock)
    await writeFinality(context, { safeBlock, finalizedBlock });
  return pending;
}

/** Right when nobody contradicts, or when two agree and are more than those who do not: they are outvoted. */
async function traceAgain(
  context: IntakeContext,
  memory: LookMemory,
  recorded: Included,
): Promise<'right' | 'doubtful' | 'unanswered'> {
  const { paymentAddress } = context.installation;
  const testimonies = await Promise.all(
    context.rpcs.map(async rpc => ({ rpc, testimony: await testify(rpc, recorded, paymentAddress) })),
  );
  const agreeing = testimonies.filter(({ testimony }) => agreesWith(testimony, recorded)).length;
  const against = testimonies.filter(({ testimony }) => contradicts(testimony, recorded));
  if (against.length === 0) return agreeing > 0 ? 'right' : 'unanswered';
  if (agreeing < 2 || agreeing <= against.length) return 'doubtful';
  for (const { rpc } of against) memory.outvoted.set(`${recorded.receiptId} ${rpc.name}`, { rpc, recorded });
  return 'right';
}
