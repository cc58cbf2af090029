/** Loading books for a decision. Every statement names the bucket of each table it reads. */
import type { Hold } from '../core/hold.ts';
import type { Instant } from '../core/instant.ts';
import type { Lot } from '../core/lot.ts';
import { type BookKey, bookStatement, runAbout } from './book-statement.ts';
import { HOLD_COLUMNS, type HoldRow, holdOf } from './hold-row.ts';
import { instantText } from './instant-text.ts';
import { LOT_COLUMNS, type LotRow, lotOf } from './lot-row.ts';
import type { RunSql } from './run-sql.ts';

export interface BookRow extends BookKey {
  readonly seq: bigint;
  readonly head: Uint8Array;
  readonly bookedAt: Instant;
  readonly debtMicrocredits: bigint;
  /** Whether any of its keys and grants has a limit. */
  readonly hasLimits: boolean;
}

/** Something of a book, with whose it is. */
export interface OfAccount<Value> {
  readonly accountId: bigint;
  readonly value: Value;
}

/** Books in the one order in which every transaction locks them, so that none waits for another in a circle. */
export function inLockOrder<Key extends BookKey>(keys: readonly Key[]): Key[] {
  return [...keys].sort((a, b) =>
    a.bucket !== b.bucket ? a.bucket - b.bucket : a.accountId < b.accountId ? -1 : 1,
  );
}

const CREATE_BOOKS = bookStatement(
  'create_books',
  {},
  (wanted, bucket) => `insert into books (bucket, account_id, head, booked_at)
    select ${bucket}, wanted.account_id, $3::bytea, $4::timestamptz from ${wanted}
    order by 1, 2
    on conflict do nothing`,
);

/** Makes the books that do not exist yet. `keys` must be in lock order. */
export async function createBooks(run: RunSql, keys: readonly BookKey[], genesis: Uint8Array): Promise<void> {
  await runAbout(run, CREATE_BOOKS, keys, Buffer.from(genesis), instantText(0n));
}

const LOCK_BOOKS = bookStatement(
  'lock_books',
  {},
  (wanted, bucket) => `select b.bucket, b.account_id, b.seq, b.head, b.booked_at, b.debt_microcredits,
      b.has_limits
    from ${wanted}
    join books b on b.bucket = ${bucket} and b.account_id = wanted.account_id
    order by b.bucket, b.account_id
    for update of b`,
);

/** Locks the books until the transaction ends. Those that do not exist are left out. */
export async function lockBooks(run: RunSql, keys: readonly BookKey[]): Promise<BookRow[]> {
  const rows = await runAbout<{
    bucket: number;
    account_id: bigint;
    seq: bigint;
    head: Uint8Array;
    booked_at: Instant;
    debt_microcredits: bigint;
    has_limits: boolean;
  }>(run, LOCK_BOOKS, keys);
  return rows.map(row => ({
    bucket: row.bucket,
    accountId: row.account_id,
    seq: row.seq,
    head: row.head,
    bookedAt: row.booked_at,
    debtMicrocredits: row.debt_microcredits,
    hasLimits: row.has_limits,
  }));
}

const LOAD_OPEN_LOTS = bookStatement(
  'load_open_lots',
  {},
  (wanted, bucket) => `select ${LOT_COLUMNS}
    from ${wanted}
    join lots l on l.bucket = ${bucket} and l.account_id = wanted.account_id and l.open`,
);

/** The open lots of the books. */
export async function loadOpenLots(run: RunSql, keys: readonly BookKey[]): Promise<OfAccount<Lot>[]> {
  const rows = await runAbout<LotRow>(run, LOAD_OPEN_LOTS, keys);
  return rows.map(row => ({ accountId: row.account_id, value: lotOf(row) }));
}

const LOAD_CLOSED_LOTS = bookStatement(
  'load_closed_lots',
  { lot_id: 'bigint' },
  (wanted, bucket) => `select ${LOT_COLUMNS}
    from ${wanted}
    join lots l on l.bucket = ${bucket} and l.account_id = wanted.account_id
      and (l.lot_id = wanted.lot_id or l.restores_lot_id = wanted.lot_id)
    where not l.open`,
);

/** The closed ones among the named lots and those that restored them: a clawback or restoration may concern them. */
export async function loadClosedLots(
  run: RunSql,
  keys: readonly (BookKey & { readonly lotId: bigint })[],
): Promise<OfAccount<Lot>[]> {
  const lotIds = keys.map(key => key.lotId);
  const rows = await runAbout<LotRow>(run, LOAD_CLOSED_LOTS, keys, lotIds);
  return rows.map(row => ({ accountId: row.account_id, value: lotOf(row) }));
}

const LOAD_OPEN_HOLDS = bookStatement(
  'load_open_holds',
  {},
  (wanted, bucket) => `select ${HOLD_COLUMNS}
    from ${wanted}
    join holds h on h.bucket = ${bucket} and h.account_id = wanted.account_id and h.closed_by is null`,
);

/** The open holds of the books. */
export async function loadOpenHolds(run: RunSql, keys: readonly BookKey[]): Promise<OfAccount<Hold>[]> {
  const rows = await runAbout<HoldRow>(run, LOAD_OPEN_HOLDS, keys);
  return rows.map(row => ({ accountId: row.account_id, value: holdOf(row) }));
}

const LOAD_CLOSED_HOLDS = bookStatement(
  'load_closed_holds',
  { hold_id: 'bigint' },
  (wanted, bucket) => `select ${HOLD_COLUMNS}
    from ${wanted}
    join holds h on h.bucket = ${bucket} and h.account_id = wanted.account_id and h.hold_id = wanted.hold_id
    where h.closed_by is not null`,
);

/** The closed ones among the named holds: whoever asks for one is told so. */
export async function loadClosedHolds(
  run: RunSql,
  keys: readonly (BookKey & { readonly holdId: bigint })[],
): Promise<OfAccount<Hold>[]> {
  const holdIds = keys.map(key => key.holdId);
  const rows = await runAbout<HoldRow>(run, LOAD_CLOSED_HOLDS, keys, holdIds);
  return rows.map(row => ({ accountId: row.account_id, value: holdOf(row) }));
}
