/** A payment out of suspense to whoever signs as its sender. */
import { type Kysely, sql } from 'kysely';
import { BaseError } from 'viem';
import { judgeFrame } from '../core/frame.ts';
import type { Tables } from '../store/tables.ts';
import { type AccountCredential, findHolder, type HolderRefusal } from '../wallets/account-credential.ts';
import type { Site } from '../wallets/challenge-message.ts';
import type { WalletContext } from '../wallets/context.ts';
import { type ProofRefusal, proveWallet, type SignedChallenge, useProof } from '../wallets/prove-wallet.ts';
import { unlessRefused } from '../wallets/unless-refused.ts';
import { type AssignmentOutcome, type AssignmentRefusal, assignReceiptIn } from './assign-receipt.ts';
import type { IntakeContext } from './context.ts';
import { type Included, type InclusionRow, included } from './receipt-facts.ts';

export interface ClaimRequest {
  readonly site: Site;
  /** In lower case. */
  readonly address: string;
  /** In lower case. */
  readonly transactionHash: string;
  /** Where the credits go: to the account of a key, or to the order of a secret. */
  readonly credential: AccountCredential;
  readonly signed: SignedChallenge;
}

export interface ClaimedPayment {
  readonly receiptId: string;
  /** What it is worth; null while it waits for its price. */
  readonly amountMicrousd: bigint | null;
}

export interface ClaimedPayments {
  readonly accountId: bigint;
  readonly orderId: string | null;
  readonly payments: readonly ClaimedPayment[];
}

export type ClaimRefusal =
  | HolderRefusal
  | ProofRefusal
  /** This wallet paid nothing in this transaction, as far as is known. */
  | { readonly code: 'payment_unknown' }
  /** The chain could still take it back: after some minutes it no longer can. */
  | { readonly code: 'payment_not_safe'; readonly blockNumber: bigint; readonly safeBlockNumber: bigint }
  /** The RPC does not answer, or is not where the payment is. */
  | { readonly code: 'chain_unavailable' }
  /** More payments in one transaction than are claimed at once: an operator has to look at it. */
  | { readonly code: 'payments_too_many' }
  /** None of the payments could be assigned; why not the first. */
  | { readonly code: 'payment_refused'; readonly refusal: AssignmentRefusal };

/** Payments of one sender in one transaction that are claimed at once. */
const PAYMENTS_MAX = 100;

/**
 * Gives what the wallet paid in a transaction, as far as it is in suspense, to the account of `credential`: at least one
 * payment, or nothing happens. `safe` must have passed its block, as a claim is not taken back for a reorg alone.
 */
export async function claimPayments(
  intake: IntakeContext,
  wallets: WalletContext,
  request: ClaimRequest,
): Promise<ClaimedPayments | { readonly refusal: ClaimRefusal }> {
  const { site, address, transactionHash, credential, signed } = request;
  const holder = await findHolder(wallets, credential);
  if (!holder) return { refusal: { code: 'credential_invalid' } };
  const { accountId, orderId } = holder;
  const intent = { action: 'claim', transactionHash, accountId, orderId } as const;
  const terms = { site, chainId: wallets.chainId, address, intent };
  const proven = await proveWallet(wallets, { terms, session: credential.secret }, signed);
  if ('refusal' in proven) return proven;
  const payments = await readPayments(intake.db, transactionHash, address);
  if (payments.length === 0) return { refusal: { code: 'payment_unknown' } };
  if (payments.length > PAYMENTS_MAX) return { refusal: { code: 'payments_too_many' } };
  const obstacle = await whyNotSafe(intake, payments);
  if (obstacle !== null) return { refusal: obstacle };
  return await unlessRefused<ClaimedPayments, ClaimRefusal>(intake.db, async (trx, refuse) => {
    const now = await wallets.now(trx);
    if (!(await useProof(trx, wallets.bucketCount, proven.proof, { action: 'claim', accountId, now })))
      return refuse({ code: 'challenge_used' });
    const outcomes: [Included, AssignmentOutcome][] = [];
    for (const payment of payments) {
      const { receiptId, version } = payment;
      const wanted = {
        receiptId,
        version,
        accountId,
        orderId,
        matchedBy: 'claim',
        reason: null,
        now,
      } as const;
      outcomes.push([payment, await assignReceiptIn(intake, trx, wanted)]);
    }
    const claimed = outcomes.flatMap(([{ receiptId }, outcome]) =>
      outcome.status === 'assigned' ? [{ receiptId, amountMicrousd: outcome.amountMicrousd }] : [],
    );
    const [, first] = outcomes[0] ?? [];
    if (claimed.length === 0 && first?.status === 'refused')
      return refuse({ code: 'payment_refused', refusal: first.refusal });
    return { accountId, orderId, payments: claimed };
  });
}

/** What `address` paid in a transaction, as the chain has it by now; in the order in which books are locked. */
async function readPayments(
  db: Kysely<Tables>,
  transactionHash: string,
  address: string,
): Promise<Included[]> {
  const { rows } = await sql<InclusionRow>`
    select distinct on (i.bucket, i.receipt_id) i.*
    from receipt_inclusions i
    where (i.bucket, i.receipt_id) in
      (select bucket, receipt_id from receipt_inclusions where transaction_hash = ${transactionHash})
    order by i.bucket, i.receipt_id, i.version desc`.execute(db);
  return rows
    .filter(row => row.outcome === 'included')
    .map(included)
    .filter(
      payment =>
        payment.fromAddress.toLowerCase() === address &&
        judgeFrame({ ...payment, direction: 'in' }) === 'payment',
    );
}

/** Null once the chain has settled on the blocks that the payments are in. */
async function whyNotSafe(
  { client }: IntakeContext,
  payments: readonly Included[],
): Promise<ClaimRefusal | null> {
  const blocks = new Map(payments.map(({ blockNumber, blockHash }) => [blockNumber, blockHash]));
  try {
    const safe = await client.getBlock({ blockTag: 'safe' });
    for (const [blockNumber, blockHash] of blocks) {
      if (blockNumber > safe.number)
        return { code: 'payment_not_safe', blockNumber, safeBlockNumber: safe.number };
      const canonical = await client.getBlock({ blockNumber });
      // Either the RPC or we have not noticed a reorg yet: the worker will.
      if (canonical.hash !== blockHash) return { code: 'chain_unavailable' };
    }
    return null;
  } catch (error) {
    if (error instanceof BaseError) return { code: 'chain_unavailable' };
    throw error;
  }
}
