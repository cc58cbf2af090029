/** From the outbox to the customers' books: repeated until done, and done once whatever is repeated. */
import { type Selectable, sql } from 'kysely';
import type { CommandIdentity } from '../core/journal.ts';
import type { Request } from '../posting/batch.ts';
import { purchaseKeyDigest, type ReceiptEffect, receiptCommandIdentity } from '../posting/identity.ts';
import { isPassing } from '../posting/passing-errors.ts';
import { bucketOf, bucketOfAccount } from '../store/bucket.ts';
import { findConsumedKeys } from '../store/posted-entries.ts';
import { runIn } from '../store/run-sql.ts';
import type { OutboxTable } from '../store/tables.ts';
import type { IntakeContext } from './context.ts';

/** What it takes to post the outbox. */
export type DeliveryContext = Pick<IntakeContext, 'db' | 'poster' | 'installation' | 'log'>;

type OutboxRow = Selectable<OutboxTable>;

/**
 * Posts everything in the outbox, or what is there of one receipt, and removes what is posted. What fails stays there,
 * said in the log.
 */
export async function deliver(context: DeliveryContext, receiptId?: string): Promise<void> {
  const waiting = context.db.selectFrom('outbox').selectAll();
  const rows = await (receiptId === undefined
    ? waiting
    : waiting
        .where('bucket', '=', bucketOf(receiptId, context.installation.bucketCount))
        .where('receipt_id', '=', receiptId)
  )
    .orderBy('receipt_id')
    .orderBy('version')
    // A purchase before the clawback of the same inclusion.
    .orderBy(sql`action = 'purchase'`, 'desc')
    .execute();
  const byReceipt = Map.groupBy(rows, row => row.receipt_id);
  // One receipt's posts follow each other; different receipts share a batch.
  await Promise.all(
    [...byReceipt.values()].map(async posts => {
      try {
        for (const post of posts) await deliverOne(context, post);
      } catch (error) {
        if (isPassing(error)) throw error;
        context.log(`receipt ${posts[0]?.receipt_id} could not be posted, trying again: ${String(error)}`);
      }
    }),
  );
}

async function deliverOne(context: DeliveryContext, row: OutboxRow): Promise<void> {
  const command = await commandOf(context, row);
  const outcome = await context.poster.submit(row.account_id, command);
  if (outcome.status !== 'accepted')
    throw new Error(`${row.action} of receipt ${row.receipt_id} was not accepted, which cannot be`);
  await context.db
    .deleteFrom('outbox')
    .where('bucket', '=', row.bucket)
    .where('receipt_id', '=', row.receipt_id)
    .where('version', '=', row.version)
    .where('action', '=', row.action)
    .execute();
  context.log(
    `${row.action} of ${row.receipt_id} v${row.version}: ${row.amount_microusd} micro-dollars, ` +
      `available ${outcome.entry.availableAfterMicrocredits} microcredits`,
  );
}

async function commandOf(context: DeliveryContext, row: OutboxRow): Promise<Request> {
  if (row.action === 'purchase') {
    return {
      type: 'purchase',
      identity: identityOf(row, 'receipt'),
      amountMicrousd: row.amount_microusd,
      paidAt: row.paid_at,
      policy: 'refill',
      details: row.details,
    };
  }
  return {
    type: row.action,
    identity: identityOf(row, row.action),
    lotId: await lotOfPurchase(context, row),
    amountMicrousd: row.amount_microusd,
    details: row.details,
  };
}

function identityOf(row: OutboxRow, effect: ReceiptEffect): CommandIdentity {
  return receiptCommandIdentity({
    effect,
    receiptId: row.receipt_id,
    version: row.version,
    amountMicrousd: row.amount_microusd,
    details: row.details,
  });
}

/** A lot has the number of the entry that added it: the purchase of the same inclusion, or of the version that is named. */
async function lotOfPurchase(context: DeliveryContext, row: OutboxRow): Promise<bigint> {
  const bucket = bucketOfAccount(row.account_id, context.installation.bucketCount);
  const version = row.purchase_version ?? row.version;
  const keyDigest = purchaseKeyDigest(row.receipt_id, version);
  const [found] = await findConsumedKeys(runIn(context.db), [
    { bucket, accountId: row.account_id, keyDigest },
  ]);
  if (!found)
    throw new Error(`receipt ${row.receipt_id} v${row.version} is to be changed but was never posted`);
  return found.entry.seq;
}
