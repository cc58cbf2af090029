/** The facts against the chain: the balance of the payment address at one block, and every payment and withdrawal. */
import { createPublicClient, http, type PublicClient } from 'viem';
import { type Instant, instantOfSeconds } from '../core/instant.ts';
import { addressStateAt } from '../intake/address-state.ts';
import { type BalanceDifference, readBalanceProgress, readDifferences } from '../intake/balance-facts.ts';
import {
  describeRpcFailure,
  isRpcFailure,
  readBlock,
  readFrame,
  readInclusion,
} from '../intake/chain-answers.ts';
import { ChainRpc } from '../intake/chain-rpc.ts';
import type { Installation } from '../store/installation.ts';
import { instantText } from '../store/instant-text.ts';
import type { Snapshot } from '../store/snapshot.ts';
import { type Difference, difference } from './difference.ts';
import { figure, type PartOutcome } from './part-outcome.ts';

/** ETH that reached or left the payment address, as it is recorded. */
interface RecordedFrame {
  /** A receipt, or a withdrawal by transaction and frame. */
  readonly name: string;
  readonly isWithdrawal: boolean;
  readonly blockNumber: bigint;
  readonly blockHash: string;
  readonly transactionHash: string;
  readonly traceIndex: number;
  readonly from: string | null;
  readonly to: string | null;
  readonly amountWei: bigint;
}

interface CheckRow {
  block_number: bigint;
  block_hash: string;
  block_at: Instant;
  balance_wei: bigint;
  nonce: bigint;
}

/** What the ledger has recorded of the chain by an instant. */
export interface ChainFacts {
  readonly at: Instant;
  /** What was there before the first block that is indexed; null before the worker has looked. */
  readonly opening: CheckRow | null;
  /** The newest block of which what it saw is kept. */
  readonly newest: CheckRow | null;
  /** Through this block everything that left the address is recorded. */
  readonly comparedBlock: bigint;
  readonly frames: readonly RecordedFrame[];
  readonly sent: readonly { readonly block_number: bigint; readonly fee_wei: bigint }[];
  /** Between which blocks the recorded balances are not explained. */
  readonly unexplained: readonly BalanceDifference[];
}

const FRAMES = `
  select i.receipt_id as name, false as is_withdrawal, i.block_number, i.block_hash, i.transaction_hash, i.trace_index,
    i.from_address as "from", $2::text as "to", i.amount_wei
  from receipt_inclusions i
  where i.outcome = 'included' and i.block_at <= $1::timestamptz
    and not exists (select from receipt_inclusions later where later.bucket = i.bucket
      and later.receipt_id = i.receipt_id and later.version > i.version)
  union all
  select concat_ws(':', w.transaction_hash, w.trace_index), true, w.block_number, w.block_hash, w.transaction_hash,
    w.trace_index, $2::text, w.to_address, w.amount_wei
  from withdrawals w where w.block_at <= $1::timestamptz
  order by 3, 1`;

const CHECKS = `
  select block_number, block_hash, block_at, balance_wei, nonce from (
    select distinct on (block_number) * from balance_checks where chain_id = $2
    order by block_number, version desc) latest
  where outcome <> 'abandoned' and block_at <= $1::timestamptz
  order by block_number`;

/** Reads what is compared with the chain, so that nothing is read while the chain is asked. */
export async function readChainFacts(
  { client, db }: Snapshot,
  { chainId, paymentAddress }: Installation,
  at: Instant,
): Promise<ChainFacts> {
  const checks = (await client.query<CheckRow>(CHECKS, [instantText(at), chainId])).rows;
  const opening = checks[0] ?? null;
  const newest = checks.at(-1) ?? null;
  const frames = await client.query<{
    name: string;
    is_withdrawal: boolean;
    block_number: bigint;
    block_hash: string;
    transaction_hash: string;
    trace_index: number;
    from: string | null;
    to: string | null;
    amount_wei: bigint;
  }>(FRAMES, [instantText(at), paymentAddress]);
  const unexplained = await readDifferences(db, chainId);
  const known = await readBalanceProgress(db, chainId);
  const sent = await client.query<{ block_number: bigint; fee_wei: bigint }>(
    'select block_number, fee_wei from sent_transactions where block_at <= $1::timestamptz',
    [instantText(at)],
  );
  return {
    at,
    opening,
    newest,
    comparedBlock: known?.progress.compared_block ?? 0n,
    sent: sent.rows,
    frames: frames.rows.map(row => ({
      name: row.name,
      isWithdrawal: row.is_withdrawal,
      blockNumber: row.block_number,
      blockHash: row.block_hash,
      transactionHash: row.transaction_hash,
      traceIndex: row.trace_index,
      from: row.from,
      to: row.to,
      amountWei: row.amount_wei,
    })),
    unexplained: unexplained.filter(({ throughAt }) => throughAt <= at),
  };
}

