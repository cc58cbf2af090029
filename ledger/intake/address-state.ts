import type { PublicClient } from 'viem';
import { refusalOf } from './rpc-refusal.ts';

/** What the chain says of an address after a block. */
export interface AddressState {
  readonly blockNumber: bigint;
  readonly balanceWei: bigint;
  /** How many transactions it has sent, which for an account without code is all that ever made it grow. */
  readonly nonce: bigint;
}

/**
 * The state of `address` (0x…) after block `blockNumber`, which the RPC must know; null where it has thrown that state
 * away, as most nodes do after some minutes or days. Throws viem's error when it does not answer.
 */
export async function addressStateAt(
  client: PublicClient,
  address: string,
  blockNumber: bigint,
): Promise<AddressState | null> {
  const of = { address: address as `0x${string}`, blockNumber };
  try {
    const [balanceWei, nonce] = await Promise.all([client.getBalance(of), client.getTransactionCount(of)]);
    return { blockNumber, balanceWei, nonce: BigInt(nonce) };
  } catch (error) {
    // Nodes agree neither on the code nor on the words for state they no longer have, but they do answer.
    if (refusalOf(error)) return null;
    throw error;
  }
}
