/**
 * From the indexer's rows to the customers' books. Each look compares what the indexer has with what is recorded,
 * writes down what is new or gone, prices what has no price, and posts what is decided. Every step is a transaction
 * of its own that can be repeated, so it does not matter where a look was cut off.
 */
import { lesserOf } from '../core/amount.ts';
import { BalanceDisputedError } from './address-state.ts';
import { checkBalanceWhenDue } from './balance-check.ts';
import { describeRpcFailure, isRpcFailure, readTaggedBlock } from './chain-answers.ts';
import { type ChainHead, watchHead } from './chain-head.ts';
import { type ChainProgress, readChainProgress, writeFinality, writeSettledBlock } from './chain-progress.ts';
import type { IntakeContext } from './context.ts';
import { deliver } from './deliver.ts';
import { recordFinality } from './finality.ts';
import { type IndexedChain, readFirstUnrecordedBlock, readIndexedChain } from './indexed-transfers.ts';
import { Findings, LOOK_ALARMS, type LookMemory, newLookMemory } from './look-memory.ts';
import { reviewOutvoted } from './outvoted.ts';
import { alarmWaiting, priceWaiting } from './price-waiting.ts';
import { readRecentInclusions } from './receipt-facts.ts';
import { recordArrivals } from './record-arrivals.ts';
import { recordDepartures } from './record-departures.ts';
import { takeInUnexplained } from './take-in-unexplained.ts';

export interface Look {
  /** The newest block the indexer had; null while it has none. */
  readonly latestBlock: bigint | null;
  /** True when something must be looked at again soon: a price or the chain's verdict is missing. */
  readonly pending: boolean;
}

/**
 * Takes in everything that the indexer has by now.
 * @param memory What the looks before have found; a look by itself knows of none.
 */
export async function lookOnce(
  context: IntakeContext,
  memory: LookMemory = newLookMemory(context),
): Promise<Look> {
  // First what was decided before: it needs neither the indexer nor the chain.
  await deliver(context);
  const now = await context.now();
  const progress = await progressBeforeFork(context, memory);
  const chain = await readIndexedChain(context.db, progress.settledBlock);
  if (chain === null || !isOurs(context, chain)) {
    await headOrNull(context);
    return { latestBlock: null, pending: true };
  }
  const known = await readRecentInclusions(context.db, progress.settledBlock);
  // The watch may learn more meanwhile; both steps that use it must mean the same blocks.
  const heads = memory.settledHeads;
  const safeBlock = heads && heads.safeBlock > progress.safeBlock ? heads.safeBlock : progress.safeBlock;
  const findings = new Findings();

  const arriving = { transfers: chain.transfers, known, safeBlock, now };
  const unrecorded = await recordArrivals(context, memory, arriving, findings);
  const waiting = await recordDepartures(context, memory, { chain, known, now }, findings);
  await reviewOutvoted(context, memory, findings, now);
  // After the arrivals: it is not before their blocks.
  const head = await headOrNull(context);
  const unpriced = await orPending(context, () =>
    priceWaiting(context, progress.settledBlock, head, findings),
  );
  await alarmWaiting(context, progress.settledBlock);
  await deliver(context);
  if (memory.balanceDispute !== null)
    findings.add(
      'rpc_disagreement',
      context.installation.paymentAddress,
      `The balance at final blocks cannot be compared: ${memory.balanceDispute}.`,
    );
  // An indexer that starts over shows too little to tell what is over.
  if (waiting === 0) await memory.alarms.report(LOOK_ALARMS, findings.alarms, now);
  if (heads)
    await orPending(context, async () => {
      return await recordFinality(context, memory, heads, { known, progress });
    });
  await orPending(context, async () => {
    await takeInUnexplained(context, memory, now);
    return 0;
  });
  const isAskedAgainSoon = memory.questions.closeRound(now);
  const undone = unrecorded + waiting + unpriced;
  if (undone === 0 && chain.isReady)
    await orPending(context, () => settle(context, progress, chain, findings.oldestDoubt));
  if (chain.isReady) await orPending(context, () => compareBalance(context, memory, chain));
  return { latestBlock: chain.latestBlock, pending: isAskedAgainSoon || undone > 0 };
}

