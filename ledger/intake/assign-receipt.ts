/** Giving a receipt that waits in suspense to an account, by the word of a person. */
import type { Kysely, Selectable } from 'kysely';
import { clearAlarm } from '../alarms/alarm.ts';
import { SYSTEM_ACCOUNT_ID } from '../core/account-id.ts';
import { judgeFrame } from '../core/frame.ts';
import type { Instant } from '../core/instant.ts';
import { lockSystemBook } from '../posting/system-entries.ts';
import { bucketOf, bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { AssignmentTable, Tables } from '../store/tables.ts';
import type { SenderObstacle } from '../wallets/sender-lists.ts';
import { bookAssignment } from './book-assignment.ts';
import type { IntakeContext } from './context.ts';
import type { PersonalMatch } from './decided-by-person.ts';
import { type Included, included, readLatestInclusion, readPrice } from './receipt-facts.ts';

export interface ReceiptAssignment {
  readonly receiptId: string;
  /** The account that gets the credits, of 63 bits as all accounts are. */
  readonly accountId: bigint;
  /** Who says so: an operator, or the sender, whom the caller has made sure of. */
  readonly matchedBy: PersonalMatch;
  /** Why, kept with the assignment; an operator must say. */
  readonly reason: string | null;
  /** The order of the account that it pays; none when left out. It does not change the price. */
  readonly orderId?: string | null;
  /** The inclusion that was looked at: another one is not assigned. Whichever stands when left out. */
  readonly version?: number;
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
  | { readonly code: 'account_unknown' }
  /** Less than a micro-dollar. */
  | { readonly code: 'worth_nothing' };

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
  const { receiptId, accountId, matchedBy, now } = request;
  const { bucketCount } = context.installation;
  const bucket = bucketOf(receiptId, bucketCount);
  const book = await lockSystemBook(runIn(trx), bucket);
  const latest = await readLatestInclusion(trx, bucket, receiptId);
  if (latest?.outcome !== 'included') return refused({ code: 'receipt_absent' });
  if (request.version !== undefined && latest.version !== request.version)
    return refused({ code: 'receipt_moved' });
  const inclusion = included(latest);
  const price = await readPrice(trx, inclusion);
  const wanted = { account_id: accountId, matched_by: matchedBy, reason: reasonOf(request) };
  const before = await readAssignment(trx, inclusion);
  if (before && isSame(before, wanted)) return assigned(inclusion, before.decided_at, price);
  if (before)
    return refused({
      code: 'receipt_assigned',
      accountId: matchedBy === 'operator' ? before.account_id : null,
    });
  const obstacle = matchedBy === 'claim' ? claimObstacle(context, inclusion) : null;
  if (obstacle) return refused(obstacle);
  if (!(await isKnownAccount(trx, accountId, bucketCount))) return refused({ code: 'account_unknown' });
  if (price?.amount_microusd === 0n) return refused({ code: 'worth_nothing' });
  const assignment = { ...wanted, order_id: request.orderId ?? null };
  await trx
    .insertInto('assignments')
    .values({
      bucket,
      receipt_id: receiptId,
      version: inclusion.version,
      ...assignment,
      decided_at: instantText(now),
    })
    .execute();
  // Who sent it no longer matters.
  await clearAlarm({ ...context, db: trx }, 'sender_blocked', receiptId);
  if (price)
    await bookAssignment(context, { trx, book }, { inclusion, assignment, price, paidAt: null }, now);
  return assigned(inclusion, now, price);
}

function reasonOf({ reason }: Pick<ReceiptAssignment, 'reason'>): string | null {
  return reason?.trim() || null;
}

/** Why nobody can claim the payment, whoever they are. */
function claimObstacle(context: IntakeContext, inclusion: Included): AssignmentRefusal | null {
  if (judgeFrame({ ...inclusion, direction: 'in' }) !== 'payment') return { code: 'receipt_unattributed' };
  const obstacle = context.senders.obstacleOf(inclusion.fromAddress);
  return obstacle && { code: 'sender_listed', obstacle };
}

function refused(refusal: AssignmentRefusal): AssignmentOutcome {
  return { status: 'refused', refusal };
}

function assigned(
  inclusion: Included,
  decidedAt: Instant,
  price: { readonly amount_microusd: bigint } | null,
): AssignmentOutcome {
  const { version } = inclusion;
  return { status: 'assigned', version, decidedAt, amountMicrousd: price?.amount_microusd ?? null };
}

type AssignmentRow = Selectable<AssignmentTable>;
type Wanted = Pick<AssignmentRow, 'account_id' | 'matched_by' | 'reason'>;

function isSame(before: Wanted, wanted: Wanted): boolean {
  return (
    before.account_id === wanted.account_id &&
    before.matched_by === wanted.matched_by &&
    before.reason === wanted.reason
  );
}

async function readAssignment(db: Kysely<Tables>, inclusion: Included): Promise<AssignmentRow | undefined> {
  return await db
    .selectFrom('assignments')
    .selectAll()
    .where('bucket', '=', inclusion.bucket)
    .where('receipt_id', '=', inclusion.receiptId)
    .where('version', '=', inclusion.version)
    .executeTakeFirst();
}

/** Whether there is anything of the account: a book, a key, or an order whose buyer may still get the key. */
async function isKnownAccount(db: Kysely<Tables>, accountId: bigint, bucketCount: number): Promise<boolean> {
  if (accountId <= SYSTEM_ACCOUNT_ID) return false;
  const bucket = bucketOfAccount(accountId, bucketCount);
  // One by one, as a cluster has them on several nodes; an order is there before its key and its book.
  for (const table of ['books', 'account_keys'] as const) {
    const found = db.selectFrom(table).select('account_id').where('bucket', '=', bucket);
    if (await found.where('account_id', '=', accountId).limit(1).executeTakeFirst()) return true;
  }
  const order = db.selectFrom('orders').select('order_id').where('account_id', '=', accountId);
  return (await order.limit(1).executeTakeFirst()) !== undefined;
}
