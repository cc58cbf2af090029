/** What moved ETH to and from an address in one block, as the RPC tells it: by the traces, or by the transactions alone. */
import type { PublicClient } from 'viem';
import { judgeFrame, WITHDRAWING_FRAMES } from '../core/frame.ts';
import type { TransactionFee } from '../core/transaction-fee.ts';
import {
  type ChainBlock,
  type ChainFrame,
  type ChainTransaction,
  type PlacedFrame,
  readBlock,
  readBlockFrames,
  readInclusion,
  readTransactions,
  UnusableAnswerError,
} from '../intake/chain-answers.ts';
import { readFinalReceipt } from '../intake/final-receipt.ts';
import { type ChainFacts, chainReceiptId, factsOf } from '../intake/receipt-facts.ts';
import { refusalOf } from '../intake/rpc-refusal.ts';

/** A payment as the chain has it, with all that the ledger records of one. */
export type ScannedReceipt = ChainFacts & { readonly receiptId: string };

/** Where something is on the chain. */
export interface InBlock {
  readonly transactionHash: string;
  readonly blockNumber: bigint;
  readonly blockHash: string;
}

/** ETH that left by a frame of the address. */
export interface ScannedWithdrawal extends InBlock {
  readonly traceIndex: number;
  readonly frameType: string;
  readonly toAddress: string | null;
  readonly amountWei: bigint;
}

/** A transaction that the address sent. */
export interface ScannedTransaction extends InBlock {
  readonly outcome: 'success' | 'reverted';
  readonly fee: TransactionFee;
  /** What it brought from L1 without a transfer: only a deposit does. */
  readonly mintedWei: bigint;
}

export interface BlockMovements {
  readonly block: ChainBlock;
  /** False where only whole transactions could be looked at: what contracts move is not in here then. */
  readonly isTraced: boolean;
  readonly receipts: readonly ScannedReceipt[];
  readonly withdrawals: readonly ScannedWithdrawal[];
  readonly sent: readonly ScannedTransaction[];
}

export interface MovementsWanted {
  readonly chainId: number;
  /** Lower case. */
  readonly address: string;
  readonly blockNumber: bigint;
  /** Whether the RPC traces at all. */
  readonly hasTraces: boolean;
}

/** Reads a block, which must exist. Throws UnusableAnswerError or viem's error when the RPC does not answer soundly. */
export async function readMovements(client: PublicClient, wanted: MovementsWanted): Promise<BlockMovements> {
  const { address, blockNumber } = wanted;
  const block = await readBlock(client, blockNumber);
  if (block === null) throw new UnusableAnswerError(`it has no block ${blockNumber}`);
  const transactions = await readTransactions(client, block);
  const traced = wanted.hasTraces ? await readFrames(client, blockNumber) : 'untraced';
  const frames = traced === 'untraced' ? await outermostFrames(client, transactions, address) : traced;
  const byHash = new Map(transactions.map(transaction => [transaction.transactionHash, transaction]));
  const moved = frames.filter(({ frame }) => movesEth(frame, address));
  const place = { blockNumber, blockHash: block.hash };
  return {
    block,
    isTraced: traced !== 'untraced',
    receipts: moved.flatMap(placed => receiptOf(placed, transactionOf(byHash, placed), block, wanted)),
    withdrawals: moved
      .filter(({ frame }) => frame.fromAddress === address && takesAway(frame))
      .map(({ transactionHash, traceIndex, frame }) => {
        const { frameType, toAddress, amountWei } = frame;
        return { transactionHash, traceIndex, ...place, frameType, toAddress, amountWei };
      }),
    sent: await Promise.all(
      transactions
        .filter(({ fromAddress }) => fromAddress === address)
        .map(transaction => readSent(client, transaction, block)),
    ),
  };
}

/** A node that has thrown away the state of then cannot trace it either. */
async function readFrames(client: PublicClient, blockNumber: bigint): Promise<PlacedFrame[] | 'untraced'> {
  try {
    return await readBlockFrames(client, blockNumber);
  } catch (error) {
    if (refusalOf(error)) return 'untraced';
    throw error;
  }
}

/** The outermost frames of the transactions that name the address and did not fail. */
async function outermostFrames(
  client: PublicClient,
  transactions: readonly ChainTransaction[],
  address: string,
): Promise<PlacedFrame[]> {
  const concerned = transactions.filter(
    ({ fromAddress, toAddress, amountWei }) =>
      amountWei > 0n && (fromAddress === address || toAddress === address),
  );
  const frames = await Promise.all(
    concerned.map(async ({ transactionHash, fromAddress, toAddress, amountWei, input }) => {
      const inclusion = await readInclusion(client, transactionHash);
      if (inclusion === null) throw new UnusableAnswerError(`it has no receipt of ${transactionHash}`);
      const frameType = toAddress === null ? 'CREATE' : 'CALL';
      const frame: ChainFrame = { frameType, fromAddress, toAddress, amountWei, input };
      return inclusion.isReverted ? [] : [{ transactionHash, traceIndex: 0, frame }];
    }),
  );
  return frames.flat();
}

/** Not from the address to itself, by which nothing comes and nothing leaves. */
function movesEth({ fromAddress, toAddress, amountWei }: ChainFrame, address: string): boolean {
  return amountWei > 0n && (fromAddress === address) !== (toAddress === address);
}

function takesAway({ frameType }: ChainFrame): boolean {
  return WITHDRAWING_FRAMES.some(type => type === frameType.toUpperCase());
}

function transactionOf(
  transactions: ReadonlyMap<string, ChainTransaction>,
  { transactionHash }: PlacedFrame,
): ChainTransaction {
  const transaction = transactions.get(transactionHash);
  if (!transaction) throw new UnusableAnswerError('it traced a transaction that its block does not have');
  return transaction;
}

function receiptOf(
  { transactionHash, traceIndex, frame }: PlacedFrame,
  { transactionIndex, transactionType }: ChainTransaction,
  block: ChainBlock,
  { chainId, address }: MovementsWanted,
): ScannedReceipt[] {
  if (frame.toAddress !== address) return [];
  const { input, ...told } = frame;
  const transfer = {
    ...{ transactionHash, transactionIndex, traceIndex, transactionType, ...told, input },
    ...{ blockNumber: block.number, blockHash: block.hash, blockTimestamp: block.timestamp },
    direction: 'in' as const,
    inputLength: (input.length - 2) / 2,
  };
  if (judgeFrame(transfer) === 'refused') return [];
  return [{ receiptId: chainReceiptId(chainId, transactionHash, traceIndex), ...factsOf(transfer) }];
}

async function readSent(
  client: PublicClient,
  { transactionHash, mintedWei }: ChainTransaction,
  block: ChainBlock,
): Promise<ScannedTransaction> {
  const receipt = await readFinalReceipt(client, transactionHash);
  if (receipt?.blockHash !== block.hash)
    throw new UnusableAnswerError(
      `its receipt of ${transactionHash} and its block ${block.number} do not fit`,
    );
  const { outcome, fee, blockNumber, blockHash } = receipt;
  return { transactionHash, blockNumber, blockHash, outcome, fee, mintedWei };
}

/** What the payments and the transactions of a block did to the balance. */
export function movedWei({ receipts, withdrawals, sent }: BlockMovements): bigint {
  const arrived = receipts.reduce((sum, { amountWei }) => sum + amountWei, 0n);
  const left = withdrawals.reduce((sum, { amountWei }) => sum + amountWei, 0n);
  return arrived - left + sent.reduce((sum, { mintedWei, fee }) => sum + mintedWei - fee.feeWei, 0n);
}
