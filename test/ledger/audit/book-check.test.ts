/** What the check of a book sees where the seal holds: a journal that was sealed wrong, or sealed anew by a forger. */
import { expect, test } from 'vitest';
import { BookCheck } from '../../../ledger/audit/book-check.ts';
import { EMPTY_BOOK } from '../../../ledger/core/book.ts';
import { decide } from '../../../ledger/core/commands.ts';
import { GENESIS_HASH } from '../../../ledger/core/encoding.ts';
import type { Entry, Posting } from '../../../ledger/core/journal.ts';
import { sealEntries } from '../../../ledger/posting/seal.ts';
import { parseInstant } from '../../../ledger/store/instant-text.ts';
import { debitOf, purchaseOf } from '../../support/books.ts';

const NAME = 'acct_0000000000000001';
const BOUGHT = parseInstant('2026-03-01T15:00:00Z');

/** A purchase, two debits and the renewal between them. */
function soundEntries(): Entry[] {
  let book = EMPTY_BOOK;
  const entries: Entry[] = [];
  const hour = 3_600_000_000n;
  const commands = [purchaseOf(1n, BOUGHT, 'p'), debitOf(300n, 'a'), debitOf(500n, 'b')];
  for (const [index, command] of commands.entries()) {
    const decision = decide(book, command, BOUGHT + BigInt(index) * 6n * hour);
    if (!decision.accepted) throw new Error('a command of a sound journal was refused');
    book = decision.step.book;
    entries.push(...decision.step.entries);
  }
  return entries;
}

/** Seals the entries, whatever is in them, and returns the first flaw. */
function flawOf(entries: readonly Entry[]) {
  const check = new BookCheck(NAME);
  for (const { entry, hash } of sealEntries(GENESIS_HASH, NAME, entries).sealed) {
    const flaw = check.number(entry.seq) ?? check.takeIn(entry, hash);
    if (flaw) return flaw;
  }
  return null;
}

test('a sound journal has no flaw', () => {
  const entries = soundEntries();
  expect(entries.map(({ kind }) => kind)).toEqual(['purchase', 'debit', 'renewal', 'debit']);
  expect(flawOf(entries)).toBeNull();
});

const withPosting = (change: (posting: Posting) => Posting) => (entry: Entry) => ({
  ...entry,
  postings: entry.postings.map(change),
});
const withLot = (change: object) =>
  withPosting(posting => ({ ...posting, lot: posting.lot && { ...posting.lot, ...change } }));

const forgeries: { forged: (entry: Entry) => Entry; what: string; expected?: string; found?: string }[] = [
  {
    forged: entry => ({ ...entry, seq: 7n }),
    what: 'the entry is missing',
    expected: 'entry 2',
    found: 'entry 7',
  },
  { forged: entry => ({ ...entry, postings: [] }), what: 'the entry has no posting' },
  {
    forged: entry => ({ ...entry, kind: 'operator_action' }),
    what: 'the entry is a note and has postings',
    expected: 'none',
    found: '1',
  },
  {
    forged: entry => ({ ...entry, bookedAt: BOUGHT - 1n }),
    what: 'the entry is booked before the one that precedes it',
    expected: '2026-03-01T15:00:00.000000Z or later',
    found: '2026-03-01T14:59:59.999999Z',
  },
  {
    forged: entry => ({ ...entry, availableAfterMicrocredits: entry.availableAfterMicrocredits + 1n }),
    what: 'what is available after it is not the sum of the postings',
    expected: '9700000000',
    found: '9700000001',
  },
  {
    forged: entry => ({ ...entry, heldAfterMicrocredits: 1n }),
    what: 'what is held after it is not the sum of the postings',
    expected: '0',
    found: '1',
  },
  {
    forged: entry => ({ ...entry, debtAfterMicrocredits: 1n }),
    what: 'the debt after it is not the sum of the postings',
    expected: '0',
    found: '1',
  },
  {
    forged: withPosting(posting => ({ ...posting, amount: 0n })),
    what: 'the posting from CREDIT:available to CREDIT:consumed moves nothing',
  },
  {
    forged: withPosting(posting => ({ ...posting, amount: -1n })),
    what: 'the posting from CREDIT:available to CREDIT:consumed moves nothing',
  },
  {
    forged: withPosting(posting => ({ ...posting, to: posting.from })),
    what: 'the posting from CREDIT:available to CREDIT:available goes nowhere',
  },
  {
    forged: withPosting(posting => ({ ...posting, to: 'USD:revenue' })),
    what: 'the posting from CREDIT:available to USD:revenue leaves its asset',
    expected: 'CREDIT',
    found: 'USD',
  },
  {
    forged: withPosting(posting => ({ ...posting, lot: null })),
    what: 'the posting from CREDIT:available to CREDIT:consumed moves credits of no lot',
  },
  {
    forged: withLot({ availableMicrocredits: 1n }),
    what: 'what lot 1 holds after it is not the sum of its postings',
    expected: 'available 9700000000, held 0, unreleased 0',
    found: 'available 1, held 0, unreleased 0',
  },
  {
    forged: withLot({ id: 9n }),
    what: 'what lot 9 holds after it is not the sum of its postings',
    expected: 'available -300000000, held 0, unreleased 0',
  },
  {
    // A posting that moves no credits may run ahead, but not past the end of its entry.
    forged: entry => ({
      ...entry,
      postings: entry.postings.flatMap(posting => [
        posting,
        {
          from: 'USD:revenue',
          to: 'USD:refunds',
          amount: 1n,
          lot: posting.lot && { ...posting.lot, heldMicrocredits: 5n },
        },
      ]),
    }),
    what: 'what lot 1 holds after it is not the sum of its postings',
    found: 'available 9700000000, held 5, unreleased 0',
  },
];

test.each(forgeries)('sealed anew, $what', ({ forged, ...flaw }) => {
  const entries = soundEntries().map(entry => (entry.seq === 2n ? forged(entry) : entry));
  expect(flawOf(entries)).toMatchObject({ entry: 2n, ...flaw });
});

test('another book has other hashes', () => {
  const [first] = sealEntries(GENESIS_HASH, NAME, soundEntries()).sealed;
  if (!first) throw new Error('a sound journal has entries');
  expect(new BookCheck('acct_0000000000000002').takeIn(first.entry, first.hash)).toMatchObject({
    entry: 1n,
    what: 'the hash is not that of this entry behind the one before it',
  });
});
