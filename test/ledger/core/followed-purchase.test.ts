/** The purchase that ledger/README.md follows through is what the core posts, row by row. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { MICROCREDITS_PER_CREDIT, MICROUSD_PER_USD, weiOfMicrousd } from '../../../ledger/core/amount.ts';
import { EMPTY_BOOK } from '../../../ledger/core/book.ts';
import { assetOf, treasuryAccount } from '../../../ledger/core/chart.ts';
import type { Instant } from '../../../ledger/core/instant.ts';
import type { Entry, Posting } from '../../../ledger/core/journal.ts';
import { appendSystemEntry, assignmentPostings, receiptPostings } from '../../../ledger/core/system-book.ts';
import { commandIdentity } from '../../../ledger/posting/identity.ts';
import { debitOf, purchaseOf } from '../../support/books.ts';
import { runHistory } from '../../support/histories.ts';
import { PAYMENT_ADDRESS } from '../../support/installation.ts';
import { readInstant, writeInstant } from '../../support/scenario.ts';

const PAID = readInstant('2026-03-01 15:00');
const PAID_MICROUSD = 10n * MICROUSD_PER_USD;
/** $3,000 for an ETH, in the feed's 8 decimals. */
const WEI = weiOfMicrousd(PAID_MICROUSD, 300_000_000_000n);

test('row by row', async () => {
  const [, section = ''] = (await readFile('ledger/README.md', 'utf8')).split(
    '## One purchase, followed through\n',
  );
  const [head, , ...rows] = (section.split('\n## ')[0] ?? '')
    .split('\n')
    .filter(line => line.startsWith('|'));
  expect(cellsOf(head ?? '')).toBe('booked | entry | from → to | amount');
  expect(rows.map(cellsOf)).toEqual([
    ...systemEntries().flatMap(entry => rowsOf(entry, ' (system)')),
    ...customersEntries().flatMap(entry => rowsOf(entry, '')),
  ]);
});

function systemEntries(): Entry[] {
  const identity = commandIdentity({ serviceId: 0, keyNumber: null, idempotencyKey: '-', payload: '-' });
  const treasury = treasuryAccount(8453, PAYMENT_ADDRESS);
  const posted: Entry[] = [];
  let book = EMPTY_BOOK;
  for (const [kind, postings] of [
    ['receipt', receiptPostings(treasury, WEI)],
    ['assignment', assignmentPostings(WEI, PAID_MICROUSD)],
  ] as const) {
    const entry = { kind, identity, effectiveAt: PAID, postings, details: '-' };
    const step = appendSystemEntry(book, entry, PAID);
    book = step.book;
    posted.push(...step.entries);
  }
  return posted;
}

function customersEntries(): readonly Entry[] {
  return runHistory([
    { command: purchaseOf(10n, PAID, 'payment'), instant: PAID },
    { command: debitOf(30_000n, 'job'), instant: readInstant('2026-03-01 20:00') },
    { command: { type: 'advance' }, instant: readInstant('2026-04-30 00:00') },
  ]).entries;
}

function rowsOf({ bookedAt, kind, postings }: Entry, book: string): string[] {
  return postings.map((posting, index) => {
    const [at, what] = index === 0 ? [`${timeOf(bookedAt)}${book}`, kind] : ['', ''];
    return [at, what, `${nameOf(posting.from)} → ${nameOf(posting.to)}`, amountOf(posting)].join(' | ');
  });
}

/** `03-01 15:00:00`. */
function timeOf(instant: Instant): string {
  return `${writeInstant(instant).slice('2026-'.length)}:00`;
}

function nameOf(account: Posting['from']): string {
  return account.startsWith('ETH:treasury:') ? 'ETH:treasury' : account;
}

function amountOf({ from, amount }: Posting): string {
  const asset = assetOf(from);
  if (asset === 'USD') return `$${amount / MICROUSD_PER_USD}`;
  if (asset === 'CREDIT') return (amount / MICROCREDITS_PER_CREDIT).toLocaleString('en-US');
  return `0.${amount.toString().padStart(18, '0')} ETH`;
}

function cellsOf(line: string): string {
  return line
    .slice(1, -1)
    .split('|')
    .map(cell => cell.trim())
    .join(' | ');
}
