/**
 * One transaction for many commands: lock their books in one order, load what they need, let the core decide
 * each in its turn, write everything, commit. Nobody is answered before the commit.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { bookName } from '../core/account-id.ts';
import type { Book, Step } from '../core/book.ts';
import { type Command, decide } from '../core/commands.ts';
import { GENESIS_HASH } from '../core/encoding.ts';
import type { Hold } from '../core/hold.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import type { CommandIdentity, Entry } from '../core/journal.ts';
import { compareBurnOrder, type Lot } from '../core/lot.ts';
import type { Refusal } from '../core/refusal.ts';
import type { ReversalCommand, Spend } from '../core/reversal.ts';
import type { SpendingLimit } from '../core/spending-limit.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import type { BookKey } from '../store/book-statement.ts';
import {
  type BookRow,
  createBooks,
  inLockOrder,
  loadClosedHolds,
  loadClosedLots,
  loadOpenHolds,
  loadOpenLots,
  lockBooks,
  type OfAccount,
} from '../store/books.ts';
import { readClock } from '../store/clock.ts';
import { type ConsumedKey, findConsumedKeys, type PostedEntry } from '../store/posted-entries.ts';
import { type RunSql, runOn, sendTogether } from '../store/run-sql.ts';
import { loadLimits } from '../store/spending-limits.ts';
import { loadSpends } from '../store/spends.ts';
import { type BookChange, type Reversed, writeEntries } from '../store/write-entries.ts';
import type { RememberedBook, RememberedBooks } from './remembered-books.ts';
import { sealEntries } from './seal.ts';

/** A reversal as it is asked for: what it undoes is loaded with the book. */
export interface ReversalRequest extends Omit<ReversalCommand, 'spend'> {
  /** The number of the debit or capture. */
  readonly spendId: bigint;
}

export type Request = Exclude<Command, ReversalCommand> | ReversalRequest;

/** A command addressed to the book of an account. */
export interface AddressedCommand extends BookKey {
  readonly command: Request;
}

export type Outcome =
  | { readonly status: 'accepted'; readonly entry: PostedEntry; readonly replayed: boolean }
  /** An `advance` was carried out: how many entries had been due. */
  | { readonly status: 'advanced'; readonly entryCount: number }
  | { readonly status: 'refused'; readonly refusal: Refusal };

export interface BatchOptions {
  readonly codes: AccountCodes;
  /** Stands in for the database's clock in tests and in the demo. */
  readonly clock?: (() => Instant) | undefined;
}

/** So many commands are written together. The database writes them while the next are decided. */
const SLICE = 128;

/** A book while a batch works on it. */
interface OpenBook extends BookKey {
  /** As it is written; the rest is what is not written yet. */
  stored: Pick<Book, 'lots' | 'holds' | 'limits'>;
  /** The hash of its last written entry. */
  head: Uint8Array;
  book: Book;
  entries: Entry[];
  faces: { lotId: bigint; seq: bigint; faceMicrocredits: bigint }[];
  reversals: Reversed[];
  /** What reversals of this batch name, with what is left of it. */
  readonly spends: Map<bigint, Spend>;
}

/**
 * Carries out `commands` in their order, in one transaction of `client`, which must be a pipelining connection.
 * Returns an outcome for each. Throws when the transaction failed or when it is not known whether it committed;
 * the same commands may then be given again, as accepted ones answer by their idempotency key.
 * @param remembered Books of the same database; every book is loaded when left out.
 */
