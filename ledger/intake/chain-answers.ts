/**
 * What an RPC says, read without trust in its form. RPCs answer with nulls, with blocks of the past, with errors and
 * with pages; nothing of that may pass for a fact. An answer that is not one to the question throws
 * UnusableAnswerError, one that does not come throws viem's error; `isRpcFailure` knows both.
 */
import { BaseError, type Hash, type PublicClient } from 'viem';
import { traceBlock, traceTransaction } from './trace-support.ts';

export class UnusableAnswerError extends Error {
  override readonly name: string = 'UnusableAnswerError';
}

/** Whether an error says that an RPC could not be asked, rather than that something here is wrong. */
export function isRpcFailure(error: unknown): error is BaseError | UnusableAnswerError {
  return error instanceof BaseError || error instanceof UnusableAnswerError;
}

/** What went wrong with an RPC, in a few words without its URL, which may hold a key. */
export function describeRpcFailure(error: BaseError | UnusableAnswerError): string {
  return error instanceof BaseError ? (error.shortMessage.split('\n')[0] ?? '') : error.message;
}

export interface ChainBlock {
  readonly number: bigint;
  readonly hash: string;
  /** Seconds since the epoch. */
  readonly timestamp: bigint;
}

/** Where a transaction is. */
export interface ChainInclusion {
  readonly blockNumber: bigint;
  readonly blockHash: string;
  readonly transactionIndex: number;
  /** 'legacy', 'eip1559', …, or 'deposit' for what comes from L1. */
  readonly transactionType: string;
  /** Whether it failed, and with it all that it did. */
  readonly isReverted: boolean;
}

/** A call frame that succeeded, at its place in the transaction. */
export interface ChainFrame {
  readonly frameType: string;
  readonly fromAddress: string;
  readonly toAddress: string | null;
  readonly amountWei: bigint;
  /** The frame's own input. */
  readonly input: string;
}

export async function readChainId(client: PublicClient): Promise<number> {
  return Number(quantity(await ask(client, 'eth_chainId', []), 'a chain id'));
}

