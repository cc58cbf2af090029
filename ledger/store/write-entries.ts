/** Writing what was decided: entries, postings, lots, holds and the books' new heads, in one statement. */
import type { Book } from '../core/book.ts';
import type { Hold } from '../core/hold.ts';
import type { Entry } from '../core/journal.ts';
import type { Lot } from '../core/lot.ts';
import type { SpendingLimit } from '../core/spending-limit.ts';
import type { AccountCodes } from './account-codes.ts';
import { arrayParameter, arrayText, type Element } from './array-parameter.ts';
import { type BookKey, type BookStatement, oneBucketOf } from './book-statement.ts';
import type { RunSql } from './run-sql.ts';

export interface SealedEntry {
  readonly entry: Entry;
  readonly hash: Uint8Array;
}

/** A book with what a transaction adds to it. */
export interface BookChange extends BookKey {
  readonly book: Book;
  /** The hash of the last entry. */
  readonly head: Uint8Array;
  readonly entries: readonly SealedEntry[];
  readonly newLots: readonly Lot[];
  /** The lots that were there and changed. */
  readonly changedLots: readonly Lot[];
  /** New lots and those whose face changed, with the number of the entry since which they have it. */
  readonly faces: readonly {
    readonly lotId: bigint;
    readonly seq: bigint;
    readonly faceMicrocredits: bigint;
  }[];
  /** The holds that are new or were closed. */
  readonly holds: readonly Hold[];
  /** What reversals gave back. */
  readonly reversals: readonly Reversed[];
  /** The limits of which something was used or given back. */
  readonly limits: readonly SpendingLimit[];
}

/** So much of a debit or capture was given back by the entry `seq`. */
export interface Reversed {
  readonly spendId: bigint;
  readonly seq: bigint;
  readonly amountMicrocredits: bigint;
}

/** Columns with their types, the bucket first; each is sent as one array. */
const ENTRY_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  seq: 'bigint',
  kind: 'entry_kind',
  effective_at: 'timestamptz',
  booked_at: 'timestamptz',
  service_id: 'integer',
  key_number: 'integer',
  key_digest: 'uuid',
  payload_digest: 'uuid',
  amount_microcredits: 'bigint',
  details: 'text',
  available_after_microcredits: 'bigint',
  held_after_microcredits: 'bigint',
  debt_after_microcredits: 'bigint',
  hash: 'bytea',
};
const POSTING_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  seq: 'bigint',
  line: 'smallint',
  from_code: 'smallint',
  to_code: 'smallint',
  amount: 'numeric',
  lot_id: 'bigint',
  lot_available_after_microcredits: 'bigint',
  lot_held_after_microcredits: 'bigint',
  lot_unreleased_after_microcredits: 'bigint',
};
const LOT_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  lot_id: 'bigint',
  added_at: 'timestamptz',
  expires_at: 'timestamptz',
  policy: 'renewal_policy',
  face_microcredits: 'bigint',
  available_microcredits: 'bigint',
  held_microcredits: 'bigint',
  unreleased_microcredits: 'bigint',
  settled_microcredits: 'bigint',
  paid_microusd: 'bigint',
  returned_microusd: 'bigint',
  deferred_microusd: 'bigint',
  deferred_at: 'timestamptz',
  debt_microcredits: 'bigint',
  restores_lot_id: 'bigint',
  open: 'boolean',
};
const CHANGED_LOT_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  lot_id: 'bigint',
  face_microcredits: 'bigint',
  available_microcredits: 'bigint',
  held_microcredits: 'bigint',
  unreleased_microcredits: 'bigint',
  settled_microcredits: 'bigint',
  returned_microusd: 'bigint',
  deferred_microusd: 'bigint',
  deferred_at: 'timestamptz',
  debt_microcredits: 'bigint',
  open: 'boolean',
};
const FACE_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  lot_id: 'bigint',
  seq: 'bigint',
  face_microcredits: 'bigint',
};
const HOLD_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  hold_id: 'bigint',
  service_id: 'integer',
  key_number: 'integer',
  placed_at: 'timestamptz',
  deadline: 'timestamptz',
  // unnest would flatten arrays of arrays: these travel as texts
  take_lot_ids: 'text',
  take_microcredits: 'text',
  closed_by: 'bigint',
};
const REVERSAL_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  spend_id: 'bigint',
  seq: 'bigint',
  amount_microcredits: 'bigint',
};
const LIMIT_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  key_number: 'integer',
  period_start: 'timestamptz',
  used_microcredits: 'bigint',
};
const BOOK_COLUMNS = {
  bucket: 'smallint',
  account_id: 'bigint',
  seq: 'bigint',
  head: 'bytea',
  booked_at: 'timestamptz',
  debt_microcredits: 'bigint',
};

const WRITE = writeStatement('write_entries', { isSpending: false });
/** Of nothing but entries and the lots that were there, as debits are: the parts without rows cost as much as a row. */
const WRITE_SPENDING = writeStatement('write_spending', { isSpending: true });

