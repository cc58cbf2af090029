/** What a scan found, laid beside what the ledger has recorded: pure, as everything is given. */
import { type Included, type InclusionRow, included } from '../intake/receipt-facts.ts';
import { instantText } from '../store/instant-text.ts';
import type { ScannedReceipt, ScannedTransaction, ScannedWithdrawal } from './block-movements.ts';
import type { RecordedMovements, RecordedTransaction, RecordedWithdrawal } from './recorded-movements.ts';
import { type ChainScan, receiptsOf } from './scan-chain.ts';

/** A column that says something else than the chain. */
export interface DifferingField {
  readonly field: string;
  readonly recorded: string;
  readonly onChain: string;
}

export interface Difference {
  /** On the chain and not recorded; recorded and not on the chain; recorded as something else. */
  readonly kind: 'missing' | 'extra' | 'altered';
  readonly of: 'receipt' | 'withdrawal' | 'transaction';
  /** `eth:<chain>:<transaction>:<frame>` of a receipt, `<transaction>:<frame>` of a withdrawal, or the transaction. */
  readonly id: string;
  /** Where the chain has it, else where it is recorded. */
  readonly blockNumber: bigint;
  /** Likewise; of a transaction its fee. */
  readonly amountWei: bigint;
  /** Only of what is altered. */
  readonly fields: readonly DifferingField[];
  readonly likelyCause: string;
}

export interface ReceiptComparison {
  readonly differences: readonly Difference[];
  /** Recorded as the chain has them. */
  readonly agreed: number;
  /** Recorded in blocks that were not traced, where the balance changed by just so much. */
  readonly agreedByBalance: number;
  /** Recorded in the range, and not among what the scan found: the chain is to be asked for each. */
  readonly unmatched: readonly Included[];
}

/** @param opensAt The block at which the ledger's books open; null when they have not. */
export function compareReceipts(
  scan: ChainScan,
  recorded: RecordedMovements,
  opensAt: bigint | null,
): ReceiptComparison {
  const onChain = receiptsOf(scan);
  const differences: Difference[] = [];
  for (const receipt of onChain) {
    const row = recorded.inclusions.get(receipt.receiptId);
    if (row?.outcome !== 'included') {
      differences.push(missingReceipt(receipt, whyMissing(receipt, row, recorded, opensAt)));
      continue;
    }
    const fields = differingFields(included(row), receipt);
    if (fields.length > 0) differences.push(alteredReceipt(receipt, fields));
  }
  const scanned = new Set(onChain.map(({ receiptId }) => receiptId));
  const left = [...recorded.inclusions.values()]
    .filter(row => row.outcome === 'included' && !scanned.has(row.receipt_id))
    .map(included);
  const byBalance = explainedByBalance(scan, left);
  return {
    differences,
    agreed: onChain.length - differences.length,
    agreedByBalance: byBalance.size,
    unmatched: left.filter(({ receiptId }) => !byBalance.has(receiptId)),
  };
}

function missingReceipt(receipt: ScannedReceipt, likelyCause: string): Difference {
  const { receiptId: id, blockNumber, amountWei } = receipt;
  return { kind: 'missing', of: 'receipt', id, blockNumber, amountWei, fields: [], likelyCause };
}

/** A receipt that the chain has otherwise than it is recorded. */
export function alteredReceipt(
  { receiptId: id, blockNumber, amountWei }: ScannedReceipt,
  fields: readonly DifferingField[],
): Difference {
  const isMoved = fields.some(({ field }) => field === 'block_hash');
  const likelyCause = isMoved
    ? 'a reorg that the ledger has not followed, or a change in the database'
    : 'a change in the database, or an RPC that told something else when it was recorded';
  return { kind: 'altered', of: 'receipt', id, blockNumber, amountWei, fields, likelyCause };
}

function whyMissing(
  { receiptId, blockNumber }: ScannedReceipt,
  row: InclusionRow | undefined,
  { noticed }: RecordedMovements,
  opensAt: bigint | null,
): string {
  if (row) return `the ledger took it back (version ${row.version} says absent), and the chain has it`;
  if (noticed.has(receiptId)) return 'the ledger had noticed it: what it had recorded of it was deleted';
  if (opensAt !== null && blockNumber <= opensAt)
    return `it came before the ledger's books opened, at block ${opensAt}`;
  return 'the indexer was never shown it, or it was deleted from the database';
}

