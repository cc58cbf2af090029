/**
 * Finding the blocks in which something happened to an address, without looking at all of them, and proving that none
 * was missed. An address without code can only lose ETH by a transaction of its own, which raises its nonce; code itself
 * only comes and goes with its nonce (EIP-7702 counts each authorization). So where balance and nonce are the same at
 * both ends of a range, and neither end has code, nothing was sent and hence nothing received in between. Where they
 * differ, the range is halved until single blocks are left.
 *
 * Worked example, blocks 0 to 8 with a payment of 5 wei in block 6: points at 0 and 8 differ (0 and 5 wei); 4 has 0 wei,
 * so (0, 4] is quiet and (4, 8] is halved: 6 has 5 wei, so (6, 8] is quiet; 5 has 0 wei: it is block 6. Five points for
 * eight blocks; for k such blocks among N about k·log2(N/k). All points of one depth are wanted at once, none twice.
 *
 * With code at both ends a range that looks quiet is not proven: code may have received and sent again. Nor is one in
 * which the state of no block in between can be had.
 */

/** What the chain says of an address after a block: a point. */
export interface AddressPoint {
  readonly balanceWei: bigint;
  /** How many transactions it has sent, and how many authorizations of its own were used. */
  readonly nonce: bigint;
  /** Also when it is only delegated to code (EIP-7702). */
  readonly hasCode: boolean;
}

/** The answer to the question for a point: the point, or why there is none. */
export type PointAnswer = AddressPoint | { readonly refusal: string };

/** The blocks after `after` up to `through`. */
export interface BlockRange {
  readonly after: bigint;
  readonly through: bigint;
}

/** A block that changed the address. */
export interface ChangedBlock {
  readonly blockNumber: bigint;
  readonly before: AddressPoint;
  readonly after: AddressPoint;
}

/** A range of which it is not known what happened in it. */
export interface UnprovenRange extends BlockRange {
  readonly why: 'code' | 'no_state';
}

/** All in the order of the chain. */
export interface ChangedBlocks {
  readonly changed: readonly ChangedBlock[];
  readonly unproven: readonly UnprovenRange[];
  /** The state at the end; and at the beginning, or where the first state is that can be had. */
  readonly opening: AddressPoint & { readonly blockNumber: bigint };
  readonly closing: AddressPoint;
  /** How many points were looked at, also those from which there was no answer. */
  readonly points: number;
  /** What the points may be at most: see pointsBound. */
  readonly bound: number;
}

/** The state at the end of the range cannot be had: nothing can be said of it at all. */
export class NoStateError extends Error {
  override readonly name = 'NoStateError';
}

/**
 * Finds the blocks of `range` that changed the address. `ask` answers for the points of these blocks; it is asked for
 * all of one depth together, and for none twice. Throws NoStateError when the end of the range has no state.
 * @param onDepth Told before each depth how many points were looked at, and how many it takes as far as is known.
 */
export async function findChangedBlocks(
  range: BlockRange,
  ask: (blocks: readonly bigint[]) => Promise<ReadonlyMap<bigint, PointAnswer>>,
  onDepth: (points: number, expected: number) => void = () => {},
): Promise<ChangedBlocks> {
  if (range.through <= range.after) throw new Error('a range has at least one block');
  const bisection = new Bisection(range);
  let wanted = bisection.wanted;
  for (; wanted.length > 0; wanted = bisection.wanted) {
    onDepth(bisection.points, bisection.expectedPoints);
    bisection.take(await ask(wanted));
  }
  return bisection.result();
}

/**
 * How many points are looked at at most for `changed` blocks among `blocks`: 2.5·k·log2(N/k), never more than there are,
 * and the two ends at least. Where more than half of the blocks changed, every one may have to be looked at.
 */
export function pointsBound(blocks: bigint, changed: number): number {
  const all = Number(blocks) + 1;
  if (changed === 0) return 2;
  if (2 * changed >= Number(blocks)) return all;
  return Math.min(all, Math.ceil(2.5 * changed * Math.log2(Number(blocks) / changed)));
}

/** A range whose ends are known and differ. */
interface OpenRange extends BlockRange {
  readonly before: AddressPoint;
  readonly behind: AddressPoint;
}

class Bisection {
  readonly #range: BlockRange;
  /** While the beginning has no state: the newest block known to have none, and the oldest known to have one. */
  #seeking: { without: bigint; withState: bigint; point: AddressPoint } | null = null;
  #opening: (AddressPoint & { blockNumber: bigint }) | null = null;
  #closing: AddressPoint | null = null;
  #open: OpenRange[] = [];
  /** Points that were spent on finding where the states begin. */
  #sought = 0;
  points = 0;
  readonly #changed: ChangedBlock[] = [];
  readonly #unproven: UnprovenRange[] = [];

