/** Writing down where the chain has a payment, and undoing what an earlier inclusion had led to. */
import type { Kysely } from 'kysely';
import { clearAlarm } from '../alarms/alarm.ts';
import { treasuryAccount } from '../core/chart.ts';
import type { Instant } from '../core/instant.ts';
import {
  assignmentPostings,
  receiptPostings,
  reversedPostings,
  type SystemEntry,
} from '../core/system-book.ts';
import { bookSystemEntries, lockSystemBook } from '../posting/system-entries.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import { readLastAssignment } from './assignment-facts.ts';
import type { RecordingContext } from './context.ts';
import { inclusionEntry } from './inclusion-entry.ts';
import type { IndexedTransfer } from './indexed-transfers.ts';
import { matchInclusion } from './match-inclusion.ts';
import {
  chainReceiptId,
  factsOf,
  type Included,
  included,
  isRecorded,
  readLatestInclusion,
  readPrice,
} from './receipt-facts.ts';

/**
 * Records that the chain has `transfer` where and as it says, unless that is known. A different inclusion recorded
 * before is reversed first: time, value and price all come from the new one. Returns whether anything was new.
 */
export async function recordInclusion(
  context: RecordingContext,
  transfer: IndexedTransfer,
  now: Instant,
): Promise<boolean> {
  const { installation } = context;
  const receiptId = chainReceiptId(installation.chainId, transfer.transactionHash, transfer.traceIndex);
  const bucket = bucketOf(receiptId, installation.bucketCount);
  return await context.db.transaction().execute(async trx => {
    const book = await lockSystemBook(runIn(trx), bucket);
    const latest = await readLatestInclusion(trx, bucket, receiptId);
    if (isRecorded(latest, transfer)) return false;
    if (!latest)
      await trx
        .insertInto('receipts')
        .values({ bucket, receipt_id: receiptId, first_noticed_at: instantText(now) })
        .execute();
    const reversals =
      latest?.outcome === 'included' ? await reverse(context, trx, included(latest), now) : [];

    const version = (latest?.version ?? 0) + 1;
    const standing: Included = { bucket, receiptId, version, ...factsOf(transfer), noticedAt: now };
    await trx
      .insertInto('receipt_inclusions')
      .values({
        bucket,
        receipt_id: receiptId,
        version: standing.version,
        outcome: 'included',
        block_number: standing.blockNumber,
        block_hash: standing.blockHash,
        block_at: instantText(standing.blockAt),
        transaction_hash: standing.transactionHash,
        transaction_index: standing.transactionIndex,
        trace_index: standing.traceIndex,
        frame_type: standing.frameType,
        transaction_type: standing.transactionType,
        from_address: standing.fromAddress,
        amount_wei: standing.amountWei,
        input: standing.input,
        noticed_at: instantText(standing.noticedAt),
      })
      .execute();
    await matchInclusion(context, trx, standing, now);
    const arrival = receiptPostings(treasury(context), standing.amountWei);
    const entries = [...reversals, inclusionEntry(standing, 'receipt', arrival)];
    await bookSystemEntries(runIn(trx), context.codes, book, entries, now);
    return true;
  });
}

/**
 * Records that the chain no longer has the payment as `lost`, and reverses what it had led to. Returns whether that
 * was new: `lost` may have been superseded in the meantime.
 */
export async function recordAbsence(
  context: RecordingContext,
  lost: Included,
  now: Instant,
): Promise<boolean> {
  return await context.db.transaction().execute(async trx => {
    const book = await lockSystemBook(runIn(trx), lost.bucket);
    const latest = await readLatestInclusion(trx, lost.bucket, lost.receiptId);
    if (latest?.version !== lost.version) return false;
    const reversals = await reverse(context, trx, lost, now);
    await trx
      .insertInto('receipt_inclusions')
      .values({
        bucket: lost.bucket,
        receipt_id: lost.receiptId,
        version: lost.version + 1,
        outcome: 'absent',
        block_number: null,
        block_hash: null,
        block_at: null,
        transaction_hash: null,
        transaction_index: null,
        trace_index: null,
        frame_type: null,
        transaction_type: null,
        from_address: null,
        amount_wei: null,
        input: null,
        noticed_at: instantText(now),
      })
      .execute();
    await bookSystemEntries(runIn(trx), context.codes, book, reversals, now);
    return true;
  });
}

/**
 * The entries that undo an inclusion which no longer holds, still to be booked; its credits are clawed back through the
 * outbox.
 */
async function reverse(
  context: RecordingContext,
  trx: Kysely<Tables>,
  lost: Included,
  now: Instant,
): Promise<SystemEntry[]> {
  const at = { bucket: lost.bucket, receipt_id: lost.receiptId, version: lost.version };
  // Where the payment is found again, it is judged again.
  await clearAlarm({ ...context, db: trx }, 'sender_blocked', lost.receiptId);
  const credited = await readCredited(trx, lost);
  const entries: SystemEntry[] = [];
  if (credited) {
    const postings = assignmentPostings(lost.amountWei, credited.amountMicrousd);
    entries.push(inclusionEntry(lost, 'assignment_reversal', reversedPostings(postings)));
    await trx
      .insertInto('outbox')
      .values({
        ...at,
        action: 'clawback',
        account_id: credited.accountId,
        amount_microusd: credited.amountMicrousd,
        paid_at: instantText(lost.blockAt),
        details: JSON.stringify({ receipt: lost.receiptId, version: lost.version, cause: 'reorg' }),
        decided_at: instantText(now),
      })
      .execute();
  }
  const arrival = receiptPostings(treasury(context), lost.amountWei);
  entries.push(inclusionEntry(lost, 'receipt_reversal', reversedPostings(arrival)));
  return entries;
}

/** Whose book was given what for an inclusion, or is about to be; null where it is in suspense or worth nothing. */
async function readCredited(
  trx: Kysely<Tables>,
  inclusion: Included,
): Promise<{ accountId: bigint; amountMicrousd: bigint } | null> {
  const [assignment, price] = [await readLastAssignment(trx, inclusion), await readPrice(trx, inclusion)];
  if (!assignment || assignment.isKeptBack || !price) return null;
  const amountMicrousd = assignment.amount_microusd ?? price.amount_microusd;
  return amountMicrousd === 0n ? null : { accountId: assignment.account_id, amountMicrousd };
}

function treasury(context: RecordingContext) {
  const { chainId, paymentAddress } = context.installation;
  return treasuryAccount(chainId, paymentAddress);
}
