/**
 * Merkle trees in the shape of RFC 6962, section 2.1, with SHA-256: a leaf is hashed behind a byte 0, an inner node behind
 * a byte 1, so that neither can pass for the other, and the hash of no leaves is that of nothing.
 */
import { createHash } from 'node:crypto';

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** The hash of the leaf with this text. */
export function hashLeaf(text: string): Buffer {
  return createHash('sha256').update(LEAF).update(text, 'utf8').digest();
}

function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}

/** The root over leaves that come one after the other: as many hashes are in memory as the tree is high. */
export class MerkleRoot {
  /** Roots of full trees, each smaller than the one before. */
  readonly #full: { readonly hash: Uint8Array; readonly size: number }[] = [];
  #size = 0;

  /** @param leaf What `hashLeaf` made of it. */
  add(leaf: Uint8Array): void {
    let hash = leaf;
    let size = 1;
    for (let last = this.#full.at(-1); last?.size === size; last = this.#full.at(-1)) {
      this.#full.pop();
      hash = hashNode(last.hash, hash);
      size *= 2;
    }
    this.#full.push({ hash, size });
    this.#size += 1;
  }

  get size(): number {
    return this.#size;
  }

  /** Over the leaves so far. */
  root(): Buffer {
    const hash = this.#full.reduceRight<Uint8Array | null>(
      (right, { hash: left }) => (right === null ? left : hashNode(left, right)),
      null,
    );
    return hash === null ? createHash('sha256').digest() : Buffer.from(hash);
  }
}

/** A tree that is kept whole, for the paths of its leaves. */
export class MerkleTree {
  /** The leaves, the nodes above them, and so on up to the root. */
  readonly #levels: readonly (readonly Uint8Array[])[];

  constructor(leaves: readonly Uint8Array[]) {
    const levels = [leaves];
    for (let level = leaves; level.length > 1; levels.push(level)) {
      const next: Uint8Array[] = [];
      for (let index = 0; index < level.length; index += 2) {
        const left = level[index] as Uint8Array;
        const right = level[index + 1];
        // The last one of an odd number has no sibling at this height.
        next.push(right === undefined ? left : hashNode(left, right));
      }
      level = next;
    }
    this.#levels = levels;
  }

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  root(): Buffer {
    const hash = this.#levels.at(-1)?.[0];
    return hash === undefined ? createHash('sha256').digest() : Buffer.from(hash);
  }

  /** Throws when there is no such leaf. */
  leaf(index: number): Uint8Array {
    const leaf = this.#levels[0]?.[index];
    if (leaf === undefined) throw new Error(`there is no leaf ${index} among ${this.size}`);
    return leaf;
  }

  /** The siblings on the way from the leaf to the root, from the bottom up. Throws when there is no such leaf. */
  path(index: number): Uint8Array[] {
    this.leaf(index);
    return this.#levels.flatMap((level, height) => level[(index >> height) ^ 1] ?? []);
  }
}

/** The root that a leaf, its place among `size` leaves and its path lead to; null when the path has another length. */
export function rootOfPath(proof: {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly path: readonly Uint8Array[];
}): Buffer | null {
  let { index, leaf: hash } = proof;
  let last = proof.size - 1;
  if (index < 0 || index > last) return null;
  const rest = [...proof.path];
  for (; last > 0; index >>= 1, last >>= 1) {
    const isAlone = index % 2 === 0 && index === last;
    if (isAlone) continue;
    const sibling = rest.shift();
    if (sibling === undefined) return null;
    hash = index % 2 === 1 ? hashNode(sibling, hash) : hashNode(hash, sibling);
  }
  return rest.length === 0 ? Buffer.from(hash) : null;
}
