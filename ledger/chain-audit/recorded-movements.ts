/** What the ledger has recorded of the payment address, for comparison with a scan. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { type InclusionRow, readRecentInclusions } from '../intake/receipt-facts.ts';
import { bucketOf } from '../store/bucket.ts';
import type { SentTransactionTable, Tables, WithdrawalTable } from '../store/tables.ts';
import type { BlockRange } from './bisection.ts';

export type RecordedTransaction = Selectable<SentTransactionTable>;
export type RecordedWithdrawal = Selectable<WithdrawalTable>;

export interface RecordedMovements {
  /** Of each receipt that concerns the range the latest version, included or absent, by its id. */
  readonly inclusions: ReadonlyMap<string, InclusionRow>;
  /** The scanned receipts that the ledger has noticed, whatever became of their inclusions. */
  readonly noticed: ReadonlySet<string>;
  readonly withdrawals: readonly RecordedWithdrawal[];
  readonly sent: readonly RecordedTransaction[];
}

export interface RecordedWanted {
  readonly range: BlockRange;
  readonly bucketCount: number;
  /** What the scan found, which may be recorded at other blocks. */
  readonly receiptIds: readonly string[];
  readonly transactionHashes: readonly string[];
}

/** Reads what is recorded in the blocks of the range, and what is recorded anywhere of what the scan found. */
export async function readRecordedMovements(
  db: Kysely<Tables>,
  wanted: RecordedWanted,
): Promise<RecordedMovements> {
  const { range, bucketCount, receiptIds, transactionHashes } = wanted;
  const { after, through } = range;
  const scanned = sql`(select * from unnest(
    ${receiptIds.map(id => bucketOf(id, bucketCount))}::smallint[], ${[...receiptIds]}::text[]))`;
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async trx => {
      const inRange = await readRecentInclusions(trx, after, through);
      const found = await sql<InclusionRow>`
        select distinct on (i.bucket, i.receipt_id) i.* from receipt_inclusions i
        where (i.bucket, i.receipt_id) in ${scanned}
        order by i.bucket, i.receipt_id, i.version desc`.execute(trx);
      const noticed = await sql<{ receipt_id: string }>`
        select receipt_id from receipts where (bucket, receipt_id) in ${scanned}`.execute(trx);
      const concerned = sql`(block_number > ${after} and block_number <= ${through}
        or transaction_hash = any(${[...transactionHashes]}::text[]))`;
      const withdrawals = await sql<RecordedWithdrawal>`
        select * from withdrawals where ${concerned}
        order by block_number, transaction_hash, trace_index`.execute(trx);
      const sent = await sql<RecordedTransaction>`
        select * from sent_transactions where ${concerned} order by block_number, transaction_hash`.execute(
        trx,
      );
      return {
        inclusions: new Map([...inRange, ...found.rows.map(row => [row.receipt_id, row] as const)]),
        noticed: new Set(noticed.rows.map(row => row.receipt_id)),
        withdrawals: withdrawals.rows,
        sent: sent.rows,
      };
    });
}
