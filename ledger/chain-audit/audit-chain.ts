/**
 * The audit of the chain: the independent scan laid beside what the ledger has recorded. What the ledger has and the scan
 * has not is asked for once more, transaction by transaction, so that each difference is named with a likely cause.
 */
import type pg from 'pg';
import { readBalanceProgress, readEndChecks } from '../intake/balance-facts.ts';
import { readChainProgress } from '../intake/chain-progress.ts';
import { ChainRpc } from '../intake/chain-rpc.ts';
import { chainReceiptId, factsOf, type Included } from '../intake/receipt-facts.ts';
import { agreesWith, type Testimony, testify } from '../intake/testimony.ts';
import { type Installation, readInstallation } from '../store/installation.ts';
import { openKysely } from '../store/postgres.ts';
import { openAuditClient } from './audit-client.ts';
import type { BlockRange, UnprovenRange } from './bisection.ts';
import {
  alteredReceipt,
  compareOutgoing,
  compareReceipts,
  type Difference,
  differingFields,
  type OutgoingTransaction,
} from './compare-movements.ts';
import { inTurns } from './in-turns.ts';
import { readRecordedMovements } from './recorded-movements.ts';
import {
  type ChainScan,
  doubtsOf,
  REQUESTS_AT_ONCE_DEFAULT,
  receiptsOf,
  type ScanOptions,
  scanChain,
} from './scan-chain.ts';
import { ScanMemory, type ScanSubject } from './scan-memory.ts';

export interface ChainAuditOptions {
  /** Of an archive node that traces; of another the audit says what it could not see. */
  readonly rpcUrl: string;
  /** The block after which it begins; that at which the ledger's books open, when left out. */
  readonly after?: bigint | undefined;
  /** The last block; the last one that the ledger has finally taken in, when left out. */
  readonly through?: bigint | undefined;
  /** How many calls go into one request, and how many requests are on their way at a time. */
  readonly callsPerRequest?: number | undefined;
  readonly requestsAtOnce?: number | undefined;
  /** So many points it may ask for at most, before it throws ScanBudgetError. */
  readonly pointsMax?: number | undefined;
  /** Whether somebody waits for the answer: then an RPC that refuses or is slow is soon given up. */
  readonly isAwaited?: boolean | undefined;
  /** Makes the memory of a scan that goes on after it was stopped, once it is known what is scanned. */
  readonly remember?: ((subject: ScanSubject) => ScanMemory) | undefined;
  readonly onProgress?: ScanOptions['onProgress'];
}

export interface ChainAudit {
  readonly chainId: number;
  readonly paymentAddress: string;
  readonly range: BlockRange;
  /** Blocks that changed the address. */
  readonly blocksFound: number;
  /** Points looked at, what they may be at most, those that were asked for now, and the HTTP requests of all kinds. */
  readonly points: number;
  readonly pointsBound: number;
  readonly pointsAsked: number;
  readonly requests: number;
  /** opening + arrived + minted − withdrawn − fees + unexplained = closing, where nothing is unproven. */
  readonly openingWei: bigint;
  readonly arrivedWei: bigint;
  readonly mintedWei: bigint;
  readonly withdrawnWei: bigint;
  readonly feesWei: bigint;
  readonly unexplainedWei: bigint;
  readonly closingWei: bigint;
  /** Receipts on the chain, and those of them that are recorded just so. */
  readonly receiptsOnChain: number;
  readonly receiptsAgreed: number;
  /** Recorded receipts that were asked for one by one, or agree with the balance alone, as the scan did not see them. */
  readonly receiptsAgreedOtherwise: number;
  readonly outgoing: readonly OutgoingTransaction[];
  readonly differences: readonly Difference[];
  /** Whether it is proven that nothing else happened; else why not, a sentence each. */
  readonly isProven: boolean;
  readonly doubts: readonly string[];
  readonly unproven: readonly UnprovenRange[];
}

/** There is nothing yet that could be audited. */
export class NothingToAuditError extends Error {
  override readonly name = 'NothingToAuditError';
}

/** The blocks that were asked for cannot be audited; says which can. */
export class AuditRangeError extends Error {
  override readonly name = 'AuditRangeError';
}

/**
 * Audits the chain with an auditor's rights; writes nothing. Differences and doubts are in the result. Throws
 * AuditRangeError for a range that cannot be audited, NoStateError, UnusableAnswerError or viem's error when the RPC
 * cannot be used.
 */
