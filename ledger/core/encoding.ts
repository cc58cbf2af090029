/**
 * The bytes that are sealed. An entry is written as a list of netstrings (`<length in bytes>:<bytes>,`, see
 * https://cr.yp.to/proto/netstrings.txt), so that no value can be read as part of its neighbour; numbers are
 * decimal, instants are microseconds since the epoch, an absent value is the empty netstring. Its hash is
 * SHA-256(hash of the entry before it, or 32 zero bytes ‖ these bytes). The first field is the version: a new
 * field means a new version, and old entries keep the old one. Test vectors: test/ledger/core/encoding.test.ts.
 */
import type { Entry, Posting } from './journal.ts';

export const ENCODING_VERSION = 'aispace-credits/entry/1';

/** What a book's hash chain starts from: 32 zero bytes. */
export const GENESIS_HASH = new Uint8Array(32);

/** The sealed text of `entry` in the book named `book` (`acct_…` or `system_…`); hash its UTF-8 bytes. */
export function encodeEntry(book: string, entry: Entry): string {
  const { command } = entry;
  let text =
    ascii(ENCODING_VERSION) +
    ascii(book) +
    number(entry.seq) +
    ascii(entry.kind) +
    number(entry.effectiveAt) +
    number(entry.bookedAt) +
    number(command?.serviceId) +
    number(command?.keyNumber) +
    ascii(command?.keyDigest ?? '') +
    ascii(command?.payloadDigest ?? '') +
    number(entry.amountMicrocredits) +
    unicode(entry.details ?? '') +
    number(entry.availableAfterMicrocredits) +
    number(entry.heldAfterMicrocredits) +
    number(entry.debtAfterMicrocredits) +
    number(entry.postings.length);
  for (const posting of entry.postings) text += encodePosting(posting);
  return text;
}

function encodePosting(posting: Posting): string {
  return (
    ascii(posting.from) +
    ascii(posting.to) +
    number(posting.amount) +
    number(posting.lot?.id) +
    number(posting.lot?.availableMicrocredits) +
    number(posting.lot?.heldMicrocredits) +
    number(posting.lot?.unreleasedMicrocredits)
  );
}

function number(value: bigint | number | null | undefined): string {
  return value === null || value === undefined ? '0:,' : ascii(String(value));
}

/** For text that is known to be ASCII, whose length in bytes is its length. */
function ascii(text: string): string {
  return `${text.length}:${text},`;
}

const utf8 = new TextEncoder();

function unicode(text: string): string {
  return `${utf8.encode(text).length}:${text},`;
}

/** `values` as a list of netstrings, for what else is sealed. Texts must be ASCII: their length is counted in characters. */
export function netstrings(values: readonly (bigint | number | string)[]): string {
  return values.map(value => ascii(String(value))).join('');
}

/** What `netstrings` was given, as texts; null for a text that it never makes. */
export function readNetstrings(text: string): string[] | null {
  const values: string[] = [];
  let at = 0;
  while (at < text.length) {
    const colon = text.indexOf(':', at);
    const digits = text.slice(at, Math.max(colon, at));
    if (!/^(?:0|[1-9]\d{0,8})$/.test(digits)) return null;
    const end = colon + 1 + Number(digits);
    if (text[end] !== ',') return null;
    values.push(text.slice(colon + 1, end));
    at = end + 1;
  }
  return values;
}
