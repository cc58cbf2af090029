/**
 * What the recorded facts must have led to: an entry of a system book for each arrival, assignment, reversal, withdrawal,
 * fee and move of Stripe's, and a command to a customer's book for each payment that was credited, taken back or came
 * again. Each is known by its idempotency key, as it was when it was posted.
 */
import { bookName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { changeOfCardPayment, NO_CARD_PAYMENT } from '../core/card-payment.ts';
import { treasuryAccount } from '../core/chart.ts';
import type { Instant } from '../core/instant.ts';
import type { Posting } from '../core/journal.ts';
import {
  assignmentPostings,
  gasPostings,
  receiptPostings,
  reversedPostings,
  type SystemEntry,
  withdrawalPostings,
} from '../core/system-book.ts';
import { cardEntry } from '../cards/card-entry.ts';
import { inclusionEntry } from '../intake/inclusion-entry.ts';
import { ownEntry } from '../intake/own-entry.ts';
import { purchaseKeyDigest, type ReceiptEffect, receiptCommandIdentity } from '../posting/identity.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { type CardFact, type CreditFact, type Facts, type InclusionFact, versionKey } from './facts.ts';

/** An entry that must be in a system book. */
export interface SystemConsequence {
  /** Whose it is, such as `system_0007`. */
  readonly book: string;
  readonly entry: SystemEntry;
  /** When it was decided: it is booked then, or with the book's last entry when that is later. */
  readonly decidedAt: Instant;
}

/** A command that must have been carried out in a customer's book, once it left the outbox. */
export interface CustomerConsequence {
  readonly book: string;
  readonly accountId: bigint;
  readonly effect: ReceiptEffect;
  readonly receiptId: string;
  readonly version: number;
  readonly amountMicrousd: bigint;
  /** Of a purchase. */
  readonly paidAt: Instant | null;
  /** Of a clawback or restoration: which purchase it is about, by its idempotency key. */
  readonly purchaseKeyDigest: string;
  readonly decidedAt: Instant;
}

export interface Consequences {
  /** By book and key digest. */
  readonly system: ReadonlyMap<string, SystemConsequence>;
  readonly customer: ReadonlyMap<string, CustomerConsequence>;
}

export interface InstallationFacts {
  readonly chainId: number;
  readonly paymentAddress: string;
  readonly bucketCount: number;
}

/** By which a consequence is found again. */
export function consequenceKey(book: string, keyDigest: string): string {
  return `${book} ${keyDigest}`;
}

/** All that follows from `facts`. */
export function consequencesOf(facts: Facts, installation: InstallationFacts): Consequences {
  const { chainId, paymentAddress, bucketCount } = installation;
  const treasury = treasuryAccount(chainId, paymentAddress);
  const system = new Map<string, SystemConsequence>();
  const customer = new Map<string, CustomerConsequence>();
  /** By receipt: the version with which it was bought. */
  const boughtAt = new Map<string, number>();
  const inSystem = (bucket: number, decidedAt: Instant, entry: SystemEntry) => {
    const book = bookName(bucket, SYSTEM_ACCOUNT_ID);
    system.set(consequenceKey(book, entry.identity.keyDigest), { book, entry, decidedAt });
  };
  const inCustomer = (command: Omit<CustomerConsequence, 'book'>) => {
    const { accountId, effect, receiptId, version } = command;
    const book = bookName(bucketOfAccount(accountId, bucketCount), accountId);
    const { keyDigest } = receiptCommandIdentity({ effect, receiptId, version, amountMicrousd: 0n, details: '' });
    customer.set(consequenceKey(book, keyDigest), { book, ...command });
  };

  for (const [index, fact] of facts.inclusions.entries()) {
    const before = facts.inclusions[index - 1];
    const lost = before?.receiptId === fact.receiptId ? before : null;
    if (lost?.included) reverse(lost, lost.included, fact.noticedAt);
    if (!fact.included) continue;
    const arrival = receiptPostings(treasury, fact.included.amountWei);
    inSystem(fact.bucket, fact.noticedAt, aboutInclusion(fact, 'receipt', arrival));
    const credit = facts.credits.get(versionKey(fact.receiptId, fact.version));
    if (credit) assign(fact, fact.included.amountWei, credit);
  }
  for (const [index, fact] of facts.cards.entries()) {
    const before = facts.cards[index - 1];
    takeInCard(fact, before?.receiptId === fact.receiptId ? before : null);
  }
  for (const { bucket, transactionHash, traceIndex, toAddress, amountWei, blockAt, noticedAt } of facts.withdrawals) {
    const about = {
      fact: `eth:${chainId}:${transactionHash}:${traceIndex}`,
      effectiveAt: blockAt,
      details: { transaction: transactionHash, frame: traceIndex, to: toAddress },
    };
    inSystem(bucket, noticedAt, ownEntry('withdrawal', about, withdrawalPostings(treasury, amountWei)));
  }
  for (const { bucket, transactionHash, outcome, feeWei, blockAt, noticedAt } of facts.sent) {
    if (feeWei === 0n) continue;
    const about = {
      fact: `eth:${chainId}:${transactionHash}`,
      effectiveAt: blockAt,
      details: { transaction: transactionHash, outcome },
    };
    inSystem(bucket, noticedAt, ownEntry('gas', about, gasPostings(treasury, feeWei)));
  }
  for (const [index, fact] of facts.differences.entries()) {
    const before = facts.differences[index - 1];
    const arrival = (kind: 'provisional_receipt' | 'provisional_reversal', of: typeof fact) => {
      const about = {
        fact: `${of.differenceId}:${of.version}`,
        effectiveAt: fact.throughAt,
        details: {
          after_block: String(of.fromBlock),
          through_block: String(of.throughBlock),
          version: of.version,
        },
      };
      const postings = receiptPostings(treasury, of.amountWei);
      return ownEntry(kind, about, kind === 'provisional_receipt' ? postings : reversedPostings(postings));
    };
    if (before?.differenceId === fact.differenceId && before.amountWei > 0n)
      inSystem(fact.bucket, fact.decidedAt, arrival('provisional_reversal', before));
    if (fact.amountWei > 0n) inSystem(fact.bucket, fact.decidedAt, arrival('provisional_receipt', fact));
  }
  return { system, customer };

  function assign(fact: InclusionFact, amountWei: bigint, credit: CreditFact): void {
    const { receiptId, version } = fact;
    const postings = assignmentPostings(amountWei, credit.amountMicrousd);
    inSystem(fact.bucket, credit.decidedAt, aboutInclusion(fact, 'assignment', postings));
    inCustomer({
      effect: 'receipt',
      ...{ receiptId, version },
      ...credit,
      purchaseKeyDigest: purchaseKeyDigest(receiptId, version),
    });
  }

  function reverse(
    lost: InclusionFact,
    { amountWei }: NonNullable<InclusionFact['included']>,
    decidedAt: Instant,
  ): void {
    const { receiptId, version } = lost;
    const credit = facts.credits.get(versionKey(receiptId, version));
    // What was decided after it was lost cannot be undone by that.
    if (credit) {
      const postings = assignmentPostings(amountWei, credit.amountMicrousd);
      inSystem(lost.bucket, decidedAt, aboutInclusion(lost, 'assignment_reversal', reversedPostings(postings)));
      inCustomer({
        effect: 'clawback',
        ...{ receiptId, version },
        accountId: credit.accountId,
        amountMicrousd: credit.amountMicrousd,
        paidAt: null,
        purchaseKeyDigest: purchaseKeyDigest(receiptId, version),
        decidedAt,
      });
    }
    const arrival = receiptPostings(treasury, amountWei);
    inSystem(lost.bucket, decidedAt, aboutInclusion(lost, 'receipt_reversal', reversedPostings(arrival)));
  }

  function takeInCard(fact: CardFact, before: CardFact | null): void {
    const { receiptId, version, orderId, accountId, state, decidedAt } = fact;
    const { postings, purchaseMicrousd, clawbackMicrousd } = changeOfCardPayment(
      before?.state ?? NO_CARD_PAYMENT,
      state,
      accountId !== null,
    );
    if (postings.length > 0) inSystem(fact.bucket, decidedAt, cardEntry({ receiptId, version, orderId }, state.movedAt ?? decidedAt, postings));
    if (accountId === null) return;
    if (purchaseMicrousd > 0n) boughtAt.set(receiptId, version);
    const shared = {
      ...{ receiptId, version, accountId, decidedAt },
      purchaseKeyDigest: purchaseKeyDigest(receiptId, boughtAt.get(receiptId) ?? version),
    };
    if (purchaseMicrousd > 0n)
      inCustomer({ effect: 'receipt', ...shared, amountMicrousd: purchaseMicrousd, paidAt: state.paidAt });
    if (clawbackMicrousd > 0n)
      inCustomer({ effect: 'clawback', ...shared, amountMicrousd: clawbackMicrousd, paidAt: null });
    if (clawbackMicrousd < 0n)
      inCustomer({ effect: 'restoration', ...shared, amountMicrousd: -clawbackMicrousd, paidAt: null });
  }
}

function aboutInclusion(
  { receiptId, version, included }: InclusionFact,
  kind: SystemEntry['kind'],
  postings: readonly Posting[],
): SystemEntry {
  if (included === null) throw new Error(`receipt ${receiptId} is absent at version ${version}`);
  return inclusionEntry({ receiptId, version, blockAt: included.blockAt }, kind, postings);
}
