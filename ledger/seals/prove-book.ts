/** That a book is in a seal, for its customer: the leaf, and its path to the root that was signed. */
import type pg from 'pg';
import { Cursor } from '../audit/cursor.ts';
import { accountName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { MerkleTree } from './merkle.ts';
import { readDocument } from './seal-document.ts';
import { hexOf, type SealRow } from './seal-rows.ts';
import { leafOf, type SealedBook } from './sealed-book.ts';

const FETCH_SIZE = 4000;

/** All leaves of a seal, with where each account's is. Two hashes a book are in memory. */
export interface SealTree {
  readonly seal: SealRow;
  readonly tree: MerkleTree;
  readonly leafOfAccount: ReadonlyMap<bigint, { readonly index: number; readonly seq: bigint }>;
}

export interface BookProof {
  readonly seal: SealRow;
  readonly book: SealedBook;
  readonly leafIndex: number;
  readonly leafCount: number;
  /** The siblings from the leaf to the root. */
  readonly path: readonly Uint8Array[];
}

/** Reads the leaves of `seal` as they were kept. Throws unless they lead to its root. */
export async function readSealTree(pool: pg.Pool, seal: SealRow, bucketCount: number): Promise<SealTree> {
  const client = await pool.connect();
  const leaves: Uint8Array[] = [];
  const leafOfAccount = new Map<bigint, { index: number; seq: bigint }>();
  let failed = true;
  try {
    await client.query('begin isolation level repeatable read read only');
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      const cursor = await Cursor.open<{ account_id: bigint; seq: bigint; leaf: Uint8Array }>(client, {
        name: 'seal_tree',
        text: `select distinct on (account_id) account_id, seq, leaf from sealed_heads
          where bucket = $1 and number <= $2 order by account_id, number desc`,
        values: [bucket, seal.number],
        fetchSize: FETCH_SIZE,
      });
      for (let row = await cursor.peek(); row !== null; row = await cursor.peek()) {
        cursor.pass();
        if (row.account_id !== SYSTEM_ACCOUNT_ID)
          leafOfAccount.set(row.account_id, { index: leaves.length, seq: row.seq });
        leaves.push(row.leaf);
      }
      await cursor.close();
    }
    await client.query('commit');
    failed = false;
  } finally {
    client.release(failed);
  }
  const tree = new MerkleTree(leaves);
  if (hexOf(tree.root()) !== readDocument(seal.document)?.root)
    throw new Error(
      `what is kept of seal ${seal.number} does not lead to its root: see \`npx credits seal verify\``,
    );
  return { seal, tree, leafOfAccount };
}

/** The proof of an account's book; null when it had no entry by the seal. Throws when the journal has another one now. */
export async function proveBook(
  pool: pg.Pool,
  { seal, tree, leafOfAccount }: SealTree,
  { accountId, bucketCount }: { readonly accountId: bigint; readonly bucketCount: number },
): Promise<BookProof | null> {
  const sealed = leafOfAccount.get(accountId);
  if (!sealed) return null;
  const { rows } = await pool.query<{
    hash: Uint8Array;
    available: bigint;
    held: bigint;
    debt: bigint;
  }>(
    `select hash, available_after_microcredits as available, coalesce(held_after_microcredits, 0) as held,
       coalesce(debt_after_microcredits, 0) as debt
     from entries where bucket = $1 and account_id = $2 and seq = $3`,
    [bucketOfAccount(accountId, bucketCount), accountId, sealed.seq],
  );
  const [entry] = rows;
  const book = entry && {
    name: accountName(accountId),
    seq: sealed.seq,
    head: entry.hash,
    availableMicrocredits: entry.available,
    heldMicrocredits: entry.held,
    debtMicrocredits: entry.debt,
  };
  if (!book || !leafOf(book).equals(tree.leaf(sealed.index)))
    throw new Error(
      `${accountName(accountId)} is not what seal ${seal.number} sealed: see \`npx credits seal verify\``,
    );
  return { seal, book, leafIndex: sealed.index, leafCount: tree.size, path: tree.path(sealed.index) };
}
