/** What a local chain itself says has arrived at the payment address and left it: read out of its own traces. */
import { type Address, createPublicClient, type Hash, http } from 'viem';
import { base } from 'viem/chains';
import { type Instant, instantOfSeconds } from '../../ledger/core/instant.ts';

/** A transfer that arrived. */
export interface Arrival {
  /** `eth:<chain id>:<transaction hash>:<trace index>`, as receipts are named. */
  readonly receiptId: string;
  readonly blockNumber: bigint;
  readonly blockHash: string;
  readonly blockAt: Instant;
  /** CALL or SELFDESTRUCT. */
  readonly frameType: string;
  readonly fromAddress: string;
  readonly amountWei: bigint;
  readonly input: string;
}

export interface ChainTruth {
  readonly arrivals: readonly Arrival[];
  /** By value, and by what transactions cost. */
  readonly withdrawnWei: bigint;
  readonly gasWei: bigint;
  readonly balanceWei: bigint;
}

interface Frame {
  readonly type: string;
  readonly from: string;
  readonly to?: string;
  readonly value?: string;
  readonly input: string;
  readonly error?: string;
  readonly calls?: readonly Frame[];
}

/**
 * Reads all blocks up to the newest.
 * @param paymentAddress Lower case; it began with nothing.
 */
export async function readChainTruth(chainUrl: string, paymentAddress: string): Promise<ChainTruth> {
  const chain = readerAt(chainUrl);
  const head = await chain.getBlockNumber();
  const blocks: Movements[] = [];
  for (let at: Hash | null = (await chain.getBlock({ blockNumber: head })).hash; at !== null; ) {
    const block: ReadBlock = blocksRead.get(at) ?? (await readBlock(chain, at, paymentAddress));
    blocksRead.set(at, block);
    blocks.unshift(block.movements);
    at = block.parent;
  }
  const arrivals = blocks.flatMap(block => block.arrivals);
  const withdrawnWei = blocks.reduce((sum, block) => sum + block.withdrawnWei, 0n);
  const gasWei = blocks.reduce((sum, block) => sum + block.gasWei, 0n);
  const balanceWei = await chain.getBalance({ address: paymentAddress as Address });
  const arrived = arrivals.reduce((sum, { amountWei }) => sum + amountWei, 0n);
  if (arrived - withdrawnWei - gasWei !== balanceWei)
    throw new Error(`what moved does not add up to the balance of ${balanceWei} wei: the truth is not known`);
  return { arrivals, withdrawnWei, gasWei, balanceWei };
}

type ChainReader = ReturnType<typeof readerAt>;

function readerAt(chainUrl: string) {
  return createPublicClient({ chain: base, transport: http(chainUrl), cacheTime: 0 });
}

interface Movements {
  readonly arrivals: readonly Arrival[];
  readonly withdrawnWei: bigint;
  readonly gasWei: bigint;
}

interface ReadBlock {
  /** Null for the first. */
  readonly parent: Hash | null;
  readonly movements: Movements;
}

/** What a block's hash stands for does not change. */
const blocksRead = new Map<Hash, ReadBlock>();

async function readBlock(chain: ChainReader, blockHash: Hash, paymentAddress: string): Promise<ReadBlock> {
  const { number: blockNumber, timestamp, parentHash, transactions } = await chain.getBlock({ blockHash });
  const blockAt = instantOfSeconds(timestamp);
  const arrivals: Arrival[] = [];
  let withdrawnWei = 0n;
  let gasWei = 0n;
  for (const hash of transactions as Hash[]) {
    const frames = framesThatMove(await traceOf(chain, hash));
    const moved = movementsOf(frames, { paymentAddress, hash, blockNumber, blockHash, blockAt });
    arrivals.push(...moved.arrivals);
    withdrawnWei += moved.withdrawnWei;
    const { from, gasUsed, effectiveGasPrice } = await chain.getTransactionReceipt({ hash });
    if (from.toLowerCase() === paymentAddress) gasWei += gasUsed * effectiveGasPrice;
  }
  return {
    parent: blockNumber === 0n ? null : parentHash,
    movements: { arrivals, withdrawnWei, gasWei },
  };
}

/** What the frames of one transaction brought to the payment address, and took from it. */
function movementsOf(
  frames: readonly { index: number; frame: Frame }[],
  where: { paymentAddress: string; hash: Hash; blockNumber: bigint; blockHash: string; blockAt: Instant },
): { arrivals: Arrival[]; withdrawnWei: bigint } {
  const { paymentAddress, hash, ...block } = where;
  const arrivals: Arrival[] = [];
  let withdrawnWei = 0n;
  for (const { index, frame } of frames) {
    const amountWei = BigInt(frame.value ?? '0x0');
    const [from, to] = [frame.from.toLowerCase(), frame.to?.toLowerCase()];
    if (from === to) continue;
    if (from === paymentAddress) withdrawnWei += amountWei;
    if (to !== paymentAddress) continue;
    const receiptId = `eth:${base.id}:${hash}:${index}`;
    const told = { frameType: frame.type, fromAddress: from, amountWei, input: frame.input };
    arrivals.push({ receiptId, ...block, ...told });
  }
  return { arrivals, withdrawnWei };
}

async function traceOf(chain: ChainReader, hash: Hash): Promise<Frame> {
  return await chain.request<{ Method: string; Parameters: unknown[]; ReturnType: Frame }>({
    method: 'debug_traceTransaction',
    params: [hash, { tracer: 'callTracer' }],
  });
}

/** The frames by which ETH moved, with their places, counted depth first. */
function framesThatMove(outermost: Frame): { index: number; frame: Frame }[] {
  const moving: { index: number; frame: Frame }[] = [];
  let count = 0;
  const visit = (frame: Frame, isUndone: boolean): void => {
    const failed = isUndone || frame.error !== undefined;
    const moves = ['CALL', 'CREATE', 'CREATE2', 'SELFDESTRUCT'].includes(frame.type);
    if (!failed && moves && BigInt(frame.value ?? '0x0') > 0n) moving.push({ index: count, frame });
    count += 1;
    for (const call of frame.calls ?? []) visit(call, failed);
  };
  visit(outermost, false);
  return moving;
}
