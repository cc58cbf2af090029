import type { PublicClient } from 'viem';

/** A transaction to the payment address that is in no block yet. */
export interface PendingPayment {
  readonly transactionHash: string;
  readonly fromAddress: string;
  readonly amountWei: bigint;
  readonly input: string;
}

/**
 * What the RPC's pending block would pay, as a hint for the buyer who waits: it may never be in a block. Payments from
 * inside contracts are not among it. Throws when the RPC does not answer.
 * @param paymentAddress In lower case.
 */
export async function readPendingPayments(
  client: PublicClient,
  paymentAddress: string,
): Promise<PendingPayment[]> {
  const { transactions } = await client.getBlock({ blockTag: 'pending', includeTransactions: true });
  return transactions
    .filter(({ to, value }) => to?.toLowerCase() === paymentAddress && value > 0n)
    .map(({ hash, from, value, input }) => ({
      transactionHash: hash,
      fromAddress: from,
      amountWei: value,
      input,
    }));
}
