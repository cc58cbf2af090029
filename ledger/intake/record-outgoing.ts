/** Writing down what left the payment address, once and for good: only what is final comes here. */
import type { Kysely } from 'kysely';
import { treasuryAccount } from '../core/chart.ts';
import type { Instant } from '../core/instant.ts';
import { gasPostings, type SystemEntry, withdrawalPostings } from '../core/system-book.ts';
import { bookSystemEntries, lockSystemBook } from '../posting/system-entries.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import type { IntakeContext } from './context.ts';
import type { FinalReceipt } from './final-receipt.ts';
import type { IndexedTransfer } from './indexed-transfers.ts';
import { ownEntry } from './own-entry.ts';

export interface OutgoingTransaction {
  readonly receipt: FinalReceipt;
  /** The block's timestamp. */
  readonly blockAt: Instant;
  /** Its frames by which ETH left the payment address, as far as they are known. */
  readonly frames: readonly IndexedTransfer[];
}

/**
 * Records and books, as far as that was not done before, what a transaction took from the payment address: the value of
 * its frames, and what it cost if the address sent it.
 */
export async function recordOutgoing(
  context: IntakeContext,
  outgoing: OutgoingTransaction,
  now: Instant,
): Promise<void> {
  const { transactionHash } = outgoing.receipt;
  const bucket = bucketOf(transactionHash, context.installation.bucketCount);
  await context.db.transaction().execute(async trx => {
    const book = await lockSystemBook(runIn(trx), bucket);
    const entries = [
      ...(await recordWithdrawals(context, trx, bucket, outgoing, now)),
      ...(await recordSent(context, trx, bucket, outgoing, now)),
    ];
    await bookSystemEntries(runIn(trx), context.codes, book, entries, now);
    for (const { kind, postings } of entries)
      context.log(`${kind} of transaction ${transactionHash}: ${postings[0]?.amount} wei`);
  });
}

async function recordWithdrawals(
  context: IntakeContext,
  trx: Kysely<Tables>,
  bucket: number,
  { receipt, blockAt, frames }: OutgoingTransaction,
  now: Instant,
): Promise<SystemEntry[]> {
  const { transactionHash: transaction, blockNumber, blockHash } = receipt;
  const known = await trx
    .selectFrom('withdrawals')
    .select('trace_index')
    .where('bucket', '=', bucket)
    .where('transaction_hash', '=', transaction)
    .execute();
  const entries: SystemEntry[] = [];
  for (const { traceIndex, frameType, toAddress, amountWei } of frames) {
    if (known.some(row => row.trace_index === traceIndex)) continue;
    await trx
      .insertInto('withdrawals')
      .values({
        bucket,
        transaction_hash: transaction,
        trace_index: traceIndex,
        block_number: blockNumber,
        block_hash: blockHash,
        block_at: instantText(blockAt),
        frame_type: frameType,
        to_address: toAddress,
        amount_wei: amountWei,
        noticed_at: instantText(now),
      })
      .execute();
    const fact = `${chainOf(context)}:${transaction}:${traceIndex}`;
    const about = { fact, effectiveAt: blockAt, details: { transaction, frame: traceIndex, to: toAddress } };
    entries.push(ownEntry('withdrawal', about, withdrawalPostings(treasury(context), amountWei)));
  }
  return entries;
}

async function recordSent(
  context: IntakeContext,
  trx: Kysely<Tables>,
  bucket: number,
  { receipt, blockAt }: OutgoingTransaction,
  now: Instant,
): Promise<SystemEntry[]> {
  const { transactionHash: transaction, blockNumber, blockHash, fromAddress, outcome, fee } = receipt;
  if (fromAddress !== context.installation.paymentAddress) return [];
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('sent_transactions')
    .values({
      bucket,
      transaction_hash: transaction,
      block_number: blockNumber,
      block_hash: blockHash,
      block_at: instantText(blockAt),
      outcome,
      gas_used: fee.gasUsed,
      gas_price_wei: fee.gasPriceWei,
      l1_fee_wei: fee.l1FeeWei,
      operator_fee_wei: fee.operatorFeeWei,
      fee_wei: fee.feeWei,
      noticed_at: instantText(now),
    })
    .onConflict(conflict => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n || fee.feeWei === 0n) return [];
  const fact = `${chainOf(context)}:${transaction}`;
  const about = { fact, effectiveAt: blockAt, details: { transaction, outcome } };
  return [ownEntry('gas', about, gasPostings(treasury(context), fee.feeWei))];
}

function chainOf(context: IntakeContext): string {
  return `eth:${context.installation.chainId}`;
}

function treasury(context: IntakeContext) {
  const { chainId, paymentAddress } = context.installation;
  return treasuryAccount(chainId, paymentAddress);
}