function writeStatement(name: string, { isSpending }: { readonly isSpending: boolean }): BookStatement {
  return {
    ofBuckets: { name, text: writeText({ isOfOneBucket: false, isSpending }) },
    ofOneBucket: { name: `${name}_of_bucket`, text: writeText({ isOfOneBucket: true, isSpending }) },
  };
}

type ColumnTypes = Readonly<Record<string, string>>;

/**
 * Where all is in one bucket, that is the first parameter instead of a column of each table. Arrays are unnested where they
 * are selected, for the reason that store/book-statement.ts has.
 */
function writeText(form: { readonly isOfOneBucket: boolean; readonly isSpending: boolean }): string {
  const { isOfOneBucket, isSpending } = form;
  const bucket = isOfOneBucket ? '$1::smallint' : 'x.bucket';
  let count = isOfOneBucket ? 1 : 0;
  const unnested = (columns: ColumnTypes) => {
    const sent = Object.keys(columns).filter(name => name !== 'bucket' || !isOfOneBucket);
    const arrays = sent.map((name, index) => `unnest($${count + index + 1}::${columns[name]}[]) as ${name}`);
    count += arrays.length;
    return `(select ${arrays.join(', ')}) as x`;
  };
  const insert = (table: string, columns: ColumnTypes, casts: ColumnTypes = {}) => {
    const names = Object.keys(columns);
    const values = names.map(name => {
      if (name === 'bucket') return bucket;
      return casts[name] === undefined ? `x.${name}` : `x.${name}::${casts[name]}`;
    });
    return `insert into ${table} (${names.join(', ')}) select ${values.join(', ')} from ${unnested(columns)}`;
  };
  const update = (table: string, columns: ColumnTypes, key: readonly string[]) => {
    const changing = Object.keys(columns).filter(name => name !== 'bucket' && !key.includes(name));
    const set = changing.map(name => `${name} = x.${name}`).join(', ');
    const matches = key.map(name => `t.${name} = x.${name}`).join(' and ');
    return `update ${table} t set ${set} from ${unnested(columns)} where t.bucket = ${bucket} and ${matches}`;
  };
  const parts = [
    `new_entries as (${insert('entries', ENTRY_COLUMNS)})`,
    `new_postings as (${insert('postings', POSTING_COLUMNS)})`,
    `changed_lots as (${update('lots', CHANGED_LOT_COLUMNS, ['account_id', 'lot_id'])})`,
  ];
  const further = () => [
    `new_lots as (${insert('lots', LOT_COLUMNS)})`,
    `new_faces as (${insert('lot_faces', FACE_COLUMNS)})`,
    `new_holds as (${insert('holds', HOLD_COLUMNS, { take_lot_ids: 'bigint[]', take_microcredits: 'bigint[]' })}
      on conflict (bucket, account_id, hold_id) do update set closed_by = excluded.closed_by)`,
    `new_reversals as (${insert('reversals', REVERSAL_COLUMNS)})`,
    `changed_limits as (${update('spending_limits', LIMIT_COLUMNS, ['account_id', 'key_number'])})`,
  ];
  if (!isSpending) parts.push(...further());
  return `with ${parts.join(',\n')} ${update('books', BOOK_COLUMNS, ['account_id'])}`;
}

/** Lots are numbered from 1, as entries are. */
const NO_LOT = 0n;

/** Writes the changes, which are at least one. The caller holds the locks of all the books. */
export async function writeEntries(
  run: RunSql,
  codes: AccountCodes,
  changes: readonly BookChange[],
): Promise<void> {
  const entries = columnsFor(ENTRY_COLUMNS);
  const postings = columnsFor(POSTING_COLUMNS);
  const newLots = columnsFor(LOT_COLUMNS);
  const changedLots = columnsFor(CHANGED_LOT_COLUMNS);
  const faces = columnsFor(FACE_COLUMNS);
  const holds = columnsFor(HOLD_COLUMNS);
  const reversals = columnsFor(REVERSAL_COLUMNS);
  const limits = columnsFor(LIMIT_COLUMNS);
  const books = columnsFor(BOOK_COLUMNS);
  for (const change of changes) {
    const { bucket, accountId, book } = change;
    for (const sealed of change.entries) {
      pushEntry(entries, change, sealed);
      pushPostings(postings, change, sealed.entry, codes);
    }
    for (const lot of change.newLots) pushNewLot(newLots, change, lot);
    for (const lot of change.changedLots) pushChangedLot(changedLots, change, lot);
    for (const { lotId, seq, faceMicrocredits } of change.faces)
      push(faces, bucket, accountId, lotId, seq, faceMicrocredits);
    for (const hold of change.holds) pushHold(holds, change, hold);
    for (const { spendId, seq, amountMicrocredits } of change.reversals)
      push(reversals, bucket, accountId, spendId, seq, amountMicrocredits);
    for (const { keyNumber, periodStart, usedMicrocredits } of change.limits)
      push(limits, bucket, accountId, keyNumber, periodStart, usedMicrocredits);
    push(books, bucket, accountId, book.seq, change.head, book.bookedAt, book.debtMicrocredits);
  }
  const isSpending = [newLots, faces, holds, reversals, limits].every(([first]) => first?.length === 0);
  const only = oneBucketOf(changes);
  const values = [
    ...parameters(ENTRY_COLUMNS, entries, only),
    ...parameters(POSTING_COLUMNS, postings, only),
    ...parameters(CHANGED_LOT_COLUMNS, changedLots, only),
    ...(isSpending
      ? []
      : [
          ...parameters(LOT_COLUMNS, newLots, only),
          ...parameters(FACE_COLUMNS, faces, only),
          ...parameters(HOLD_COLUMNS, holds, only),
          ...parameters(REVERSAL_COLUMNS, reversals, only),
          ...parameters(LIMIT_COLUMNS, limits, only),
        ]),
    ...parameters(BOOK_COLUMNS, books, only),
  ];
  const statement = isSpending ? WRITE_SPENDING : WRITE;
  if (only === null) await run(statement.ofBuckets, values);
  else await run(statement.ofOneBucket, [only, ...values]);
}

