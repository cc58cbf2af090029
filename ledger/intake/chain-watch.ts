/**
 * Watching the RPCs, the chain and the indexer from beside: how far each is, and whether they agree. Nothing here
 * decides about a payment; it tells a person, and how far the chain is safe.
 */
import { type Alarm, type AlarmKind, clearAlarm, raiseAlarm, readAlarms } from '../alarms/alarm.ts';
import { lesserOf } from '../core/amount.ts';
import { instantOfSeconds } from '../core/instant.ts';
import {
  type ChainBlock,
  describeRpcFailure,
  isRpcFailure,
  readBlock,
  readTaggedBlock,
} from './chain-answers.ts';
import { readChainProgress, writeHead } from './chain-progress.ts';
import type { ChainRpc } from './chain-rpc.ts';
import type { IntakeContext } from './context.ts';
import { readIndexedBlock } from './indexed-transfers.ts';
import { forgetIndexerReorg, readIndexerReorgs } from './indexer-reorgs.ts';
import type { LookMemory } from './look-memory.ts';

const WATCH_ALARMS = [
  'rpc_unavailable',
  'rpc_chain_split',
  'indexer_behind',
] as const satisfies readonly AlarmKind[];

/** The indexer takes blocks so far below the newest for final, and cannot follow a reorg that goes deeper. */
export const FOLLOWED_BLOCKS = 30n;
/** So many blocks are remembered, one for each look, to find where a deep reorg began. */
const REMEMBERED_MAX = 500;

interface Heads {
  readonly rpc: ChainRpc;
  readonly latest: ChainBlock;
  readonly safe: ChainBlock;
  readonly finalized: ChainBlock;
}

export class ChainWatch {
  readonly #context: IntakeContext;
  readonly #memory: LookMemory;
  #indexedBefore: bigint | null | undefined;
  /** Blocks that were `FOLLOWED_BLOCKS` deep when they were remembered, the oldest first. */
  readonly #deep: ChainBlock[] = [];

  /** The indexer's notes of deep reorgs that were told. */
  readonly #heard = new Set<bigint>();

  constructor(context: IntakeContext, memory: LookMemory) {
    this.#context = context;
    this.#memory = memory;
  }

  /** Looks once. What an RPC does wrong is an alarm, when it lasts, and never an error. */
  async look(): Promise<void> {
    const now = await this.#context.now();
    const indexed = await readIndexedBlock(this.#context.db);
    const alarms: Alarm[] = [];
    const answers = await Promise.all(this.#context.rpcs.map(rpc => this.#askHeads(rpc, indexed, alarms)));
    const [own, ...others] = answers;
    if (own) {
      await writeHead(
        this.#context,
        { block: own.latest.number, at: instantOfSeconds(own.latest.timestamp) },
        now,
      );
      this.#lookAtIndexer(own.latest, indexed, alarms);
      await this.#lookForSplits(
        own,
        others.filter(heads => heads !== null),
        alarms,
      );
      await this.#lookForDeepReorg(own);
    }
    await this.#hearOfReorgs();
    this.#indexedBefore = indexed;
    await this.#memory.alarms.report(WATCH_ALARMS, alarms, now);
    await this.#clearPastReorgs();
  }

  async #askHeads(rpc: ChainRpc, indexed: bigint | null, alarms: Alarm[]): Promise<Heads | null> {
    const unavailable = (why: string) =>
      alarms.push({
        kind: 'rpc_unavailable',
        subject: rpc.name,
        message: `${rpc.name} cannot be used: ${why}.`,
      });
    try {
      const client = await rpc.proven();
      const [latest, safe, finalized] = await Promise.all([
        readTaggedBlock(client, 'latest'),
        readTaggedBlock(client, 'safe'),
        readTaggedBlock(client, 'finalized'),
      ]);
      if (indexed !== null && latest.number < indexed)
        // Without a number: a message that changes would be said anew each time.
        unavailable('it is behind the blocks that the indexer has');
      return { rpc, latest, safe, finalized };
    } catch (error) {
      if (!isRpcFailure(error)) throw error;
      unavailable(describeRpcFailure(error).replace(/\.$/, ''));
      return null;
    }
  }