/** So many payments are asked about at a time: RPCs answer batches, and limit them. */
const AT_ONCE = 20;

/**
 * Compares with what the RPC says. Never rejects because of the RPC: what cannot be asked is told as not compared.
 * @param onProgress Told how many payments and withdrawals are done, of how many.
 */
export async function checkChain(
  rpcUrl: string,
  installation: Installation,
  facts: ChainFacts,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<PartOutcome> {
  const client = createPublicClient({
    transport: http(rpcUrl, { batch: { batchSize: AT_ONCE } }),
    cacheTime: 0,
  });
  try {
    await new ChainRpc({ name: 'RPC', client, installation }).proven();
    const balance = await checkBalanceAt(client, installation.paymentAddress, facts);
    const differences = [...balance.differences];
    let untraced = 0;
    for (let from = 0; from < facts.frames.length; from += AT_ONCE) {
      const frames = facts.frames.slice(from, from + AT_ONCE);
      for (const found of await Promise.all(frames.map(frame => checkFrame(client, frame)))) {
        if (found === 'untraced') untraced += 1;
        else if (found) differences.push(found);
      }
      onProgress(Math.min(from + AT_ONCE, facts.frames.length), facts.frames.length);
    }
    const receipts = facts.frames.filter(({ isWithdrawal }) => !isWithdrawal).length;
    return {
      status: 'compared',
      differences,
      figures: [
        ...balance.figures,
        figure('payments compared', 'count', receipts, FRAME_HOW),
        figure('withdrawals compared', 'count', facts.frames.length - receipts, FRAME_HOW),
        figure(
          'of these without a trace',
          'count',
          untraced,
          'the RPC does not trace: only their block was compared',
        ),
      ],
    };
  } catch (error) {
    if (!isRpcFailure(error)) throw error;
    return { status: 'not_compared', why: `the RPC could not be asked: ${describeRpcFailure(error)}` };
  }
}

const FRAME_HOW = 'eth_getTransactionReceipt and debug_traceTransaction of each transaction';

async function checkBalanceAt(client: PublicClient, address: string, facts: ChainFacts) {
  const { opening, newest, unexplained } = facts;
  const differences: Difference[] = unexplained.map(({ fromBlock, throughBlock, amountWei }) =>
    difference('balance_differs', {
      what: `the balance changed by more or less than is recorded of blocks ${fromBlock + 1n} to ${throughBlock}, in wei`,
      expected: 0n,
      found: amountWei,
    }),
  );
  if (!opening || !newest)
    return {
      figures: [
        figure(
          'balance',
          'text',
          'not compared',
          'the worker has not compared it at any final block by then',
        ),
      ],
      differences,
    };
  const kept = await readBlock(client, newest.block_number);
  if (kept && kept.hash !== newest.block_hash)
    differences.push(
      difference('block_replaced', {
        what: `block ${newest.block_number}, at which the balance was compared`,
        expected: newest.block_hash,
        found: kept.hash,
      }),
    );
  const block = await blockBefore(client, facts, opening.block_number);
  const { movedWei, sentCount } = movedThrough(facts, opening.block_number, block);
  const explained = opening.balance_wei + movedWei;
  const figures = [
    figure(
      'block of the balance',
      'block',
      block,
      'the last by then through which all that left the address is recorded',
    ),
    figure(
      'balance before everything',
      'wei',
      opening.balance_wei,
      `eth_getBalance at block ${opening.block_number}`,
    ),
    figure(
      'receipts less withdrawals and gas since',
      'wei',
      movedWei,
      'sum of receipt_inclusions that stand − withdrawals − sent_transactions.fee_wei of the blocks in between',
    ),
  ];
  const state = await addressStateAt(client, address, block);
  if (!state) {
    const how = 'the RPC has no state of this block any more';
    return {
      figures: [...figures, figure('balance on the chain', 'text', 'not compared', how)],
      differences,
    };
  }
  const compare = (what: string, expected: bigint, found: bigint) => {
    if (expected !== found) differences.push(difference('balance_differs', { what, expected, found }));
  };
  compare(`the balance at block ${block}, in wei`, explained, state.balanceWei);
  compare(
    `how many transactions the address has sent by block ${block}`,
    opening.nonce + sentCount,
    state.nonce,
  );
  const how = `eth_getBalance of ${address} at block ${block}`;
  return { figures: [...figures, figure('balance on the chain', 'wei', state.balanceWei, how)], differences };
}

/** The last block by the instant, of those through which everything is recorded; found by halving. */
async function blockBefore(
  client: PublicClient,
  { comparedBlock, at }: ChainFacts,
  openingBlock: bigint,
): Promise<bigint> {
  let [low, high] = [openingBlock, comparedBlock > openingBlock ? comparedBlock : openingBlock];
  const isBy = async (number: bigint) => {
    const block = await readBlock(client, number);
    return block !== null && instantOfSeconds(block.timestamp) <= at;
  };
  if (await isBy(high)) return high;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (await isBy(middle)) low = middle;
    else high = middle;
  }
  return low;
}

