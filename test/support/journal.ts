/** Reads books back from the tables and recomputes everything that can be recomputed of them. */
import type pg from 'pg';
import { expect } from 'vitest';
import { bookName, SYSTEM_ACCOUNT_ID } from '../../ledger/core/account-id.ts';
import type { Book } from '../../ledger/core/book.ts';
import { GENESIS_HASH } from '../../ledger/core/encoding.ts';
import type { Hold } from '../../ledger/core/hold.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import type { Entry, EntryKind, Posting } from '../../ledger/core/journal.ts';
import type { Lot } from '../../ledger/core/lot.ts';
import { hashEntry } from '../../ledger/posting/seal.ts';
import { AccountCodes } from '../../ledger/store/account-codes.ts';
import { HOLD_COLUMNS, type HoldRow, holdOf } from '../../ledger/store/hold-row.ts';
import { LOT_COLUMNS, type LotRow, lotOf } from '../../ledger/store/lot-row.ts';
import { plainDigest } from '../../ledger/store/posted-entries.ts';
import { openKysely } from '../../ledger/store/postgres.ts';
import { assertSoundJournal } from './sound-journal.ts';

export interface StoredBook {
  readonly bucket: number;
  readonly accountId: bigint;
  /** As the tables have it, with all its lots, closed ones too. */
  readonly book: Book;
  readonly head: string;
  readonly entries: readonly { readonly entry: Entry; readonly hash: string }[];
}

/** The books of the database, all or those of some accounts, ordered by bucket and account. */
export async function readBooks(
  pool: pg.Pool,
  accountIds: readonly bigint[] | null = null,
): Promise<StoredBook[]> {
  const codes = await AccountCodes.load(openKysely(pool));
  const { rows: books } = await pool.query<{
    bucket: number;
    account_id: bigint;
    seq: bigint;
    head: Buffer;
    booked_at: Instant;
    debt_microcredits: bigint;
  }>(`select * from books where ${IS_WANTED} order by bucket, account_id`, [accountIds]);
  const [lots, holds, entries] = await Promise.all([
    readLots(pool, accountIds),
    readHolds(pool, accountIds),
    readEntries(pool, accountIds, codes),
  ]);
  return books.map(row => {
    const book = bookKey(row);
    return {
      bucket: row.bucket,
      accountId: row.account_id,
      head: row.head.toString('hex'),
      book: {
        seq: row.seq,
        bookedAt: row.booked_at,
        debtMicrocredits: row.debt_microcredits,
        lots: lots.get(book) ?? [],
        holds: holds.get(book) ?? [],
        limits: [],
      },
      entries: entries.get(book) ?? [],
    };
  });
}

/** The accounts whose books are read; null for all. */
type Wanted = readonly bigint[] | null;

const IS_WANTED = '($1::bigint[] is null or account_id = any ($1))';

/** Whose book a row is of. */
interface BookRow {
  readonly bucket: number;
  readonly account_id: bigint;
}

function bookKey({ bucket, account_id }: BookRow): string {
  return `${bucket} ${account_id}`;
}

/** What was made of the rows of each key, in the order of the rows. */
function grouped<Row, Made>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  make: (row: Row) => Made,
): Map<string, Made[]> {
  const groups = new Map<string, Made[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(make(row));
    else groups.set(key, [make(row)]);
  }
  return groups;
}

/**
 * Fails unless every hash is that of the entry behind the one before it, the books point at their last entries, and
 * each customer's entries are sound and lead to the lots that are stored (see sound-journal.ts).
 */
export function assertVerified(books: readonly StoredBook[]): void {
  for (const { bucket, accountId, book, head, entries } of books) {
    let last: Uint8Array = GENESIS_HASH;
    for (const { entry, hash } of entries) {
      const computed = hashEntry(last, bookName(bucket, accountId), entry);
      expect(hash, `${bookName(bucket, accountId)} entry ${entry.seq}`).toBe(computed.toString('hex'));
      last = computed;
    }
    expect(head).toBe(Buffer.from(last).toString('hex'));
    expect(entries.map(({ entry }) => entry.seq)).toEqual(entries.map((_, index) => BigInt(index + 1)));
    expect(book.seq).toBe(BigInt(entries.length));
    expect(book.bookedAt).toBe(entries.at(-1)?.entry.bookedAt ?? 0n);
    if (accountId !== SYSTEM_ACCOUNT_ID)
      assertSoundJournal(
        entries.map(({ entry }) => entry),
        book,
      );
  }
}

