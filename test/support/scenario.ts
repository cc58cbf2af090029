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
 *     buy $1 as installments            … under that policy; `refill` where nothing is said
 *     buy $1 priced late                a payment that counts from when it is decided
 *     spend 7000                        a debit of so many credits
 *     hold 7000 for 2 h                 credits reserved until then; for 15 minutes where nothing is said
 *     capture 5000 of hold 3            spends so much of the hold that entry 3 placed, and gives the rest back
 *     release hold 3                    gives all of it back
 *     reverse 2000 of 4                 undoes so much of the debit or capture with the number 4
 *     reverse 4                         undoes what is left of it
 *     claw back $1 of lot 1             the money of that payment was taken back
 *     restore $1 of lot 1               the money that had been taken back came again
 *     give 500 as none                  credits of the operator, under that policy
 *     take 500                          the operator takes credits
 *     service 2: …                      any of these, asked by another service than the first
 *     key 2: …                          any of these, authorised by that key or grant (behind the service, if both are told)
 *     limit key 2 to 100 a day          from now on, a day, week, month or lifetime; the result is what is left of it
 *     look at key 2                     the same, and changes nothing
 *     sweep                             posts what is due by time, and nothing else
 *     look                              reads and changes nothing; the result is the live lots in burn order
 *
 * `renewal`, `expiry`, `hold_timeout` and `installment` are asked by nobody: time makes them due, and whoever comes next
 * posts them. The table has them where they are booked. Every row that is asked for is run against the core, the whole table is written anew
 * from what came out, and both must be the same. Columns may be aligned with any number of spaces.
 */
import { expect } from 'vitest';
import { advance } from '../../ledger/core/advance.ts';
import { MICROCREDITS_PER_CREDIT, MICROUSD_PER_USD } from '../../ledger/core/amount.ts';
import { availableOf, type Book, EMPTY_BOOK } from '../../ledger/core/book.ts';
import { assetOf } from '../../ledger/core/chart.ts';
import { type Command, decide } from '../../ledger/core/commands.ts';
import { HOLD_LIFE_DEFAULT } from '../../ledger/core/hold.ts';
import { HOUR, type Instant, MINUTE, SECOND } from '../../ledger/core/instant.ts';
import type { CommandIdentity, Entry, Posting } from '../../ledger/core/journal.ts';
import { isLive, type RenewalPolicy } from '../../ledger/core/lot.ts';
import type { Refusal } from '../../ledger/core/refusal.ts';
import {
  LIMIT_PERIODS,
  periodStartOf,
  type SpendingLimit,
  standingOf,
  usedAt,
} from '../../ledger/core/spending-limit.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { instantText, parseInstant } from '../../ledger/store/instant-text.ts';
import { spendOf } from './histories.ts';
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

const DERIVED = new Set(['renewal', 'expiry', 'hold_timeout', 'installment']);

