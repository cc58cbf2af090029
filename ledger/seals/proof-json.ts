import { instantText } from '../store/instant-text.ts';
import type { BookProof } from './prove-book.ts';
import { readDocument } from './seal-document.ts';
import { hexOf, type SealRow } from './seal-rows.ts';
import type { SealedEntryText } from './sealed-journal.ts';

export const PROOF_FORMAT = 'aispace-credits/proof/1' as const;

/** A seal as customers and operators are told of it. `document` is what was hashed and signed. */
export function sealJson(seal: SealRow) {
  return {
    number: seal.number,
    sealed_through: instantText(seal.through),
    hash: hexOf(seal.hash),
    document: seal.document,
    signature: hexOf(seal.signature),
    public_key: readDocument(seal.document)?.publicKey ?? '',
  };
}

/** A proof as docs/verify-proof.mjs reads it. Amounts are microcredits in strings. */
export function proofJson({ seal, book, leafIndex, leafCount, path }: BookProof) {
  return {
    format: PROOF_FORMAT,
    seal: sealJson(seal),
    book: {
      name: book.name,
      seq: String(book.seq),
      head: hexOf(book.head),
      available_microcredits: String(book.availableMicrocredits),
      held_microcredits: String(book.heldMicrocredits),
      debt_microcredits: String(book.debtMicrocredits),
    },
    leaf_index: leafIndex,
    leaf_count: leafCount,
    path: path.map(hexOf),
  };
}

/** An entry of a journal as docs/verify-proof.mjs reads it. */
export function sealedEntryJson({ seq, sealed, hash }: SealedEntryText) {
  return { seq: String(seq), sealed, hash };
}
