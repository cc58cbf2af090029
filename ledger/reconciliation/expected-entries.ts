/**
 * What the books must have because of what is recorded: a pure function of the facts of a receipt, written apart from the
 * code that booked them. A fact whose entry is missing, an entry without its fact, and an amount that is not the fact's
 * are then each seen from one side.
 */

import { changeOfCardPayment, NO_CARD_PAYMENT } from '../core/card-payment.ts';
import type { TreasuryAccount } from '../core/chart.ts';
import type { Instant } from '../core/instant.ts';
import type { EntryKind, Posting } from '../core/journal.ts';
import {
  assignmentPostings,
  gasPostings,
  receiptPostings,
  reversedPostings,
  withdrawalPostings,
} from '../core/system-book.ts';
import { commandIdentity, OWN_SERVICE_ID, type ReceiptEffect, receiptKey } from '../posting/identity.ts';
import { cardStateOf } from '../store/card-payment-row.ts';
import type {
  BalanceDifferenceRow,
  CardPaymentRow,
  InclusionFacts,
  SentRow,
  WithdrawalRow,
} from './bucket-facts.ts';

/** An entry that a system book must have. */
export interface ExpectedEntry {
  readonly keyDigest: string;
  readonly kind: EntryKind;
  readonly receipt: string;
  readonly decidedAt: Instant;
  readonly postings: readonly Posting[];
}

/** An entry that a customer's book must have, or the outbox on its way there. */
export interface ExpectedEffect {
  readonly keyDigest: string;
  readonly kind: 'purchase' | 'clawback' | 'restoration';
  readonly receipt: string;
  readonly version: number;
  readonly accountId: bigint;
  readonly decidedAt: Instant;
  readonly amountMicrousd: bigint;
}

export interface Expected {
  readonly entries: ExpectedEntry[];
  readonly effects: ExpectedEffect[];
}

export interface ExpectedContext {
  readonly chainId: number;
  readonly treasury: TreasuryAccount;
}

/** @param versions All of one receipt, in their order. */
export function expectedOfInclusions(
  { treasury }: ExpectedContext,
  versions: readonly InclusionFacts[],
): Expected {
  const entries: ExpectedEntry[] = [];
  const effects: ExpectedEffect[] = [];
  for (const [index, facts] of versions.entries()) {
    const { receiptId, version, amountWei, noticedAt, credited } = facts;
    if (amountWei === null) continue;
    const expect = (kind: EntryKind, decidedAt: Instant, postings: readonly Posting[]) =>
      entries.push({
        ...expectedEntry(kind, `${receiptId}:${version}`),
        receipt: receiptId,
        decidedAt,
        postings,
      });
    const effect = (of: ReceiptEffect, decidedAt: Instant) =>
      credited &&
      effects.push({
        ...expectedEffect(of, receiptId, version),
        accountId: credited.accountId,
        amountMicrousd: credited.amountMicrousd,
        decidedAt,
      });
    expect('receipt', noticedAt, receiptPostings(treasury, amountWei));
    const exchanged = credited && assignmentPostings(amountWei, credited.amountMicrousd);
    if (exchanged) {
      expect('assignment', credited.decidedAt, exchanged);
      effect('receipt', credited.decidedAt);
    }
    const next = versions[index + 1];
    if (!next) continue;
    if (exchanged) {
      expect('assignment_reversal', next.noticedAt, reversedPostings(exchanged));
      effect('clawback', next.noticedAt);
    }
    expect('receipt_reversal', next.noticedAt, reversedPostings(receiptPostings(treasury, amountWei)));
  }
  return { entries, effects };
}

/** @param versions All of one payment, in their order. */
export function expectedOfCardPayment(versions: readonly CardPaymentRow[]): Expected {
  const entries: ExpectedEntry[] = [];
  const effects: ExpectedEffect[] = [];
  let before = NO_CARD_PAYMENT;
  for (const row of versions) {
    const { receipt_id: receipt, version, account_id: accountId, decided_at: decidedAt } = row;
    const after = cardStateOf(row);
    const change = changeOfCardPayment(before, after, accountId !== null);
    before = after;
    if (change.postings.length > 0)
      entries.push({
        ...expectedEntry('card_payment', `${receipt}:${version}`),
        receipt,
        decidedAt,
        postings: change.postings,
      });
    const effect = (of: ReceiptEffect, amountMicrousd: bigint) => {
      if (accountId !== null && amountMicrousd > 0n)
        effects.push({ ...expectedEffect(of, receipt, version), accountId, amountMicrousd, decidedAt });
    };
    effect('receipt', change.purchaseMicrousd);
    effect('clawback', change.clawbackMicrousd);
    effect('restoration', -change.clawbackMicrousd);
  }
  return { entries, effects };
}

export function expectedOfWithdrawal(
  { chainId, treasury }: ExpectedContext,
  row: WithdrawalRow,
): ExpectedEntry {
  const fact = `eth:${chainId}:${row.transaction_hash}:${row.trace_index}`;
  return {
    ...expectedEntry('withdrawal', fact),
    receipt: fact,
    decidedAt: row.noticed_at,
    postings: withdrawalPostings(treasury, row.amount_wei),
  };
}

/** Null where it cost nothing. */
export function expectedOfSent({ chainId, treasury }: ExpectedContext, row: SentRow): ExpectedEntry | null {
  if (row.fee_wei === 0n) return null;
  const fact = `eth:${chainId}:${row.transaction_hash}`;
  return {
    ...expectedEntry('gas', fact),
    receipt: fact,
    decidedAt: row.noticed_at,
    postings: gasPostings(treasury, row.fee_wei),
  };
}

/** @param versions All of one difference of the balance, in their order. */
export function expectedOfDifference(
  { treasury }: ExpectedContext,
  versions: readonly BalanceDifferenceRow[],
): ExpectedEntry[] {
  return versions.flatMap((row, index) => {
    const { difference_id: receipt, version, amount_wei: amountWei, decided_at: decidedAt } = row;
    const entries: ExpectedEntry[] = [];
    const before = versions[index - 1];
    if (before && before.amount_wei > 0n)
      entries.push({
        ...expectedEntry('provisional_reversal', `${receipt}:${before.version}`),
        receipt,
        decidedAt,
        postings: reversedPostings(receiptPostings(treasury, before.amount_wei)),
      });
    if (amountWei > 0n)
      entries.push({
        ...expectedEntry('provisional_receipt', `${receipt}:${version}`),
        receipt,
        decidedAt,
        postings: receiptPostings(treasury, amountWei),
      });
    return entries;
  });
}

function expectedEntry(kind: EntryKind, fact: string): Pick<ExpectedEntry, 'keyDigest' | 'kind'> {
  return { keyDigest: ownDigest(`${kind}:${fact}`), kind };
}

function expectedEffect(
  effect: ReceiptEffect,
  receipt: string,
  version: number,
): Pick<ExpectedEffect, 'keyDigest' | 'kind' | 'receipt' | 'version'> {
  const kind = effect === 'receipt' ? 'purchase' : effect;
  return { keyDigest: ownDigest(receiptKey(effect, receipt, version)), kind, receipt, version };
}

function ownDigest(idempotencyKey: string): string {
  return commandIdentity({ serviceId: OWN_SERVICE_ID, keyNumber: null, idempotencyKey, payload: '' })
    .keyDigest;
}
