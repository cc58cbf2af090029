/** Giving a receipt that waits in suspense to an account, by the word of a person. */
import type { Kysely } from 'kysely';
import { clearAlarm } from '../alarms/alarm.ts';
import { accountName } from '../core/account-id.ts';
import { judgeFrame } from '../core/frame.ts';
import type { Instant } from '../core/instant.ts';
import { recordActionIn } from '../operators/record-action.ts';
import { findOrder } from '../orders/find-order.ts';
import { findOrderToPay } from '../orders/order-to-pay.ts';
import { lockSystemBook } from '../posting/system-entries.ts';
import type { BookRow } from '../store/books.ts';
import { bucketOf } from '../store/bucket.ts';
import { isKnownAccount } from '../store/known-account.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import type { SenderObstacle } from '../wallets/sender-lists.ts';
import { assignInclusion } from './assign-inclusion.ts';
import { type LastAssignment, readLastAssignment } from './assignment-facts.ts';
import type { IntakeContext } from './context.ts';
import type { PersonalMatch } from './decided-by-person.ts';
import { type Included, included, type PriceRow, readLatestInclusion, readPrice } from './receipt-facts.ts';
import { hasRoomForLot } from './why-kept-back.ts';

export interface ReceiptAssignment {
  readonly receiptId: string;
  /** The account that gets the credits, of 63 bits as all accounts are. */
  readonly accountId: bigint;
  /** Who says so: an operator, or the sender, whom the caller has made sure of. */
  readonly matchedBy: PersonalMatch;
  /** The order of the account that it pays; left out, the account's open order is looked for. */
  readonly orderId?: string | null;
  /** The inclusion that was looked at: another one is not assigned. Whichever stands when left out. */
  readonly version?: number;
  /** Why, kept with the assignment; an operator must say. */
  readonly reason: string | null;
  /** The name of the operator's token, kept likewise. */
  readonly operator?: string | null;
  readonly now: Instant;
}

/** Why a receipt was not assigned. A refusal changes nothing. */
export type AssignmentRefusal =
  | { readonly code: 'reason_required' }
  | { readonly code: 'receipt_unknown' }
  /** The chain took it back. */
  | { readonly code: 'receipt_absent' }
  /** The chain has it elsewhere than where it was looked at. */
  | { readonly code: 'receipt_moved' }
  /** It is somebody's already: only an operator learns whose. */
  | { readonly code: 'receipt_assigned'; readonly accountId: bigint | null }
  /** Nobody can be said to have sent it, so nobody can claim it; an operator may assign it. */
  | { readonly code: 'receipt_unattributed' }
  /** Nor can what a listed sender has paid be claimed. */
  | { readonly code: 'sender_listed'; readonly obstacle: SenderObstacle }
  /** It says whose it is and is in suspense all the same: only an operator may assign it. */
  | { readonly code: 'receipt_kept_back' }
  | { readonly code: 'account_unknown' }
  /** The account has no such order. */
  | { readonly code: 'order_unknown' }
  /** Less than a micro-dollar. */
  | { readonly code: 'worth_nothing' }
  /** The account has as many live lots as one may have; an operator may give it one more. */
  | { readonly code: 'too_many_lots' };

export type AssignmentOutcome =
  | {
      readonly status: 'assigned';
      /** The inclusion that was assigned. */
      readonly version: number;
      readonly decidedAt: Instant;
      /** What is credited; null while it waits for its price. */
      readonly amountMicrousd: bigint | null;
    }
  | { readonly status: 'refused'; readonly refusal: AssignmentRefusal };

/**
 * Assigns the standing inclusion of a receipt and, when it has its price, books the exchange and puts the purchase in
 * the outbox, in one transaction; otherwise `priceReceipt` does so later. Its credits count from when they are posted.
 * Asking for the same again (account, kind and reason) gives the same answer. A reason is kept without the white space
 * around it.
 */
export async function assignReceipt(
  context: IntakeContext,
  request: ReceiptAssignment,
): Promise<AssignmentOutcome> {
  const { receiptId, matchedBy } = request;
  if (matchedBy === 'operator' && reasonOf(request) === null) return refused({ code: 'reason_required' });
  const bucket = bucketOf(receiptId, context.installation.bucketCount);
  // Before the lock, which makes the book of its bucket: a name of nothing leaves nothing behind.
  if (!(await readLatestInclusion(context.db, bucket, receiptId)))
    return refused({ code: 'receipt_unknown' });
  return await context.db.transaction().execute(trx => assignReceiptIn(context, trx, request));
}

/**
 * The same in the transaction `trx`, for a receipt that there is. Of several receipts in one transaction, those of lower
 * buckets come first, as their books are locked.
 */
