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
  }>('select * from books where $1::bigint[] is null or account_id = any ($1) order by bucket, account_id', [
    accountIds,
  ]);
  return await Promise.all(
    books.map(async row => {
      const key = [row.bucket, row.account_id] as const;
      return {
        bucket: row.bucket,
        accountId: row.account_id,
        head: row.head.toString('hex'),
        book: {
          seq: row.seq,
          bookedAt: row.booked_at,
          debtMicrocredits: row.debt_microcredits,
          lots: await readLots(pool, key),
          holds: await readHolds(pool, key),
        },
        entries: await readEntries(pool, key, codes),
      };
    }),
  );
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

async function readLots(pool: pg.Pool, key: readonly [number, bigint]): Promise<Lot[]> {
  const { rows } = await pool.query<LotRow>(
    `select ${LOT_COLUMNS} from lots l where bucket = $1 and account_id = $2
     order by expires_at, added_at, lot_id`,
    [...key],
  );
  return rows.map(lotOf);
}

async function readHolds(pool: pg.Pool, key: readonly [number, bigint]): Promise<Hold[]> {
  const { rows } = await pool.query<HoldRow>(
    `select ${HOLD_COLUMNS} from holds h where bucket = $1 and account_id = $2 order by hold_id`,
    [...key],
  );
  return rows.map(holdOf);
}

async function readEntries(pool: pg.Pool, key: readonly [number, bigint], codes: AccountCodes) {
  const { rows } = await pool.query<{
    seq: bigint;
    kind: EntryKind;
    effective_at: Instant;
    booked_at: Instant;
    service_id: number | null;
    key_number: number | null;
    key_digest: string | null;
    payload_digest: string | null;
    amount_microcredits: bigint;
    details: string | null;
    available_after_microcredits: bigint;
    held_after_microcredits: bigint;
    debt_after_microcredits: bigint;
    hash: Buffer;
  }>('select * from entries where bucket = $1 and account_id = $2 order by seq', [...key]);
  const postings = await readPostings(pool, key, codes);
  return rows.map(row => ({
    hash: row.hash.toString('hex'),
    entry: {
      seq: row.seq,
      kind: row.kind,
      effectiveAt: row.effective_at,
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
      postings: postings.get(row.seq) ?? [],
      availableAfterMicrocredits: row.available_after_microcredits,
      heldAfterMicrocredits: row.held_after_microcredits,
      debtAfterMicrocredits: row.debt_after_microcredits,
    } satisfies Entry,
  }));
}

async function readPostings(pool: pg.Pool, key: readonly [number, bigint], codes: AccountCodes) {
  const { rows } = await pool.query<{
    seq: bigint;
    from_code: number;
    to_code: number;
    amount: bigint;
    lot_id: bigint;
    lot_available_after_microcredits: bigint | null;
    lot_held_after_microcredits: bigint | null;
    lot_unreleased_after_microcredits: bigint | null;
  }>('select * from postings where bucket = $1 and account_id = $2 order by seq, line', [...key]);
  const bySeq = new Map<bigint, Posting[]>();
  for (const row of rows) {
    const posting: Posting = {
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
    };
    const known = bySeq.get(row.seq);
    if (known) known.push(posting);
    else bySeq.set(row.seq, [posting]);
  }
  return bySeq;
}
