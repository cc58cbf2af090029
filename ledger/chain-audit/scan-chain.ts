/** The independent scanner: all that moved ETH to and from the payment address, from the chain's history alone. */
import { readBalanceAndNonce, readHasCode } from '../intake/chain-answers.ts';
import { ChainRpc } from '../intake/chain-rpc.ts';
import { refusalOf } from '../intake/rpc-refusal.ts';
import { hasTraces } from '../intake/trace-support.ts';
import type { AuditClient } from './audit-client.ts';
import {
  type AddressPoint,
  type BlockRange,
  type ChangedBlock,
  type ChangedBlocks,
  findChangedBlocks,
  type PointAnswer,
  type UnprovenRange,
} from './bisection.ts';
import { type BlockMovements, movedWei, readMovements, type ScannedReceipt } from './block-movements.ts';
import { inTurns } from './in-turns.ts';
import { ScanMemory, type ScanSubject } from './scan-memory.ts';

export const REQUESTS_AT_ONCE_DEFAULT = 2;
/** A point is a balance, a nonce and the code. */
const CALLS_PER_POINT = 3;

export interface ScanOptions {
  readonly rpc: AuditClient;
  readonly subject: ScanSubject;
  /** Of blocks that are final: what is found is not looked at again. */
  readonly range: BlockRange;
  /** How many requests may be on their way at a time; 2 when left out. */
  readonly requestsAtOnce?: number | undefined;
  /** So many points it may ask for at most, before it throws ScanBudgetError; any number when left out. */
  readonly pointsMax?: number | undefined;
  /** Of a scan that was stopped. */
  readonly memory?: ScanMemory | undefined;
  /** Told how many points are done of about how many, and then the same of blocks. */
  readonly onProgress?: ((what: 'points' | 'blocks', done: number, expected: number) => void) | undefined;
}

/** More changed the address in these blocks than a scan with this budget may look at. */
export class ScanBudgetError extends Error {
  override readonly name = 'ScanBudgetError';
}

/** A block that changed the address, with what did. */
export interface ScannedBlock extends ChangedBlock {
  readonly movements: BlockMovements;
  /** By how much the balance changed beyond its movements: balance(b) − balance(b − 1) − (in − out − fees). */
  readonly unexplainedWei: bigint;
  /** By how much the nonce grew beyond the transactions sent. */
  readonly unexplainedNonce: bigint;
}

export interface ChainScan {
  readonly range: BlockRange;
  readonly blocks: readonly ScannedBlock[];
  readonly unproven: readonly UnprovenRange[];
  /** At the beginning of the range, or where the first state is that can be had. */
  readonly opening: AddressPoint & { readonly blockNumber: bigint };
  readonly closing: AddressPoint;
  readonly hasTraces: boolean;
  /** Points looked at, those remembered included, and what they may be at most: 2.5·k·log2(N/k). */
  readonly points: number;
  readonly bound: number;
  /** Points that this run asked for. */
  readonly pointsAsked: number;
  /** Why the RPC did not tell a point, in its own words; null when it told all. */
  readonly refusal: string | null;
}

/**
 * Scans the chain. Throws NoStateError when the RPC does not tell the state at the range's end, UnusableAnswerError or
 * viem's error when it serves another chain or does not answer soundly: what it told until then is in the memory.
 */
export async function scanChain(options: ScanOptions): Promise<ChainScan> {
  const { rpc, subject, range, memory = ScanMemory.empty() } = options;
  const first = await new ChainRpc({ name: 'The RPC', client: rpc.first, installation: subject }).proven();
  const traces = await hasTraces(first);
  const asking = new PointReader({ ...options, memory });
  const found = await findChangedBlocks(
    range,
    blocks => asking.answers(blocks),
    (done, expected) => asking.expect(done, expected),
  );
  return {
    range,
    blocks: await readBlocks({ ...options, memory }, found, traces),
    unproven: found.unproven,
    opening: found.opening,
    closing: found.closing,
    hasTraces: traces,
    points: found.points,
    bound: found.bound,
    pointsAsked: asking.asked,
    refusal: asking.refusal,
  };
}

type Remembering = ScanOptions & { readonly memory: ScanMemory };

class PointReader {
  readonly #options: Remembering;
  asked = 0;
  refusal: string | null = null;
  #done = 0;
  #expected = 0;

  constructor(options: Remembering) {
    this.#options = options;
  }

  expect(done: number, expected: number): void {
    this.#done = done;
    this.#expected = expected;
  }