/** The block of this number, or null while the RPC has none. */
export async function readBlock(client: PublicClient, number: bigint): Promise<ChainBlock | null> {
  const answer = await ask(client, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
  if (answer === null) return null;
  const block = blockOf(answer);
  if (block.number !== number)
    throw new UnusableAnswerError(`it answered block ${block.number} when asked for ${number}`);
  return block;
}

/** The newest block, or the newest that is safe or final. */
export async function readTaggedBlock(
  client: PublicClient,
  tag: 'latest' | 'safe' | 'finalized',
): Promise<ChainBlock> {
  return blockOf(await ask(client, 'eth_getBlockByNumber', [tag, false]));
}

function blockOf(answer: unknown): ChainBlock {
  const { number, hash, timestamp } = object(answer, 'a block');
  return {
    number: quantity(number, "a block's number"),
    hash: hashOf(hash, "a block's hash"),
    timestamp: quantity(timestamp, "a block's timestamp"),
  };
}

/** Where a transaction is, or null where the RPC knows of no block with it. */
export async function readInclusion(
  client: PublicClient,
  transactionHash: string,
): Promise<ChainInclusion | null> {
  const answer = await ask(client, 'eth_getTransactionReceipt', [transactionHash]);
  if (answer === null) return null;
  const receipt = object(answer, 'a receipt');
  if (hashOf(receipt.transactionHash, "a receipt's transaction") !== transactionHash)
    throw new UnusableAnswerError('it answered the receipt of another transaction');
  return {
    blockNumber: quantity(receipt.blockNumber, "a receipt's block"),
    blockHash: hashOf(receipt.blockHash, "a receipt's block hash"),
    transactionIndex: Number(quantity(receipt.transactionIndex, "a receipt's position")),
    transactionType: typeName(receipt.type),
    // Before EIP-658 receipts had none; Base never was that old.
    isReverted: quantity(receipt.status, "a receipt's status") === 0n,
  };
}

/** A frame at its place. */
export interface PlacedFrame {
  readonly transactionHash: string;
  readonly traceIndex: number;
  readonly frame: ChainFrame;
}

/** All frames of a block that succeeded; 'untraced' where the RPC does not trace. */
export async function readBlockFrames(
  client: PublicClient,
  blockNumber: bigint,
): Promise<PlacedFrame[] | 'untraced'> {
  const traces = await traceBlock(client, blockNumber);
  if (traces === 'untraced') return traces;
  return list(traces).flatMap(answer => {
    const { txHash, result } = object(answer, "a transaction's trace");
    const transactionHash = hashOf(txHash, "a trace's transaction");
    return framesOf(result).map(placed => ({ transactionHash, ...placed }));
  });
}

/**
 * The frame at `traceIndex` of a transaction, counted depth first from 0 for the outermost; null where it has none, or
 * one that failed or was undone. 'untraced' where the RPC does not trace.
 */
export async function readFrame(
  client: PublicClient,
  transactionHash: string,
  traceIndex: number,
): Promise<ChainFrame | null | 'untraced'> {
  const outermost = await traceTransaction(client, transactionHash);
  if (outermost === 'untraced') return outermost;
  return framesOf(outermost).find(placed => placed.traceIndex === traceIndex)?.frame ?? null;
}

/** The frames of a trace that succeeded. */
function framesOf(outermost: unknown): { traceIndex: number; frame: ChainFrame }[] {
  let traceIndex = 0;
  const found: { traceIndex: number; frame: ChainFrame }[] = [];
  const visit = (answer: unknown, undone: boolean): void => {
    const frame = object(answer, 'a frame');
    const failed = undone || frame.error !== undefined;
    // Each is read, also those that failed: half a trace is none.
    const read = frameOf(frame);
    if (!failed) found.push({ traceIndex, frame: read });
    traceIndex += 1;
    for (const call of list(frame.calls ?? [])) visit(call, failed);
  };
  visit(outermost, false);
  return found;
}

/** What an address has after a block, and how many transactions it has sent. */
export async function readBalanceAndNonce(
  client: PublicClient,
  address: string,
  blockNumber: bigint,
): Promise<{ balanceWei: bigint; nonce: bigint }> {
  const of = [address, `0x${blockNumber.toString(16)}`];
  const [balance, nonce] = await Promise.all([
    ask(client, 'eth_getBalance', of),
    ask(client, 'eth_getTransactionCount', of),
  ]);
  return { balanceWei: quantity(balance, 'a balance'), nonce: quantity(nonce, 'a nonce') };
}

/** Whether an address has code after a block; a delegation to code (EIP-7702) is code too. */
export async function readHasCode(
  client: PublicClient,
  address: string,
  blockNumber: bigint,
): Promise<boolean> {
  return bytesOf(await ask(client, 'eth_getCode', [address, `0x${blockNumber.toString(16)}`])) !== '0x';
}

/** A transaction as its block names it, whether it failed or not. */
export interface ChainTransaction {
  readonly transactionHash: string;
  readonly transactionIndex: number;
  /** As in ChainInclusion. */
  readonly transactionType: string;
  readonly fromAddress: string;
  /** Null where it makes a contract. */
  readonly toAddress: string | null;
  readonly amountWei: bigint;
  readonly input: string;
  /** What a deposit from L1 gives its sender before anything else; nothing for others. */
  readonly mintedWei: bigint;
}

/** The transactions of a block, in its order. */
export async function readTransactions(
  client: PublicClient,
  block: Pick<ChainBlock, 'number' | 'hash'>,
): Promise<ChainTransaction[]> {
  const answer = await ask(client, 'eth_getBlockByNumber', [`0x${block.number.toString(16)}`, true]);
  if (blockOf(answer).hash !== block.hash) throw new UnusableAnswerError('it answered another block');
  return list(object(answer, 'a block').transactions).map(entry => {
    const transaction = object(entry, 'a transaction');
    const { hash, from, to, value, input, mint } = transaction;
    return {
      transactionHash: hashOf(hash, "a transaction's hash"),
      transactionIndex: Number(quantity(transaction.transactionIndex, "a transaction's position")),
      transactionType: typeName(transaction.type),
      fromAddress: addressOf(from),
      toAddress: to === undefined || to === null ? null : addressOf(to),
      amountWei: quantity(value, "a transaction's value"),
      input: bytesOf(input),
      mintedWei: mint === undefined || mint === null ? 0n : quantity(mint, 'what a deposit minted'),
    };
  });
}

/** The senders of a block's transactions, by transaction. */
export async function readSenders(
  client: PublicClient,
  block: Pick<ChainBlock, 'number' | 'hash'>,
): Promise<Map<string, string>> {
  const transactions = await readTransactions(client, block);
  return new Map(transactions.map(({ transactionHash, fromAddress }) => [transactionHash, fromAddress]));
}

/** The outermost frame of a transaction that did not fail, as the transaction itself tells it. */
export async function readOutermostFrame(client: PublicClient, transactionHash: string): Promise<ChainFrame> {
  const answer = await ask(client, 'eth_getTransactionByHash', [transactionHash]);
  const { hash, from, to, value, input } = object(answer, 'a transaction');
  if (hashOf(hash, "a transaction's hash") !== transactionHash)
    throw new UnusableAnswerError('it answered another transaction');
  return frameOf({ type: to === null ? 'CREATE' : 'CALL', from, to, value, input });
}

function frameOf(frame: Readonly<Record<string, unknown>>): ChainFrame {
  const { type, from, to, value, input } = frame;
  if (typeof type !== 'string' || type === '')
    throw new UnusableAnswerError('it answered a frame without a type');
  return {
    frameType: type,
    fromAddress: addressOf(from),
    toAddress: to === undefined || to === null ? null : addressOf(to),
    amountWei: value === undefined || value === null ? 0n : quantity(value, "a frame's value"),
    input: bytesOf(input ?? '0x'),
  };
}

async function ask(client: PublicClient, method: string, params: readonly unknown[]): Promise<unknown> {
  return await client.request<{ Method: string; Parameters: readonly unknown[]; ReturnType: unknown }>({
    method,
    params,
  });
}

function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UnusableAnswerError(`it did not answer ${what}`);
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new UnusableAnswerError('it did not answer a list of calls');
  return value;
}

