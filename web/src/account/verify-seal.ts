/** Verifies that a book is in a seal of the operator, as docs/verify-proof.mjs does, with nothing but the browser. */
import type { Proof } from './answers.ts';
import { type Bytes, bytesOf, bytesOfHex, hexOf, netstrings, readNetstrings, sha256 } from './hashing.ts';
import type { VerifiedJournal } from './verify-journal.ts';

export interface VerifiedSeal {
  readonly number: string;
  /** In milliseconds since the epoch. */
  readonly throughMs: number;
  /** Of the operator's key that signed it, in hex. */
  readonly publicKey: string;
  /** How many books are under its root. */
  readonly books: string;
  /** The last entry of this book in it. */
  readonly seq: string;
}

const NODE = Uint8Array.of(1);
const LEAF = Uint8Array.of(0);
const DOCUMENT_FIELDS = 10;

/**
 * Throws an Error that says what does not hold: the operator's signature, the way from the book to the signed root, or
 * the sealed head against `journal`, which was verified before. `publishedKey` is the operator's key as somebody knows it,
 * in hex; empty: whatever key signed.
 */
export async function verifySeal(
  proof: Proof,
  journal: VerifiedJournal,
  publishedKey: string,
): Promise<VerifiedSeal> {
  const document = await readDocument(proof, publishedKey);
  await verifyPath(proof, document);
  verifyAgainst(journal, proof, document);
  return {
    number: document.number,
    throughMs: Number(document.through / 1000n),
    publicKey: document.publicKey,
    books: document.books,
    seq: proof.book.seq,
  };
}

interface SealDocument {
  readonly number: string;
  readonly through: bigint;
  readonly root: string;
  readonly books: string;
  readonly publicKey: string;
}

async function readDocument({ format, seal }: Proof, publishedKey: string): Promise<SealDocument> {
  if (format !== 'aispace-credits/proof/1') throw new Error('This page cannot read the proof: reload it.');
  const text = bytesOf(seal.document);
  const [version, , , number = '', through, , root = '', books = '', , publicKey = ''] = readNetstrings(
    text,
    DOCUMENT_FIELDS,
  );
  if (version !== 'aispace-credits/seal/1' || !/^-?\d{1,20}$/.test(through ?? ''))
    throw new Error('The document that was signed is no seal.');
  if (hexOf(await sha256(text)) !== seal.hash)
    throw new Error('The hash of the seal is not that of its document.');
  if (publishedKey !== '' && publishedKey !== publicKey)
    throw new Error(
      `The seal is signed with another key than the operator published: ${publicKey}. Ask the operator why.`,
    );
  if (!(await isSigned(text, bytesOfHex(seal.signature), bytesOfHex(publicKey))))
    throw new Error('The signature of the seal does not fit its document and the key in it.');
  return { number, through: BigInt(through ?? ''), root, books, publicKey };
}

async function isSigned(text: Bytes, signature: Bytes, publicKey: Bytes): Promise<boolean> {
  const algorithm = { name: 'Ed25519' };
  let key: CryptoKey;
  try {
    key = await crypto.subtle.importKey('raw', publicKey, algorithm, false, ['verify']);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError')
      throw new Error(
        'This browser knows no Ed25519 signatures: verify offline, with docs/verify-proof.mjs.',
      );
    return false;
  }
  return await crypto.subtle.verify(algorithm, key, signature, text);
}

/** RFC 6962: a byte 0 stands before leaves, a byte 1 before nodes. */
async function verifyPath(proof: Proof, { root, books }: SealDocument): Promise<void> {
  const { name, seq, head } = proof.book;
  const leaf = netstrings(['aispace-credits/leaf/1', name, seq, head, ...amountsOf(proof)]);
  let hash = await sha256(LEAF, bytesOf(leaf));
  let index = proof.leaf_index;
  let last = proof.leaf_count - 1;
  const isInside = Number.isSafeInteger(index) && index >= 0 && index <= last;
  if (!isInside || String(proof.leaf_count) !== books)
    throw new Error('Your book is not among those that were sealed.');
  const path = proof.path.map(bytesOfHex);
  for (; last > 0; index = Math.floor(index / 2), last = Math.floor(last / 2)) {
    // The last one of an odd number has no sibling at this height.
    if (index % 2 === 0 && index === last) continue;
    const sibling = path.shift() ?? new Uint8Array();
    hash = index % 2 === 1 ? await sha256(NODE, sibling, hash) : await sha256(NODE, hash, sibling);
  }
  if (path.length > 0 || hexOf(hash) !== root)
    throw new Error('Your book does not lead to the root that the operator signed.');
}

/** The journal leads to the sealed head, with what was sealed, and has on either side of the seal what belongs there. */
function verifyAgainst(journal: VerifiedJournal, proof: Proof, { through }: SealDocument): void {
  const { book } = proof;
  if (book.name !== journal.book) throw new Error('The proof is that of another book.');
  const sealed = Number(book.seq);
  const last = journal.entries[sealed - 1];
  if (last?.hash !== book.head)
    throw new Error(
      `Entry ${book.seq} is not the one that the operator sealed: keep the journal and the proof, and ask for an answer.`,
    );
  if (`${last.after}` !== `${amountsOf(proof)}`)
    throw new Error(`Entry ${book.seq} left other credits than were sealed.`);
  for (const [index, { bookedAt }] of journal.entries.entries())
    if (bookedAt <= through !== index < sealed)
      throw new Error(`Entry ${index + 1} is on the wrong side of the seal.`);
}

function amountsOf({ book }: Proof): string[] {
  return [book.available_microcredits, book.held_microcredits, book.debt_microcredits];
}
