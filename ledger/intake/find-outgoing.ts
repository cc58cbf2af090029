/**
 * Finding what left the payment address up to a final block. Value that left is in the indexer's rows. What transactions
 * cost is in no row: those that sent nothing or failed are found by the address's nonce, which grows by one with each.
 */
import { sql } from 'kysely';
import { instantOfSeconds } from '../core/instant.ts';
import { type AddressState, agreedStateAt } from './address-state.ts';
import {
  type ChainFrame,
  isRpcFailure,
  readBlock,
  readFrame,
  readInclusion,
  readSenders,
  UnusableAnswerError,
} from './chain-answers.ts';
import type { IntakeContext } from './context.ts';
import { readFinalReceipt } from './final-receipt.ts';
import { type IndexedTransfer, readUnrecordedWithdrawals } from './indexed-transfers.ts';
import { recordOutgoing } from './record-outgoing.ts';

/** So many blocks are looked through one by one where the RPC has no state in between to narrow them down. */
const SCANNED_BLOCKS_MAX = 512n;

type NonceAt = Pick<AddressState, 'blockNumber' | 'nonce'>;

/** Records the withdrawals in rows up to `throughBlock`, with what their transactions cost. */
export async function recordIndexedWithdrawals(context: IntakeContext, throughBlock: bigint): Promise<void> {
  const { paymentAddress } = context.installation;
  const rows = await readUnrecordedWithdrawals(context.db, paymentAddress, throughBlock);
  for (const [transactionHash, frames] of Map.groupBy(rows, row => row.transactionHash)) {
    const receipt = await readFinalReceipt(context.client, transactionHash);
    // Ponder keeps rows of an abandoned fork after a reorg that was too deep for it.
    const there = frames.filter(
      frame => frame.blockHash === receipt?.blockHash && frame.blockNumber === receipt.blockNumber,
    );
    const isTrue = await Promise.all(there.map(frame => isTracedSo(context, frame)));
    const here = there.filter((_, index) => isTrue[index]);
    const [first] = here;
    if (!receipt || !first) continue;
    const blockAt = instantOfSeconds(first.blockTimestamp);
    await recordOutgoing(context, { receipt, blockAt, frames: here }, await context.now());
  }
}

/**
 * Whether the transaction, traced again, has this frame: a withdrawal is recorded for good, and the indexer may have been
 * told what never was. RPCs that do not trace deny nothing, nor do others that do not answer.
 */
async function isTracedSo({ client, rpcs }: IntakeContext, shown: IndexedTransfer): Promise<boolean> {
  const { transactionHash, traceIndex, frameType, fromAddress, toAddress, amountWei } = shown;
  const isIt = (frame: ChainFrame | null | 'untraced') =>
    frame === 'untraced' ||
    (frame !== null &&
      frame.frameType.toUpperCase() === frameType.toUpperCase() &&
      frame.fromAddress === fromAddress.toLowerCase() &&
      frame.toAddress === (toAddress?.toLowerCase() ?? null) &&
      frame.amountWei === amountWei);
  if (!isIt(await readFrame(client, transactionHash, traceIndex))) return false;
  const others = rpcs.slice(1).map(async rpc => {
    try {
      const other = await rpc.proven();
      const knows = (await readInclusion(other, transactionHash))?.blockHash === shown.blockHash;
      return !knows || isIt(await readFrame(other, transactionHash, traceIndex));
    } catch (error) {
      if (!isRpcFailure(error)) throw error;
      return true;
    }
  });
  return (await Promise.all(others)).every(Boolean);
}

/**
 * Records what the transactions cost that the payment address sent in the blocks after `known` up to `through`. Returns
 * whether all are known then: false where the RPC has no state of the blocks in between, and these are too many.
 */
export async function recordSentTransactions(
  context: IntakeContext,
  known: NonceAt,
  through: NonceAt,
): Promise<boolean> {
  const { blockNumber: from, nonce } = known;
  const sent = await countSent(context, from, through.blockNumber);
  if (through.nonce - nonce === sent) return true;
  const blocks = through.blockNumber - from;
  if (blocks <= 1n) {
    await recordSentIn(context, through.blockNumber);
    return true;
  }
  const middle = await agreedStateAt(context, from + blocks / 2n);
  if (middle) {
    const earlier = await recordSentTransactions(context, known, middle);
    return (await recordSentTransactions(context, middle, through)) && earlier;
  }
  if (blocks > SCANNED_BLOCKS_MAX) return false;
  for (let block = from + 1n; block <= through.blockNumber; block += 1n) await recordSentIn(context, block);
  return true;
}

async function recordSentIn(context: IntakeContext, blockNumber: bigint): Promise<void> {
  const { client, installation } = context;
  const block = await readBlock(client, blockNumber);
  if (block === null) throw new UnusableAnswerError(`it has no block ${blockNumber}, which is final`);
  for (const [hash, from] of await readSenders(client, block)) {
    if (from !== installation.paymentAddress) continue;
    const receipt = await readFinalReceipt(client, hash);
    if (receipt?.blockHash !== block.hash || receipt.blockNumber !== blockNumber)
      throw new UnusableAnswerError(`its receipt of ${hash} and its block ${blockNumber} do not fit`);
    const blockAt = instantOfSeconds(block.timestamp);
    await recordOutgoing(context, { receipt, blockAt, frames: [] }, await context.now());
  }
}

/** How many of the transactions that the address sent are recorded in the blocks after `afterBlock`. */
export async function countSent(
  context: IntakeContext,
  afterBlock: bigint,
  throughBlock: bigint,
): Promise<bigint> {
  const { rows } = await sql<{ count: bigint }>`
    select count(*) as count from sent_transactions
    where block_number > ${afterBlock} and block_number <= ${throughBlock}`.execute(context.db);
  return rows[0]?.count ?? 0n;
}
