import {
  type Hash,
  numberToHex,
  type PublicClient,
  type TransactionReceipt,
  TransactionReceiptNotFoundError,
} from 'viem';
import { judgeFrame } from '../core/frame.ts';
import type { Included } from './receipt-facts.ts';
import { type TracedFrame, traceTransaction } from './trace-support.ts';

export type CanonicalVerdict =
  /** The chain has settled without this payment. */
  | 'gone'
  /** The chain has it, whatever the indexer says. */
  | 'present'
  /** Too early to tell. */
  | 'unsettled';

/**
 * Whether a payment whose row vanished is really gone. Rows also vanish when an RPC lags, on restarts and when the
 * indexer's tables are replaced, so only the chain itself can say. Where the transaction is in no block, `safe` must
 * have passed the height and the block there must be another one. Where it is in a block, perhaps another than before,
 * `safe` must have passed that, and the transaction is traced again: the same hash may do something else on another
 * fork. Throws when the RPC does not answer.
 */
export async function checkCanonical(
  client: PublicClient,
  lost: Included,
  paymentAddress: string,
): Promise<CanonicalVerdict> {
  const hash = lost.transactionHash as Hash;
  const [safe, receipt] = await Promise.all([
    client.getBlock({ blockTag: 'safe' }),
    client.getTransactionReceipt({ hash }).catch(notFoundAsNull),
  ]);
  if (safe.number < (receipt?.blockNumber ?? lost.blockNumber)) return 'unsettled';
  if (receipt) {
    const outermost = await traceTransaction(client, hash);
    if (outermost === null) return await judgeWithoutTrace(client, lost, receipt, paymentAddress);
    const frame = successfulFrames(outermost).get(lost.traceIndex);
    return isPayment(frame, lost, paymentAddress) ? 'present' : 'gone';
  }
  const canonical = await client.getBlock({ blockNumber: lost.blockNumber });
  return canonical.hash === lost.blockHash ? 'present' : 'gone';
}

/**
 * The verdict where the RPC does not trace, on a transaction that a settled block has. In the block it was in before it
 * does what it did before; in another one only its outermost frame is known. Of a frame within, which was seen through an
 * RPC that traces, nothing can be said there.
 */
async function judgeWithoutTrace(
  client: PublicClient,
  lost: Included,
  receipt: TransactionReceipt,
  paymentAddress: string,
): Promise<CanonicalVerdict> {
  if (receipt.status === 'reverted') return 'gone';
  if (receipt.blockHash === lost.blockHash) return 'present';
  if (lost.traceIndex > 0) return 'unsettled';
  const { to, value } = await client.getTransaction({ hash: receipt.transactionHash });
  const outermost = { type: 'CALL', ...(to === null ? {} : { to }), value: numberToHex(value) };
  return isPayment(outermost, lost, paymentAddress) ? 'present' : 'gone';
}

/** The frames by their position, depth first, the outermost being 0; without those that failed or were undone. */
function successfulFrames(outermost: TracedFrame): Map<number, TracedFrame> {
  const frames = new Map<number, TracedFrame>();
  let index = 0;
  const visit = (frame: TracedFrame, undone: boolean) => {
    const failed = undone || frame.error !== undefined;
    if (!failed) frames.set(index, frame);
    index += 1;
    for (const call of frame.calls ?? []) visit(call, failed);
  };
  visit(outermost, false);
  return frames;
}

function isPayment(frame: TracedFrame | undefined, lost: Included, paymentAddress: string): boolean {
  if (frame?.to?.toLowerCase() !== paymentAddress || BigInt(frame.value ?? '0x0') === 0n) return false;
  const { transactionType } = lost;
  return judgeFrame({ frameType: frame.type, transactionType, direction: 'in' }) !== 'refused';
}

function notFoundAsNull(error: unknown): null {
  if (error instanceof TransactionReceiptNotFoundError) return null;
  throw error;
}