  async answers(blocks: readonly bigint[]): Promise<Map<bigint, PointAnswer>> {
    const { rpc, memory, requestsAtOnce = REQUESTS_AT_ONCE_DEFAULT, pointsMax, onProgress } = this.#options;
    const answers = new Map<bigint, PointAnswer>();
    const told = (block: bigint, answer: PointAnswer) => {
      answers.set(block, answer);
      this.#done += 1;
      onProgress?.('points', this.#done, Math.max(this.#done, this.#expected));
    };
    const unknown: bigint[] = [];
    for (const block of blocks) {
      const point = memory.point(block);
      if (point) told(block, point);
      else unknown.push(block);
    }
    if (pointsMax !== undefined && this.asked + unknown.length > pointsMax)
      throw new ScanBudgetError(`more than ${pointsMax} points would have to be looked at`);
    const perRequest = Math.max(1, Math.floor(rpc.callsPerRequest / CALLS_PER_POINT));
    await inTurns(chunks(unknown, perRequest), requestsAtOnce, async some => {
      // All at once, so that they go together; none is left on its way when one fails.
      await inTurns(some, some.length, async block => told(block, await this.#ask(block)));
    });
    return answers;
  }

  async #ask(block: bigint): Promise<PointAnswer> {
    const { rpc, subject, memory } = this.#options;
    this.asked += 1;
    try {
      const [state, hasCode] = await Promise.all([
        readBalanceAndNonce(rpc.client, subject.paymentAddress, block),
        readHasCode(rpc.client, subject.paymentAddress, block),
      ]);
      const point: AddressPoint = { ...state, hasCode };
      memory.rememberPoint(block, point);
      return point;
    } catch (error) {
      // Nodes agree neither on the code nor on the words for state they no longer have, but they do answer.
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      this.refusal ??= refusal.text;
      return { refusal: refusal.text };
    }
  }
}

async function readBlocks(
  { rpc, subject, memory, requestsAtOnce = REQUESTS_AT_ONCE_DEFAULT, onProgress }: Remembering,
  { changed }: ChangedBlocks,
  traces: boolean,
): Promise<ScannedBlock[]> {
  const read = new Map<bigint, BlockMovements>();
  await inTurns(changed, requestsAtOnce, async ({ blockNumber }) => {
    let movements = memory.movements(blockNumber);
    // What was read without traces is read again where there are some now.
    if (!movements || (traces && !movements.isTraced)) {
      const { chainId, paymentAddress: address } = subject;
      movements = await readMovements(rpc.client, { chainId, address, blockNumber, hasTraces: traces });
      memory.rememberMovements(movements);
    }
    read.set(blockNumber, movements);
    onProgress?.('blocks', read.size, changed.length);
  });
  return changed.map(block => {
    const movements = read.get(block.blockNumber);
    if (!movements) throw new Error(`block ${block.blockNumber} was not read`);
    return {
      ...block,
      movements,
      unexplainedWei: block.after.balanceWei - block.before.balanceWei - movedWei(movements),
      unexplainedNonce: block.after.nonce - block.before.nonce - BigInt(movements.sent.length),
    };
  });
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** The payments of a scan, for whoever rebuilds receipts from the chain. */
export interface ScannedReceipts {
  /** In the order of the chain. */
  readonly receipts: readonly ScannedReceipt[];
  /** Why more may have come than these; empty where it is proven that nothing else did. */
  readonly doubts: readonly string[];
  readonly scan: ChainScan;
}

/** Scans the chain for payments; throws as scanChain does. */
export async function scanReceipts(options: ScanOptions): Promise<ScannedReceipts> {
  const scan = await scanChain(options);
  return { receipts: receiptsOf(scan), doubts: doubtsOf(scan), scan };
}

export function receiptsOf({ blocks }: ChainScan): ScannedReceipt[] {
  return blocks.flatMap(({ movements }) =>
    movements.receipts.toSorted(
      (one, other) => one.transactionIndex - other.transactionIndex || one.traceIndex - other.traceIndex,
    ),
  );
}

/** Why the proof that nothing was missed does not hold, a sentence each; empty when it holds. */
export function doubtsOf({ blocks, unproven, range, refusal }: ChainScan): string[] {
  const doubts: string[] = [];
  const withCode = unproven.filter(({ why }) => why === 'code');
  if (withCode.length > 0)
    doubts.push(
      `The address has code in ${blocksOf(withCode)}: code may receive and send without a trace in its nonce.`,
    );
  for (const { after, through } of unproven.filter(({ why }) => why === 'no_state'))
    doubts.push(
      `The RPC has no state ${after === range.after ? `before block ${through}` : `in ${spanOf({ after, through })}`}` +
        `${refusal === null ? '' : ` (${refusal})`}: ask an archive node.`,
    );
  for (const { blockNumber, movements, unexplainedWei, before, after } of blocks) {
    // Without code only what comes can be missed, and that shows in the balance: where it fits, nothing is missing.
    if (unexplainedWei !== 0n)
      doubts.push(
        movements.isTraced
          ? `Block ${blockNumber} changed the balance by ${unexplainedWei} wei that none of its transfers explains.`
          : `Block ${blockNumber} changed the balance by ${unexplainedWei} wei beyond its whole transactions, and the RPC does not trace it: ask one that does.`,
      );
    else if (!movements.isTraced && (before.hasCode || after.hasCode))
      doubts.push(`Block ${blockNumber} was not traced, and the address has code there.`);
  }
  for (const { blockNumber, unexplainedNonce } of blocks)
    if (unexplainedNonce !== 0n)
      doubts.push(
        `Block ${blockNumber} raised the nonce by ${unexplainedNonce} more than was sent: an authorization of code (EIP-7702), or a transaction that the RPC leaves out.`,
      );
  return doubts;
}

const SPANS_SHOWN = 3;

function blocksOf(ranges: readonly BlockRange[]): string {
  const shown = ranges.slice(0, SPANS_SHOWN).map(spanOf).join(', ');
  const more = ranges.length - SPANS_SHOWN;
  return more > 0 ? `${shown} and ${more} more ranges` : shown;
}

/** The blocks whose state is concerned, both ends included. */
function spanOf({ after, through }: BlockRange): string {
  return `blocks ${after} to ${through}`;
}