async function readLots(pool: pg.Pool, wanted: Wanted): Promise<Map<string, Lot[]>> {
  const { rows } = await pool.query<LotRow & BookRow>(
    `select l.bucket, ${LOT_COLUMNS} from lots l where ${IS_WANTED} order by expires_at, added_at, lot_id`,
    [wanted],
  );
  return grouped(rows, bookKey, lotOf);
}

async function readHolds(pool: pg.Pool, wanted: Wanted): Promise<Map<string, Hold[]>> {
  const { rows } = await pool.query<HoldRow & BookRow>(
    `select h.bucket, ${HOLD_COLUMNS} from holds h where ${IS_WANTED} order by hold_id`,
    [wanted],
  );
  return grouped(rows, bookKey, holdOf);
}

async function readEntries(pool: pg.Pool, wanted: Wanted, codes: AccountCodes) {
  const { rows } = await pool.query<
    BookRow & {
      seq: bigint;
      kind: EntryKind;
      effective_at: Instant | null;
      booked_at: Instant;
      service_id: number | null;
      key_number: number | null;
      key_digest: string | null;
      payload_digest: string | null;
      amount_microcredits: bigint;
      details: string | null;
      available_after_microcredits: bigint;
      held_after_microcredits: bigint | null;
      debt_after_microcredits: bigint | null;
      hash: Buffer;
    }
  >(`select * from entries where ${IS_WANTED} order by seq`, [wanted]);
  const postings = await readPostings(pool, wanted, codes);
  return grouped(rows, bookKey, row => ({
    hash: row.hash.toString('hex'),
    entry: {
      seq: row.seq,
      kind: row.kind,
      effectiveAt: row.effective_at ?? row.booked_at,
      bookedAt: row.booked_at,
      command:
        row.service_id === null || row.key_digest === null || row.payload_digest === null
          ? null
          : {
              serviceId: row.service_id,
              keyNumber: row.key_number,
              keyDigest: plainDigest(row.key_digest),
              payloadDigest: plainDigest(row.payload_digest),
            },
      amountMicrocredits: row.amount_microcredits,
      details: row.details,
      postings: postings.get(entryKey(row)) ?? [],
      availableAfterMicrocredits: row.available_after_microcredits,
      heldAfterMicrocredits: row.held_after_microcredits ?? 0n,
      debtAfterMicrocredits: row.debt_after_microcredits ?? 0n,
    } satisfies Entry,
  }));
}

function entryKey(row: BookRow & { readonly seq: bigint }): string {
  return `${bookKey(row)} ${row.seq}`;
}

async function readPostings(
  pool: pg.Pool,
  wanted: Wanted,
  codes: AccountCodes,
): Promise<Map<string, Posting[]>> {
  const { rows } = await pool.query<
    BookRow & {
      seq: bigint;
      from_code: number;
      to_code: number;
      amount: bigint;
      lot_id: bigint;
      lot_available_after_microcredits: bigint | null;
      lot_held_after_microcredits: bigint | null;
      lot_unreleased_after_microcredits: bigint | null;
    }
  >(`select * from postings where ${IS_WANTED} order by seq, line`, [wanted]);
  return grouped(rows, entryKey, row => ({
    from: codes.nameOf(row.from_code),
    to: codes.nameOf(row.to_code),
    amount: row.amount,
    lot:
      row.lot_id === 0n
        ? null
        : {
            id: row.lot_id,
            availableMicrocredits: row.lot_available_after_microcredits ?? 0n,
            heldMicrocredits: row.lot_held_after_microcredits ?? 0n,
            unreleasedMicrocredits: row.lot_unreleased_after_microcredits ?? 0n,
          },
  }));
}
