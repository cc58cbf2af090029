/** Where a transaction stands, as anybody may know who has its hash: nothing of orders, accounts or keys. */
import { type Kysely, sql } from 'kysely';
import { type PublicClient, TransactionNotFoundError, TransactionReceiptNotFoundError } from 'viem';
import type { SuspenseReason } from '../core/suspense-reason.ts';
import { type Finality, finalityOf, readSettledBlocks } from '../orders/finality.ts';
import type { Installation } from '../store/installation.ts';
import type { Tables } from '../store/tables.ts';
import { readIndexedArrival } from './indexed-transfers.ts';
import type { LookUpLimit } from './look-up-limit.ts';

/** What a payment to us came to. */
export type PaymentStanding =
  /** In a block; its credits are about to be in a book. */
  | 'confirmed'
  /** It waits for a valid price. */
  | 'price_pending'
  /** Its credits are in a book. */
  | 'credited'
  /** Nobody's yet: a person has to say whose it is. */
  | 'in_suspense'
  /** The chain took it back. */
  | 'reorged'
  /** Less than a millionth of a dollar: there is nothing to credit. */
  | 'worth_nothing';

/** What a transaction without a recorded payment is. */
export type UnrecordedStanding =
  /** Our RPC does not know it. */
  | 'unknown'
  /** It waits for a block. */
  | 'seen'
  /** It is in a block, but was undone there. */
  | 'failed'
  /** It is in a block that we have not looked through yet. */
  | 'unread'
  /** It brought the payment address nothing. */
  | 'elsewhere';

/** A payment of the transaction: one for each call with ETH to the payment address. */
export interface RecordedPayment {
  readonly standing: PaymentStanding;
  /** Why it is in suspense; null where it is not. */
  readonly reason: SuspenseReason | null;
  /** Null for one that was taken back. */
  readonly amountWei: bigint | null;
}

export interface TransactionStanding {
  /** The payment's that is furthest from being credited, where there is one. */
  readonly standing: PaymentStanding | UnrecordedStanding;
  readonly reason: SuspenseReason | null;
  /** Null while it is in no block. */
  readonly blockNumber: bigint | null;
  /** How many blocks there were from its own on when it was asked; null while that is not known. */
  readonly confirmations: bigint | null;
  /** Null while it is in no block. */
  readonly finality: Finality | null;
  readonly payments: readonly RecordedPayment[];
}

export interface TransactionContext {
  readonly db: Kysely<Tables>;
  readonly installation: Pick<Installation, 'paymentAddress'>;
  readonly client: PublicClient;
  /** For what is not recorded. */
  readonly lookUps: LookUpLimit;
}

/** Those that need somebody's attention first. */
const ORDER: readonly PaymentStanding[] = [
  'in_suspense',
  'price_pending',
  'reorged',
  'confirmed',
  'credited',
  'worth_nothing',
];

/**
 * Where the transaction with this hash (lower case) stands: what is recorded of it, else what the RPC says. Throws a viem
 * error when the RPC is needed and does not answer, and OverloadedError when it is asked enough already.
 */
export async function readTransactionStanding(
  context: TransactionContext,
  transactionHash: string,
): Promise<TransactionStanding> {
  const recorded = await readRecorded(context.db, transactionHash);
  const first = [...recorded].sort(
    (one, other) => ORDER.indexOf(one.standing) - ORDER.indexOf(other.standing),
  )[0];
  if (first === undefined)
    return await context.lookUps.admit(() => askChain(context, transactionHash as `0x${string}`));
  const { standing, reason, blockNumber } = first;
  return {
    standing,
    reason,
    ...(await depthOf(context, blockNumber)),
    payments: recorded.map(({ blockNumber: _, ...payment }) => payment),
  };
}

