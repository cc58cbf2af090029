/**
 * From the indexer's rows to the customers' books. Each look compares what the indexer has with what is recorded,
 * writes down what is new or gone, prices what has no price, and posts what is decided. Every step is a transaction
 * of its own that can be repeated, so it does not matter where a look was cut off.
 */
import { judgeFrame } from '../core/frame.ts';
import { ethPriceAt } from '../prices/eth-price.ts';
import { instantText } from '../store/instant-text.ts';
import { checkCanonical } from './canonical-check.ts';
import type { IntakeContext } from './context.ts';
import { deliver } from './deliver.ts';
import { type IndexedChain, readIndexedChain } from './indexed-transfers.ts';
import { priceReceipt } from './price-receipt.ts';
import {
  chainReceiptId,
  type InclusionRow,
  included,
  readRecentInclusions,
  readUnpriced,
} from './receipt-facts.ts';
import { recordAbsence, recordInclusion } from './record-inclusion.ts';

export interface Look {
  /** The newest block the indexer had; null while it has none. */
  readonly latestBlock: bigint | null;
  /** True when something must be looked at again soon: a price or the chain's verdict is missing. */
  readonly pending: boolean;
}

/** Takes in everything that the indexer has by now. */
export async function lookOnce(context: IntakeContext): Promise<Look> {
  const settled = await readSettledBlock(context);
  const chain = await readIndexedChain(context.db, settled);
  // What was decided before is posted whether or not the indexer is there.
  if (chain === null) {
    await deliver(context);
    return { latestBlock: null, pending: true };
  }
  const known = await readRecentInclusions(context.db, settled);
  await recordArrivals(context, chain, known);
  const unsettled = await recordDepartures(context, chain, known);
  const unpriced = await priceAll(context, settled);
  await deliver(context);
  const pending = unsettled + unpriced > 0;
  if (!pending) await settle(context, settled, chain);
  return { latestBlock: chain.latestBlock, pending };
}

async function recordArrivals(
  context: IntakeContext,
  chain: IndexedChain,
  known: ReadonlyMap<string, InclusionRow>,
): Promise<void> {
  for (const transfer of chain.transfers) {
    const { chainId } = context.installation;
    const receiptId = chainReceiptId(chainId, transfer.transactionHash, transfer.traceIndex);
    const latest = known.get(receiptId);
    if (latest?.outcome === 'included' && latest.block_hash === transfer.blockHash) continue;
    if (judgeFrame(transfer) === 'refused') continue;
    if (await recordInclusion(context, transfer, await context.now()))
      context.log(`receipt ${receiptId}: ${transfer.amountWei} wei in block ${transfer.blockNumber}`);
  }
}

/** Looks into recorded payments whose rows vanished. Returns how many the chain has not settled yet. */
async function recordDepartures(
  context: IntakeContext,
  chain: IndexedChain,
  known: ReadonlyMap<string, InclusionRow>,
): Promise<number> {
  const { chainId } = context.installation;
  const indexed = new Set(
    chain.transfers.map(({ transactionHash, traceIndex }) =>
      chainReceiptId(chainId, transactionHash, traceIndex),
    ),
  );
  let unsettled = 0;
  for (const row of known.values()) {
    if (row.outcome !== 'included' || indexed.has(row.receipt_id)) continue;
    const lost = included(row);
    // An indexer that starts over has not come to this block yet.
    const isComplete = chain.isReady && lost.blockNumber <= chain.latestBlock;
    const verdict = isComplete ? await checkCanonical(context.client, lost) : 'unsettled';
    if (verdict === 'gone') {
      if (await recordAbsence(context, lost, await context.now()))
        context.log(`receipt ${lost.receiptId} is gone from block ${lost.blockNumber}: reversed`);
    } else unsettled += 1;
  }
  return unsettled;
}

/** Prices what has no price. Returns how many still have none. */
async function priceAll(context: IntakeContext, settled: bigint): Promise<number> {
  const unpriced = await readUnpriced(context.db, settled);
  if (unpriced.length === 0) return 0;
  // An RPC that is behind the block would take an old round for the newest.
  const head = await context.client.getBlockNumber({ cacheTime: 0 });
  let pending = 0;
  for (const inclusion of unpriced) {
    const price = head < inclusion.blockNumber ? null : await ethPriceAt(context.client, inclusion.blockAt);
    if (price?.round) {
      await priceReceipt(context, inclusion, price, await context.now());
    } else {
      pending += 1;
      context.log(`receipt ${inclusion.receiptId} waits for a price: ${price?.problem ?? 'rpc_behind'}`);
    }
  }
  return pending;
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

async function settle(context: IntakeContext, settled: bigint, chain: IndexedChain): Promise<void> {
  const old = chain.latestBlock - COMPARED_BLOCKS;
  if (old < settled + SETTLE_EVERY_BLOCKS) return;
  const final = await context.client.getBlock({ blockTag: 'finalized' });
  const through = final.number < old ? final.number : old;
  if (through <= settled) return;
  const row = {
    chain_id: context.installation.chainId,
    settled_block: through,
    updated_at: instantText(await context.now()),
  };
  await context.db
    .insertInto('chain_progress')
    .values(row)
    .onConflict(conflict => conflict.column('chain_id').doUpdateSet(row))
    .execute();
}