/** The columns that differ. Programs spell frames, addresses and types of transactions in more than one way. */
export function differingFields(row: Included, onChain: ScannedReceipt): DifferingField[] {
  const kindOf = (type: string) => (type === 'deposit' ? 'deposit' : 'transaction');
  return differing([
    ['transaction_hash', row.transactionHash, onChain.transactionHash],
    ['transaction_index', row.transactionIndex, onChain.transactionIndex],
    ['trace_index', row.traceIndex, onChain.traceIndex],
    ['block_number', row.blockNumber, onChain.blockNumber],
    ['block_hash', row.blockHash, onChain.blockHash],
    ['block_at', instantText(row.blockAt), instantText(onChain.blockAt)],
    ['frame_type', row.frameType.toUpperCase(), onChain.frameType.toUpperCase()],
    ['transaction_type', kindOf(row.transactionType), kindOf(onChain.transactionType)],
    ['from_address', row.fromAddress.toLowerCase(), onChain.fromAddress.toLowerCase()],
    ['amount_wei', row.amountWei, onChain.amountWei],
    ['input', row.input, onChain.input],
  ]);
}

type Value = string | number | bigint | null;

function differing(values: readonly (readonly [field: string, recorded: Value, onChain: Value])[]) {
  return values
    .filter(([, recorded, onChain]) => recorded !== onChain)
    .map(([field, recorded, onChain]) => ({
      field,
      recorded: recorded === null ? 'none' : String(recorded),
      onChain: onChain === null ? 'none' : String(onChain),
    }));
}

/**
 * Of a block that was not traced only whole transactions are known, and by how much more its balance changed. Inner
 * frames that are recorded there agree when they come to just that.
 */
function explainedByBalance({ blocks }: ChainScan, recorded: readonly Included[]): Set<string> {
  const explained = new Set<string>();
  for (const { blockNumber, movements, unexplainedWei } of blocks) {
    if (movements.isTraced || unexplainedWei === 0n) continue;
    const inner = recorded.filter(row => row.blockNumber === blockNumber && row.traceIndex > 0);
    const sum = inner.reduce((total, { amountWei }) => total + amountWei, 0n);
    if (sum === unexplainedWei) for (const { receiptId } of inner) explained.add(receiptId);
  }
  return explained;
}

/** A transaction by which ETH left the address, or that it sent. */
export interface OutgoingTransaction {
  readonly transactionHash: string;
  readonly blockNumber: bigint;
  /** What it moved away by its frames. */
  readonly withdrawnWei: bigint;
  /** What it cost, L1 fee and operator fee included; 0 when another sent it. */
  readonly feeWei: bigint;
  /** Null when another sent it. */
  readonly outcome: 'success' | 'reverted' | null;
  /** Recorded as it is; not yet, as the ledger has not compared its block; or not so. */
  readonly status: 'explained' | 'not_recorded_yet' | 'differs';
}

export interface OutgoingComparison {
  /** In the order of the chain. */
  readonly transactions: readonly OutgoingTransaction[];
  readonly differences: readonly Difference[];
}

/**
 * Compares what left the address.
 * @param comparedBlock Up to here the ledger has compared its balance, and recorded for it what left.
 */
export function compareOutgoing(
  { blocks, unproven }: ChainScan,
  recorded: RecordedMovements,
  comparedBlock: bigint,
): OutgoingComparison {
  const withdrawals = blocks.flatMap(({ movements }) => movements.withdrawals);
  const sent = blocks.flatMap(({ movements }) => movements.sent);
  const differences: Difference[] = [];
  const pending = new Set<string>();
  const missing = (difference: Difference, transactionHash: string) => {
    if (difference.blockNumber > comparedBlock) pending.add(transactionHash);
    else differences.push(difference);
  };

  const rows = new Map(recorded.withdrawals.map(row => [idOf(row.transaction_hash, row.trace_index), row]));
  for (const withdrawal of withdrawals) {
    const id = idOf(withdrawal.transactionHash, withdrawal.traceIndex);
    const row = rows.get(id);
    rows.delete(id);
    if (!row) missing(missingWithdrawal(id, withdrawal), withdrawal.transactionHash);
    else differences.push(...alteredWithdrawal(id, row, withdrawal));
  }
  const fees = new Map(recorded.sent.map(row => [row.transaction_hash, row]));
  for (const transaction of sent) {
    const row = fees.get(transaction.transactionHash);
    fees.delete(transaction.transactionHash);
    if (!row) missing(missingTransaction(transaction), transaction.transactionHash);
    else differences.push(...alteredTransaction(row, transaction));
  }
  // Where it is not known what happened, what is recorded cannot be called wrong; nor where only whole transactions are.
  const isKnown = (block: bigint) =>
    unproven.every(({ after, through }) => block <= after || block > through) &&
    blocks.every(({ blockNumber, movements }) => blockNumber !== block || movements.isTraced);
  for (const [id, row] of rows) if (isKnown(row.block_number)) differences.push(extraWithdrawal(id, row));
  for (const [id, row] of fees) if (isKnown(row.block_number)) differences.push(extraTransaction(id, row));

  const wrong = new Set(differences.map(({ id }) => id.split(':')[0]));
  const hashes = blocks.flatMap(({ movements }) =>
    [...movements.sent, ...movements.withdrawals].map(({ transactionHash }) => transactionHash),
  );
  const statusOf = (transactionHash: string) => {
    if (wrong.has(transactionHash)) return 'differs';
    return pending.has(transactionHash) ? 'not_recorded_yet' : 'explained';
  };
  const withdrawn = Map.groupBy(withdrawals, ({ transactionHash }) => transactionHash);
  const sentBy = new Map(sent.map(transaction => [transaction.transactionHash, transaction]));
  const transactions = [...new Set(hashes)].map(hash =>
    outgoing(withdrawn.get(hash) ?? [], sentBy.get(hash), statusOf(hash)),
  );
  return { transactions, differences };
}

