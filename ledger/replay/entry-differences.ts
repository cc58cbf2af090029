/** Telling an entry as it is stored from the same entry made again, field by field. */
import type { Flaw } from '../audit/problem.ts';
import { encodeEntry } from '../core/encoding.ts';
import type { Entry, Posting } from '../core/journal.ts';
import { instantText } from '../store/instant-text.ts';

/** The first thing in which `found` is not what `expected` says; null when they are sealed alike. */
export function entryDifference(book: string, expected: Entry, found: Entry): Flaw | null {
  if (encodeEntry(book, expected) === encodeEntry(book, found)) return null;
  const flaw = (what: string, one: unknown, other: unknown): Flaw => ({
    entry: found.seq,
    what,
    expected: String(one ?? 'none'),
    found: String(other ?? 'none'),
  });
  for (const [what, read] of FIELDS)
    if (read(expected) !== read(found)) return flaw(`its ${what} is another`, read(expected), read(found));
  const length = Math.max(expected.postings.length, found.postings.length);
  for (let line = 0; line < length; line += 1) {
    const [one, other] = [postingText(expected.postings[line]), postingText(found.postings[line])];
    if (one !== other) return flaw(`its posting ${line + 1} is another`, one, other);
  }
  return flaw('it is sealed otherwise', encodeEntry(book, expected), encodeEntry(book, found));
}

const FIELDS: readonly (readonly [string, (entry: Entry) => string | number | bigint | null | undefined])[] =
  [
    ['number', entry => entry.seq],
    ['kind', entry => entry.kind],
    ['amount', entry => entry.amountMicrocredits],
    ['instant (booked_at)', entry => instantText(entry.bookedAt)],
    ['value date (effective_at)', entry => instantText(entry.effectiveAt)],
    ['service', entry => entry.command?.serviceId],
    ['key', entry => entry.command?.keyNumber],
    ['idempotency key', entry => entry.command?.keyDigest],
    ['payload', entry => entry.command?.payloadDigest],
    ['details', entry => entry.details],
    ['available balance', entry => entry.availableAfterMicrocredits],
    ['held balance', entry => entry.heldAfterMicrocredits],
    ['debt', entry => entry.debtAfterMicrocredits],
  ];

function postingText(posting: Posting | undefined): string | undefined {
  if (!posting) return undefined;
  const { from, to, amount, lot } = posting;
  const after =
    lot === null
      ? ''
      : `, lot ${lot.id} then has ${lot.availableMicrocredits} available, ${lot.heldMicrocredits} held, ${lot.unreleasedMicrocredits} unreleased`;
  return `${amount} from ${from} to ${to}${after}`;
}
