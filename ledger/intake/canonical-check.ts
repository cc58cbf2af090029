import { judgeFrame } from '../core/frame.ts';
import { isRpcFailure, readTaggedBlock } from './chain-answers.ts';
import type { ChainRpc } from './chain-rpc.ts';
import type { IndexedTransfer } from './indexed-transfers.ts';
import { factsOf, type Included, isSameInclusion } from './receipt-facts.ts';
import { type Testimony, testify } from './testimony.ts';

export type CanonicalVerdict =
  /** The chain has gone on without this payment. */
  | { readonly verdict: 'gone' }
  /** The chain has it, whatever the indexer says: as `transfer`, or as it was where that is null. */
  | { readonly verdict: 'present'; readonly transfer: IndexedTransfer | null }
  /** Some RPCs say the one, others the other. */
  | { readonly verdict: 'disputed' }
  /** Too early to tell, or nobody to tell it. */
  | { readonly verdict: 'unsettled' };

const UNSETTLED: CanonicalVerdict = { verdict: 'unsettled' };
const DISPUTED: CanonicalVerdict = { verdict: 'disputed' };

/**
 * Whether a payment whose row vanished is really gone. Rows also vanish when an RPC lags, on restarts and when the
 * indexer's tables are replaced, so only the chain itself can say. Gone means: in its block, or in the block that is
 * there instead, or in the one where the transaction is now, the transaction traced again has no such payment. A single
 * RPC is believed once its `safe` has passed that block; of several, two must agree, whatever is safe, and none may
 * object. RPCs that fail, are behind or contradict themselves say nothing.
 */
export async function checkCanonical(
  rpcs: readonly ChainRpc[],
  lost: Included,
  paymentAddress: string,
): Promise<CanonicalVerdict> {
  // Before they are asked: what was safe then is not replaced while they answer.
  const safe = await Promise.all(rpcs.map(readSafeBlock));
  const testimonies = await Promise.all(rpcs.map(rpc => testify(rpc, lost, paymentAddress)));
  const isSafe = (testimony: Testimony, index: number) => (safe[index] ?? -1n) >= blockOf(testimony, lost);
  const isEnough = (agreeing: number) => agreeing >= 2 || (rpcs.length === 1 && testimonies.every(isSafe));

  const { gone, moved, hasBlock } = gather(testimonies);
  if (gone.length > 0) {
    if (hasBlock || moved.length > 0 || new Set(gone).size > 1) return DISPUTED;
    return isEnough(gone.length) ? { verdict: 'gone' } : UNSETTLED;
  }
  const [transfer] = moved;
  if (transfer === undefined && !hasBlock) return UNSETTLED;
  if (moved.some(other => transfer && !isSameInclusion(factsOf(other), factsOf(transfer)))) return DISPUTED;
  if (transfer && isEnough(moved.length)) return { verdict: 'present', transfer };
  return testimonies.some(isSafe) ? { verdict: 'present', transfer: null } : UNSETTLED;
}

/** Who says what: the blocks that some have instead, the payment as others have it, and whether any has its block. */
function gather(testimonies: readonly Testimony[]) {
  const gone: string[] = [];
  const moved: IndexedTransfer[] = [];
  for (const testimony of testimonies) {
    if (testimony.says === 'absent') gone.push(testimony.instead);
    if (testimony.says !== 'transfer') continue;
    if (judgeFrame(testimony.transfer) === 'refused') gone.push(testimony.transfer.blockHash);
    else moved.push(testimony.transfer);
  }
  return { gone, moved, hasBlock: testimonies.some(({ says }) => says === 'block') };
}

/** The RPC's safe block; -1 where it does not tell. */
async function readSafeBlock({ client }: ChainRpc): Promise<bigint> {
  try {
    return (await readTaggedBlock(client, 'safe')).number;
  } catch (error) {
    if (!isRpcFailure(error)) throw error;
    return -1n;
  }
}

function blockOf(testimony: Testimony, lost: Included): bigint {
  if (testimony.says === 'transfer') return testimony.transfer.blockNumber;
  return testimony.says === 'absent' ? testimony.atBlock : lost.blockNumber;
}
