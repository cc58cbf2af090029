import { type Hash, type PublicClient, TransactionReceiptNotFoundError } from 'viem';
import type { Included } from './receipt-facts.ts';

export type CanonicalVerdict =
  /** The chain has settled on another block there, and the transaction is in none. */
  | 'gone'
  /** It is still where we have it, or in another block that the indexer will report. */
  | 'present'
  /** Too early to tell. */
  | 'unsettled';

/**
 * Whether a payment whose row vanished is really gone. Rows also vanish when an RPC lags, on restarts and when the
 * indexer's tables are replaced, so only the chain itself can say: `safe` must have passed the height, and the block
 * there must be another one. Throws when the RPC does not answer.
 */
export async function checkCanonical(client: PublicClient, lost: Included): Promise<CanonicalVerdict> {
  const [safe, receipt] = await Promise.all([
    client.getBlock({ blockTag: 'safe' }),
    client.getTransactionReceipt({ hash: lost.transactionHash as Hash }).catch(notFoundAsNull),
  ]);
  if (receipt) return 'present';
  if (safe.number < lost.blockNumber) return 'unsettled';
  const canonical = await client.getBlock({ blockNumber: lost.blockNumber });
  return canonical.hash === lost.blockHash ? 'present' : 'gone';
}

function notFoundAsNull(error: unknown): null {
  if (error instanceof TransactionReceiptNotFoundError) return null;
  throw error;
}