function outgoing(
  withdrawals: readonly ScannedWithdrawal[],
  sent: ScannedTransaction | undefined,
  status: OutgoingTransaction['status'],
): OutgoingTransaction {
  const place = sent ?? withdrawals[0];
  if (!place) throw new Error('an outgoing transaction was sent or has withdrawn something');
  return {
    transactionHash: place.transactionHash,
    blockNumber: place.blockNumber,
    withdrawnWei: withdrawals.reduce((sum, { amountWei }) => sum + amountWei, 0n),
    feeWei: sent?.fee.feeWei ?? 0n,
    outcome: sent?.outcome ?? null,
    status,
  };
}

const idOf = (transactionHash: string, traceIndex: number) => `${transactionHash}:${traceIndex}`;

const NOT_RECORDED =
  'it was deleted from the database, or the balance of its block was compared without what it did being known';
const NOT_ON_CHAIN = 'it was invented or moved in the database, or an RPC told it so when it was recorded';
const CHANGED = 'a change in the database, or an RPC that told something else when it was recorded';

function missingWithdrawal(id: string, { blockNumber, amountWei }: ScannedWithdrawal): Difference {
  const likelyCause = NOT_RECORDED;
  return { kind: 'missing', of: 'withdrawal', id, blockNumber, amountWei, fields: [], likelyCause };
}

function extraWithdrawal(id: string, row: RecordedWithdrawal): Difference {
  const { block_number: blockNumber, amount_wei: amountWei } = row;
  const likelyCause = NOT_ON_CHAIN;
  return { kind: 'extra', of: 'withdrawal', id, blockNumber, amountWei, fields: [], likelyCause };
}

function alteredWithdrawal(
  id: string,
  row: RecordedWithdrawal,
  { blockNumber, blockHash, frameType, toAddress, amountWei }: ScannedWithdrawal,
): Difference[] {
  const fields = differing([
    ['block_number', row.block_number, blockNumber],
    ['block_hash', row.block_hash, blockHash],
    ['frame_type', row.frame_type.toUpperCase(), frameType.toUpperCase()],
    ['to_address', row.to_address?.toLowerCase() ?? null, toAddress],
    ['amount_wei', row.amount_wei, amountWei],
  ]);
  if (fields.length === 0) return [];
  return [{ kind: 'altered', of: 'withdrawal', id, blockNumber, amountWei, fields, likelyCause: CHANGED }];
}

function missingTransaction({ transactionHash: id, blockNumber, fee }: ScannedTransaction): Difference {
  const amountWei = fee.feeWei;
  const likelyCause = NOT_RECORDED;
  return { kind: 'missing', of: 'transaction', id, blockNumber, amountWei, fields: [], likelyCause };
}

function extraTransaction(id: string, row: RecordedTransaction): Difference {
  const { block_number: blockNumber, fee_wei: amountWei } = row;
  const likelyCause = NOT_ON_CHAIN;
  return { kind: 'extra', of: 'transaction', id, blockNumber, amountWei, fields: [], likelyCause };
}

function alteredTransaction(
  row: RecordedTransaction,
  { transactionHash: id, blockNumber, blockHash, outcome, fee }: ScannedTransaction,
): Difference[] {
  const fields = differing([
    ['block_number', row.block_number, blockNumber],
    ['block_hash', row.block_hash, blockHash],
    ['outcome', row.outcome, outcome],
    ['gas_used', row.gas_used, fee.gasUsed],
    ['gas_price_wei', row.gas_price_wei, fee.gasPriceWei],
    ['l1_fee_wei', row.l1_fee_wei, fee.l1FeeWei],
    ['operator_fee_wei', row.operator_fee_wei, fee.operatorFeeWei],
    ['fee_wei', row.fee_wei, fee.feeWei],
  ]);
  if (fields.length === 0) return [];
  const amountWei = fee.feeWei;
  return [{ kind: 'altered', of: 'transaction', id, blockNumber, amountWei, fields, likelyCause: CHANGED }];
}
