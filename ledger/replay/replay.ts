/**
 * The ledger made a second time out of what is on record, and compared with the first: payments by the facts that were
 * written down of them, spending by the commands that were accepted, and everything else (renewals, expiries, ends of
 * holds, which lot gave what, what is left) by the same core. Design section 11. One snapshot is read through, book by
 * book; in memory are the facts of payments and one book at a time. Writes nothing, but into a scratch schema where one
 * is named.
 */
import type pg from 'pg';
import type { Flaw, Problem } from '../audit/problem.ts';
import { readStoredChart, type StoredChart } from '../audit/stored-chart.ts';
import { type PostingRow, readEntry, readInstant } from '../audit/stored-entry.ts';
import { accountName, bookName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { type Book, EMPTY_BOOK } from '../core/book.ts';
import { type Instant, laterOf } from '../core/instant.ts';
import type { Entry } from '../core/journal.ts';
import { isOpen, type Lot } from '../core/lot.ts';
import { appendSystemEntry, type SystemEntry } from '../core/system-book.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { readNow } from '../store/clock.ts';
import { readInstallation } from '../store/installation.ts';
import { instantText } from '../store/instant-text.ts';
import { estimateEntries } from '../store/journal-size.ts';
import { lotOf } from '../store/lot-row.ts';
import { ACCOUNT_OF_KEY } from '../store/posted-entries.ts';
import { inSnapshot, type Snapshot } from '../store/snapshot.ts';
import { BookComparison, hex, type StoredEntry } from './book-comparison.ts';
import type { BookWriter } from './book-writer.ts';
import {
  type Consequences,
  type CustomerConsequence,
  consequenceKey,
  consequencesOf,
} from './consequences.ts';
import { readFacts } from './facts.ts';
import { type ScannedReceiptsOfRange, withScanned } from './from-chain.ts';
import { isCommandKind, type RecordedCommand } from './recorded-command.ts';
import { HoldRecords, ReversalRecords } from './recorded-rows.ts';
import { ReplayedBook, ReplayRefusal } from './replayed-book.ts';
import {
  type ComparedRange,
  type ScratchComparison,
  ScratchCopy,
  type ScratchOptions,
} from './scratch-copy.ts';
import {
  closeStoredBooks,
  nextAccountIn,
  nextOf,
  openStoredBooks,
  type StoredBooks,
} from './stored-books.ts';

export interface ReplayOptions {
  /** Replays the book of this account only. */
  readonly accountId?: bigint | undefined;
  /** Replays what was booked by then; lots and heads, which are told as of now only, are then not compared. */
  readonly at?: Instant | undefined;
  /** Receipts as an independent scan found them on the chain, instead of as they were recorded. */
  readonly scanned?: ScannedReceiptsOfRange | undefined;
  /** Also writes the books that are made into a schema of their own, and compares it with what is stored in the database. */
  readonly scratch?: ScratchOptions | undefined;
  /** How many rows of a table are in memory at a time. */
  readonly fetchSize?: number | undefined;
  /** Told now and then, and at the end, how many entries are done, of about how many. */
  readonly onProgress?: ((entriesDone: number, entriesEstimated: number | null) => void) | undefined;
}

export interface Replayed {
  readonly books: number;
  readonly entries: number;
  /** How many of the entries are commands or facts; the others follow from time alone. */
  readonly commands: number;
  /**
   * Book by book, in the order of buckets, accounts and entries; then of books of which nothing was told so far what only
   * the comparison in the scratch schema shows; then what is missing altogether.
   */
  readonly differences: readonly Problem[];
  /** Null without a scratch schema. */
  readonly scratch: ScratchComparison | null;
}

const FETCH_SIZE = 4000;
const PROGRESS_EVERY = 1000;

/**
 * Replays the journal in a read-only snapshot of its own. Differences are told in the result; throws when the database
 * cannot be reached or has no ledger in it, and ScratchSchemaError when the scratch schema cannot be made.
 */
export async function replayJournal(pool: pg.Pool, options: ReplayOptions = {}): Promise<Replayed> {
  return await inSnapshot(pool, async snapshot => {
    if (options.scratch === undefined) return await replayIn(snapshot, options, null);
    const copy = await openScratch(snapshot, options.scratch);
    try {
      const replayed = await replayIn(snapshot, options, copy);
      await copy.end();
      return replayed;
    } catch (error) {
      await copy.giveUp();
      throw error;
    }
  });
}

async function openScratch({ client }: Snapshot, options: ScratchOptions): Promise<ScratchCopy> {
  // One of the two connections waits while the other works.
  await client.query('set local idle_in_transaction_session_timeout = 0');
  const { rows } = await client.query<{ snapshot: string }>('select pg_export_snapshot() as snapshot');
  return await ScratchCopy.open(options, rows[0]?.snapshot ?? '');
}

async function replayIn(
  { client, db }: Snapshot,
  options: ReplayOptions,
  scratch: ScratchCopy | null,
): Promise<Replayed> {
  const { accountId, at, fetchSize = FETCH_SIZE } = options;
  const through = at === undefined ? null : instantText(at);
  const installation = await readInstallation(db);
  const now = await readNow(db);
  const recorded = await readFacts(client, { through, bucket: null });
  const facts = options.scanned
    ? withScanned(recorded, options.scanned, { bucketCount: installation.bucketCount, now })
    : recorded;
  const replay = new Replay({
    chart: await readStoredChart(client),
    consequences: consequencesOf(facts, installation),
    now,
    isWhole: at === undefined,
    estimated: accountId === undefined ? await estimateEntries(client) : null,
    onProgress: options.onProgress,
    scratch,
  });
  const buckets =
    accountId === undefined
      ? await readBuckets(client)
      : [bucketOfAccount(accountId, installation.bucketCount)];
  for (const bucket of buckets) {
    const rows = await openStoredBooks(client, { bucket, accountId: accountId ?? null, through, fetchSize });
    await replay.bucket(bucket, rows);
    await closeStoredBooks(rows);
  }
  const missing = await missingConsequences(client, replay, accountId, installation.bucketCount);
  const compared = await replay.compareScratch({
    book:
      accountId === undefined
        ? null
        : { bucket: bucketOfAccount(accountId, installation.bucketCount), accountId },
    through,
    now: instantText(now),
  });
  const result = replay.result(missing, compared);
  if (accountId === undefined || result.books > 0 || result.differences.length > 0) return result;
  const noBook = { entry: null, what: 'there is no such book', expected: 'a book', found: 'none' };
  return { ...result, differences: [{ book: accountName(accountId), ...noBook }] };
}

async function readBuckets(client: pg.ClientBase): Promise<number[]> {
  const { rows } = await client.query<{ bucket: number }>(
    'select bucket from books union select bucket from entries order by bucket',
  );
  return rows.map(row => row.bucket);
}

interface ReplaySetting {
  readonly chart: StoredChart;
  readonly consequences: Consequences;
  /** By the database's clock. */
  readonly now: Instant;
  /** Whether lots and heads are compared too. */
  readonly isWhole: boolean;
  readonly estimated: number | null;
  readonly onProgress: ReplayOptions['onProgress'];
  readonly scratch: ScratchCopy | null;
}

class Replay {
  readonly #setting: ReplaySetting;
  readonly #problems: Problem[] = [];
  /** The consequences of facts that were met in a book. */
  readonly #met = new Set<string>();
  #books = 0;
  #entries = 0;
  #commands = 0;

  constructor(setting: ReplaySetting) {
    this.#setting = setting;
  }

  result(missing: readonly Problem[], scratch: ScratchComparison | null): Replayed {
    this.#setting.onProgress?.(this.#entries, this.#setting.estimated);
    return {
      books: this.#books,
      entries: this.#entries,
      commands: this.#commands,
      differences: [...this.#problems, ...missing],
      scratch,
    };
  }

  /** Compares what was written with what is stored, and tells it of the books of which nothing was told so far. */
  async compareScratch(range: ComparedRange): Promise<ScratchComparison | null> {
    const { scratch } = this.#setting;
    if (!scratch) return null;
    const told = new Set(this.#problems.map(({ book }) => book));
    const further = new Map<string, BookComparison>();
    const compared = await scratch.compare(range, ({ bucket, accountId }, flaw) => {
      const name = bookName(bucket, accountId);
      if (told.has(name)) return;
      const comparison = further.get(name) ?? new BookComparison(name);
      further.set(name, comparison);
      comparison.add(flaw);
    });
    for (const [book, { flaws }] of further) this.#problems.push(...flaws.map(flaw => ({ book, ...flaw })));
    return compared;
  }

  /** What must have been booked, and was met in no book. */
  unmet(): Consequences {
    const { system, customer, contradictions } = this.#setting.consequences;
    return {
      contradictions,
      system: new Map([...system].filter(([key]) => !this.#met.has(key))),
      customer: new Map([...customer].filter(([key]) => !this.#met.has(key))),
    };
  }

  async bucket(bucket: number, rows: StoredBooks): Promise<void> {
    for (let id = await nextAccountIn(rows); id !== null; id = await nextAccountIn(rows)) {
      const name = bookName(bucket, id);
      const writer = (await this.#setting.scratch?.begin({ bucket, accountId: id })) ?? null;
      const flaws =
        id === SYSTEM_ACCOUNT_ID
          ? await this.#systemBook(name, rows, writer)
          : await this.#customerBook(name, id, rows, writer);
      this.#books += 1;
      for (const flaw of flaws) this.#problems.push({ book: name, ...flaw });
    }
  }

  async #systemBook(name: string, rows: StoredBooks, writer: BookWriter | null): Promise<readonly Flaw[]> {
    const comparison = new BookComparison(name);
    let book: Book = EMPTY_BOOK;
    for await (const stored of this.#entriesOf(rows, SYSTEM_ACCOUNT_ID, comparison)) {
      const draft = this.#systemEntry(name, stored.entry, book);
      const step = appendSystemEntry(book, draft.entry, draft.instant);
      book = step.book;
      if (draft.isFounded) await writer?.add(step.entries, book);
      comparison.compare(draft.isFounded ? step.entries : [], [stored]);
    }
    await writer?.flush(book);
    return await this.#end(comparison, rows, SYSTEM_ACCOUNT_ID, book);
  }

  /** The entry that the facts lead to under the idempotency key of `entry`. */
  #systemEntry(
    name: string,
    entry: Entry,
    book: Book,
  ): { entry: SystemEntry; instant: Instant; isFounded: boolean } {
    this.#commands += 1;
    const identity = entry.command;
    const key = consequenceKey(name, identity?.keyDigest ?? '');
    const consequence = this.#setting.consequences.system.get(key);
    if (consequence) {
      this.#met.add(key);
      return {
        entry: consequence.entry,
        instant: laterOf(consequence.decidedAt, book.bookedAt),
        isFounded: true,
      };
    }
    const asStored = {
      kind: entry.kind as SystemEntry['kind'],
      identity: identity ?? { serviceId: 0, keyNumber: null, keyDigest: '', payloadDigest: '' },
      effectiveAt: entry.effectiveAt,
      postings: entry.postings,
      details: entry.details ?? '',
    };
    // What an operator did is written down nowhere else: the entry is the record.
    const isFounded = entry.kind === 'operator_action' && entry.postings.length === 0;
    return { entry: asStored, instant: entry.bookedAt, isFounded };
  }

  async #customerBook(
    name: string,
    accountId: bigint,
    rows: StoredBooks,
    writer: BookWriter | null,
  ): Promise<readonly Flaw[]> {
    const comparison = new BookComparison(name);
    const replayed = new ReplayedBook();
    const holds = new HoldRecords(comparison);
    const reversals = new ReversalRecords(comparison);
    let pending: StoredEntry[] = [];
    let last: Instant = 0n;
    const take = async (made: readonly Entry[], stored: readonly StoredEntry[]) => {
      const closed = replayed.takeClosedHolds();
      comparison.compare(made, stored);
      holds.compare(closed);
      writer?.noteHolds(closed);
      await writer?.add(made, replayed.book);
    };
    for await (const stored of this.#entriesOf(rows, accountId, comparison)) {
      const { entry } = stored;
      last = entry.bookedAt;
      await holds.takeIn(rows, accountId, entry.seq);
      await reversals.takeIn(rows, accountId, entry.seq);
      if (entry.command === null || !isCommandKind(entry.kind)) {
        pending.push(stored);
        continue;
      }
      this.#commands += 1;
      const made = this.#carryOut(
        name,
        replayed,
        comparison,
        {
          kind: entry.kind,
          identity: entry.command,
          decidedAt: entry.bookedAt,
          amountMicrocredits: entry.amountMicrocredits,
          details: entry.details,
          deadline: holds.deadlineOf(entry.seq),
          holdId: holds.closedAt(entry.seq),
          spendId: reversals.spendOf(entry.seq),
          isReversed: reversals.isReversed(entry.seq),
        },
        entry.seq,
      );
      await take(made, [...pending, stored]);
      pending = [];
      reversals.compare(entry);
    }
    await take(replayed.advance(last), pending);
    writer?.noteHolds(replayed.book.holds);
    await writer?.flush(replayed.book, replayed);
    if (this.#setting.isWhole) {
      holds.end(replayed);
      reversals.end();
      await this.#compareLots(comparison, replayed, rows, accountId);
      await compareFaces(comparison, replayed, rows, accountId);
    }
    return await this.#end(comparison, rows, accountId, replayed.book);
  }

  #carryOut(
    name: string,
    replayed: ReplayedBook,
    comparison: BookComparison,
    recorded: RecordedCommand,
    seq: bigint,
  ): readonly Entry[] {
    const key = consequenceKey(name, recorded.identity.keyDigest);
    const consequence = this.#setting.consequences.customer.get(key) ?? null;
    if (consequence) this.#met.add(key);
    try {
      return replayed.carryOut(recorded, consequence);
    } catch (error) {
      if (!(error instanceof ReplayRefusal)) throw error;
      comparison.add({
        entry: seq,
        what: `a ${recorded.kind} that cannot have been carried out`,
        expected: error.message,
        found: `${recorded.kind} of ${recorded.amountMicrocredits}`,
      });
      return [];
    }
  }

  async #compareLots(
    comparison: BookComparison,
    replayed: ReplayedBook,
    rows: StoredBooks,
    accountId: bigint,
  ): Promise<void> {
    const made = new Map(replayed.lots.map(lot => [lot.id, lot]));
    for (let row = await nextOf(rows.lots, accountId); row; row = await nextOf(rows.lots, accountId)) {
      const stored = lotOf(row);
      const expected = made.get(stored.id);
      made.delete(stored.id);
      const flaw = expected
        ? lotDifference(expected, stored, this.#setting.now)
        : lotFlaw(stored.id, 'is there', 'no such lot', 'a lot');
      if (flaw) comparison.add(flaw);
    }
    for (const id of made.keys()) comparison.add(lotFlaw(id, 'is missing', 'a lot', 'no such lot'));
  }

  /** Passes what is left of the account, and compares where the book says that it stands. */
  async #end(
    comparison: BookComparison,
    rows: StoredBooks,
    accountId: bigint,
    book: Book,
  ): Promise<readonly Flaw[]> {
    for (const cursor of [rows.postings, rows.holds, rows.reversals, rows.lots, rows.faces])
      while (await nextOf(cursor as StoredBooks['faces'], accountId));
    const standing = await nextOf(rows.books, accountId);
    if (!standing) {
      comparison.add({ entry: null, what: 'the book is missing', expected: 'a book', found: 'none' });
      return comparison.flaws;
    }
    if (!this.#setting.isWhole) return comparison.flaws;
    const differ = (what: string, expected: unknown, found: unknown) => {
      if (expected !== found)
        comparison.add({ entry: null, what, expected: String(expected), found: String(found) });
    };
    differ('the book ends with another entry', book.seq, standing.seq);
    const bookedAt = readInstant(standing.booked_at);
    differ(
      'its last entry was booked at another instant',
      instantText(book.bookedAt),
      bookedAt === null ? standing.booked_at : instantText(bookedAt),
    );
    differ('the book owes another debt', book.debtMicrocredits, standing.debt_microcredits);
    // Behind a difference the head is another.
    if (comparison.flaws.length === 0)
      differ("the book's head is another", hex(comparison.head), hex(standing.head));
    return comparison.flaws;
  }

  /** The entries of an account; what follows one that cannot be read is passed over. */
  async *#entriesOf(
    rows: StoredBooks,
    accountId: bigint,
    comparison: BookComparison,
  ): AsyncGenerator<StoredEntry> {
    let isReadable = true;
    for (let row = await nextOf(rows.entries, accountId); row; row = await nextOf(rows.entries, accountId)) {
      this.#entries += 1;
      if (this.#entries % PROGRESS_EVERY === 0)
        this.#setting.onProgress?.(this.#entries, this.#setting.estimated);
      const { seq } = row;
      while (await nextOf(rows.postings, accountId, posting => posting.seq < seq));
      const postings: PostingRow[] = [];
      for (;;) {
        const posting = await nextOf(rows.postings, accountId, one => one.seq === seq);
        if (!posting) break;
        postings.push(posting);
      }
      if (!isReadable) continue;
      const read = readEntry(row, postings, this.#setting.chart);
      if ('entry' in read) yield { entry: read.entry, hash: row.hash };
      else {
        comparison.add(read.flaw);
        isReadable = false;
      }
    }
  }
}

async function compareFaces(
  comparison: BookComparison,
  replayed: ReplayedBook,
  rows: StoredBooks,
  accountId: bigint,
): Promise<void> {
  const made = new Map(replayed.faces.map(face => [`${face.lotId} ${face.seq}`, face.faceMicrocredits]));
  for (let row = await nextOf(rows.faces, accountId); row; row = await nextOf(rows.faces, accountId)) {
    const expected = made.get(`${row.lot_id} ${row.seq}`);
    made.delete(`${row.lot_id} ${row.seq}`);
    if (expected !== row.face_microcredits)
      comparison.add(
        lotFlaw(row.lot_id, `has another face since entry ${row.seq}`, expected, row.face_microcredits),
      );
  }
  for (const [name, face] of made)
    comparison.add(lotFlaw(BigInt(name.split(' ')[0] ?? 0), 'lacks a face that it had', face, 'none'));
}

/** A lot that has lapsed with nothing in it is closed without an entry, whenever somebody looks. */
function lotDifference(expected: Lot, found: Lot, now: Instant): Flaw | null {
  const isClosedByTime = !found.open && expected.open && !isOpen(expected, now);
  const wanted = { ...expected, open: isClosedByTime ? false : expected.open };
  for (const [name, value] of Object.entries(wanted)) {
    const other = found[name as keyof Lot];
    if (value !== other) return lotFlaw(expected.id, `has another ${name}`, value, other);
  }
  return null;
}

function lotFlaw(id: bigint, what: string, expected: unknown, found: unknown): Flaw {
  return { entry: null, what: `lot ${id} ${what}`, expected: String(expected), found: String(found) };
}

/**
 * What the facts lead to and no book has. A command that waits in the outbox is not missing, nor, as of an instant, one
 * that was carried out after it.
 */
async function missingConsequences(
  client: pg.ClientBase,
  replay: Replay,
  accountId: bigint | undefined,
  bucketCount: number,
): Promise<Problem[]> {
  const { system, customer, contradictions } = replay.unmet();
  const problems: Problem[] = [];
  if (accountId === undefined)
    for (const { bucket, receiptId, why } of contradictions)
      problems.push({
        book: bookName(bucket, SYSTEM_ACCOUNT_ID),
        entry: null,
        what: `what is recorded of receipt ${receiptId} contradicts itself`,
        expected: 'one amount paid',
        found: why,
      });
  if (accountId === undefined)
    for (const { book, entry, decidedAt } of system.values())
      problems.push({
        book,
        entry: null,
        what: `a ${entry.kind} that follows from the facts is missing: ${entry.details}`,
        expected: `${entry.kind} of ${entry.postings[0]?.amount} decided at ${instantText(decidedAt)}`,
        found: 'no such entry',
      });
  for (const [key, consequence] of customer) {
    if (accountId !== undefined && consequence.accountId !== accountId) continue;
    if (await isElsewhere(client, key, consequence, bucketCount)) continue;
    const { book, effect, receiptId, version, amountMicrousd, decidedAt } = consequence;
    const kind = effect === 'receipt' ? 'purchase' : effect;
    problems.push({
      book,
      entry: null,
      what: `the ${kind} of receipt ${receiptId} v${version} is missing`,
      expected: `${kind} of ${amountMicrousd} micro-dollars decided at ${instantText(decidedAt)}`,
      found: 'no such entry',
    });
  }
  return problems;
}

async function isElsewhere(
  client: pg.ClientBase,
  key: string,
  { accountId, effect, receiptId, version }: CustomerConsequence,
  bucketCount: number,
): Promise<boolean> {
  const action = effect === 'receipt' ? 'purchase' : effect;
  const { rows } = await client.query<{ found: boolean }>(
    `select exists (select from outbox where receipt_id = $1 and version = $2 and action = $3)
      or exists (select from entries e where e.bucket = $4 and ${ACCOUNT_OF_KEY} = $5 and e.key_digest = $6) as found`,
    [receiptId, version, action, bucketOfAccount(accountId, bucketCount), accountId, key.split(' ')[1]],
  );
  return rows[0]?.found ?? false;
}