/** The columns' arrays, but for the bucket where all is in `onlyBucket`. */
function parameters(
  columns: ColumnTypes,
  elements: Columns,
  onlyBucket: number | null,
): ReturnType<typeof arrayParameter>[] {
  const arrays = Object.values(columns).map((type, index) => arrayParameter(type, elements[index] ?? []));
  return onlyBucket === null ? arrays : arrays.slice(1);
}

type Columns = Element[][];

function pushEntry(into: Columns, { bucket, accountId }: BookKey, { entry, hash }: SealedEntry): void {
  const { command } = entry;
  push(
    into,
    bucket,
    accountId,
    entry.seq,
    entry.kind,
    entry.effectiveAt === entry.bookedAt ? null : entry.effectiveAt,
    entry.bookedAt,
    command?.serviceId ?? null,
    command?.keyNumber ?? null,
    command?.keyDigest ?? null,
    command?.payloadDigest ?? null,
    entry.amountMicrocredits,
    entry.details,
    entry.availableAfterMicrocredits,
    entry.heldAfterMicrocredits || null,
    entry.debtAfterMicrocredits || null,
    hash,
  );
}

function pushPostings(
  into: Columns,
  { bucket, accountId }: BookKey,
  { seq, postings }: Entry,
  codes: AccountCodes,
): void {
  let line = 0;
  for (const { from, to, amount, lot } of postings) {
    line += 1;
    push(
      into,
      bucket,
      accountId,
      seq,
      line,
      codes.codeOf(from),
      codes.codeOf(to),
      amount,
      lot?.id ?? NO_LOT,
      lot?.availableMicrocredits ?? null,
      lot?.heldMicrocredits ?? null,
      lot?.unreleasedMicrocredits ?? null,
    );
  }
}

function pushNewLot(into: Columns, { bucket, accountId }: BookKey, lot: Lot): void {
  push(
    into,
    bucket,
    accountId,
    lot.id,
    lot.addedAt,
    lot.expiresAt,
    lot.policy,
    lot.faceMicrocredits,
    lot.availableMicrocredits,
    lot.heldMicrocredits,
    lot.unreleasedMicrocredits,
    lot.settledMicrocredits,
    lot.paidMicrousd,
    lot.returnedMicrousd,
    lot.deferredMicrousd,
    lot.deferredAt,
    lot.debtMicrocredits,
    lot.restoresLotId ?? null,
    lot.open,
  );
}

/** What does not change is not sent. */
function pushChangedLot(into: Columns, { bucket, accountId }: BookKey, lot: Lot): void {
  push(
    into,
    bucket,
    accountId,
    lot.id,
    lot.faceMicrocredits,
    lot.availableMicrocredits,
    lot.heldMicrocredits,
    lot.unreleasedMicrocredits,
    lot.settledMicrocredits,
    lot.returnedMicrousd,
    lot.deferredMicrousd,
    lot.deferredAt,
    lot.debtMicrocredits,
    lot.open,
  );
}

function pushHold(into: Columns, { bucket, accountId }: BookKey, hold: Hold): void {
  push(
    into,
    bucket,
    accountId,
    hold.id,
    hold.serviceId,
    hold.keyNumber ?? null,
    hold.placedAt,
    hold.deadline,
    arrayText(hold.takes.map(take => take.lotId)),
    arrayText(hold.takes.map(take => take.amountMicrocredits)),
    hold.closedBy ?? null,
  );
}

function columnsFor(columns: ColumnTypes): Columns {
  return Object.keys(columns).map(() => []);
}

function push(into: Columns, ...elements: Element[]): void {
  for (let index = 0; index < elements.length; index += 1) into[index]?.push(elements[index] ?? null);
}