  #lookAtIndexer(head: ChainBlock, indexed: bigint | null, alarms: Alarm[]): void {
    const standsStill = indexed === this.#indexedBefore;
    if (standsStill && (indexed === null || indexed < head.number)) {
      const where = indexed === null ? 'has no tables' : `stands still at block ${indexed}`;
      alarms.push({
        kind: 'indexer_behind',
        subject: 'indexer',
        message: `The indexer ${where} while the chain goes on.`,
      });
    }
  }

  /** Compares the RPCs where both are safe, and remembers how far all that agree are. */
  async #lookForSplits(own: Heads, others: readonly Heads[], alarms: Alarm[]): Promise<void> {
    let [safeBlock, finalizedBlock] = [own.safe.number, own.finalized.number];
    for (const other of others) {
      const height = lesserOf(other.safe.number, own.safe.number);
      if (await this.#isSplit(own, other, height))
        alarms.push({
          kind: 'rpc_chain_split',
          subject: other.rpc.name,
          message: `${other.rpc.name} has another chain than ${own.rpc.name}, in blocks that both call safe.`,
        });
      safeBlock = lesserOf(safeBlock, other.safe.number);
      finalizedBlock = lesserOf(finalizedBlock, other.finalized.number);
    }
    if (alarms.some(({ kind }) => kind === 'rpc_chain_split')) return;
    this.#memory.settledHeads = { safeBlock, finalizedBlock };
  }

  async #isSplit(own: Heads, other: Heads, height: bigint): Promise<boolean> {
    const hashAt = async ({ rpc, safe }: Heads) =>
      safe.number === height ? safe.hash : (await readBlock(rpc.client, height))?.hash;
    try {
      const [one, two] = await Promise.all([hashAt(own), hashAt(other)]);
      return one !== undefined && two !== undefined && one !== two;
    } catch (error) {
      if (!isRpcFailure(error)) throw error;
      return false;
    }
  }

  /** The block that was `FOLLOWED_BLOCKS` deep at the last look is another one now: more than those were replaced. */
  async #lookForDeepReorg({ rpc, latest }: Heads): Promise<void> {
    try {
      const replaced = await this.#forgetReplaced(rpc);
      if (replaced !== null) await this.#tellOfReorg(this.#deep.at(-1)?.number ?? -1n, latest.number);
      const number = latest.number > FOLLOWED_BLOCKS ? latest.number - FOLLOWED_BLOCKS : 0n;
      // None below those that the RPC does not have at the moment: they are compared once it has them again.
      if ((this.#deep.at(-1)?.number ?? -1n) >= number) return;
      const deep = await readBlock(rpc.client, number);
      if (deep) this.#deep.push(deep);
      if (this.#deep.length > REMEMBERED_MAX) this.#deep.shift();
    } catch (error) {
      if (!isRpcFailure(error)) throw error;
    }
  }

  /**
   * What the indexer could not follow, also where it was between two looks or nobody looked. Its note stands until all
   * that follows is being compared again, in case this process ends before.
   */
  async #hearOfReorgs(): Promise<void> {
    for (const { id, afterBlock, headBlock } of await readIndexerReorgs(this.#context.db)) {
      if (!this.#heard.has(id)) {
        await this.#tellOfReorg(afterBlock, headBlock);
        this.#heard.add(id);
      } else if (this.#memory.forkedAt === null) {
        await forgetIndexerReorg(this.#context.db, id);
        this.#heard.delete(id);
      }
    }
  }

  /** Lets everything after `forkedAt` be compared again, and tells a person of it unless that has been done. */
  async #tellOfReorg(forkedAt: bigint, head: bigint): Promise<void> {
    this.#memory.forkedAt = lesserOf(this.#memory.forkedAt ?? forkedAt, forkedAt);
    const standing = (await readAlarms(this.#context.db)).filter(({ kind }) => kind === 'deep_reorg');
    const told = standing.map(({ subject }) => blocksOf(subject));
    if (told.some(([first, last]) => first <= forkedAt + 1n && last >= head)) return;
    await raiseAlarm(this.#context, {
      kind: 'deep_reorg',
      subject: `blocks ${forkedAt + 1n}-${head}`,
      message: `More than ${FOLLOWED_BLOCKS} blocks after block ${forkedAt} were replaced.`,
    });
  }

  /** Forgets the remembered blocks that the chain has replaced; returns the oldest of them, null where it has none. */
  async #forgetReplaced(rpc: ChainRpc): Promise<ChainBlock | null> {
    let replaced: ChainBlock | null = null;
    for (let last = this.#deep.at(-1); last; last = this.#deep.at(-1)) {
      const now = await readBlock(rpc.client, last.number);
      // An RPC that has no such block says nothing about it.
      if (now === null || now.hash === last.hash) break;
      replaced = last;
      this.#deep.pop();
    }
    return replaced;
  }

  /** A deep reorg is over when the blocks that replaced the others are final and the books were compared with them. */
  async #clearPastReorgs(): Promise<void> {
    // What was final before it says nothing of it.
    if (this.#memory.forkedAt !== null) return;
    const { finalizedBlock } = await readChainProgress(this.#context);
    for (const { kind, subject } of await readAlarms(this.#context.db)) {
      if (kind !== 'deep_reorg') continue;
      const [, last] = blocksOf(subject);
      if (finalizedBlock >= last) await clearAlarm(this.#context, kind, subject);
    }
  }
}

/** The first and the last block of an alarm about `blocks <first>-<last>`. */
function blocksOf(subject: string): [first: bigint, last: bigint] {
  const [first = '0', last = '0'] = subject.slice('blocks '.length).split('-');
  return [BigInt(first), BigInt(last)];
}
