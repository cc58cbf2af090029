/** Recording what the indexer shows and is not recorded yet, as far as it may be believed. */
import { judgeFrame } from '../core/frame.ts';
import type { Instant } from '../core/instant.ts';
import { isPassing } from '../posting/passing-errors.ts';
import { type Confirmation, confirmByItself, confirmByOthers } from './confirm-arrival.ts';
import type { IntakeContext } from './context.ts';
import type { IndexedTransfer } from './indexed-transfers.ts';
import type { Findings, LookMemory } from './look-memory.ts';
import { chainReceiptId, type InclusionRow, isRecorded } from './receipt-facts.ts';
import { recordInclusion } from './record-inclusion.ts';

/** So many are confirmed at once: more than this come in a look only after an outage. */
const CONFIRMED_AT_ONCE = 32;

export interface ArrivalsLook {
  readonly transfers: readonly IndexedTransfer[];
  /** The latest inclusion of each receipt that is compared. */
  readonly known: ReadonlyMap<string, InclusionRow>;
  /** Up to here the chain was safe already: what comes there comes late. */
  readonly safeBlock: bigint;
  readonly now: Instant;
}

/** Returns how many are to be looked at again soon, through no fault of the chain. */
export async function recordArrivals(
  context: IntakeContext,
  memory: LookMemory,
  look: ArrivalsLook,
  findings: Findings,
): Promise<number> {
  const candidates = look.transfers.flatMap(transfer => {
    if (judgeFrame(transfer) === 'refused') return [];
    const receiptId = chainReceiptId(
      context.installation.chainId,
      transfer.transactionHash,
      transfer.traceIndex,
    );
    const latest = look.known.get(receiptId);
    // Where what is recorded is in doubt, the departures look into it.
    if (isRecorded(latest, transfer)) return [];
    return [{ receiptId, transfer, latest }];
  });
  let unrecorded = 0;
  for (let start = 0; start < candidates.length; start += CONFIRMED_AT_ONCE) {
    const some = candidates.slice(start, start + CONFIRMED_AT_ONCE);
    const confirmations = await Promise.all(some.map(candidate => confirm(context, memory, look, candidate)));
    // In the order of the chain, in which quotes are used up.
    for (const [index, { receiptId, transfer }] of some.entries()) {
      const confirmation = confirmations[index];
      if (confirmation === undefined) throw new Error('every candidate was looked at');
      const believed = believe(receiptId, transfer, confirmation, findings);
      if (believed === null) continue;
      if (await record(context, receiptId, believed)) memory.orphaned.delete(receiptId);
      else unrecorded += 1;
    }
  }
  return unrecorded;
}

interface Candidate {
  readonly receiptId: string;
  readonly transfer: IndexedTransfer;
  readonly latest: InclusionRow | undefined;
}

async function confirm(
  context: IntakeContext,
  memory: LookMemory,
  { safeBlock, now }: ArrivalsLook,
  { receiptId, transfer, latest }: Candidate,
): Promise<Confirmation> {
  const [own, ...others] = context.rpcs;
  const { paymentAddress } = context.installation;
  // With one RPC there is nobody else to believe, and at the head of the chain nothing to compare with.
  if (others.length === 0 && latest === undefined && transfer.blockNumber > safeBlock)
    return { verdict: 'confirmed' };
  const isAltered = latest?.outcome === 'included' && latest.block_hash === transfer.blockHash;
  return await memory.questions.ask(
    `arrival ${receiptId} ${transfer.blockHash}`,
    now,
    () =>
      others.length > 0
        ? confirmByOthers(own, others, transfer, paymentAddress)
        : confirmByItself(own, transfer, paymentAddress, isAltered),
    ({ verdict }) => verdict === 'confirmed',
  );
}

/** What is to be recorded of a transfer; null for nothing yet. */
function believe(
  receiptId: string,
  shown: IndexedTransfer,
  confirmation: Confirmation,
  findings: Findings,
): IndexedTransfer | null {
  const place = `in block ${shown.blockNumber}`;
  switch (confirmation.verdict) {
    case 'confirmed':
      return shown;
    case 'corrected': {
      const { transfer } = confirmation;
      // The alarm is to stand for as long as the indexer shows it, not only until its block is settled.
      findings.doubt(shown.blockNumber);
      const what =
        transfer === null
          ? 'the chain has no such payment'
          : `the chain has ${transfer.amountWei} wei in block ${transfer.blockNumber}`;
      findings.add(
        'row_not_on_chain',
        receiptId,
        `The indexer shows ${shown.amountWei} wei ${place}: ${what}.`,
      );
      return transfer !== null && judgeFrame(transfer) !== 'refused' ? transfer : null;
    }
    case 'disputed':
      findings.doubt(shown.blockNumber);
      findings.add(
        'rpc_disagreement',
        receiptId,
        `The RPCs do not agree on the ${shown.amountWei} wei that the indexer shows ${place}: they are not credited.`,
      );
      return null;
    case 'unanswered':
      findings.doubt(shown.blockNumber);
      findings.add(
        'payment_unconfirmed',
        receiptId,
        `The ${shown.amountWei} wei that the indexer shows ${place} wait for another RPC: ${confirmation.why}.`,
      );
      return null;
  }
}

/** Whether it is recorded now. */
async function record(
  context: IntakeContext,
  receiptId: string,
  transfer: IndexedTransfer,
): Promise<boolean> {
  try {
    if (await recordInclusion(context, transfer, await context.now()))
      context.log(`receipt ${receiptId}: ${transfer.amountWei} wei in block ${transfer.blockNumber}`);
    return true;
  } catch (error) {
    // One that cannot be recorded must not keep back those behind it.
    if (isPassing(error)) throw error;
    context.log(`receipt ${receiptId} could not be recorded: ${String(error)}`);
    return false;
  }
}
