/**
 * What the recorded facts must have led to: an entry of a system book for each arrival, assignment, reversal, withdrawal,
 * fee and move of Stripe's, and a command to a customer's book for each payment that was credited, taken back or came
 * again. Each is known by its idempotency key, as it was when it was posted. Replay, import and reconciliation all
 * compare the books with this.
 */

import { cardEntry } from '../cards/card-entry.ts';
import { bookName, SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { type CardPaymentChange, changeOfCardPayment, NO_CARD_PAYMENT } from '../core/card-payment.ts';
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
  /** Whose it is, such as `system_7`. */
  readonly book: string;
  /** The receipt, withdrawal, transaction or difference of the balance that it is about. */
  readonly fact: string;
  readonly entry: SystemEntry;
  /** When it was decided: it is booked then, or with the book's last entry when that is later. */
  readonly decidedAt: Instant;
}

/** A command that must have been carried out in a customer's book, once it left the outbox. */
export interface CustomerConsequence {
  readonly book: string;
  readonly accountId: bigint;
  readonly keyDigest: string;
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
  /** Payments whose versions contradict each other: nothing follows from them. */
  readonly contradictions: readonly Contradiction[];
}

export interface Contradiction {
  readonly bucket: number;
  readonly receiptId: string;
  readonly why: string;
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
  for (const versions of Map.groupBy(cards, ({ receiptId }) => receiptId).values())
    collected.moveCards(versions);
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
  readonly contradictions: Contradiction[] = [];
  readonly #installation: Places;
  readonly #treasury: TreasuryAccount;

  constructor(installation: Places) {
    this.#installation = installation;
    this.#treasury = treasuryAccount(installation.chainId, installation.paymentAddress);
  }

  /** The chain has a payment; it may be somebody's. */
  arrive(fact: InclusionFact, credit: CreditFact | undefined): void {
    if (!fact.included) return;
    const { bucket, receiptId, version, noticedAt } = fact;
    const { amountWei } = fact.included;
    const arrival = receiptPostings(this.#treasury, amountWei);
    this.#inSystem(
      { bucket, fact: receiptId, decidedAt: noticedAt },
      aboutInclusion(fact, 'receipt', arrival),
    );
    if (!credit) return;
    const postings = assignmentPostings(amountWei, credit.amountMicrousd);
    const { decidedAt } = credit;
    this.#inSystem({ bucket, fact: receiptId, decidedAt }, aboutInclusion(fact, 'assignment', postings));
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
      this.#inSystem(
        { bucket, fact: receiptId, decidedAt },
        aboutInclusion(lost, 'assignment_reversal', undone),
      );
      this.#inCustomer({
        ...{ effect: 'clawback', receiptId, version, accountId, amountMicrousd, paidAt: null, decidedAt },
        purchaseKeyDigest: purchaseKeyDigest(receiptId, version),
      });
    }
    const undone = reversedPostings(receiptPostings(this.#treasury, amountWei));
    this.#inSystem({ bucket, fact: receiptId, decidedAt }, aboutInclusion(lost, 'receipt_reversal', undone));
  }

  /** @param versions All that Stripe said of one payment, in their order. */
  moveCards(versions: readonly CardFact[]): void {
    const moves: { readonly fact: CardFact; readonly change: CardPaymentChange }[] = [];
    let before = NO_CARD_PAYMENT;
    for (const fact of versions) {
      try {
        moves.push({ fact, change: changeOfCardPayment(before, fact.state, fact.accountId !== null) });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.contradictions.push({ bucket: fact.bucket, receiptId: fact.receiptId, why });
        return;
      }
      before = fact.state;
    }
    let boughtAt: number | null = null;
    for (const { fact, change } of moves) {
      if (change.purchaseMicrousd > 0n) boughtAt = fact.version;
      this.#moveCard(fact, change, boughtAt ?? fact.version);
    }
  }

  /** Stripe says something new of a payment. */
  #moveCard(fact: CardFact, change: CardPaymentChange, boughtAt: number): void {
    const { bucket, receiptId, version, accountId, state, decidedAt } = fact;
    if (change.postings.length > 0) {
      const entry = cardEntry(fact, state.movedAt ?? decidedAt, change.postings);
      this.#inSystem({ bucket, fact: receiptId, decidedAt }, entry);
    }
    if (accountId === null) return;
    const { purchaseMicrousd, clawbackMicrousd } = change;
    const shared = {
      ...{ receiptId, version, accountId, decidedAt },
      purchaseKeyDigest: purchaseKeyDigest(receiptId, boughtAt),
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
    this.#inSystem(
      { bucket, fact: about.fact, decidedAt: noticedAt },
      ownEntry('withdrawal', about, postings),
    );
  }

  /** The payment address paid for a transaction. */
  pay({ bucket, transactionHash, outcome, feeWei, blockAt, noticedAt }: SentFact): void {
    if (feeWei === 0n) return;
    const about = {
      fact: `eth:${this.#installation.chainId}:${transactionHash}`,
      effectiveAt: blockAt,
      details: { transaction: transactionHash, outcome },
    };
    const postings = gasPostings(this.#treasury, feeWei);
    this.#inSystem({ bucket, fact: about.fact, decidedAt: noticedAt }, ownEntry('gas', about, postings));
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
    this.#inSystem({ bucket, fact: differenceId, decidedAt }, ownEntry(kind, about, postings));
  }

  #inSystem(
    { bucket, fact, decidedAt }: Pick<SystemConsequence, 'fact' | 'decidedAt'> & { readonly bucket: number },
    entry: SystemEntry,
  ): void {
    const book = bookName(bucket, SYSTEM_ACCOUNT_ID);
    this.system.set(consequenceKey(book, entry.identity.keyDigest), { book, fact, entry, decidedAt });
  }

  #inCustomer(command: Omit<CustomerConsequence, 'book' | 'keyDigest'>): void {
    const { accountId, effect, receiptId, version } = command;
    const book = bookName(bucketOfAccount(accountId, this.#installation.bucketCount), accountId);
    const keyDigest = receiptKeyDigest(effect, receiptId, version);
    this.customer.set(consequenceKey(book, keyDigest), { book, keyDigest, ...command });
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