export async function auditChain(pool: pg.Pool, options: ChainAuditOptions): Promise<ChainAudit> {
  const {
    callsPerRequest,
    requestsAtOnce = REQUESTS_AT_ONCE_DEFAULT,
    rpcUrl,
    onProgress,
    isAwaited,
  } = options;
  const db = openKysely(pool);
  const installation = await readInstallation(db);
  const reach = await readReach(db, installation);
  const range = auditedRange(reach, options);
  const rpc = openAuditClient({ rpcUrl, callsPerRequest, isAwaited });
  const memory = options.remember?.(installation) ?? ScanMemory.empty();
  const subject = installation;
  const scan = await scanChain({
    ...{ rpc, subject, range, requestsAtOnce, memory, onProgress, pointsMax: options.pointsMax },
  });

  const onChain = receiptsOf(scan);
  const recorded = await readRecordedMovements(db, {
    range,
    bucketCount: installation.bucketCount,
    receiptIds: onChain.map(({ receiptId }) => receiptId),
    transactionHashes: scan.blocks.flatMap(({ movements: { sent, withdrawals } }) =>
      [...sent, ...withdrawals].map(({ transactionHash }) => transactionHash),
    ),
  });
  const receipts = compareReceipts(scan, recorded, reach.opensAt);
  const chain = new ChainRpc({ name: 'The RPC', client: rpc.client, installation, isKnown: true });
  const looked = await lookInto(chain, receipts.unmatched, { installation, scan, requestsAtOnce });
  const outgoing = compareOutgoing(scan, recorded, reach.comparedBlock);
  const doubts = [...doubtsOf(scan), ...looked.doubts];
  return {
    chainId: installation.chainId,
    paymentAddress: installation.paymentAddress,
    range,
    blocksFound: scan.blocks.length,
    points: scan.points,
    pointsBound: scan.bound,
    pointsAsked: scan.pointsAsked,
    requests: rpc.requests,
    ...totalsOf(scan),
    receiptsOnChain: onChain.length,
    receiptsAgreed: receipts.agreed,
    receiptsAgreedOtherwise: receipts.agreedByBalance + looked.agreed,
    outgoing: outgoing.transactions,
    differences: inOrder([...receipts.differences, ...looked.differences, ...outgoing.differences]),
    isProven: doubts.length === 0,
    doubts,
    unproven: scan.unproven,
  };
}

/** How far the ledger's own knowledge goes. */
interface Reach {
  /** Null before it has compared its balance for the first time. */
  readonly opensAt: bigint | null;
  /** Up to here everything final is taken in. */
  readonly settledBlock: bigint;
  /** Up to here what left the address is recorded. */
  readonly comparedBlock: bigint;
}

async function readReach(db: ReturnType<typeof openKysely>, installation: Installation): Promise<Reach> {
  const { chainId } = installation;
  const checks = await readEndChecks(db, chainId);
  const { settledBlock } = await readChainProgress({ db, installation });
  const compared = await readBalanceProgress(db, chainId);
  return {
    opensAt: checks?.opening.block_number ?? null,
    settledBlock,
    comparedBlock: compared?.progress.compared_block ?? checks?.newest.block_number ?? -1n,
  };
}

/**
 * The blocks that an audit of the ledger is about: those asked for, else all from the opening of its books to the last
 * one finally taken in. Throws AuditRangeError where there are none, or later ones were asked for.
 */
export async function readAuditedRange(
  pool: pg.Pool,
  asked: Pick<ChainAuditOptions, 'after' | 'through'> = {},
): Promise<BlockRange> {
  const db = openKysely(pool);
  return auditedRange(await readReach(db, await readInstallation(db)), asked);
}

function auditedRange(
  { opensAt, settledBlock }: Reach,
  options: Pick<ChainAuditOptions, 'after' | 'through'>,
): BlockRange {
  if (settledBlock < 0n)
    throw new NothingToAuditError(
      'The ledger has not finally taken in any block yet. The worker does it with blocks that are final and at least 128 ' +
        'behind the newest: let it run until there are some, and try again.',
    );
  const after = options.after ?? opensAt;
  if (after === null)
    throw new AuditRangeError(
      "The ledger's books have not opened yet: say with --from after which block they begin.",
    );
  const through = options.through ?? settledBlock;
  if (through > settledBlock)
    throw new AuditRangeError(
      `--to ${through} is beyond block ${settledBlock}, up to which the ledger has finally taken in the chain: nothing later can be compared.`,
    );
  if (after >= through)
    throw new AuditRangeError(
      `There is nothing between block ${after} and block ${through}: --from must be before --to, which is at most ${settledBlock}.`,
    );
  return { after, through };
}

