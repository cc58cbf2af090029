/**
 * Rows of the journal read back as entries. Tampered rows may hold what no entry can, and what the seal does not tell
 * apart: that is found here. Instants (in microseconds) and amounts come as text, as the database knows some that are
 * no number.
 */
import { DAY, type Instant } from '../core/instant.ts';
import type { CommandIdentity, Entry, LotAfter, Posting } from '../core/journal.ts';
import { plainDigest } from '../store/posted-entries.ts';
import type { EntryTable, PostingTable } from '../store/tables.ts';
import type { Flaw } from './problem.ts';
import type { StoredChart } from './stored-chart.ts';

export type EntryRow = Omit<EntryTable, 'effective_at' | 'booked_at' | 'recorded_at' | Emptied> & {
  readonly effective_at: string;
  readonly booked_at: string;
} & Readonly<Record<Emptied, bigint>>;
/** In the table these may be empty, for 0. */
type Emptied = 'held_after_microcredits' | 'debt_after_microcredits';
export type PostingRow = Omit<PostingTable, 'amount'> & { readonly amount: string };

/** Selects a timestamp for `readInstant`: the database counts faster than its text is read. */
export function microsecondsOf(column: string, value = column): string {
  return `trunc(extract(epoch from ${value}) * 1000000)::text as ${column}`;
}

/** All that is sealed of an entry, and its hash. `recorded_at` is neither. */
export const ENTRY_COLUMNS = `bucket, account_id, seq, kind, ${microsecondsOf('effective_at', 'coalesce(effective_at, booked_at)')},
  ${microsecondsOf('booked_at')}, service_id, key_number, key_digest, payload_digest, amount_microcredits, details,
  available_after_microcredits, coalesce(held_after_microcredits, 0) as held_after_microcredits,
  coalesce(debt_after_microcredits, 0) as debt_after_microcredits, hash`;

export const POSTING_COLUMNS = `bucket, account_id, seq, line, from_code, to_code, amount::text, lot_id,
  lot_available_after_microcredits, lot_held_after_microcredits, lot_unreleased_after_microcredits`;

/** What no entry can have; thrown and caught in this file. */
class Unreadable extends Error {
  readonly flaw: Omit<Flaw, 'entry'>;

  constructor(what: string, expected: string, found: unknown) {
    super(what);
    this.flaw = { what, expected, found: String(found) };
  }
}

/** The entry of a row and its postings in the order of their lines, or why they are none. */
export function readEntry(
  row: EntryRow,
  postings: readonly PostingRow[],
  chart: StoredChart,
): { readonly entry: Entry } | { readonly flaw: Flaw } {
  try {
    return {
      entry: {
        seq: row.seq,
        kind: row.kind,
        effectiveAt: instantOf('effective_at', row.effective_at),
        bookedAt: instantOf('booked_at', row.booked_at),
        command: commandOf(row),
        amountMicrocredits: row.amount_microcredits,
        details: detailsOf(row),
        postings: postings.map((posting, index) => postingOf(posting, index + 1, chart)),
        availableAfterMicrocredits: row.available_after_microcredits,
        heldAfterMicrocredits: row.held_after_microcredits,
        debtAfterMicrocredits: row.debt_after_microcredits,
      },
    };
  } catch (error) {
    if (error instanceof Unreadable) return { flaw: { entry: row.seq, ...error.flaw } };
    throw error;
  }
}

/** The ends of time for `Date`, 100,000,000 days around the epoch; those of PostgreSQL lie beyond the later one. */
const INSTANT_MAX = 100_000_000n * DAY;

/** Null for what is an instant to PostgreSQL only, such as infinity. */
export function readInstant(text: string): Instant | null {
  const instant = readAmount(text);
  return instant === null || instant > INSTANT_MAX || instant < -INSTANT_MAX ? null : instant;
}

/** Null for NaN. */
export function readAmount(text: string): bigint | null {
  return /^-?\d+$/.test(text) ? BigInt(text) : null;
}

function instantOf(column: string, text: string): Instant {
  const instant = readInstant(text);
  if (instant === null) throw new Unreadable(`${column} is no instant of a book`, 'an instant', text);
  return instant;
}

function commandOf(row: EntryRow): CommandIdentity | null {
  const { service_id: serviceId, key_number: keyNumber } = row;
  if (serviceId !== null && row.key_digest !== null && row.payload_digest !== null)
    return {
      serviceId,
      keyNumber,
      keyDigest: plainDigest(row.key_digest),
      payloadDigest: plainDigest(row.payload_digest),
    };
  const told = [serviceId, keyNumber, row.key_digest, row.payload_digest];
  // Half a command would be sealed as none.
  if (told.some(part => part !== null))
    throw new Unreadable('who asked for it is only partly told', 'all or nothing', told.join(' '));
  return null;
}

function detailsOf({ details }: EntryRow): string | null {
  // The seal does not tell them from none.
  if (details === '') throw new Unreadable('its details are empty', 'a text or none', 'an empty text');
  return details;
}

function postingOf(row: PostingRow, line: number, chart: StoredChart): Posting {
  if (row.line !== line)
    throw new Unreadable(`posting ${line} is missing`, `line ${line}`, `line ${row.line}`);
  const amount = readAmount(row.amount);
  if (amount === null)
    throw new Unreadable(`the amount of posting ${line} is no number`, 'an amount', row.amount);
  const from = nameOf(chart, row.from_code, line);
  const to = nameOf(chart, row.to_code, line);
  return { from, to, amount, lot: lotOf(row) };
}

function nameOf(chart: StoredChart, code: number, line: number) {
  const name = chart.nameOf(code);
  if (name === null)
    throw new Unreadable(`posting ${line} is on no account of the chart`, 'a code of the chart', code);
  return name;
}

function lotOf(row: PostingRow): LotAfter | null {
  const {
    lot_id: id,
    lot_available_after_microcredits: availableMicrocredits,
    lot_held_after_microcredits: heldMicrocredits,
    lot_unreleased_after_microcredits: unreleasedMicrocredits,
  } = row;
  if (id === 0n) {
    // Without a lot nothing of this is sealed.
    if (availableMicrocredits !== null || heldMicrocredits !== null || unreleasedMicrocredits !== null)
      throw new Unreadable(`posting ${row.line} tells what no lot holds`, 'a lot', 'none');
    return null;
  }
  if (availableMicrocredits === null || heldMicrocredits === null || unreleasedMicrocredits === null)
    throw new Unreadable(`posting ${row.line} does not tell what lot ${id} holds`, 'three amounts', 'fewer');
  return { id, availableMicrocredits, heldMicrocredits, unreleasedMicrocredits };
}
