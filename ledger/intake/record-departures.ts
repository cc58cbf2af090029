/** Looking into recorded payments that the indexer no longer shows, or shows where the chain has another block. */
import { judgeFrame } from '../core/frame.ts';
import type { Instant } from '../core/instant.ts';
import { type CanonicalVerdict, checkCanonical } from './canonical-check.ts';
import type { IntakeContext } from './context.ts';
import type { IndexedChain } from './indexed-transfers.ts';
import type { Findings, LookMemory } from './look-memory.ts';
import { chainReceiptId, type Included, type InclusionRow, included } from './receipt-facts.ts';
import { recordAbsence, recordInclusion } from './record-inclusion.ts';

export interface DeparturesLook {
  readonly chain: IndexedChain;
  /** The latest inclusion of each receipt that is compared. */
  readonly known: ReadonlyMap<string, InclusionRow>;
  readonly now: Instant;
}

/** Takes back what the chain no longer has. Returns how many could not be looked into yet. */
export async function recordDepartures(
  context: IntakeContext,
  memory: LookMemory,
  { chain, known, now }: DeparturesLook,
  findings: Findings,
): Promise<number> {
  // A row that is no payment on this fork is no reason to keep one.
  const payments = chain.transfers.filter(transfer => judgeFrame(transfer) !== 'refused');
  const { chainId } = context.installation;
  const indexed = new Set(
    payments.map(({ transactionHash, traceIndex }) => chainReceiptId(chainId, transactionHash, traceIndex)),
  );
  let waiting = 0;
  for (const row of known.values()) {
    if (row.outcome !== 'included') continue;
    const isShown = indexed.has(row.receipt_id);
    if (isShown && !memory.orphaned.has(row.receipt_id)) continue;
    const lost = included(row);
    // An indexer that starts over has not come to this block yet.
    if (chain.isReady && lost.blockNumber <= chain.latestBlock)
      await lookInto(context, memory, { lost, isShown, now }, findings);
    else waiting += 1;
  }
  return waiting;
}

async function lookInto(
  context: IntakeContext,
  memory: LookMemory,
  { lost, isShown, now }: { lost: Included; isShown: boolean; now: Instant },
  findings: Findings,
): Promise<void> {
  const { receiptId, version, blockNumber, amountWei } = lost;
  const canonical = await memory.questions.ask(
    `departure ${receiptId} ${version}`,
    now,
    () => judge(context, memory, lost),
    ({ verdict }) => verdict === 'gone',
  );
  switch (canonical.verdict) {
    case 'gone':
      memory.orphaned.delete(receiptId);
      if (await recordAbsence(context, lost, await context.now()))
        context.log(`receipt ${receiptId} is gone from block ${blockNumber}: reversed`);
      return;
    case 'present':
      findings.doubt(blockNumber);
      if (!isShown)
        findings.add(
          'payment_without_row',
          receiptId,
          `The chain has the ${amountWei} wei of block ${blockNumber}, and the indexer does not: they stay credited.`,
        );
      // The same transaction may do something else, or come later, on another fork.
      if (canonical.transfer === null) return;
      memory.orphaned.delete(receiptId);
      if (await recordInclusion(context, canonical.transfer, await context.now())) {
        const { amountWei: wei, blockNumber: block } = canonical.transfer;
        context.log(`receipt ${receiptId} is ${wei} wei in block ${block} now`);
      }
      return;
    case 'disputed':
      findings.doubt(blockNumber);
      findings.add(
        'rpc_disagreement',
        receiptId,
        `The RPCs do not agree whether the ${amountWei} wei of block ${blockNumber} arrived: they stay credited.`,
      );
      return;
    case 'unsettled':
      findings.doubt(blockNumber);
  }
}

/** The chain's verdict; a single RPC must say twice that a payment is gone, as one of its nodes may lag for a moment. */
async function judge(context: IntakeContext, memory: LookMemory, lost: Included): Promise<CanonicalVerdict> {
  const key = `${lost.receiptId} ${lost.version}`;
  const canonical = await checkCanonical(context.rpcs, lost, context.installation.paymentAddress);
  const isFirst = canonical.verdict === 'gone' && context.rpcs.length === 1 && !memory.saidGone.has(key);
  if (!isFirst) {
    memory.saidGone.delete(key);
    return canonical;
  }
  memory.saidGone.add(key);
  return { verdict: 'unsettled' };
}