function totalsOf({ blocks, opening, closing }: ChainScan) {
  const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n);
  const sent = blocks.flatMap(({ movements }) => movements.sent);
  return {
    openingWei: opening.balanceWei,
    arrivedWei: sum(blocks.flatMap(({ movements }) => movements.receipts.map(one => one.amountWei))),
    mintedWei: sum(sent.map(({ mintedWei }) => mintedWei)),
    withdrawnWei: sum(blocks.flatMap(({ movements }) => movements.withdrawals.map(one => one.amountWei))),
    feesWei: sum(sent.map(({ fee }) => fee.feeWei)),
    unexplainedWei: sum(blocks.map(({ unexplainedWei }) => unexplainedWei)),
    closingWei: closing.balanceWei,
  };
}

interface LookedInto {
  readonly differences: readonly Difference[];
  readonly doubts: readonly string[];
  readonly agreed: number;
}

/** Asks the chain for each recorded receipt that the scan did not find where it is recorded. */
async function lookInto(
  chain: ChainRpc,
  unmatched: readonly Included[],
  about: { installation: Installation; scan: ChainScan; requestsAtOnce: number },
): Promise<LookedInto> {
  const { installation, scan, requestsAtOnce } = about;
  const differences: Difference[] = [];
  const doubts: string[] = [];
  let agreed = 0;
  await inTurns(unmatched, requestsAtOnce, async row => {
    const testimony = await testify(chain, row, installation.paymentAddress);
    const verdict = judge(row, testimony, scan, installation.chainId);
    if (verdict === 'agreed') agreed += 1;
    else if (typeof verdict === 'string') doubts.push(verdict);
    else differences.push(verdict);
  });
  return { differences, doubts, agreed };
}

/** The difference, or that there is none, or a sentence that says why it cannot be told. */
function judge(
  row: Included,
  testimony: Testimony,
  { unproven, blocks }: ChainScan,
  chainId: number,
): Difference | 'agreed' | string {
  const { receiptId: id, blockNumber, amountWei, transactionHash, traceIndex } = row;
  const extra = (likelyCause: string): Difference => ({
    ...{ kind: 'extra', of: 'receipt', id, blockNumber, amountWei, fields: [], likelyCause },
  });
  const ownId = chainReceiptId(chainId, transactionHash, traceIndex);
  if (ownId !== id) return extra(`its id is not that of what it records, which is ${ownId}`);
  const isOpen =
    unproven.some(({ after, through }) => blockNumber > after && blockNumber <= through) ||
    blocks.some(block => block.blockNumber === blockNumber && !block.movements.isTraced);
  switch (testimony.says) {
    case 'transfer': {
      const onChain = { receiptId: id, ...factsOf(testimony.transfer) };
      const fields = differingFields(row, onChain);
      if (fields.length > 0) return alteredReceipt(onChain, fields);
      if (isOpen) return 'agreed';
      return `The RPC contradicts itself: receipt ${id} is on its chain, and its block ${blockNumber} changed nothing.`;
    }
    case 'block':
      if (testimony.knowsTransaction && isOpen && agreesWith(testimony, row))
        return `Receipt ${id} (${amountWei} wei in block ${blockNumber}) cannot be told without traces.`;
      return extra(
        'the chain has no such transaction: invented in the database, or told by an RPC that lied',
      );
    case 'absent':
      return extra(
        testimony.instead === row.blockHash
          ? 'its transaction pays nothing to the address there: invented in the database, or told by an RPC that lied'
          : `block ${testimony.atBlock} is another one (${testimony.instead}) and its transaction pays nothing: invented, altered, or a reorg not followed`,
      );
    case 'nothing':
      return isOpen
        ? `Receipt ${id} (${amountWei} wei in block ${blockNumber}) cannot be told: ${testimony.why}.`
        : extra(`block ${blockNumber} changed nothing; the RPC says no more of it (${testimony.why})`);
  }
}

/** In the order of the chain. */
function inOrder(differences: readonly Difference[]): Difference[] {
  return differences.toSorted((one, other) =>
    one.blockNumber === other.blockNumber
      ? one.id.localeCompare(other.id)
      : one.blockNumber < other.blockNumber
        ? -1
        : 1,
  );
}