function movedThrough({ frames, sent }: ChainFacts, after: bigint, through: bigint) {
  const isWithin = (block: bigint) => block > after && block <= through;
  let movedWei = 0n;
  for (const { blockNumber, isWithdrawal, amountWei } of frames)
    if (isWithin(blockNumber)) movedWei += isWithdrawal ? -amountWei : amountWei;
  const within = sent.filter(({ block_number }) => isWithin(block_number));
  for (const { fee_wei } of within) movedWei -= fee_wei;
  return { movedWei, sentCount: BigInt(within.length) };
}

/** Null when the chain has it as it is recorded. */
async function checkFrame(
  client: PublicClient,
  recorded: RecordedFrame,
): Promise<Difference | 'untraced' | null> {
  const { name: receipt, transactionHash, traceIndex, blockNumber, blockHash, amountWei } = recorded;
  const inclusion = await readInclusion(client, transactionHash);
  const wanted = `${amountWei} wei in block ${blockNumber}`;
  if (inclusion === null || inclusion.isReverted)
    return difference('payment_not_on_chain', {
      receipt,
      what: `transaction ${transactionHash}`,
      expected: wanted,
      found: inclusion === null ? 'no such transaction' : 'it failed',
    });
  if (inclusion.blockHash !== blockHash)
    return difference('block_replaced', {
      receipt,
      what: `the block of transaction ${transactionHash}`,
      expected: `${blockNumber} ${blockHash}`,
      found: `${inclusion.blockNumber} ${inclusion.blockHash}`,
    });
  const frame = await readFrame(client, transactionHash, traceIndex);
  if (frame === 'untraced') return 'untraced';
  const textOf = (from: string | null, to: string | null, wei: bigint) =>
    `${wei} wei from ${from?.toLowerCase() ?? 'nobody'} to ${to?.toLowerCase() ?? 'nobody'}`;
  const expected = textOf(recorded.from, recorded.to, amountWei);
  const found = frame ? textOf(frame.fromAddress, frame.toAddress, frame.amountWei) : 'no such frame';
  if (found === expected) return null;
  return difference('payment_not_on_chain', {
    receipt,
    what: `frame ${traceIndex} of transaction ${transactionHash}`,
    expected,
    found,
  });
}
