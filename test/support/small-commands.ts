/** The commands of small histories: each follows from what was done before, or cannot be asked there. */
import { availableOf, type Book } from '../../ledger/core/book.ts';
import type { Command } from '../../ledger/core/commands.ts';
import type { Instant } from '../../ledger/core/instant.ts';
import type { Entry } from '../../ledger/core/journal.ts';
import type { Lot, RenewalPolicy } from '../../ledger/core/lot.ts';
import { commandIdentity } from '../../ledger/posting/identity.ts';
import { spendOf } from './histories.ts';

/** What a command meets: the book as it is at `instant`, and all that led to it. */
export interface Met {
  readonly book: Book;
  readonly entries: readonly Entry[];
  readonly instant: Instant;
}

/** Null where there is nothing to ask it of. */
export type Asked = (met: Met) => Command | null;

const identity = commandIdentity({ serviceId: 1, keyNumber: null, idempotencyKey: '-', payload: '-' });
const limits = { ofAccount: 2, ofService: 2 };

/** A payment made at `paidAt`, or as it is noticed. */
export function buy(amountMicrousd: bigint, policy: RenewalPolicy = 'refill', paidAt?: Instant): Asked {
  return ({ instant }) => ({
    type: 'purchase',
    identity,
    amountMicrousd,
    paidAt: paidAt ?? instant,
    policy,
    details: null,
  });
}

export function spend(amountMicrocredits: bigint): Asked {
  return () => ({ type: 'debit', identity, amountMicrocredits, details: null });
}

export const spendAll: Asked = met => {
  const available = availableOf(met.book);
  return available === 0n ? null : spend(available)(met);
};

export function holdUntil(deadline: Instant, amountMicrocredits: bigint): Asked {
  return ({ instant }) =>
    instant < deadline
      ? { type: 'hold', identity, amountMicrocredits, life: deadline - instant, limits, details: null }
      : null;
}

/** Of the hold that was placed last. */
export function captureLast(amountMicrocredits: bigint): Asked {
  return ({ entries }) => {
    const holdId = lastOf(entries, ['hold'])?.seq;
    return holdId === undefined
      ? null
      : { type: 'capture', identity, holdId, amountMicrocredits, details: null };
  };
}

export const releaseLast: Asked = ({ entries }) => {
  const holdId = lastOf(entries, ['hold'])?.seq;
  return holdId === undefined ? null : { type: 'release', identity, holdId, details: null };
};

/** Of the debit or capture that came last; null for all of it that is left. */
export function reverseLast(amountMicrocredits: bigint | null): Asked {
  return ({ book, entries }) => {
    const spent = lastOf(entries, ['debit', 'capture']);
    if (!spent) return null;
    const details = JSON.stringify({ reverses: String(spent.seq) });
    return { type: 'reversal', identity, spend: spendOf(spent, book, entries), amountMicrocredits, details };
  };
}

/** Of the payment of the lot with that number; null for all of it that is not with its payer yet. */
export function takeBack(lotId: bigint, amountMicrousd: bigint | null): Asked {
  return ({ book }) => {
    const left = moneyOf(
      book,
      lotId,
      ({ paidMicrousd, returnedMicrousd }) => paidMicrousd - returnedMicrousd,
    );
    const amount = amountMicrousd ?? left;
    return left === 0n || amount > left
      ? null
      : { type: 'clawback', identity, lotId, amountMicrousd: amount, details: null };
  };
}

/** The money of that payment comes again, as much as was taken back. */
export function restore(lotId: bigint): Asked {
  return ({ book }) => {
    const amountMicrousd = moneyOf(book, lotId, ({ returnedMicrousd }) => returnedMicrousd);
    return amountMicrousd === 0n
      ? null
      : { type: 'restoration', identity, lotId, amountMicrousd, details: null };
  };
}

/** More than 0 gives, less than 0 takes. */
export function adjust(amountMicrocredits: bigint, policy: RenewalPolicy = 'refill'): Asked {
  return () => ({ type: 'adjustment', identity, amountMicrocredits, policy, details: '-' });
}

function moneyOf(book: Book, lotId: bigint, of: (lot: Lot) => bigint): bigint {
  const lot = book.lots.find(({ id }) => id === lotId);
  return lot ? of(lot) : 0n;
}

function lastOf(entries: readonly Entry[], kinds: readonly Entry['kind'][]): Entry | undefined {
  return entries.findLast(({ kind }) => kinds.includes(kind));
}
