/**
 * One transaction for many commands: lock their books in one order, load what they need, let the core decide
 * each in its turn, write everything in one statement, commit. Nobody is answered before the commit.
 */
import type pg from 'pg';
import { bookName } from '../core/account-id.ts';
import type { Book, Step } from '../core/book.ts';
import { type Command, decide } from '../core/commands.ts';
import { GENESIS_HASH } from '../core/encoding.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import type { CommandIdentity, Entry } from '../core/journal.ts';
import { compareBurnOrder, type Lot } from '../core/lot.ts';
import type { Refusal } from '../core/refusal.ts';
import type { AccountCodes } from '../store/account-codes.ts';
import {
  type BookKey,
  type BookRow,
  createBooks,
  inLockOrder,
  loadClosedLots,
  loadOpenLots,
  lockBooks,
} from '../store/books.ts';
import { type ConsumedKey, findConsumedKeys, type PostedEntry } from '../store/posted-entries.ts';
import { runOn } from '../store/run-sql.ts';
import { type BookChange, writeEntries } from '../store/write-entries.ts';
import { sealEntries } from './seal.ts';

/** A command addressed to the book of an account. */
export interface AddressedCommand extends BookKey {
  readonly command: Command;
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

/** A book while a batch works on it. */
interface OpenBook extends BookKey {
  readonly row: BookRow;
  readonly loadedLots: ReadonlyMap<bigint, Lot>;
  book: Book;
  readonly entries: Entry[];
}

/**
 * Carries out `commands` in their order, in one transaction of `client`, which must be a pipelining connection.
 * Returns an outcome for each. Throws when the transaction failed or when it is not known whether it committed;
 * the same commands may then be given again, as accepted ones answer by their idempotency key.
 */
export async function runBatch(
  client: pg.ClientBase,
  commands: readonly AddressedCommand[],
  options: BatchOptions,
): Promise<Outcome[]> {
  try {
    const { books, consumed, now } = await load(client, commands);
    const instant = options.clock?.() ?? now;
    const outcomes = commands.map(({ accountId, command }) =>
      decideOne(books.get(accountId), command, instant, consumed),
    );
    const changes = [...books.values()].filter(open => open.entries.length > 0).map(changeOf);
    if (changes.length > 0) {
      // Sent together: a failed write makes the commit a rollback, and the write's error is what we see.
      const written = writeEntries(runOn(client), options.codes, changes);
      const committed = client.query('commit');
      await settled([written, committed]);
    } else {
      await client.query('rollback');
    }
    return outcomes;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function load(client: pg.ClientBase, commands: readonly AddressedCommand[]) {
  const run = runOn(client);
  const keys = inLockOrder(distinctBooks(commands));
  const newBooks = inLockOrder(distinctBooks(commands.filter(({ command }) => command.type === 'purchase')));
  const clawedBack = new Map(
    commands.flatMap(({ bucket, accountId, command }) =>
      command.type === 'clawback'
        ? [[`${accountId}:${command.lotId}`, { bucket, accountId, lotId: command.lotId }] as const]
        : [],
    ),
  );
  const wantedKeys = commands.flatMap(({ bucket, accountId, command }) =>
    'identity' in command ? [{ bucket, accountId, keyDigest: command.identity.keyDigest }] : [],
  );
  // All of these travel together. Each statement has its own snapshot, taken after the locks are held.
  const [, , rows, { now, lots }, closed, consumed] = await settled([
    client.query('begin'),
    newBooks.length > 0 ? createBooks(run, newBooks, GENESIS_HASH) : undefined,
    lockBooks(run, keys),
    loadOpenLots(run, keys),
    clawedBack.size > 0 ? loadClosedLots(run, [...clawedBack.values()]) : [],
    wantedKeys.length > 0 ? findConsumedKeys(run, wantedKeys) : [],
  ]);
  const lotsOf = new Map<bigint, Lot[]>();
  for (const { accountId, lot } of [...lots, ...closed]) {
    const known = lotsOf.get(accountId);
    if (known) known.push(lot);
    else lotsOf.set(accountId, [lot]);
  }
  const books = new Map<bigint, OpenBook>();
  for (const row of rows) books.set(row.accountId, openBook(row, lotsOf.get(row.accountId) ?? []));
  const consumedKeys = new Map<string, ConsumedKey>();
  for (const key of consumed) consumedKeys.set(consumedName(key.entry.accountId, key.keyDigest), key);
  return { books, consumed: consumedKeys, now };
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

function openBook(row: BookRow, lots: Lot[]): OpenBook {
  lots.sort(compareBurnOrder);
  return {
    bucket: row.bucket,
    accountId: row.accountId,
    row,
    loadedLots: new Map(lots.map(lot => [lot.id, lot])),
    book: { seq: row.seq, bookedAt: row.bookedAt, debtMicrocredits: row.debtMicrocredits, lots },
    entries: [],
  };
}

function decideOne(
  open: OpenBook | undefined,
  command: Command,
  now: Instant,
  consumed: Map<string, ConsumedKey>,
): Outcome {
  if (!open) return { status: 'refused', refusal: { code: 'account_unknown' } };
  const identity = 'identity' in command ? command.identity : null;
  const earlier = identity && consumed.get(consumedName(open.accountId, identity.keyDigest));
  if (earlier) return replay(earlier, identity);

  const decision = decide(open.book, command, laterOf(now, open.book.bookedAt));
  if (!decision.accepted) return { status: 'refused', refusal: decision.refusal };
  take(open, decision.step);
  const last = decision.step.entries.at(-1);
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

function take(open: OpenBook, step: Step): void {
  open.book = step.book;
  for (const entry of step.entries) open.entries.push(entry);
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
  };
}

function changeOf(open: OpenBook): BookChange {
  const { head, sealed } = sealEntries(open.row.head, bookName(open.bucket, open.accountId), open.entries);
  return {
    bucket: open.bucket,
    accountId: open.accountId,
    book: open.book,
    head,
    entries: sealed,
    lots: open.book.lots.filter(lot => open.loadedLots.get(lot.id) !== lot),
  };
}

function consumedName(accountId: bigint, keyDigest: string): string {
  return `${accountId}:${keyDigest}`;
}
