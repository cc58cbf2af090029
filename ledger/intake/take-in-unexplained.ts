/**
 * Payments that the balance shows and the indexer does not: the block that the difference was narrowed down to is traced
 * by the worker itself. Ponder asks for each block once, so an RPC that left out a transfer then would else have hidden
 * it for good. Where something is missing instead, the payments recorded in the block are looked into again.
 */
import { judgeFrame } from '../core/frame.ts';
import type { Instant } from '../core/instant.ts';
import { bucketOf } from '../store/bucket.ts';
import { readStandingDifferences } from './balance-differences.ts';
import { readBlock, readBlockFrames } from './chain-answers.ts';
import type { IntakeContext } from './context.ts';
import type { IndexedTransfer } from './indexed-transfers.ts';
import type { LookMemory } from './look-memory.ts';
import { chainReceiptId, factsOf, readLatestInclusion, readStandingIn } from './receipt-facts.ts';
import { recordInclusion } from './record-inclusion.ts';
import { agreesWith, type SeenAt, testify } from './testimony.ts';

/**
 * Records the payments of blocks in which more arrived than is explained, as far as the first RPC traces them and, where
 * there are others, one of those says the same. Throws when the RPC does not answer.
 */
export async function takeInUnexplained(
  context: IntakeContext,
  memory: LookMemory,
  now: Instant,
): Promise<void> {
  for (const { fromBlock, throughBlock, amountWei } of await readStandingDifferences(context.db)) {
    if (throughBlock - fromBlock !== 1n) continue;
    await memory.questions.ask(
      `unexplained ${throughBlock}`,
      now,
      () => (amountWei > 0n ? takeInBlock(context, throughBlock) : doubtBlock(context, memory, throughBlock)),
      // The difference is gone when it is explained; until then it may be looked for again.
      () => false,
    );
  }
}

async function takeInBlock(context: IntakeContext, blockNumber: bigint): Promise<void> {
  const { client, installation } = context;
  const [block, frames] = [await readBlock(client, blockNumber), await readBlockFrames(client, blockNumber)];
  if (block === null || frames === 'untraced') return;
  for (const { transactionHash, traceIndex, frame } of frames) {
    if (frame.toAddress !== installation.paymentAddress || frame.amountWei === 0n) continue;
    const seen = { transactionHash, traceIndex, blockNumber, blockHash: block.hash };
    if (await isStanding(context, seen)) continue;
    const transfer = await agreedTransfer(context, seen);
    if (transfer === null || judgeFrame(transfer) === 'refused') continue;
    if (await recordInclusion(context, transfer, await context.now()))
      context.log(
        `block ${blockNumber} has ${transfer.amountWei} wei that the indexer does not show: taken in`,
      );
  }
}

async function doubtBlock({ db }: IntakeContext, memory: LookMemory, blockNumber: bigint): Promise<void> {
  for (const { receiptId } of await readStandingIn(db, blockNumber)) memory.orphaned.add(receiptId);
}

async function isStanding(context: IntakeContext, { transactionHash, traceIndex }: SeenAt): Promise<boolean> {
  const { chainId, bucketCount } = context.installation;
  const receiptId = chainReceiptId(chainId, transactionHash, traceIndex);
  const latest = await readLatestInclusion(context.db, bucketOf(receiptId, bucketCount), receiptId);
  return latest?.outcome === 'included';
}

/** The transfer as the first RPC has it, where another says the same or there is no other; else null. */
async function agreedTransfer(context: IntakeContext, seen: SeenAt): Promise<IndexedTransfer | null> {
  const { rpcs, installation } = context;
  const ask = (rpc: (typeof rpcs)[number]) => testify(rpc, seen, installation.paymentAddress);
  const [own, ...others] = await Promise.all([ask(rpcs[0]), ...rpcs.slice(1).map(ask)]);
  if (own.says !== 'transfer' || own.transfer.blockHash !== seen.blockHash) return null;
  const { transfer } = own;
  const isAgreed = others.length === 0 || others.some(other => agreesWith(other, factsOf(transfer)));
  return isAgreed ? transfer : null;
}
