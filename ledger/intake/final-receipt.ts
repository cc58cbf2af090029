import type { Hash, PublicClient } from 'viem';
import { type TransactionFee, transactionFee } from '../core/transaction-fee.ts';
import { UnusableAnswerError } from './chain-answers.ts';

/** What became of a transaction in its block, and what it cost. */
export interface FinalReceipt {
  readonly transactionHash: string;
  readonly blockNumber: bigint;
  readonly blockHash: string;
  /** Lower case. */
  readonly fromAddress: string;
  readonly outcome: 'success' | 'reverted';
  readonly fee: TransactionFee;
}

const DEPOSIT_TYPE = '0x7e';

/** The receipt as the RPC words it; what only OP Stack chains have may be missing. */
interface RpcReceipt {
  readonly transactionHash: string;
  readonly type: string;
  readonly status: string;
  readonly from: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly gasUsed: string;
  readonly effectiveGasPrice: string;
  readonly l1Fee?: string | null;
  readonly operatorFeeScalar?: string | null;
  readonly operatorFeeConstant?: string | null;
  /** Since the Jovian upgrade every receipt has it. */
  readonly daFootprintGasScalar?: string | null;
}

/** The receipt of a transaction; null where no block has it. Throws when the RPC does not answer. */
export async function readFinalReceipt(
  client: PublicClient,
  transactionHash: string,
): Promise<FinalReceipt | null> {
  const receipt = await client.request<{
    Method: 'eth_getTransactionReceipt';
    Parameters: [Hash];
    ReturnType: RpcReceipt | null;
  }>({ method: 'eth_getTransactionReceipt', params: [transactionHash as Hash] });
  if (receipt === null) return null;
  try {
    return finalReceiptOf(receipt, transactionHash);
  } catch {
    throw new UnusableAnswerError(`it did not answer the receipt of ${transactionHash}`);
  }
}

function finalReceiptOf(receipt: RpcReceipt, transactionHash: string): FinalReceipt {
  if (receipt.transactionHash.toLowerCase() !== transactionHash) throw new Error('it is of another');
  return {
    transactionHash,
    blockNumber: BigInt(receipt.blockNumber),
    blockHash: receipt.blockHash,
    fromAddress: receipt.from.toLowerCase(),
    outcome: receipt.status === '0x1' ? 'success' : 'reverted',
    fee: transactionFee({
      isDeposit: receipt.type === DEPOSIT_TYPE,
      gasUsed: BigInt(receipt.gasUsed),
      gasPriceWei: BigInt(receipt.effectiveGasPrice),
      l1FeeWei: BigInt(receipt.l1Fee ?? 0),
      operatorFeeScalar: BigInt(receipt.operatorFeeScalar ?? 0),
      operatorFeeConstantWei: BigInt(receipt.operatorFeeConstant ?? 0),
      isJovian: receipt.daFootprintGasScalar != null,
    }),
  };
}