export async function assignReceiptIn(
  context: IntakeContext,
  trx: Kysely<Tables>,
  request: ReceiptAssignment,
): Promise<AssignmentOutcome> {
  const { receiptId, now } = request;
  const wanted = { ...request, reason: reasonOf(request) };
  const bucket = bucketOf(receiptId, context.installation.bucketCount);
  const locked = await lockSystemBook(runIn(trx), bucket);
  const latest = await readLatestInclusion(trx, bucket, receiptId);
  if (latest?.outcome !== 'included') return refused({ code: 'receipt_absent' });
  if (request.version !== undefined && latest.version !== request.version)
    return refused({ code: 'receipt_moved' });
  const inclusion = included(latest);
  const price = await readPrice(trx, inclusion);
  const before = await readLastAssignment(trx, inclusion);
  if (before && !before.isKeptBack && isSame(before, wanted))
    return assigned(inclusion, before.decided_at, worthOf(before, price));
  const refusal = await whyRefused(context, trx, { inclusion, price, before }, wanted);
  if (refusal !== null) return refused(refusal);
  const match = { ...wanted, orderId: await orderOf(context, trx, { inclusion, before }, wanted) };
  const number = (before?.number ?? 0) + 1;
  const book = await recordIfOperator(context, { trx, book: locked }, { inclusion, match, number });
  const worth = await assignInclusion(context, { trx, book }, { inclusion, match, number, price }, now);
  // Who sent it no longer matters.
  await clearAlarm({ ...context, db: trx }, 'sender_blocked', receiptId);
  return assigned(inclusion, now, worth);
}

/** Seals who decided it and why, when an operator did. Returns the book as it is then. */
async function recordIfOperator(
  { codes }: Pick<IntakeContext, 'codes'>,
  held: { readonly trx: Kysely<Tables>; readonly book: BookRow },
  {
    inclusion,
    match,
    number,
  }: { readonly inclusion: Included; readonly match: ReceiptAssignment; readonly number: number },
): Promise<BookRow> {
  const { matchedBy, operator, reason, accountId, orderId, receiptId, now } = match;
  if (matchedBy !== 'operator') return held.book;
  return await recordActionIn(
    codes,
    held,
    {
      action: 'assign_receipt',
      operator: operator ?? null,
      subject: receiptId,
      reason: reason ?? '',
      occasion: `${inclusion.version}:${number}`,
      decided: { version: inclusion.version, account: accountName(accountId), order: orderId ?? null },
    },
    now,
  );
}

function reasonOf({ reason }: Pick<ReceiptAssignment, 'reason'>): string | null {
  return reason?.trim() || null;
}

interface Found {
  readonly inclusion: Included;
  readonly price: PriceRow | null;
  readonly before: LastAssignment | null;
}

async function whyRefused(
  context: IntakeContext,
  trx: Kysely<Tables>,
  { inclusion, price, before }: Found,
  { accountId, orderId, matchedBy, now }: ReceiptAssignment,
): Promise<AssignmentRefusal | null> {
  const { bucketCount } = context.installation;
  const isOperator = matchedBy === 'operator';
  if (before && !before.isKeptBack)
    return { code: 'receipt_assigned', accountId: isOperator ? before.account_id : null };
  if (!isOperator && before) return { code: 'receipt_kept_back' };
  const obstacle = isOperator ? null : claimObstacle(context, inclusion);
  if (obstacle) return obstacle;
  if (!(await isKnownAccount(trx, accountId, bucketCount))) return { code: 'account_unknown' };
  if (orderId && (await findOrder({ db: trx, bucketCount }, orderId))?.account_id !== accountId)
    return { code: 'order_unknown' };
  if (price?.amount_microusd === 0n) return { code: 'worth_nothing' };
  if (!isOperator && price && !(await hasRoomForLot(context, trx, accountId, now)))
    return { code: 'too_many_lots' };
  return null;
}

/** Why nobody can claim the payment, whoever they are. */
function claimObstacle(context: IntakeContext, inclusion: Included): AssignmentRefusal | null {
  if (judgeFrame({ ...inclusion, direction: 'in' }) !== 'payment') return { code: 'receipt_unattributed' };
  const obstacle = context.senders.obstacleOf(inclusion.fromAddress);
  return obstacle && { code: 'sender_listed', obstacle };
}

/** The order that it pays: the one that was asked for, the one that it named itself, or the account's open one. */
async function orderOf(
  context: IntakeContext,
  trx: Kysely<Tables>,
  { inclusion, before }: Pick<Found, 'inclusion' | 'before'>,
  { orderId, accountId }: ReceiptAssignment,
): Promise<string | null> {
  if (orderId) return orderId;
  if (before?.order_id && before.account_id === accountId) return before.order_id;
  const { bucketCount } = context.installation;
  return await findOrderToPay({ db: trx, bucketCount }, accountId, inclusion.blockAt);
}

function refused(refusal: AssignmentRefusal): AssignmentOutcome {
  return { status: 'refused', refusal };
}

function assigned(
  { version }: Included,
  decidedAt: Instant,
  amountMicrousd: bigint | null,
): AssignmentOutcome {
  return { status: 'assigned', version, decidedAt, amountMicrousd };
}

function worthOf(assignment: LastAssignment, price: PriceRow | null): bigint | null {
  return price && (assignment.amount_microusd ?? price.amount_microusd);
}

function isSame(before: LastAssignment, wanted: ReceiptAssignment): boolean {
  return (
    before.account_id === wanted.accountId &&
    before.matched_by === wanted.matchedBy &&
    before.reason === wanted.reason &&
    (!wanted.orderId || before.order_id === wanted.orderId)
  );
}
