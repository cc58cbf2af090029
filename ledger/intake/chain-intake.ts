/**
 * From the indexer's rows to the customers' books. Each look compares what the indexer has with what is recorded,
 * writes down what is new or gone, prices what has no price, and posts what is decided. Every step is a transaction
 * of its own that can be repeated, so it does not matter where a look was cut off.
 */
import { BaseError } from 'viem';
import { judgeFrame } from '../core/frame.ts';
import { isPassing } from '../posting/passing-errors.ts';
import { instantText } from '../store/instant-text.ts';
import { checkBalanceWhenDue } from './balance-check.ts';
import { checkCanonical } from './canonical-check.ts';
import { type ChainHead, watchHead } from './chain-head.ts';
import type { IntakeContext } from './context.ts';
import { deliver } from './deliver.ts';
import {
  type IndexedChain,
  type IndexedTransfer,
  readFirstUnrecordedBlock,
  readIndexedChain,
} from './indexed-transfers.ts';
import { alarmWaiting, priceWaiting } from './price-waiting.ts';
import { chainReceiptId, type InclusionRow, included, readRecentInclusions } from './receipt-facts.ts';
import { recordAbsence, recordInclusion } from './record-inclusion.ts';

export interface Look {
  /** The newest block the indexer had; null while it has none. */
  readonly latestBlock: bigint | null;
  /** True when something must be looked at again soon: a price or the chain's verdict is missing. */
  readonly pending: boolean;
}

/** Takes in everything that the indexer has by now. */
export async function lookOnce(context: IntakeContext): Promise<Look> {
  // First what was decided before: it needs neither the indexer nor the chain.
  await deliver(context);
  const settled = await readSettledBlock(context);
  const chain = await readIndexedChain(context.db, settled);
  if (chain === null || !isOurs(context, chain)) {
    await headOrNull(context);
    return { latestBlock: null, pending: true };
  }
  const known = await readRecentInclusions(context.db, settled);
  const untaken = await recordArrivals(context, chain, known);
  const unsettled = await orPending(context, () => recordDepartures(context, chain, known));
  // After the arrivals: it is not before their blocks.
  const head = await headOrNull(context);
  const unpriced = await orPending(context, () => priceWaiting(context, settled, head));
  await alarmWaiting(context, settled);
  await deliver(context);
  const pending = untaken + unsettled + unpriced > 0;
  if (!pending && chain.isReady) await orPending(context, () => settle(context, settled, chain));
  if (chain.isReady) await orPending(context, () => compareBalance(context, chain));
  return { latestBlock: chain.latestBlock, pending };
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
    if (!(error instanceof BaseError)) throw error;
    context.log(`the chain cannot be asked, trying again: ${error.shortMessage}`);
    return 1;
  }
}

/** The newest block; null when the RPC fails. */
async function headOrNull(context: IntakeContext): Promise<ChainHead | null> {
  try {
    return await watchHead(context);
  } catch (error) {
    if (!(error instanceof BaseError)) throw error;
    context.log(`the chain's newest block cannot be read: ${error.shortMessage}`);
    return null;
  }
}

/** Returns how many could not be recorded. */
async function recordArrivals(
  context: IntakeContext,
  chain: IndexedChain,
  known: ReadonlyMap<string, InclusionRow>,
): Promise<number> {
  let untaken = 0;
  for (const transfer of chain.transfers) {
    if (judgeFrame(transfer) === 'refused') continue;
    const receiptId = receiptIdOf(context, transfer);
    const latest = known.get(receiptId);
    if (latest?.outcome === 'included' && latest.block_hash === transfer.blockHash) continue;
    try {
      if (await recordInclusion(context, transfer, await context.now()))
        context.log(`receipt ${receiptId}: ${transfer.amountWei} wei in block ${transfer.blockNumber}`);
    } catch (error) {
      // One that cannot be recorded must not keep back those behind it.
      if (isPassing(error)) throw error;
      untaken += 1;
      context.log(`receipt ${receiptId} could not be recorded: ${String(error)}`);
    }
  }
  return untaken;
}

/** Looks into recorded payments whose rows vanished. Returns how many the chain has not settled yet. */
async function recordDepartures(
  context: IntakeContext,
  chain: IndexedChain,
  known: ReadonlyMap<string, InclusionRow>,
): Promise<number> {
  // A row that is no payment on this fork is no reason to keep one.
  const payments = chain.transfers.filter(transfer => judgeFrame(transfer) !== 'refused');
  const indexed = new Set(payments.map(transfer => receiptIdOf(context, transfer)));
  let unsettled = 0;
  for (const row of known.values()) {
    if (row.outcome !== 'included' || indexed.has(row.receipt_id)) continue;
    const lost = included(row);
    // An indexer that starts over has not come to this block yet.
    const isComplete = chain.isReady && lost.blockNumber <= chain.latestBlock;
    const { paymentAddress } = context.installation;
    const verdict = isComplete ? await checkCanonical(context.client, lost, paymentAddress) : 'unsettled';
    if (verdict === 'gone') {
      if (await recordAbsence(context, lost, await context.now()))
        context.log(`receipt ${lost.receiptId} is gone from block ${lost.blockNumber}: reversed`);
    } else unsettled += 1;
  }
  return unsettled;
}

function receiptIdOf(context: IntakeContext, transfer: IndexedTransfer): string {
  return chainReceiptId(context.installation.chainId, transfer.transactionHash, transfer.traceIndex);
}

/**
 * Looks whether a block that was settled has a payment that was never recorded: an RPC may have answered an empty trace
 * at the time, and the row came only when the indexer started over. If so, everything from that block on is compared
 * again. Goes through all that was ever indexed, so it is for the start and for every now and then.
 */
export async function reopenUnrecorded(context: IntakeContext): Promise<void> {
  const settled = await readSettledBlock(context);
  const block = await readFirstUnrecordedBlock(context.db, context.installation.chainId, settled);
  if (block === null) return;
  context.log(`block ${block} has a payment that was never recorded: comparing again from there`);
  await writeSettledBlock(context, block - 1n);
}

async function readSettledBlock(context: IntakeContext): Promise<bigint> {
  const row = await context.db
    .selectFrom('chain_progress')
    .select('settled_block')
    .where('chain_id', '=', context.installation.chainId)
    .executeTakeFirst();
  return row?.settled_block ?? -1n;
}

/** Blocks that are final and taken in need not be compared again, but a look at some more of them costs nothing. */
const COMPARED_BLOCKS = 128n;
/** Only every so often, as it asks the RPC. */
const SETTLE_EVERY_BLOCKS = 32n;

async function settle(context: IntakeContext, settled: bigint, chain: IndexedChain): Promise<number> {
  const old = chain.latestBlock - COMPARED_BLOCKS;
  if (old < settled + SETTLE_EVERY_BLOCKS) return 0;
  const final = await context.client.getBlock({ blockTag: 'finalized' });
  const through = final.number < old ? final.number : old;
  if (through > settled) await writeSettledBlock(context, through);
  return 0;
}

async function compareBalance(context: IntakeContext, { latestBlock }: IndexedChain): Promise<number> {
  const { startBlock } = context;
  if (startBlock !== undefined) await checkBalanceWhenDue({ ...context, startBlock }, latestBlock);
  return 0;
}

async function writeSettledBlock(context: IntakeContext, block: bigint): Promise<void> {
  const row = {
    chain_id: context.installation.chainId,
    settled_block: block,
    updated_at: instantText(await context.now()),
  };
  await context.db
    .insertInto('chain_progress')
    .values(row)
    .onConflict(conflict => conflict.column('chain_id').doUpdateSet(row))
    .execute();
}