async function readRecorded(
  db: Kysely<Tables>,
  transactionHash: string,
): Promise<(RecordedPayment & { readonly blockNumber: bigint | null })[]> {
  // The latest version of each, as they are in the transaction: `absent` means that a reorg took it.
  const { rows } = await sql<{
    outcome: string;
    block_number: bigint | null;
    amount_wei: bigint | null;
    amount_microusd: bigint | null;
    reason: SuspenseReason | null;
    waiting: boolean;
    trace_index: number | null;
  }>`
    select distinct on (i.bucket, i.receipt_id)
      i.outcome, i.block_number, i.amount_wei, i.trace_index,
      coalesce(a.amount_microusd, p.amount_microusd) as amount_microusd, s.reason,
      exists (select from outbox o where o.bucket = i.bucket and o.receipt_id = i.receipt_id
        and o.version = i.version and o.action = 'purchase') as waiting
    from receipt_inclusions i
    left join assignments a on a.bucket = i.bucket and a.receipt_id = i.receipt_id and a.version = i.version
    left join price_records p on p.bucket = i.bucket and p.receipt_id = i.receipt_id and p.version = i.version
    left join suspense_reasons s on s.bucket = i.bucket and s.receipt_id = i.receipt_id and s.version = i.version
      and s.assignment_number = coalesce(a.number, 0)
    where (i.bucket, i.receipt_id) in
      (select bucket, receipt_id from receipt_inclusions where transaction_hash = ${transactionHash})
    order by i.bucket, i.receipt_id, i.version desc, a.number desc`.execute(db);
  const inOrder = rows.sort((one, other) => (one.trace_index ?? 0) - (other.trace_index ?? 0));
  return inOrder.map(row => ({
    standing: standingOf(row),
    reason: row.outcome === 'absent' ? null : row.reason,
    amountWei: row.amount_wei,
    blockNumber: row.block_number,
  }));
}

function standingOf(row: {
  readonly outcome: string;
  readonly reason: SuspenseReason | null;
  readonly amount_microusd: bigint | null;
  readonly waiting: boolean;
}): PaymentStanding {
  if (row.outcome === 'absent') return 'reorged';
  if (row.reason !== null) return 'in_suspense';
  if (row.amount_microusd === null) return 'price_pending';
  if (row.amount_microusd === 0n) return 'worth_nothing';
  return row.waiting ? 'confirmed' : 'credited';
}

/** A transaction of which nothing is recorded. */
async function askChain(context: TransactionContext, hash: `0x${string}`): Promise<TransactionStanding> {
  const { client, db, installation } = context;
  const nothing = { reason: null, blockNumber: null, confirmations: null, finality: null, payments: [] };
  const transaction = await unlessUnknown(client.getTransaction({ hash }));
  if (transaction === null) return { ...nothing, standing: 'unknown' };
  const isToUs = transaction.to?.toLowerCase() === installation.paymentAddress;
  const receipt = await unlessUnknown(client.getTransactionReceipt({ hash }));
  if (receipt === null) {
    // A plain transfer to somebody else can bring us nothing; a call of a contract may.
    const isPlain = transaction.input === '0x' && !isToUs;
    return { ...nothing, standing: isPlain ? 'elsewhere' : 'seen' };
  }
  const at = { ...nothing, ...(await depthOf(context, receipt.blockNumber)) };
  if (receipt.status !== 'success') return { ...at, standing: 'failed' };
  const arrival = await readIndexedArrival(db, {
    transactionHash: hash,
    blockNumber: receipt.blockNumber,
  });
  if (arrival === 'unread') return { ...at, standing: 'unread' };
  // The worker is about to write it down.
  if (arrival === 'arrived' || (isToUs && transaction.value > 0n)) return { ...at, standing: 'confirmed' };
  // Without traces a call may have brought us ETH that nobody has seen.
  const isSeenWhole = transaction.input === '0x' || !(await isWithoutTraces(db));
  return { ...at, standing: isSeenWhole ? 'elsewhere' : 'unread' };
}

/** As the worker has found out. */
async function isWithoutTraces(db: Kysely<Tables>): Promise<boolean> {
  const alarm = await db
    .selectFrom('alarms')
    .select('kind')
    .where('kind', '=', 'rpc_without_traces')
    .executeTakeFirst();
  return alarm !== undefined;
}

async function depthOf(
  { client, db }: TransactionContext,
  blockNumber: bigint | null,
): Promise<Pick<TransactionStanding, 'blockNumber' | 'confirmations' | 'finality'>> {
  if (blockNumber === null) return { blockNumber, confirmations: null, finality: null };
  const settled = await readSettledBlocks(db);
  // What is recorded is told also while the RPC is away.
  const head = await client.getBlockNumber().catch(() => null);
  const confirmations = head === null || head < blockNumber ? null : head - blockNumber + 1n;
  return { blockNumber, confirmations, finality: finalityOf({ blockNumber, reversed: false }, settled) };
}

async function unlessUnknown<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof TransactionNotFoundError || error instanceof TransactionReceiptNotFoundError)
      return null;
    throw error;
  }
}
