/**
 * What a scan was told, so that one that was stopped goes on from there and asks nothing twice. It is kept as lines of
 * JSON that are only ever added to: a head that says what the scan is about, then a line for each point and block. A
 * number is text with an n behind it. What is kept is believed: an auditor who does not trust an earlier RPC begins anew.
 */
import type { Installation } from '../store/installation.ts';
import type { AddressPoint } from './bisection.ts';
import type { BlockMovements } from './block-movements.ts';

/** Of which address on which chain. */
export type ScanSubject = Pick<Installation, 'chainId' | 'genesisHash' | 'paymentAddress'>;

const VERSION = 1;

interface Head {
  readonly version: number;
  readonly subject: ScanSubject;
}

type Line =
  | { readonly point: bigint; readonly is: AddressPoint }
  | { readonly block: bigint; readonly is: BlockMovements };

/** The lines are not of a scan, or of one of something else. */
export class ForeignMemoryError extends Error {
  override readonly name = 'ForeignMemoryError';
}

export class ScanMemory {
  readonly #points = new Map<bigint, AddressPoint>();
  readonly #blocks = new Map<bigint, BlockMovements>();
  readonly #keep: (line: string) => void;

  /** @param keep Given each further line to be kept, without its newline. */
  private constructor(keep: (line: string) => void) {
    this.#keep = keep;
  }

  /** A memory that is lost with the process. */
  static empty(): ScanMemory {
    return new ScanMemory(() => {});
  }

  /**
   * The memory that was kept as `lines`; a new one when there are none. Throws ForeignMemoryError when they are no scan's,
   * or of another address or chain than `subject`.
   */
  static from(subject: ScanSubject, lines: readonly string[], keep: (line: string) => void): ScanMemory {
    const memory = new ScanMemory(keep);
    const about = { version: VERSION, subject: subjectOf(subject) } satisfies Head;
    const [head, ...kept] = lines;
    if (head === undefined) {
      keep(textOf(about));
      return memory;
    }
    if (head !== textOf(about))
      throw new ForeignMemoryError(`it is not of a scan of ${subject.paymentAddress} on this chain`);
    for (const [index, text] of kept.entries()) memory.#take(lineOf(text, index + 2));
    return memory;
  }

  point(block: bigint): AddressPoint | undefined {
    return this.#points.get(block);
  }

  movements(block: bigint): BlockMovements | undefined {
    return this.#blocks.get(block);
  }

  rememberPoint(block: bigint, { balanceWei, nonce, hasCode }: AddressPoint): void {
    this.#remember({ point: block, is: { balanceWei, nonce, hasCode } });
  }

  rememberMovements(movements: BlockMovements): void {
    this.#remember({ block: movements.block.number, is: movements });
  }

  #remember(line: Line): void {
    this.#take(line);
    this.#keep(textOf(line));
  }

  #take(line: Line): void {
    if ('point' in line) this.#points.set(line.point, line.is);
    else this.#blocks.set(line.block, line.is);
  }
}

function subjectOf({ chainId, genesisHash, paymentAddress }: ScanSubject): ScanSubject {
  return { chainId, genesisHash, paymentAddress };
}

function textOf(value: Head | Line): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
}

function lineOf(text: string, number: number): Line {
  const line = parsed(text);
  const isKnown =
    typeof line === 'object' &&
    line !== null &&
    'is' in line &&
    typeof line.is === 'object' &&
    (('point' in line && typeof line.point === 'bigint') ||
      ('block' in line && typeof line.block === 'bigint'));
  if (!isKnown) throw new ForeignMemoryError(`its line ${number} is neither a point nor a block`);
  return line as Line;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text, (_, part) =>
      typeof part === 'string' && /^-?\d+n$/.test(part) ? BigInt(part.slice(0, -1)) : part,
    );
  } catch {
    return null;
  }
}
