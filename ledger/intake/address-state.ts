import type { PublicClient } from 'viem';
import { isRpcFailure, readBalanceAndNonce, UnusableAnswerError } from './chain-answers.ts';
import type { IntakeContext } from './context.ts';
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
 * away, as most nodes do after some minutes or days. Throws when it does not answer.
 */
export async function addressStateAt(
  client: PublicClient,
  address: string,
  blockNumber: bigint,
): Promise<AddressState | null> {
  try {
    return { blockNumber, ...(await readBalanceAndNonce(client, address, blockNumber)) };
  } catch (error) {
    // Nodes agree neither on the code nor on the words for state they no longer have, but they do answer.
    if (refusalOf(error)) return null;
    throw error;
  }
}

/** RPCs tell different things of the payment address: nothing can be compared with its balance. */
export class BalanceDisputedError extends UnusableAnswerError {
  override readonly name = 'BalanceDisputedError';
}

/**
 * The state of the payment address as the first RPC tells it, if no other contradicts. Others that do not answer, or have
 * thrown that state away, say nothing. Throws BalanceDisputedError where two differ.
 */
export async function agreedStateAt(
  { rpcs, client, installation }: Pick<IntakeContext, 'rpcs' | 'client' | 'installation'>,
  blockNumber: bigint,
): Promise<AddressState | null> {
  const { paymentAddress } = installation;
  const [own, ...others] = await Promise.all([
    addressStateAt(client, paymentAddress, blockNumber),
    ...rpcs.slice(1).map(async rpc => {
      try {
        return {
          name: rpc.name,
          state: await addressStateAt(await rpc.proven(), paymentAddress, blockNumber),
        };
      } catch (error) {
        if (!isRpcFailure(error)) throw error;
        return { name: rpc.name, state: null };
      }
    }),
  ]);
  if (own === null) return null;
  for (const { name, state } of others)
    if (state !== null && (state.balanceWei !== own.balanceWei || state.nonce !== own.nonce))
      throw new BalanceDisputedError(`${name} tells another balance or nonce than RPC 1`);
  return own;
}
