/** Trees of every small size, against RFC 6962 written down a second time, and its published vectors. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hashLeaf, MerkleRoot, MerkleTree, rootOfPath } from '../../../ledger/seals/merkle.ts';

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** MTH of RFC 6962, section 2.1, word for word. */
function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0] as Buffer;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.of(1), treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

const leavesOf = (size: number) => Array.from({ length: size }, (_, index) => hashLeaf(`leaf ${index}`));
const SIZES = Array.from({ length: 34 }, (_, size) => size);

test('the vectors of Certificate Transparency', () => {
  // Of google/certificate-transparency, merkle_tree_test: the first leaf is empty, the second is a zero byte.
  expect(new MerkleRoot().root().toString('hex')).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
  const tree = new MerkleRoot();
  tree.add(hashLeaf(''));
  expect(tree.root().toString('hex')).toBe(
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  );
  tree.add(hashLeaf('\0'));
  expect(tree.root().toString('hex')).toBe(
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  );
});

describe.each(SIZES)('%i leaves', size => {
  const leaves = leavesOf(size);
  test('have the root of the RFC, one after the other and all at once', () => {
    const streamed = new MerkleRoot();
    for (const leaf of leaves) streamed.add(leaf);
    expect(streamed.root()).toEqual(treeHash(leaves));
    expect(streamed.size).toBe(size);
    expect(new MerkleTree(leaves).root()).toEqual(treeHash(leaves));
  });

  test('each have a path to the root, which no other leaf, place or length has', () => {
    const tree = new MerkleTree(leaves);
    for (const [index, leaf] of leaves.entries()) {
      const path = tree.path(index);
      const root = tree.root();
      expect(rootOfPath({ leaf, index, size, path })).toEqual(root);
      expect(rootOfPath({ leaf: hashLeaf('another'), index, size, path })).not.toEqual(root);
      expect(rootOfPath({ leaf, index, size, path: [...path, leaf] })).toBeNull();
      if (path.length > 0) expect(rootOfPath({ leaf, index, size, path: path.slice(1) })).toBeNull();
      for (const other of [index - 1, index + 1, size])
        expect(rootOfPath({ leaf, index: other, size, path })).not.toEqual(root);
    }
  });

  test('have no path for a leaf that is not there', () => {
    const tree = new MerkleTree(leaves);
    for (const index of [-1, size, 0.5]) expect(() => tree.path(index)).toThrow('there is no leaf');
  });
});

test('an inner node is no leaf, and a leaf no node', () => {
  const [one, other] = leavesOf(2) as [Buffer, Buffer];
  const both = Buffer.concat([one, other]);
  expect(hashLeaf(both.toString('latin1'))).not.toEqual(new MerkleTree([one, other]).root());
  expect(sha256(Buffer.of(0), both)).not.toEqual(new MerkleTree([one, other]).root());
});
