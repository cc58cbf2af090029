/**
 * All histories of a small scope: a tree whose branches are commands at instants. What begins alike is decided once, as
 * the core is pure: a book can be gone on from as often as there are ways to go on.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { advance } from '../../ledger/core/advance.ts';
import { type Book, EMPTY_BOOK, heldOf } from '../../ledger/core/book.ts';
import { decide } from '../../ledger/core/commands.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import type { Entry, EntryKind } from '../../ledger/core/journal.ts';
import { type Dated, runHistory } from './histories.ts';
import { PlainBook, plainLots } from './plain-book.ts';
import { lapsedIn } from './plain-rules.ts';
import type { Asked } from './small-commands.ts';
import { assertSoundJournal } from './sound-journal.ts';

export interface Scope {
  /** What has happened before. */
  readonly start: readonly (readonly [Asked, Instant])[];
  /** In order. Each command falls on one of them, none before the command that precedes it. */
  readonly instants: readonly Instant[];
  readonly commands: readonly Asked[];
  /** How many commands a history has at most. */
  readonly length: number;
  /** Through when the books are followed after the last command. */
  readonly end: Instant;
}

/** A history, and where it has led the core and the plain rules. */
interface Played {
  readonly history: readonly Dated[];
  readonly book: Book;
  readonly entries: readonly Entry[];
  /** What the core has let lapse. */
  readonly lapsed: bigint;
  readonly plain: PlainBook;
}

/** Of so many histories one is decided anew from its beginning, alone, and its whole journal is looked at. */
const ONE_ALONE_IN = 1000;

/** What a scope came to, so that none becomes empty unnoticed. */
export interface Tried {
  histories: number;
  /** What has been posted in any of them. */
  readonly kinds: Set<EntryKind>;
}

/**
 * Carries out every history of up to `length` of the commands at the instants, on the core and on a book of `Rules`.
 * Fails at the first after which they differ, or whose entries depend on how often the book was advanced. A command that
 * is refused is the last of its history: it leaves nothing behind, so that whatever might follow is tried without it.
 */
export function tryAllHistories(scope: Scope, Rules = PlainBook): Tried {
  const tried: Tried = { histories: 0, kinds: new Set() };
  let start: Played = { history: [], book: EMPTY_BOOK, entries: [], lapsed: 0n, plain: new Rules() };
  for (const [asked, instant] of scope.start) {
    const met = lookAt(start, [instant]);
    const command = asked({ ...met, instant });
    const next = command && carryOut(start, met, { command, instant });
    if (!next) throw new Error('a scope begins with something that is refused');
    start = next;
  }
  goOn(start, scope.instants, scope.length);
  return tried;

  function goOn(before: Played, instants: readonly Instant[], length: number): void {
    for (const [index, instant] of instants.entries()) {
      const met = lookAt(before, instants.slice(0, index + 1));
      for (const next of afterEachCommand(before, met, instant))
        if (length > 1) goOn(next, instants.slice(index), length - 1);
    }
  }

  function* afterEachCommand(before: Played, met: Played, instant: Instant): Generator<Played> {
    for (const asked of scope.commands) {
      const command = asked({ ...met, instant });
      if (!command) continue;
      tried.histories += 1;
      const next = carryOut(before, met, { command, instant });
      if (!next) continue;
      for (const { kind } of assertSameAt(next, scope.end)) tried.kinds.add(kind);
      if (tried.histories % ONE_ALONE_IN === 0) assertSameAlone(next);
      yield next;
    }
  }
}

/** The same, advanced to each of the instants: that posts what a single advance to the last of them posts. */
function lookAt(before: Played, instants: readonly Instant[]): Played {
  let { book } = before;
  const due: Entry[] = [];
  const plain = before.plain.fork();
  for (const instant of instants) {
    const step = advance(book, instant);
    book = step.book;
    due.push(...step.entries);
    plain.liveUntil(instant);
  }
  const at = instants.at(-1) ?? 0n;
  if (due.length > 0) assertSameEntries(due, advance(before.book, at).entries);
  const entries = [...before.entries, ...due];
  const looked = { ...before, book, entries, lapsed: before.lapsed + lapsedIn(due), plain };
  assertSame(looked, at);
  return looked;
}

/** What comes of it; null when it is refused. `met` is `before` looked at when the command is asked. */
function carryOut(before: Played, met: Played, asked: Dated): Played | null {
  const { command, instant } = asked;
  const decision = decide(before.book, command, instant);
  const plain = met.plain.fork();
  const history = [...before.history, asked];
  const number = decision.accepted ? decision.step.book.seq : 0n;
  if (plain.carryOut(command, instant, number) !== decision.accepted)
    throw new Error(`should ${decision.accepted ? '' : 'not '}have been refused: ${textOf(history)}`);
  if (!decision.accepted) return null;
  const { book, entries } = decision.step;
  if (met.book !== before.book) {
    const looked = decide(met.book, command, instant);
    // What is due by then has been compared before.
    assertSameEntries(entries.slice(-1), looked.accepted ? looked.step.entries : []);
  }
  const lapsed = before.lapsed + lapsedIn(entries);
  const next = { history, book, entries: [...before.entries, ...entries], lapsed, plain };
  assertSame(next, instant);
  return next;
}

/** Once time alone has brought both to `end`. Returns all entries until then. */
function assertSameAt(played: Played, end: Instant): readonly Entry[] {
  const { book, entries } = advance(played.book, end);
  const plain = played.plain.fork();
  plain.liveUntil(end);
  assertSame({ ...played, book, lapsed: played.lapsed + lapsedIn(entries), plain }, end);
  return [...played.entries, ...entries];
}

function assertSame(played: Played, instant: Instant): void {
  const { book, plain, lapsed, history } = played;
  const core = { debt: book.debtMicrocredits, held: heldOf(book), lapsed };
  const rules = { debt: plain.debt, held: plain.held(), lapsed: plain.lapsed };
  const [lots, told] = [plainLots(book.lots, instant), plain.lots()];
  const isSame =
    core.debt === rules.debt &&
    core.held === rules.held &&
    core.lapsed === rules.lapsed &&
    lots.length === told.length &&
    lots.every((lot, index) => isSameLot(lot, told[index]));
  if (!isSame) expect({ ...core, lots }, textOf(history)).toEqual({ ...rules, lots: told });
}

type LotTold = ReturnType<typeof plainLots>[number];

function isSameLot(a: LotTold, b: LotTold | undefined): boolean {
  return (
    a.number === b?.number &&
    a.added === b.added &&
    a.end === b.end &&
    a.face === b.face &&
    a.available === b.available &&
    a.unreleased === b.unreleased
  );
}

function assertSameEntries(a: readonly Entry[], b: readonly Entry[]): void {
  if (!isDeepStrictEqual(a, b)) expect(a).toEqual(b);
}

function assertSameAlone({ history, book, entries }: Played): void {
  expect(runHistory(history).entries).toEqual(entries);
  assertSoundJournal(entries, book);
}

function textOf(history: readonly Dated[]): string {
  const told = (key: string, value: unknown) => {
    if (key === 'identity') return undefined;
    return typeof value === 'bigint' ? String(value) : value;
  };
  return history.map(dated => JSON.stringify(dated, told)).join('\n');
}
