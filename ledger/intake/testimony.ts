/** What one RPC says of a payment: whether its chain has it, and as what. */
import type { PublicClient } from 'viem';
import {
  type ChainFrame,
  describeRpcFailure,
  isRpcFailure,
  readBlock,
  readFrame,
  readInclusion,
  readOutermostFrame,
  UnusableAnswerError,
} from './chain-answers.ts';
import type { ChainRpc } from './chain-rpc.ts';
import type { IndexedTransfer } from './indexed-transfers.ts';
import { type ChainFacts, factsOf, isSameInclusion } from './receipt-facts.ts';

/** Which payment is meant, and where it was seen. */
export interface SeenAt {
  readonly transactionHash: string;
  readonly traceIndex: number;
  readonly blockNumber: bigint;
  readonly blockHash: string;
}

export type Testimony =
  /** Its chain has this frame, with value to the payment address. */
  | { readonly says: 'transfer'; readonly transfer: IndexedTransfer }
  /**
   * It has that very block, but not what the transaction does there: it does not trace, or does not know (yet) where the
   * transaction is.
   */
  | { readonly says: 'block'; readonly knowsTransaction: boolean }
  /** Its chain has no such frame: the transaction does something else, or another block is where it was. */
  | { readonly says: 'absent'; readonly instead: string; readonly atBlock: bigint }
  /** It cannot be asked, is behind, or contradicts itself. */
  | { readonly says: 'nothing'; readonly why: string };

/**
 * Asks `rpc` for a payment as it is now: the transaction's block by the receipt, that block by its number, and the
 * transaction traced again. Never throws for what an RPC may do.
 * @param paymentAddress Lower case.
 */
export async function testify(rpc: ChainRpc, seen: SeenAt, paymentAddress: string): Promise<Testimony> {
  try {
    const client = await rpc.proven();
    const { transactionHash, traceIndex } = seen;
    const inclusion = await readInclusion(client, transactionHash);
    if (inclusion === null) {
      const block = await readBlock(client, seen.blockNumber);
      if (block === null) return { says: 'nothing', why: `it has no block ${seen.blockNumber} yet` };
      if (block.hash === seen.blockHash) return { says: 'block', knowsTransaction: false };
      return { says: 'absent', instead: block.hash, atBlock: seen.blockNumber };
    }
    const block = await readBlock(client, inclusion.blockNumber);
    if (block?.hash !== inclusion.blockHash)
      throw new UnusableAnswerError(`its receipt and its block ${inclusion.blockNumber} do not fit`);
    const frame = inclusion.isReverted ? null : await frameAt(client, seen);
    if (frame === 'untraced')
      // In the block where it was before, it does what it did before.
      return inclusion.blockHash === seen.blockHash
        ? { says: 'block', knowsTransaction: true }
        : { says: 'nothing', why: 'it does not trace' };
    if (frame?.toAddress !== paymentAddress || frame.amountWei === 0n)
      return { says: 'absent', instead: inclusion.blockHash, atBlock: inclusion.blockNumber };
    const { isReverted: _, ...where } = inclusion;
    const transfer: IndexedTransfer = {
      ...{ transactionHash, traceIndex },
      ...where,
      ...frame,
      blockTimestamp: block.timestamp,
      direction: frame.fromAddress === paymentAddress ? 'self' : 'in',
      inputLength: (frame.input.length - 2) / 2,
    };
    return { says: 'transfer', transfer };
  } catch (error) {
    if (!isRpcFailure(error)) throw error;
    return { says: 'nothing', why: describeRpcFailure(error) };
  }
}

/** Whether it says just what is recorded, or as much of it as an RPC without traces can. */
export function agreesWith(testimony: Testimony, facts: ChainFacts): boolean {
  if (testimony.says === 'block') return testimony.knowsTransaction;
  return testimony.says === 'transfer' && isSameInclusion(factsOf(testimony.transfer), facts);
}

/** Whether it says that the chain has something else than what is recorded, or nothing. */
export function contradicts(testimony: Testimony, facts: ChainFacts): boolean {
  if (testimony.says === 'transfer') return !isSameInclusion(factsOf(testimony.transfer), facts);
  return testimony.says === 'absent';
}

/** The frame; of an RPC that does not trace only the outermost one is known. */
async function frameAt(
  client: PublicClient,
  { transactionHash, traceIndex }: SeenAt,
): Promise<ChainFrame | null | 'untraced'> {
  const frame = await readFrame(client, transactionHash, traceIndex);
  return frame === 'untraced' && traceIndex === 0 ? await readOutermostFrame(client, transactionHash) : frame;
}
