/**
 * The text that is signed of a seal: netstrings (see core/encoding.ts) of the fields below, in their order, hashes and keys
 * in hex, the instant in microseconds since the epoch. The seal's hash is SHA-256 of this text, and the next seal names it.
 * What the ledger accounts came to is there as a hash only: customers are shown this text, and not what the operator earns.
 */
import { createHash } from 'node:crypto';
import { netstrings, readNetstrings } from '../core/encoding.ts';
import type { Instant } from '../core/instant.ts';

export const SEAL_VERSION = 'aispace-credits/seal/1';
export const TOTALS_VERSION = 'aispace-credits/totals/1';

/** What the first seal names as the one before it. */
export const NO_SEAL_HASH = '00'.repeat(32);

export interface SealDocument {
  readonly chainId: number;
  /** Lower case. */
  readonly paymentAddress: string;
  /** Gapless from 1. */
  readonly number: number;
  /** Everything that was booked by this instant is in it, that instant included. */
  readonly through: Instant;
  readonly previousHash: string;
  /** The Merkle root over all books in the order of bucket and account (merkle.ts, sealed-book.ts). */
  readonly root: string;
  readonly bookCount: number;
  readonly totalsHash: string;
  /** The 32 bytes of the operator's Ed25519 key. */
  readonly publicKey: string;
}

/** The balance of a ledger account, debits less credits, in the smallest unit of its asset. */
export interface Total {
  readonly code: number;
  readonly account: string;
  readonly balance: bigint;
}

export function documentText(document: SealDocument): string {
  return netstrings([
    SEAL_VERSION,
    document.chainId,
    document.paymentAddress,
    document.number,
    document.through,
    document.previousHash,
    document.root,
    document.bookCount,
    document.totalsHash,
    document.publicKey,
  ]);
}

const HASH = /^[0-9a-f]{64}$/;
const NUMBER = /^(?:0|[1-9]\d{0,14})$/;

/** The document of a text; null for a text that `documentText` never makes. */
export function readDocument(text: string): SealDocument | null {
  const [version, chainId, address, number, through, previousHash, root, bookCount, totalsHash, publicKey] =
    readNetstrings(text) ?? [];
  if (version !== SEAL_VERSION || !isMatch(address, /^0x[0-9a-f]{40}$/)) return null;
  if (!isMatch(chainId, NUMBER) || !isMatch(number, NUMBER) || !isMatch(bookCount, NUMBER)) return null;
  if (!isMatch(previousHash, HASH) || !isMatch(root, HASH) || !isMatch(totalsHash, HASH)) return null;
  if (!isMatch(publicKey, HASH) || !isMatch(through, /^-?\d{1,20}$/)) return null;
  const document = {
    chainId: Number(chainId),
    paymentAddress: address,
    number: Number(number),
    through: BigInt(through),
    previousHash,
    root,
    bookCount: Number(bookCount),
    totalsHash,
    publicKey,
  };
  return documentText(document) === text ? document : null;
}

function isMatch(text: string | undefined, pattern: RegExp): text is string {
  return text !== undefined && pattern.test(text);
}

/** The totals as they are kept and hashed, in the order of their codes. */
export function totalsText(totals: readonly Total[]): string {
  const inOrder = [...totals].sort((a, b) => a.code - b.code);
  return netstrings([
    TOTALS_VERSION,
    ...inOrder.flatMap(({ code, account, balance }) => [code, account, balance]),
  ]);
}

/** The totals of a text; null for a text that `totalsText` never makes. */
export function readTotals(text: string): Total[] | null {
  const [version, ...values] = readNetstrings(text) ?? [];
  if (version !== TOTALS_VERSION || values.length % 3 !== 0) return null;
  const totals: Total[] = [];
  for (let index = 0; index < values.length; index += 3) {
    const [code = '', account = '', balance = ''] = values.slice(index, index + 3);
    if (!/^[1-9]\d{0,4}$/.test(code) || !/^-?\d{1,80}$/.test(balance)) return null;
    totals.push({ code: Number(code), account, balance: BigInt(balance) });
  }
  return totalsText(totals) === text ? totals : null;
}

/** SHA-256 of a text in hex. */
export function hashText(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}
