/**
 * Scenarios: a customer's book told as a table that anybody can read.
 *
 *     at               | what                  | result          | postings
 *     2026-03-01 15:00 | buy $1                | available 10000 | deferred_revenue > clearing $1, lot 1
 *                      |                       |                 | issued > available 10000, lot 1
 *     2026-03-01 20:00 | spend 7000            | available 3000  | available > consumed 7000, lot 1
 *     2026-03-02 00:00 | renewal               | available 10000 | renewed > available 7000, lot 1
 *     2026-03-02 09:00 | look                  | lot 1: 10000 of 10000 until 2026-03-31 15:00 |
 *
 * What is asked for:
 *
 *     buy $1                            a payment noticed as it is made
 *     buy $1 paid 2026-03-01 14:59:30   a payment made earlier (or, by the block's clock, later)
 *     spend 7000                        a debit of so many credits
 *     claw back $1 of lot 1             the money of that payment was taken back
 *     sweep                             posts what is due by time, and nothing else
 *     look                              reads and changes nothing; the result is the live lots in burn order
 *
 * `renewal` and `expiry` are asked by nobody: time makes them due, and whoever comes next posts them. The table has
 * them where they are booked. Every row that is asked for is run against the core, the whole table is written anew
 * from what came out, and both must be the same. Columns may be aligned with any number of spaces.
 */
import { expect } from 'vitest';
import { advance } from '../../ledger/core/advance.ts';
import { MICROCREDITS_PER_CREDIT, MICROUSD_PER_USD } from '../../ledger/core/amount.ts';
import { availableOf, type Book, EMPTY_BOOK } from '../../ledger/core/book.ts';
import { assetOf } from '../../ledger/core/chart.ts';
import { type Command, decide } from '../../ledger/core/commands.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import type { Entry, Posting } from '../../ledger/core/journal.ts';
import type { Refusal } from '../../ledger/core/refusal.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { instantText, parseInstant } from '../../ledger/store/instant-text.ts';
import { assertSoundJournal } from './sound-journal.ts';

export interface Told {
  readonly book: Book;
  readonly entries: readonly Entry[];
}

/** Runs the table from an empty book, compares it with what came out, and checks the journal that it made. */
export function expectScenario(table: string): Told {
  const rows = table
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => line.split('|').map(cell => cell.trim().replaceAll(/\s+/g, ' ')));
  const [head, ...told] = rows;
  if (head?.join('|') !== 'at|what|result|postings') throw new Error('a scenario begins with its head line');
  const { written, ...made } = run(told);
  expect(written).toEqual(told.map(row => row.join(' | ')));
  return made;
}

function run(rows: readonly string[][]): Told & { written: string[] } {
  let book = EMPTY_BOOK;
  const entries: Entry[] = [];
  const written: string[] = [];
  for (const [at = '', what = ''] of rows) {
    if (at === '' || what === 'renewal' || what === 'expiry') continue;
    const instant = readInstant(at);
    if (what === 'look') {
      const seen = advance(book, instant).book;
      written.push([at, what, lotsText(seen), ''].join(' | '));
      continue;
    }
    const decision = decide(book, readCommand(what, instant, entries.length), instant);
    if (!decision.accepted) {
      written.push([at, what, refusalText(decision.refusal), ''].join(' | '));
      continue;
    }
    book = decision.step.book;
    entries.push(...decision.step.entries);
    assertSoundJournal(entries, book);
    for (const entry of decision.step.entries) written.push(...entryLines(entry, what));
    if (what === 'sweep') written.push([at, what, `available ${credits(availableOf(book))}`, ''].join(' | '));
  }
  return { book, entries, written };
}

function readCommand(what: string, instant: Instant, number: number): Command {
  const identity = commandIdentity({
    serviceId: 1,
    keyNumber: null,
    idempotencyKey: `row-${number}`,
    payload: what,
  });
  const [, usd, paid] = /^buy \$([\d.]+)(?: paid (.+))?$/.exec(what) ?? [];
  if (usd)
    return {
      type: 'purchase',
      identity,
      amountMicrousd: units(usd, MICROUSD_PER_USD),
      paidAt: paid ? readInstant(paid) : instant,
      policy: 'refill',
      details: null,
    };
  const [, spent] = /^spend ([\d.]+)$/.exec(what) ?? [];
  if (spent)
    return {
      type: 'debit',
      identity,
      amountMicrocredits: units(spent, MICROCREDITS_PER_CREDIT),
      details: null,
    };
  const [, back, lot] = /^claw back \$([\d.]+) of lot (\d+)$/.exec(what) ?? [];
  if (back && lot)
    return {
      type: 'clawback',
      identity,
      lotId: BigInt(lot),
      amountMicrousd: units(back, MICROUSD_PER_USD),
      details: null,
    };
  if (what === 'sweep') return { type: 'advance' };
  throw new Error(`a scenario cannot "${what}"`);
}

function entryLines(entry: Entry, asked: string): string[] {
  const at = writeInstant(entry.bookedAt);
  const what = entry.command === null ? entry.kind : asked;
  const owed = entry.debtAfterMicrocredits;
  const debt = owed === 0n ? '' : `, debt ${credits(owed)}`;
  const result = `available ${credits(entry.availableAfterMicrocredits)}${debt}`;
  return entry.postings.map((posting, index) =>
    (index === 0 ? [at, what, result, postingText(posting)] : ['', '', '', postingText(posting)]).join(' | '),
  );
}

function postingText({ from, to, amount, lot }: Posting): string {
  const asset = assetOf(from);
  const value = asset === 'CREDIT' ? credits(amount) : `$${decimal(amount, MICROUSD_PER_USD)}`;
  const names = [from, to].map(account => account.slice(asset.length + 1)).join(' > ');
  return `${names} ${value}${lot === null ? '' : `, lot ${lot.id}`}`;
}

function refusalText(refusal: Refusal): string {
  switch (refusal.code) {
    case 'insufficient_credits': {
      const renews =
        refusal.renewsAt === null ? 'no renewal' : `next renewal ${writeInstant(refusal.renewsAt)}`;
      return `refused: has ${credits(refusal.availableMicrocredits)}, ${renews}`;
    }
    case 'debt_open':
      return `refused: owes ${credits(refusal.debtMicrocredits)}`;
    default:
      return `refused: ${refusal.code}`;
  }
}

function lotsText(book: Book): string {
  const lots = book.lots.filter(lot => lot.open);
  if (lots.length === 0) return 'no lots';
  return lots
    .map(
      lot =>
        `lot ${lot.id}: ${credits(lot.availableMicrocredits)} of ${credits(lot.faceMicrocredits)} until ` +
        writeInstant(lot.expiresAt),
    )
    .join('; ');
}

/** `2026-03-01 15:00`, with seconds and microseconds where there are any. Always UTC. */
export function writeInstant(instant: Instant): string {
  const text = instantText(instant).replace('T', ' ').slice(0, -1);
  return text.replace(/\.000000$/, '').replace(/^(\S+ \d\d:\d\d):00$/, '$1');
}

export function readInstant(text: string): Instant {
  return parseInstant(`${/:\d\d:/.test(text) ? text : `${text}:00`}Z`);
}

function units(text: string, unit: bigint): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole) * unit + BigInt(fraction.padEnd(6, '0'));
}

function credits(amount: bigint): string {
  return decimal(amount, MICROCREDITS_PER_CREDIT);
}

function decimal(amount: bigint, unit: bigint): string {
  const fraction = (amount % unit).toString().padStart(6, '0').replace(/0+$/, '');
  return `${amount / unit}${fraction && `.${fraction}`}`;
}