function run(rows: readonly string[][]): Told & { written: string[] } {
  let book = EMPTY_BOOK;
  const entries: Entry[] = [];
  const written: string[] = [];
  for (const [at = '', what = ''] of rows) {
    if (at === '' || DERIVED.has(what)) continue;
    const instant = readInstant(at);
    if (what === 'look') {
      const seen = advance(book, instant).book;
      written.push([at, what, lotsText(seen, instant), ''].join(' | '));
      continue;
    }
    const limit = readLimit(what, book, instant);
    if (limit) {
      book = { ...book, limits: [...book.limits.filter(isOfOther(limit)), limit] };
      written.push([at, what, limitText(limit, advance(book, instant).book, instant), ''].join(' | '));
      continue;
    }
    const decision = decide(book, readCommand(what, { book, entries, instant }), instant);
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

/** What a row is read against. */
interface Before {
  readonly book: Book;
  readonly entries: readonly Entry[];
  readonly instant: Instant;
}

/** A kind of row: how it reads, and the command that it asks for. */
type Row = readonly [
  RegExp,
  (words: readonly string[], identity: CommandIdentity, before: Before) => Command,
];

const ROWS: readonly Row[] = [
  [
    /^buy \$([\d.]+)(?: as (\w+))?(?: (priced late)| paid (.+))?$/,
    ([usd = '', policy, late, paid], identity, { instant }) => ({
      type: 'purchase',
      identity,
      amountMicrousd: units(usd, MICROUSD_PER_USD),
      paidAt: late ? null : paid ? readInstant(paid) : instant,
      policy: policyOf(policy),
      details: null,
    }),
  ],
  [
    /^spend ([\d.]+)$/,
    ([amount = ''], identity) => ({
      type: 'debit',
      identity,
      amountMicrocredits: readCredits(amount),
      details: null,
    }),
  ],
  [
    /^hold ([\d.]+)(?: for (\d+) (h|min|s))?$/,
    ([amount = '', length, unit], identity) => ({
      type: 'hold',
      identity,
      amountMicrocredits: readCredits(amount),
      life: length
        ? BigInt(length) * (unit === 'h' ? HOUR : unit === 'min' ? MINUTE : SECOND)
        : HOLD_LIFE_DEFAULT,
      limits: { ofAccount: 3, ofService: 2 },
      details: null,
    }),
  ],
  [
    /^capture ([\d.]+) of hold (\d+)$/,
    ([amount = '', hold = ''], identity) => ({
      type: 'capture',
      identity,
      holdId: BigInt(hold),
      amountMicrocredits: readCredits(amount),
      details: null,
    }),
  ],
  [
    /^release hold (\d+)$/,
    ([hold = ''], identity) => ({ type: 'release', identity, holdId: BigInt(hold), details: null }),
  ],
  [
    /^reverse (?:([\d.]+) of )?(\d+)$/,
    ([amount, number = ''], identity, { book, entries }) => {
      const entry = entries.find(
        ({ seq, kind }) => seq === BigInt(number) && (kind === 'debit' || kind === 'capture'),
      );
      return {
        type: 'reversal',
        identity,
        spend: entry ? spendOf(entry, book, entries) : null,
        amountMicrocredits: amount ? readCredits(amount) : null,
        details: JSON.stringify({ reverses: number }),
      };
    },
  ],
  [
    /^(claw back|restore) \$([\d.]+) of lot (\d+)$/,
    ([what, usd = '', lot = ''], identity) => ({
      type: what === 'restore' ? 'restoration' : 'clawback',
      identity,
      lotId: BigInt(lot),
      amountMicrousd: units(usd, MICROUSD_PER_USD),
      details: null,
    }),
  ],
  [
    /^(give|take) ([\d.]+)(?: as (\w+))?$/,
    ([what, amount = '', policy], identity) => ({
      type: 'adjustment',
      identity,
      amountMicrocredits: what === 'take' ? -readCredits(amount) : readCredits(amount),
      policy: policyOf(policy),
      details: 'as the operator said',
    }),
  ],
  [/^sweep$/, () => ({ type: 'advance' })],
];

function readCommand(told: string, before: Before): Command {
  const [, service = '1', key, what = ''] = /^(?:service (\d+): )?(?:key (\d+): )?(.+)$/.exec(told) ?? [];
  const identity = commandIdentity({
    serviceId: Number(service),
    keyNumber: key === undefined ? null : Number(key),
    idempotencyKey: `row-${before.entries.length}`,
    payload: what,
  });
  for (const [pattern, read] of ROWS) {
    const [whole, ...words] = pattern.exec(what) ?? [];
    if (whole !== undefined) return read(words, identity, before);
  }
  throw new Error(`a scenario cannot "${what}"`);
}

/** The limit that a row sets or looks at; null where it does something else. */
function readLimit(what: string, book: Book, instant: Instant): SpendingLimit | null {
  const [, looked] = /^look at key (\d+)$/.exec(what) ?? [];
  if (looked !== undefined) {
    const limit = book.limits.find(({ keyNumber }) => keyNumber === Number(looked));
    if (!limit) throw new Error(`key ${looked} has no limit`);
    return limit;
  }
  const [, key, amount = '', word] = /^limit key (\d+) to ([\d.]+) a (\w+)$/.exec(what) ?? [];
  if (key === undefined) return null;
  const period = LIMIT_PERIODS.find(known => known === word);
  if (!period) throw new Error(`there is no period "${word}"`);
  const keyNumber = Number(key);
  const before = book.limits.find(limit => limit.keyNumber === keyNumber && limit.period === period);
  return {
    keyNumber,
    limitMicrocredits: readCredits(amount),
    period,
    periodStart: periodStartOf(period, instant),
    usedMicrocredits: before ? usedAt(before, instant) : 0n,
  };
}

function isOfOther({ keyNumber }: SpendingLimit): (limit: SpendingLimit) => boolean {
  return limit => limit.keyNumber !== keyNumber;
}

function limitText(limit: SpendingLimit, { holds }: Book, instant: Instant): string {
  const { limitMicrocredits, remainingMicrocredits, resetsAt } = standingOf(limit, holds, instant);
  return `${credits(remainingMicrocredits)} of ${credits(limitMicrocredits)} left${untilText(resetsAt)}`;
}

function untilText(resetsAt: Instant | null): string {
  return resetsAt === null ? '' : ` until ${writeInstant(resetsAt)}`;
}

function policyOf(word = 'refill'): RenewalPolicy {
  if (word === 'refill' || word === 'none' || word === 'installments') return word;
  throw new Error(`there is no policy "${word}"`);
}

function readCredits(text: string): bigint {
  return units(text, MICROCREDITS_PER_CREDIT);
}

function entryLines(entry: Entry, asked: string): string[] {
  const at = writeInstant(entry.bookedAt);
  const what = entry.command === null ? entry.kind : asked;
  const owed = entry.debtAfterMicrocredits;
  const debt = owed === 0n ? '' : `, debt ${credits(owed)}`;
  const reserved = entry.heldAfterMicrocredits;
  const held = reserved === 0n ? '' : `, held ${credits(reserved)}`;
  const result = `available ${credits(entry.availableAfterMicrocredits)}${held}${debt}`;
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
    case 'key_limit_exceeded':
      return `refused: ${credits(refusal.remainingMicrocredits)} left${untilText(refusal.resetsAt)}`;
    case 'debt_open':
      return `refused: owes ${credits(refusal.debtMicrocredits)}`;
    case 'reversal_above_spend':
      return `refused: ${credits(refusal.leftMicrocredits)} left`;
    case 'capture_above_hold':
      return `refused: holds ${credits(refusal.heldMicrocredits)}`;
    default:
      return `refused: ${refusal.code}`;
  }
}

function lotsText(book: Book, instant: Instant): string {
  const lots = book.lots.filter(lot => isLive(lot, instant));
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