/** What is recorded of the chain's progress, having gone back to where a deep reorg began. */
async function progressBeforeFork(context: IntakeContext, memory: LookMemory): Promise<ChainProgress> {
  const { forkedAt } = memory;
  const progress = await readChainProgress(context);
  if (forkedAt === null) return progress;
  const back: ChainProgress = {
    ...progress,
    settledBlock: lesserOf(progress.settledBlock, forkedAt),
    safeBlock: lesserOf(progress.safeBlock, forkedAt),
    finalizedBlock: lesserOf(progress.finalizedBlock, forkedAt),
  };
  await writeFinality(context, back);
  await writeSettledBlock(context, back.settledBlock);
  memory.forkedAt = null;
  context.log(`comparing again from block ${forkedAt + 1n}`);
  return back;
}

/** An indexer of another payment address must never reach these books. */
function isOurs(context: IntakeContext, chain: IndexedChain): boolean {
  const { paymentAddress } = context.installation;
  const stranger = chain.transfers.find(
    ({ direction, fromAddress, toAddress }) =>
      (direction === 'out' ? fromAddress : toAddress)?.toLowerCase() !== paymentAddress,
  );
  if (stranger)
    context.log(`the indexer is not of ${paymentAddress}: nothing is taken in until it is started for it`);
  return stranger === undefined;
}

/** Runs a step that asks the chain; when the RPC fails, the others still go on and this one is pending. */
async function orPending(context: IntakeContext, step: () => Promise<number>): Promise<number> {
  try {
    return await step();
  } catch (error) {
    if (!isRpcFailure(error)) throw error;
    context.log(`the chain cannot be asked, trying again: ${describeRpcFailure(error)}`);
    return 1;
  }
}

/** The newest block; null when the RPC fails. */
async function headOrNull(context: IntakeContext): Promise<ChainHead | null> {
  try {
    return await watchHead(context);
  } catch (error) {
    if (!isRpcFailure(error)) throw error;
    context.log(`the chain's newest block cannot be read: ${describeRpcFailure(error)}`);
    return null;
  }
}

/**
 * Looks whether a block that was settled has a payment that was never recorded: an RPC may have answered an empty trace
 * at the time, and the row came only when the indexer started over. If so, everything from that block on is compared
 * again. Goes through all that was ever indexed, so it is for the start and for every now and then.
 */
export async function reopenUnrecorded(context: IntakeContext): Promise<void> {
  const { settledBlock } = await readChainProgress(context);
  const block = await readFirstUnrecordedBlock(context.db, context.installation.chainId, settledBlock);
  if (block === null) return;
  context.log(`block ${block} has a payment that was never recorded: comparing again from there`);
  await writeSettledBlock(context, block - 1n);
}

/** Blocks that are final and taken in need not be compared again, but a look at some more of them costs nothing. */
const COMPARED_BLOCKS = 128n;
/** Only every so often, as it asks the RPC. */
const SETTLE_EVERY_BLOCKS = 32n;

async function settle(
  context: IntakeContext,
  { settledBlock }: ChainProgress,
  chain: IndexedChain,
  oldestDoubt: bigint | null,
): Promise<number> {
  const old = chain.latestBlock - COMPARED_BLOCKS;
  if (old < settledBlock + SETTLE_EVERY_BLOCKS) return 0;
  const final = await readTaggedBlock(context.client, 'finalized');
  const blocks = [old, final.number, ...(oldestDoubt === null ? [] : [oldestDoubt - 1n])];
  const through = blocks.reduce(lesserOf);
  if (through > settledBlock) await writeSettledBlock(context, through);
  return 0;
}

async function compareBalance(
  context: IntakeContext,
  memory: LookMemory,
  { latestBlock }: IndexedChain,
): Promise<number> {
  const { startBlock } = context;
  if (startBlock === undefined) return 0;
  try {
    await checkBalanceWhenDue({ ...context, startBlock }, latestBlock);
    memory.balanceDispute = null;
    return 0;
  } catch (error) {
    if (error instanceof BalanceDisputedError) memory.balanceDispute = error.message;
    throw error;
  }
}
