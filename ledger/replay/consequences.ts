/**
 * What the recorded facts must have led to: an entry of a system book for each arrival, assignment, reversal, withdrawal,
 * fee and move of Stripe's, and a command to a customer's book for each payment that was credited, taken back or came
 * again. Each is known by its idempotency key, as it was when it was posted.
 */

import { cardEntry } from '../cards/card-entry.ts';
import { bookName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { type CardPaymentState, changeOfCardPayment, NO_CARD_PAYMENT } from '../core/card-payment.ts';
import { type TreasuryAccount, treasuryAccount } from '../core/chart.ts';
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
import { inclusionEntry } from '../intake/inclusion-entry.ts';
import { ownEntry } from '../intake/own-entry.ts';
import { purchaseKeyDigest, type ReceiptEffect, receiptKeyDigest } from '../posting/identity.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { Installation } from '../store/installation.ts';
import {
  type CardFact,
  type CreditFact,
  type DifferenceFact,
  type Facts,
  type InclusionFact,
  type SentFact,
  versionKey,
  type WithdrawalFact,
} from './facts.ts';

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

/** What of an installation decides where things are booked. */
type Places = Pick<Installation, 'chainId' | 'paymentAddress' | 'bucketCount'>;

/** By which a consequence is found again. */
export function consequenceKey(book: string, keyDigest: string): string {
  return `${book} ${keyDigest}`;
}

/** All that follows from `facts`. */
export function consequencesOf(facts: Facts, installation: Places): Consequences {
  const collected = new Collected(installation);
  const { inclusions, cards, differences } = facts;
  for (const [index, fact] of inclusions.entries()) {
    const before = inclusions[index - 1];
    if (before?.receiptId === fact.receiptId)
      collected.lose(before, facts.credits.get(keyOf(before)), fact.noticedAt);
    collected.arrive(fact, facts.credits.get(keyOf(fact)));
  }
  for (const [index, fact] of cards.entries()) {
    const before = cards[index - 1];
    collected.moveCard(fact, before?.receiptId === fact.receiptId ? before.state : NO_CARD_PAYMENT);
  }
  for (const fact of facts.withdrawals) collected.withdraw(fact);
  for (const fact of facts.sent) collected.pay(fact);
  for (const [index, fact] of differences.entries()) {
    const before = differences[index - 1];
    if (before?.differenceId === fact.differenceId) collected.explain(before, fact.decidedAt);
    collected.differ(fact);
  }
  return collected;
}

function keyOf({ receiptId, version }: InclusionFact): string {
  return versionKey(receiptId, version);
}

class Collected implements Consequences {
  readonly system = new Map<string, SystemConsequence>();
  readonly customer = new Map<string, CustomerConsequence>();
  readonly #installation: Places;
  readonly #treasury: TreasuryAccount;
  /** By receipt: the version with which a card payment was bought. */
  readonly #boughtAt = new Map<string, number>();

  constructor(installation: Places) {
    this.#installation = installation;
    this.#treasury = treasuryAccount(installation.chainId, installation.paymentAddress);
  }

  /** The chain has a payment; it may be somebody's. */
  arrive(fact: InclusionFact, credit: CreditFact | undefined): void {
    if (!fact.included) return;
    const { receiptId, version } = fact;
    const { amountWei } = fact.included;
    const arrival = receiptPostings(this.#treasury, amountWei);
    this.#inSystem(fact.bucket, fact.noticedAt, aboutInclusion(fact, 'receipt', arrival));
    if (!credit) return;
    const postings = assignmentPostings(amountWei, credit.amountMicrousd);
    this.#inSystem(fact.bucket, credit.decidedAt, aboutInclusion(fact, 'assignment', postings));
    const purchase = purchaseKeyDigest(receiptId, version);
    this.#inCustomer({ effect: 'receipt', receiptId, version, ...credit, purchaseKeyDigest: purchase });
  }

  /** The chain no longer has a payment as `lost`, noticed at `decidedAt`. */
  lose(lost: InclusionFact, credit: CreditFact | undefined, decidedAt: Instant): void {
    if (!lost.included) return;
    const { bucket, receiptId, version } = lost;
    const { amountWei } = lost.included;
    if (credit) {
      const { accountId, amountMicrousd } = credit;
      const undone = reversedPostings(assignmentPostings(amountWei, amountMicrousd));
      this.#inSystem(bucket, decidedAt, aboutInclusion(lost, 'assignment_reversal', undone));
      this.#inCustomer({
        ...{ effect: 'clawback', receiptId, version, accountId, amountMicrousd, paidAt: null, decidedAt },
        purchaseKeyDigest: purchaseKeyDigest(receiptId, version),
      });
    }
    const undone = reversedPostings(receiptPostings(this.#treasury, amountWei));
    this.#inSystem(bucket, decidedAt, aboutInclusion(lost, 'receipt_reversal', undone));
  }

  /** Stripe says something new of a payment. */
  moveCard(fact: CardFact, before: CardPaymentState): void {
    const { receiptId, version, accountId, state, decidedAt } = fact;
    const change = changeOfCardPayment(before, state, accountId !== null);
    if (change.postings.length > 0)
      this.#inSystem(fact.bucket, decidedAt, cardEntry(fact, state.movedAt ?? decidedAt, change.postings));
    if (accountId === null) return;
    const { purchaseMicrousd, clawbackMicrousd } = change;
    if (purchaseMicrousd > 0n) this.#boughtAt.set(receiptId, version);
    const shared = {
      ...{ receiptId, version, accountId, decidedAt },
      purchaseKeyDigest: purchaseKeyDigest(receiptId, this.#boughtAt.get(receiptId) ?? version),
    };
    if (purchaseMicrousd > 0n)
      this.#inCustomer({
        ...shared,
        effect: 'receipt',
        amountMicrousd: purchaseMicrousd,
        paidAt: state.paidAt,
      });
    if (clawbackMicrousd > 0n)
      this.#inCustomer({ ...shared, effect: 'clawback', amountMicrousd: clawbackMicrousd, paidAt: null });
    if (clawbackMicrousd < 0n)
      this.#inCustomer({ ...shared, effect: 'restoration', amountMicrousd: -clawbackMicrousd, paidAt: null });
  }

  /** ETH left the payment address. */
  withdraw({
    bucket,
    transactionHash,
    traceIndex,
    toAddress,
    amountWei,
    blockAt,
    noticedAt,
  }: WithdrawalFact): void {
    const about = {
      fact: `eth:${this.#installation.chainId}:${transactionHash}:${traceIndex}`,
      effectiveAt: blockAt,
      details: { transaction: transactionHash, frame: traceIndex, to: toAddress },
    };
    const postings = withdrawalPostings(this.#treasury, amountWei);
    this.#inSystem(bucket, noticedAt, ownEntry('withdrawal', about, postings));
  }

  /** The payment address paid for a transaction. */
  pay({ bucket, transactionHash, outcome, feeWei, blockAt, noticedAt }: SentFact): void {
    if (feeWei === 0n) return;
    const about = {
      fact: `eth:${this.#installation.chainId}:${transactionHash}`,
      effectiveAt: blockAt,
      details: { transaction: transactionHash, outcome },
    };
    this.#inSystem(bucket, noticedAt, ownEntry('gas', about, gasPostings(this.#treasury, feeWei)));
  }

  /** The balance has more than is explained. */
  differ(fact: DifferenceFact): void {
    if (fact.amountWei > 0n) this.#provisional('provisional_receipt', fact, fact.decidedAt);
  }

  /** What was more has been explained, or is another amount. */
  explain(before: DifferenceFact, decidedAt: Instant): void {
    if (before.amountWei > 0n) this.#provisional('provisional_reversal', before, decidedAt);
  }

  #provisional(
    kind: 'provisional_receipt' | 'provisional_reversal',
    { bucket, differenceId, version, fromBlock, throughBlock, throughAt, amountWei }: DifferenceFact,
    decidedAt: Instant,
  ): void {
    const about = {
      fact: `${differenceId}:${version}`,
      effectiveAt: throughAt,
      details: { after_block: String(fromBlock), through_block: String(throughBlock), version },
    };
    const arrival = receiptPostings(this.#treasury, amountWei);
    const postings = kind === 'provisional_receipt' ? arrival : reversedPostings(arrival);
    this.#inSystem(bucket, decidedAt, ownEntry(kind, about, postings));
  }

  #inSystem(bucket: number, decidedAt: Instant, entry: SystemEntry): void {
    const book = bookName(bucket, SYSTEM_ACCOUNT_ID);
    this.system.set(consequenceKey(book, entry.identity.keyDigest), { book, entry, decidedAt });
  }

  #inCustomer(command: Omit<CustomerConsequence, 'book'>): void {
    const { accountId, effect, receiptId, version } = command;
    const book = bookName(bucketOfAccount(accountId, this.#installation.bucketCount), accountId);
    const keyDigest = receiptKeyDigest(effect, receiptId, version);
    this.customer.set(consequenceKey(book, keyDigest), { book, ...command });
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
