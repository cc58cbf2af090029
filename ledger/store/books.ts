/** Loading books for a decision. Every statement carries the bucket of each row it wants. */

import type { Hold } from '../core/hold.ts';
import type { Instant } from '../core/instant.ts';
import type { Lot } from '../core/lot.ts';
import { HOLD_COLUMNS, type HoldRow, holdOf } from './hold-row.ts';
import { instantText } from './instant-text.ts';
import { LOT_COLUMNS, type LotRow, lotOf } from './lot-row.ts';
import type { RunSql, Statement } from './run-sql.ts';

export interface BookKey {
  readonly bucket: number;
  readonly accountId: bigint;
}

export interface BookRow extends BookKey {
  readonly seq: bigint;
  readonly head: Uint8Array;
  readonly bookedAt: Instant;
  readonly debtMicrocredits: bigint;
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

const CREATE_BOOKS: Statement = {
  name: 'create_books',
  text: `insert into books (bucket, account_id, head, booked_at)
    select bucket, account_id, $3, $4 from unnest($1::smallint[], $2::bigint[]) as wanted (bucket, account_id)
    order by bucket, account_id
    on conflict do nothing`,
};

/** Makes the books that do not exist yet. `keys` must be in lock order. */
export async function createBooks(run: RunSql, keys: readonly BookKey[], genesis: Uint8Array): Promise<void> {
  await run(CREATE_BOOKS, [...columnsOf(keys), Buffer.from(genesis), instantText(0n)]);
}

const LOCK_BOOKS: Statement = {
  name: 'lock_books',
  text: `select b.bucket, b.account_id, b.seq, b.head, b.booked_at, b.debt_microcredits
    from unnest($1::smallint[], $2::bigint[]) as wanted (bucket, account_id)
    join books b on b.bucket = wanted.bucket and b.account_id = wanted.account_id
    order by b.bucket, b.account_id
    for update of b`,
};

/** Locks the books until the transaction ends. Those that do not exist are left out. */
export async function lockBooks(run: RunSql, keys: readonly BookKey[]): Promise<BookRow[]> {
  const rows = await run<{
    bucket: number;
    account_id: bigint;
    seq: bigint;
    head: Uint8Array;
    booked_at: Instant;
    debt_microcredits: bigint;
  }>(LOCK_BOOKS, columnsOf(keys));
  return rows.map(row => ({
    bucket: row.bucket,
    accountId: row.account_id,
    seq: row.seq,
    head: row.head,
    bookedAt: row.booked_at,
    debtMicrocredits: row.debt_microcredits,
  }));
}

// The clock is read in this statement, which follows the one that locks: no decision is dated before a lock.
const LOAD_OPEN_LOTS: Statement = {
  name: 'load_open_lots',
  text: `select clock.now, ${LOT_COLUMNS}
    from (select clock_timestamp() as now) as clock
    left join (
      unnest($1::smallint[], $2::bigint[]) as wanted (bucket, account_id)
      join lots l on l.bucket = wanted.bucket and l.account_id = wanted.account_id and l.open
    ) on true
    order by l.account_id, l.expires_at, l.added_at, l.lot_id`,
};

/** The database's clock and the open lots of the books, each book's in burn order. */
export async function loadOpenLots(
  run: RunSql,
  keys: readonly BookKey[],
): Promise<{ now: Instant; lots: OfAccount<Lot>[] }> {
  const rows = await run<{ now: Instant } & (LotRow | { lot_id: null })>(LOAD_OPEN_LOTS, columnsOf(keys));
  const now = rows[0]?.now;
  if (now === undefined) throw new Error('the database did not tell its clock');
  const lots: OfAccount<Lot>[] = [];
  for (const row of rows)
    if (row.lot_id !== null) lots.push({ accountId: row.account_id, value: lotOf(row) });
  return { now, lots };
}

const LOAD_CLOSED_LOTS: Statement = {
  name: 'load_closed_lots',
  text: `select ${LOT_COLUMNS}
    from unnest($1::smallint[], $2::bigint[], $3::bigint[]) as wanted (bucket, account_id, lot_id)
    join lots l on l.bucket = wanted.bucket and l.account_id = wanted.account_id
      and (l.lot_id = wanted.lot_id or l.restores_lot_id = wanted.lot_id)
    where not l.open`,
};

/** The closed ones among the named lots and those that restored them: a clawback or restoration may concern them. */
export async function loadClosedLots(
  run: RunSql,
  keys: readonly (BookKey & { readonly lotId: bigint })[],
): Promise<OfAccount<Lot>[]> {
  const rows = await run<LotRow>(LOAD_CLOSED_LOTS, [...columnsOf(keys), keys.map(key => key.lotId)]);
  return rows.map(row => ({ accountId: row.account_id, value: lotOf(row) }));
}

const LOAD_OPEN_HOLDS: Statement = {
  name: 'load_open_holds',
  text: `select ${HOLD_COLUMNS}
    from unnest($1::smallint[], $2::bigint[]) as wanted (bucket, account_id)
    join holds h on h.bucket = wanted.bucket and h.account_id = wanted.account_id and h.closed_by is null`,
};

/** The open holds of the books. */
export async function loadOpenHolds(run: RunSql, keys: readonly BookKey[]): Promise<OfAccount<Hold>[]> {
  const rows = await run<HoldRow>(LOAD_OPEN_HOLDS, columnsOf(keys));
  return rows.map(row => ({ accountId: row.account_id, value: holdOf(row) }));
}

const LOAD_CLOSED_HOLDS: Statement = {
  name: 'load_closed_holds',
  text: `select ${HOLD_COLUMNS}
    from unnest($1::smallint[], $2::bigint[], $3::bigint[]) as wanted (bucket, account_id, hold_id)
    join holds h on h.bucket = wanted.bucket and h.account_id = wanted.account_id and h.hold_id = wanted.hold_id
    where h.closed_by is not null`,
};

/** The closed ones among the named holds: whoever asks for one is told so. */
export async function loadClosedHolds(
  run: RunSql,
  keys: readonly (BookKey & { readonly holdId: bigint })[],
): Promise<OfAccount<Hold>[]> {
  const rows = await run<HoldRow>(LOAD_CLOSED_HOLDS, [...columnsOf(keys), keys.map(key => key.holdId)]);
  return rows.map(row => ({ accountId: row.account_id, value: holdOf(row) }));
}

/** A bucket's and an account's number for each key, as two columns for unnest. */
export function columnsOf(keys: readonly BookKey[]): [number[], bigint[]] {
  return [keys.map(key => key.bucket), keys.map(key => key.accountId)];
}