function quantity(value: unknown, what: string): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(value))
    throw new UnusableAnswerError(`it did not answer ${what}`);
  return BigInt(value);
}

function hashOf(value: unknown, what: string): Hash {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{64}$/i.test(value))
    throw new UnusableAnswerError(`it did not answer ${what}`);
  return value.toLowerCase() as Hash;
}

function addressOf(value: unknown): string {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{40}$/i.test(value))
    throw new UnusableAnswerError('it answered a frame without an address');
  return value.toLowerCase();
}

function bytesOf(value: unknown): string {
  if (typeof value !== 'string' || !/^0x(?:[0-9a-f]{2})*$/i.test(value))
    throw new UnusableAnswerError('it answered a frame whose input is no bytes');
  return value.toLowerCase();
}

/** The names that the indexer gives to the types of transactions (EIP-2718, and 0x7e of the OP stack). */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  '0x0': 'legacy',
  '0x1': 'eip2930',
  '0x2': 'eip1559',
  '0x3': 'eip4844',
  '0x4': 'eip7702',
  '0x7e': 'deposit',
};

function typeName(value: unknown): string {
  // Before EIP-2718 there was only one.
  if (value === undefined || value === null) return 'legacy';
  const type = `0x${quantity(value, "a transaction's type").toString(16)}`;
  return TYPE_NAMES[type] ?? type;
}
