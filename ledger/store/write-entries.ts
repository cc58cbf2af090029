/** Writing what was decided: entries, postings, lots, holds and the books' new heads, in one statement. */
import type { Book } from '../core/book.ts';
import type { Hold } from '../core/hold.ts';
import type { Entry } from '../core/journal.ts';
import type { Lot } from '../core/lot.ts';
import type { SpendingLimit } from '../core/spending-limit.ts';
import type { AccountCodes } from './account-codes.ts';
import { arrayParameter, arrayText, type Element } from './array-parameter.ts';
import { type BookKey, oneBucketOf } from './book-statement.ts';
import type { RunSql, Statement } from './run-sql.ts';

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

type ColumnTypes = Readonly<Record<string, string>>;

/** What a statement writes into a table, out of the rows that stand behind `from` and the bucket of each. */
interface Part {
  readonly columns: ColumnTypes;
  readonly write: (from: string, bucket: string) => string;
}

/** In the order of a statement. Every change has a book, whose update is the statement's last part. */
const PARTS = {
  new_entries: inserting('entries', ENTRY_COLUMNS),
  new_postings: inserting('postings', POSTING_COLUMNS),
  new_lots: inserting('lots', LOT_COLUMNS),
  changed_lots: updating('lots', CHANGED_LOT_COLUMNS, ['account_id', 'lot_id']),
  new_faces: inserting('lot_faces', FACE_COLUMNS),
  changed_holds: inserting('holds', HOLD_COLUMNS, {
    casts: { take_lot_ids: 'bigint[]', take_microcredits: 'bigint[]' },
    onConflict: 'on conflict (bucket, account_id, hold_id) do update set closed_by = excluded.closed_by',
  }),
  new_reversals: inserting('reversals', REVERSAL_COLUMNS),
  changed_limits: updating('spending_limits', LIMIT_COLUMNS, ['account_id', 'key_number']),
  changed_books: updating('books', BOOK_COLUMNS, ['account_id']),
} satisfies Readonly<Record<string, Part>>;
type PartName = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as PartName[];

function inserting(
  table: string,
  columns: ColumnTypes,
  { casts = {}, onConflict = '' }: { readonly casts?: ColumnTypes; readonly onConflict?: string } = {},
): Part {
  const names = Object.keys(columns);
  const write = (from: string, bucket: string) => {
    const values = names.map(name => {
      if (name === 'bucket') return bucket;
      return casts[name] === undefined ? `x.${name}` : `x.${name}::${casts[name]}`;
    });
    return `insert into ${table} (${names.join(', ')}) select ${values.join(', ')} from ${from} ${onConflict}`;
  };
  return { columns, write };
}

function updating(table: string, columns: ColumnTypes, key: readonly string[]): Part {
  const changing = Object.keys(columns).filter(name => name !== 'bucket' && !key.includes(name));
  const set = changing.map(name => `${name} = x.${name}`).join(', ');
  const matches = key.map(name => `t.${name} = x.${name}`).join(' and ');
  const write = (from: string, bucket: string) =>
    `update ${table} t set ${set} from ${from} where t.bucket = ${bucket} and ${matches}`;
  return { columns, write };
}

const statements = new Map<string, Statement>();

/**
 * The statement that writes these parts: setting up what has no rows would take longer than a debit does. Where all is in
 * one bucket, that is the first parameter instead of a column of each part.
 */
function statementOf(parts: readonly PartName[], isOfOneBucket: boolean): Statement {
  const name = `write_entries${isOfOneBucket ? '_of_bucket' : ''}_${PART_NAMES.map(part => (parts.includes(part) ? 1 : 0)).join('')}`;
  const known = statements.get(name);
  if (known) return known;
  const bucket = isOfOneBucket ? '$1::smallint' : 'x.bucket';
  let count = isOfOneBucket ? 1 : 0;
  const texts = parts.map(part => {
    const { columns, write } = PARTS[part];
    const sent = Object.entries(columns).filter(([column]) => column !== 'bucket' || !isOfOneBucket);
    const places = sent.map(([, type], index) => `$${count + index + 1}::${type}[]`);
    count += places.length;
    return write(`unnest(${places.join(', ')}) as x (${sent.map(([column]) => column).join(', ')})`, bucket);
  });
  const withs = texts.slice(0, -1).map((text, index) => `${parts[index]} as (${text})`);
  const text = `${withs.length > 0 ? `with ${withs.join(',\n')} ` : ''}${texts.at(-1)}`;
  const statement = { name, text };
  statements.set(name, statement);
  return statement;
}

/** Lots are numbered from 1, as entries are. */
const NO_LOT = 0n;

/** Writes the changes, which are at least one. The caller holds the locks of all the books. */
export async function writeEntries(
  run: RunSql,
  codes: AccountCodes,
  changes: readonly BookChange[],
): Promise<void> {
  const rows = Object.fromEntries(
    PART_NAMES.map(part => [part, Object.keys(PARTS[part].columns).map(() => [])]),
  ) as unknown as Record<PartName, Columns>;
  for (const change of changes) {
    const { bucket, accountId, book } = change;
    for (const sealed of change.entries) {
      pushEntry(rows.new_entries, change, sealed);
      pushPostings(rows.new_postings, change, sealed.entry, codes);
    }
    for (const lot of change.newLots) pushNewLot(rows.new_lots, change, lot);
    for (const lot of change.changedLots) pushChangedLot(rows.changed_lots, change, lot);
    for (const { lotId, seq, faceMicrocredits } of change.faces)
      push(rows.new_faces, bucket, accountId, lotId, seq, faceMicrocredits);
    for (const hold of change.holds) pushHold(rows.changed_holds, change, hold);
    for (const { spendId, seq, amountMicrocredits } of change.reversals)
      push(rows.new_reversals, bucket, accountId, spendId, seq, amountMicrocredits);
    for (const { keyNumber, periodStart, usedMicrocredits } of change.limits)
      push(rows.changed_limits, bucket, accountId, keyNumber, periodStart, usedMicrocredits);
    push(rows.changed_books, bucket, accountId, book.seq, change.head, book.bookedAt, book.debtMicrocredits);
  }
  const only = oneBucketOf(changes);
  const parts = PART_NAMES.filter(part => (rows[part][0]?.length ?? 0) > 0);
  const values = parts.flatMap(part => {
    const arrays = Object.values(PARTS[part].columns).map((type, index) =>
      arrayParameter(type, rows[part][index] ?? []),
    );
    return only === null ? arrays : arrays.slice(1);
  });
  await run(statementOf(parts, only !== null), only === null ? values : [only, ...values]);
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

function push(into: Columns, ...elements: Element[]): void {
  for (let index = 0; index < elements.length; index += 1) into[index]?.push(elements[index] ?? null);
}
