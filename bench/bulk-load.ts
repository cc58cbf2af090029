/** A history made by the core, as posting makes it, and written many books at a time without asking the database anything. */
import type pg from 'pg';
import { bookName } from '../ledger/core/account-id.ts';
import { adjustmentPayload } from '../ledger/core/adjustment.ts';
import { type Book, EMPTY_BOOK } from '../ledger/core/book.ts';
import { type Command, decide } from '../ledger/core/commands.ts';
import { GENESIS_HASH } from '../ledger/core/encoding.ts';
import { DAY, HOUR, type Instant, SECOND } from '../ledger/core/instant.ts';
import type { Entry } from '../ledger/core/journal.ts';
import { commandIdentity } from '../ledger/posting/identity.ts';
import { sealEntries } from '../ledger/posting/seal.ts';
import { AccountCodes } from '../ledger/store/account-codes.ts';
import { createBooks, inLockOrder } from '../ledger/store/books.ts';
import { bucketOfAccount } from '../ledger/store/bucket.ts';
import { runOn } from '../ledger/store/run-sql.ts';
import { type BookChange, writeEntries } from '../ledger/store/write-entries.ts';

export interface HistoryOptions {
  readonly accounts: number;
  readonly debitsEach: number;
  /** What each debit takes; a little when left out. */
  readonly debitMicrocredits?: bigint;
  /** The instant of the first lot. */
  readonly begins: Instant;
  readonly onProgress?: (entries: number) => void;
}

export const BUCKETS = 64;
export const LOTS_EACH = 3;
const CHUNK = 4000;
/** Connections that write at a time, of those that the owner's pool has. */
const WRITERS = 2;
const PROGRESS_MS = 10_000;

/** The number of account `index`, from 0. */
export function accountIdOf(index: number): bigint {
  return BigInt(index + 1);
}

/**
 * Gives every account three lots and lets it spend; returns how many entries there are. While some books are written,
 * the next are made: both take about as long. Rejects when anything of it could not be written.
 */
export async function loadHistory(owner: pg.Pool, options: HistoryOptions): Promise<number> {
  const chart = await owner.query<{ code: number; name: string }>('select code, name from ledger_accounts');
  const codes = AccountCodes.of(chart.rows);
  const writing = new Set<Promise<void>>();
  let made = 0;
  let written = 0;
  let changes: BookChange[] = [];
  let waiting = 0;
  const flush = async () => {
    const [flushed, count] = [changes, waiting];
    [changes, waiting] = [[], 0];
    if (writing.size >= WRITERS) await Promise.race(writing);
    const write = writeBooks(owner, codes, flushed).then(() => {
      writing.delete(write);
      written += count;
      options.onProgress?.(written);
    });
    writing.add(write);
    // It is awaited later on, and rejects then.
    write.catch(() => {});
  };
  for (let index = 0; index < options.accounts; index += 1) {
    const change = bookOf(accountIdOf(index), options);
    changes.push(change);
    waiting += change.entries.length;
    made += change.entries.length;
    if (waiting >= CHUNK) await flush();
  }
  if (changes.length > 0) await flush();
  await Promise.all(writing);
  await owner.query('vacuum (analyze)');
  return made;
}

async function writeBooks(
  owner: pg.Pool,
  codes: AccountCodes,
  changes: readonly BookChange[],
): Promise<void> {
  const client = await owner.connect();
  try {
    const run = runOn(client);
    await client.query('begin');
    await createBooks(run, inLockOrder(changes), GENESIS_HASH);
    await writeEntries(run, codes, changes);
    await client.query('commit');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** When a history of up to an hour begins: it ends by `now`, and no midnight falls into it. */
export function beginningOf(now: Instant): Instant {
  const midnight = now - (now % DAY);
  return now - HOUR > midnight ? now - HOUR : midnight - HOUR;
}

/** Says from time to time how far a load is. */
export function tellProgress(say: (line: string) => void): (entries: number) => void {
  const begun = performance.now();
  let said = begun;
  return entries => {
    const now = performance.now();
    if (now - said < PROGRESS_MS) return;
    said = now;
    const perSecond = Math.round((entries * 1000) / (now - begun));
    say(`${entries.toLocaleString('en')} entries, ${perSecond.toLocaleString('en')}/s`);
  };
}

function bookOf(accountId: bigint, { debitsEach, begins, debitMicrocredits }: HistoryOptions): BookChange {
  const bucket = bucketOfAccount(accountId, BUCKETS);
  let book: Book = EMPTY_BOOK;
  const entries: Entry[] = [];
  const faces: { lotId: bigint; seq: bigint; faceMicrocredits: bigint }[] = [];
  const carryOut = (command: Command, instant: Instant) => {
    const decision = decide(book, command, instant);
    if (!decision.accepted) throw new Error(`refused: ${decision.refusal.code}`);
    book = decision.step.book;
    entries.push(...decision.step.entries);
  };
  for (let lot = 0; lot < LOTS_EACH; lot += 1) {
    carryOut(gift(lot), begins + BigInt(lot) * SECOND);
    faces.push({ lotId: book.seq, seq: book.seq, faceMicrocredits: GIFT });
  }
  for (let count = 0; count < debitsEach; count += 1)
    carryOut(debit(`load-${count}`, debitMicrocredits), begins + BigInt(LOTS_EACH + count) * SECOND);
  const { head, sealed } = sealEntries(GENESIS_HASH, bookName(bucket, accountId), entries);
  return {
    ...{ bucket, accountId, book, head, faces },
    entries: sealed,
    newLots: book.lots,
    changedLots: [],
    holds: [],
    reversals: [],
    limits: [],
  };
}

/** So much that nobody runs out while a benchmark lasts. */
export const GIFT = 10n ** 15n;

export function gift(lot: number): Command {
  const asked = {
    amountMicrocredits: GIFT,
    policy: 'refill' as const,
    details: JSON.stringify({ operator: 'bench', reason: `lot ${lot}` }),
  };
  const payload = adjustmentPayload(asked);
  const identity = commandIdentity({
    serviceId: 0,
    keyNumber: null,
    idempotencyKey: `adjustment:${lot}`,
    payload,
  });
  return { type: 'adjustment', identity, ...asked };
}

export function debit(idempotencyKey: string, amountMicrocredits = 1_234_567n): Command {
  const payload = `debit ${amountMicrocredits} `;
  const identity = commandIdentity({ serviceId: 1, keyNumber: 1, idempotencyKey, payload });
  return { type: 'debit', identity, amountMicrocredits, details: null };
}