export async function runBatch(
  client: pg.ClientBase,
  commands: readonly AddressedCommand[],
  options: BatchOptions,
  remembered: RememberedBooks | null = null,
): Promise<Outcome[]> {
  try {
    const { books, consumed, now } = await load(client, commands, remembered);
    const instant = options.clock?.() ?? now;
    const outcomes: Outcome[] = [];
    const changed = new Set<OpenBook>();
    const writing: Promise<void>[] = [];
    let unwritten: BookChange[] = [];
    const write = async () => {
      if (unwritten.length > 0) await writeEntries(runOn(client), options.codes, unwritten);
    };
    for (let from = 0; from < commands.length; from += SLICE) {
      if (unwritten.length > 0) {
        const written = write();
        // Its error is seen below, after everything was sent.
        written.catch(() => {});
        writing.push(written);
        // It leaves for the database only when the event loop comes to it.
        await nextTurn();
      }
      const touched = new Set<OpenBook>();
      for (const { accountId, command } of commands.slice(from, from + SLICE)) {
        const open = books.get(accountId);
        outcomes.push(decideOne(open, command, instant, consumed));
        if (open && open.entries.length > 0) touched.add(open);
      }
      unwritten = [...touched].map(takeChange);
      for (const open of touched) changed.add(open);
    }
    // The commit is not waited with either: a failed write makes it a rollback, and the write's error is what we see.
    await sendTogether(client, () =>
      settled([...writing, write(), client.query(changed.size > 0 ? 'commit' : 'rollback')]),
    );
    for (const { accountId, head, book } of changed) remembered?.remember(accountId, head, book);
    return outcomes;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function load(
  client: pg.ClientBase,
  commands: readonly AddressedCommand[],
  remembered: RememberedBooks | null,
) {
  const run = runOn(client);
  const keys = inLockOrder(distinctBooks(commands));
  const newBooks = inLockOrder(distinctBooks(commands.filter(({ command }) => makesBook(command))));
  const named = namedBy(commands);
  const unknown = keys.filter(({ accountId }) => !remembered?.has(accountId));
  // Each statement has its own snapshot, taken after the locks are held.
  const [, , rows, now, open, closedLots, closedHolds, spends, consumed] = await sendTogether(client, () =>
    settled([
      client.query('begin'),
      newBooks.length > 0 ? createBooks(run, newBooks, GENESIS_HASH) : undefined,
      lockBooks(run, keys),
      // Follows the statement that locks: no decision is dated before a lock.
      readClock(run),
      loadOpen(run, unknown),
      named.lots.length > 0 ? loadClosedLots(run, named.lots) : [],
      named.holds.length > 0 ? loadClosedHolds(run, named.holds) : [],
      named.spends.length > 0 ? loadSpends(run, named.spends) : [],
      named.keys.length > 0 ? findConsumedKeys(run, named.keys) : [],
    ]),
  );
  const known = new Map<bigint, RememberedBook>();
  for (const { accountId, head } of rows) {
    const book = remembered?.find(accountId, head);
    if (book) known.set(accountId, book);
  }
  // Somebody else has posted to these since.
  const asked = new Set(unknown.map(({ accountId }) => accountId));
  const stale = rows.filter(({ accountId }) => !known.has(accountId) && !asked.has(accountId));
  const again = await loadOpen(run, stale);
  // Asked of locked books alone: a limit that is set meanwhile waits for them or is known. Where there is none, as nearly
  // always, this costs nothing.
  const limited = rows.filter(row => row.hasLimits);
  const limits = limited.length > 0 ? await loadLimits(run, limited) : [];
  const lotsOf = byAccount([...open.lots, ...again.lots, ...closedLots]);
  const holdsOf = byAccount([...open.holds, ...again.holds, ...closedHolds]);
  const spendsOf = byAccount(spends);
  const limitsOf = byAccount(limits);
  const books = new Map<bigint, OpenBook>();
  for (const row of rows) {
    const { accountId } = row;
    books.set(
      accountId,
      openBook(row, {
        lots: [...(known.get(accountId)?.lots ?? []), ...(lotsOf.get(accountId) ?? [])],
        holds: [...(known.get(accountId)?.holds ?? []), ...(holdsOf.get(accountId) ?? [])],
        spends: spendsOf.get(accountId) ?? [],
        limits: limitsOf.get(accountId) ?? [],
      }),
    );
  }
  const consumedKeys = new Map<string, ConsumedKey>();
  for (const key of consumed) consumedKeys.set(consumedName(key.entry.accountId, key.keyDigest), key);
  return { books, consumed: consumedKeys, now };
}

/** What is open in the books, of which there may be none. */
async function loadOpen(run: RunSql, keys: readonly BookKey[]) {
  if (keys.length === 0) return { lots: [], holds: [] };
  const [lots, holds] = await settled([loadOpenLots(run, keys), loadOpenHolds(run, keys)]);
  return { lots, holds };
}

/** Money that is here, or given by the operator, makes a book where there is none. */
function makesBook(command: Request): boolean {
  return command.type === 'purchase' || (command.type === 'adjustment' && command.amountMicrocredits > 0n);
}

/** What the commands name beside their books: closed lots and holds, spends to reverse, idempotency keys. */
function namedBy(commands: readonly AddressedCommand[]) {
  const lots = new Map<string, BookKey & { lotId: bigint }>();
  const holds = new Map<string, BookKey & { holdId: bigint }>();
  const spends = new Map<string, BookKey & { spendId: bigint }>();
  const keys: (BookKey & { keyDigest: string })[] = [];
  for (const { bucket, accountId, command } of commands) {
    const key = { bucket, accountId };
    if ('identity' in command) keys.push({ ...key, keyDigest: command.identity.keyDigest });
    if ('lotId' in command) lots.set(`${accountId}:${command.lotId}`, { ...key, lotId: command.lotId });
    if ('holdId' in command) holds.set(`${accountId}:${command.holdId}`, { ...key, holdId: command.holdId });
    if ('spendId' in command)
      spends.set(`${accountId}:${command.spendId}`, { ...key, spendId: command.spendId });
  }
  return { lots: [...lots.values()], holds: [...holds.values()], spends: [...spends.values()], keys };
}

function byAccount<Value>(loaded: readonly OfAccount<Value>[]): Map<bigint, Value[]> {
  const byId = new Map<bigint, Value[]>();
  for (const { accountId, value } of loaded) {
    const known = byId.get(accountId);
    if (known) known.push(value);
    else byId.set(accountId, [value]);
  }
  return byId;
}

/** Waits for all, so that none is left running on a connection that is given back; then throws the first error. */
async function settled<Work extends readonly unknown[] | []>(
  work: Work,
): Promise<{ -readonly [Index in keyof Work]: Awaited<Work[Index]> }> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}

function distinctBooks(commands: readonly BookKey[]): BookKey[] {
  const books = new Map<bigint, BookKey>();
  for (const { bucket, accountId } of commands)
    if (!books.has(accountId)) books.set(accountId, { bucket, accountId });
  return [...books.values()];
}

function openBook(
  row: BookRow,
  loaded: {
    readonly lots: Lot[];
    readonly holds: Hold[];
    readonly spends: Spend[];
    readonly limits: SpendingLimit[];
  },
): OpenBook {
  const { seq, bookedAt, debtMicrocredits } = row;
  const { holds, limits } = loaded;
  const lots = loaded.lots.sort(compareBurnOrder);
  return {
    bucket: row.bucket,
    accountId: row.accountId,
    stored: { lots, holds, limits },
    head: row.head,
    spends: new Map(loaded.spends.map(spend => [spend.id, spend])),
    book: { seq, bookedAt, debtMicrocredits, lots, holds, limits },
    entries: [],
    faces: [],
    reversals: [],
  };
}

function decideOne(
  open: OpenBook | undefined,
  request: Request,
  now: Instant,
  consumed: Map<string, ConsumedKey>,
): Outcome {
  if (!open) return { status: 'refused', refusal: { code: 'account_unknown' } };
  const identity = 'identity' in request ? request.identity : null;
  const earlier = identity && consumed.get(consumedName(open.accountId, identity.keyDigest));
  if (earlier) return replay(earlier, identity);

  const decision = decide(open.book, commandOf(open, request), laterOf(now, open.book.bookedAt));
  if (!decision.accepted) return { status: 'refused', refusal: decision.refusal };
  take(open, decision.step);
  const last = decision.step.entries.at(-1);
  if (last && request.type === 'reversal') noteReversal(open, request.spendId, last);
  if (!identity || !last) return { status: 'advanced', entryCount: decision.step.entries.length };
  const entry = postedEntry(open.accountId, last);
  // A second command with this key in the same batch must find it consumed.
  consumed.set(consumedName(open.accountId, identity.keyDigest), {
    keyDigest: identity.keyDigest,
    payloadDigest: identity.payloadDigest,
    entry,
  });
  return { status: 'accepted', entry, replayed: false };
}

function replay(earlier: ConsumedKey, identity: CommandIdentity): Outcome {
  if (earlier.payloadDigest !== identity.payloadDigest)
    return { status: 'refused', refusal: { code: 'idempotency_key_reused' } };
  return { status: 'accepted', entry: earlier.entry, replayed: true };
}

function commandOf(open: OpenBook, request: Request): Command {
  if (request.type !== 'reversal') return request;
  const { spendId, ...rest } = request;
  return { ...rest, spend: open.spends.get(spendId) ?? null };
}

function take(open: OpenBook, step: Step): void {
  const before = new Map(open.book.lots.map(lot => [lot.id, lot.faceMicrocredits]));
  open.book = step.book;
  for (const entry of step.entries) open.entries.push(entry);
  // Only the last entry of a step changes faces: time alone does not.
  const { seq } = step.book;
  for (const { id, faceMicrocredits } of step.book.lots)
    if (before.get(id) !== faceMicrocredits) open.faces.push({ lotId: id, seq, faceMicrocredits });
}

/** The next reversal of this batch must find what this one has left. */
function noteReversal(open: OpenBook, spendId: bigint, entry: Entry): void {
  const { seq, amountMicrocredits } = entry;
  const spend = open.spends.get(spendId);
  if (!spend) throw new Error('a reversal of nothing was accepted');
  open.reversals.push({ spendId, seq, amountMicrocredits });
  const reversedMicrocredits = spend.reversedMicrocredits + amountMicrocredits;
  open.spends.set(spendId, { ...spend, reversedMicrocredits });
}

function postedEntry(accountId: bigint, entry: Entry): PostedEntry {
  return {
    accountId,
    seq: entry.seq,
    kind: entry.kind,
    bookedAt: entry.bookedAt,
    amountMicrocredits: entry.amountMicrocredits,
    availableAfterMicrocredits: entry.availableAfterMicrocredits,
    heldAfterMicrocredits: entry.heldAfterMicrocredits,
    debtAfterMicrocredits: entry.debtAfterMicrocredits,
    details: entry.details,
  };
}

/** What is to be written of the book, which counts as written then. */
function takeChange(open: OpenBook): BookChange {
  const { bucket, accountId, book, stored, entries, faces, reversals } = open;
  const { head, sealed } = sealEntries(open.head, bookName(bucket, accountId), entries);
  const newLots: Lot[] = [];
  const changedLots: Lot[] = [];
  const storedLots = new Map(stored.lots.map(lot => [lot.id, lot]));
  const storedHolds = new Set(stored.holds);
  const storedLimits = new Set(stored.limits);
  for (const lot of book.lots) {
    const before = storedLots.get(lot.id);
    if (!before) newLots.push(lot);
    else if (before !== lot) changedLots.push(lot);
  }
  open.stored = book;
  open.head = head;
  open.entries = [];
  open.faces = [];
  open.reversals = [];
  return {
    ...{ bucket, accountId, book, head, faces, reversals, newLots, changedLots },
    entries: sealed,
    holds: book.holds.filter(hold => !storedHolds.has(hold)),
    limits: book.limits.filter(limit => !storedLimits.has(limit)),
  };
}

function consumedName(accountId: bigint, keyDigest: string): string {
  return `${accountId}:${keyDigest}`;
}