  constructor(range: BlockRange) {
    this.#range = range;
  }

  /** The blocks whose points are needed next; none at the end. */
  get wanted(): readonly bigint[] {
    const { after, through } = this.#range;
    if (this.#closing === null) return [after, through];
    if (this.#seeking) return [middle({ after: this.#seeking.without, through: this.#seeking.withState })];
    return this.#open.map(middle);
  }

  /** How many points it takes, if nothing else is found than what is known to differ now. */
  get expectedPoints(): number {
    const ahead = this.#open.reduce(
      (sum, { after, through }) => sum + Math.ceil(Math.log2(Number(through - after))),
      0,
    );
    return this.points + ahead;
  }

  take(answers: ReadonlyMap<bigint, PointAnswer>): void {
    const { after, through } = this.#range;
    this.points += this.wanted.length;
    if (this.#closing === null) {
      this.#takeEnds(answerOf(answers, after), answerOf(answers, through));
    } else if (this.#seeking) {
      this.#takeSought(this.#seeking, answers);
    } else {
      const halved = this.#open;
      this.#open = [];
      for (const range of halved) this.#halve(range, answerOf(answers, middle(range)));
    }
  }

  #takeEnds(first: PointAnswer, last: PointAnswer): void {
    const { after, through } = this.#range;
    if ('refusal' in last)
      throw new NoStateError(
        `the state of the address at block ${through}, the last one, is not told: ${last.refusal}`,
      );
    this.#closing = last;
    if ('refusal' in first) this.#seek({ without: after, withState: through, point: last });
    else this.#begin(after, first);
  }

  #takeSought(
    { without, withState, point }: { without: bigint; withState: bigint; point: AddressPoint },
    answers: ReadonlyMap<bigint, PointAnswer>,
  ): void {
    const block = middle({ after: without, through: withState });
    const answer = answerOf(answers, block);
    this.#sought += 1;
    if ('refusal' in answer) this.#seek({ without: block, withState, point });
    else this.#seek({ without, withState: block, point: answer });
  }

  #seek(between: { without: bigint; withState: bigint; point: AddressPoint }): void {
    if (between.withState - between.without > 1n) {
      this.#seeking = between;
      return;
    }
    this.#seeking = null;
    this.#unproven.push({ after: this.#range.after, through: between.withState, why: 'no_state' });
    this.#begin(between.withState, between.point);
  }

  #begin(blockNumber: bigint, point: AddressPoint): void {
    this.#opening = { blockNumber, ...point };
    if (this.#closing === null) throw new Error('the end is known before the beginning');
    if (blockNumber < this.#range.through)
      this.#judge({
        after: blockNumber,
        before: point,
        through: this.#range.through,
        behind: this.#closing,
      });
  }

  #halve(range: OpenRange, answer: PointAnswer): void {
    if ('refusal' in answer) {
      this.#unproven.push({ after: range.after, through: range.through, why: 'no_state' });
      return;
    }
    const block = middle(range);
    this.#judge({ ...range, through: block, behind: answer });
    this.#judge({ ...range, after: block, before: answer });
  }

  /** Whether a range is quiet, is to be halved, is a single block that was looked for, or cannot be judged. */
  #judge(range: OpenRange): void {
    const { after, through, before, behind } = range;
    if (isSame(before, behind)) {
      if (before.hasCode) this.#unproven.push({ after, through, why: 'code' });
    } else if (through - after === 1n) {
      this.#changed.push({ blockNumber: through, before, after: behind });
    } else {
      this.#open.push(range);
    }
  }

  result(): ChangedBlocks {
    if (this.#opening === null || this.#closing === null) throw new Error('the bisection has not ended');
    const { after, through } = this.#range;
    return {
      changed: this.#changed.toSorted((one, other) => (one.blockNumber < other.blockNumber ? -1 : 1)),
      unproven: this.#unproven.toSorted((one, other) => (one.after < other.after ? -1 : 1)),
      opening: this.#opening,
      closing: this.#closing,
      points: this.points,
      bound: pointsBound(through - after, this.#changed.length) + this.#sought,
    };
  }
}

function middle({ after, through }: BlockRange): bigint {
  return after + (through - after) / 2n;
}

function answerOf(answers: ReadonlyMap<bigint, PointAnswer>, block: bigint): PointAnswer {
  const answer = answers.get(block);
  if (!answer) throw new Error(`the point of block ${block} was asked for and not answered`);
  return answer;
}

function isSame(one: AddressPoint, other: AddressPoint): boolean {
  return one.balanceWei === other.balanceWei && one.nonce === other.nonce && one.hasCode === other.hasCode;
}
