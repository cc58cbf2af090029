/**
 * A chain that a test has in its hand: a plain local one, or a fork of another. Both stand in for Base; they differ in how
 * blocks are replaced, as `anvil_reorg` leaves balances wrong on a fork.
 */
import {
  type Address,
  createTestClient,
  type Hash,
  type Hex,
  http,
  keccak256,
  publicActions,
  toHex,
  walletActions,
} from 'viem';
import { base } from 'viem/chains';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { startChain } from '../../dev/chain.ts';
import { freePort } from '../../dev/free-port.ts';

export type ChainClient = ReturnType<typeof chainClient>;

/** A signed transaction, and how many of the new blocks come before the one that has it. */
export type Reincluded = readonly [raw: Hex, blocksBefore: number];

/** Where a chain was: the blocks after it can be replaced. */
export interface ChainMark {
  readonly block: bigint;
  /** Of a fork's state then. */
  readonly snapshot: Hex | null;
}

export interface TestChain {
  /** For the names of tests. */
  readonly name: string;
  readonly rpcUrl: string;
  readonly client: ChainClient;
  /** The first block that is not of another chain. */
  readonly startBlock: bigint;
  /** Remembers where the chain is. Good for one reorg; what was remembered after it is forgotten then. */
  mark(): Promise<ChainMark>;
  /**
   * Replaces all blocks after a mark by as many others, with these transactions among them; one whose place is beyond
   * them comes in a further block.
   */
  reorg(mark: ChainMark, transactions: readonly Reincluded[]): Promise<void>;
  stop(): Promise<void>;
}

/** A chain of its own, in memory. Knows deposits from L1, as Base does. */
export async function startPlainChain(): Promise<TestChain> {
  const anvil = await startChain({ port: await freePort(), extraArgs: ['--optimism'] });
  const client = chainClient(anvil.rpcUrl);
  return {
    name: 'a local chain',
    rpcUrl: anvil.rpcUrl,
    client,
    startBlock: 0n,
    mark: async () => ({ block: await client.getBlockNumber(), snapshot: null }),
    async reorg({ block }, transactions) {
      const depth = Number((await client.getBlockNumber()) - block);
      const [inside, beyond] = split(transactions, depth);
      await client.request({ method: 'anvil_reorg' as never, params: [depth, inside] as never });
      await mineWith(client, beyond, depth);
    },
    stop: () => anvil.kill(),
  };
}

/** A fork of the chain at `url`, at its newest block. */
export async function startForkedChain(url: string, of: string): Promise<TestChain> {
  const anvil = await startChain({
    port: await freePort(),
    extraArgs: ['--optimism', '--fork-url', url],
    threads: 32,
  });
  const client = chainClient(anvil.rpcUrl);
  return {
    name: `a fork of ${of}`,
    rpcUrl: anvil.rpcUrl,
    client,
    startBlock: (await client.getBlockNumber()) + 1n,
    mark: async () => ({ block: await client.getBlockNumber(), snapshot: await client.snapshot() }),
    async reorg({ block, snapshot }, transactions) {
      const depth = Number((await client.getBlockNumber()) - block);
      const replaced = await client.getBlock({ blockNumber: block + 1n });
      if (snapshot === null) throw new Error('the mark is of another chain');
      await client.revert({ id: snapshot });
      // Another time is another hash, whatever else the block has.
      await client.setNextBlockTimestamp({ timestamp: replaced.timestamp + 1n });
      const [inside, beyond] = split(transactions, depth);
      await mineWith(client, inside, 0);
      const missing = Number(block - (await client.getBlockNumber())) + depth;
      if (missing > 0) await client.mine({ blocks: missing });
      await mineWith(client, beyond, depth);
    },
    stop: () => anvil.kill(),
  };
}

/** Those among the first `depth` blocks, and those after them. */
function split(transactions: readonly Reincluded[], depth: number): [Reincluded[], Reincluded[]] {
  return [
    transactions.filter(([, place]) => place < depth),
    transactions.filter(([, place]) => place >= depth),
  ];
}

/** Mines blocks until these transactions are in theirs, when `from` of the new blocks are there. */
async function mineWith(
  client: ChainClient,
  transactions: readonly Reincluded[],
  from: number,
): Promise<void> {
  if (transactions.length === 0) return;
  const last = Math.max(...transactions.map(([, place]) => place));
  await client.setAutomine(false);
  for (let place = from; place <= last; place += 1) {
    for (const [raw, at] of transactions)
      if (at === place) await client.sendRawTransaction({ serializedTransaction: raw });
    await client.mine({ blocks: 1 });
  }
  await client.setAutomine(true);
}

/** Sets the chain's clock, from which it goes on. Seconds since the epoch. */
export async function setChainTime(client: ChainClient, seconds: bigint): Promise<void> {
  await client.request({ method: 'evm_setTime' as never, params: [Number(seconds)] as never });
}

/** Brings ETH in as a deposit from L1 does. The sender is one of Anvil's own accounts. */
export async function deposit(client: ChainClient, to: Address, value: bigint): Promise<Hash> {
  const { address: from } = DEPOSITOR;
  const hash = (await client.request({
    method: 'eth_sendTransaction' as never,
    params: [
      {
        ...{ from, to, value: toHex(value), gas: toHex(200_000), type: '0x7e' },
        ...{ sourceHash: keccak256(toHex(value)), mint: '0x0', isSystemTx: false },
      },
    ] as never,
  })) as Hash;
  await client.waitForTransactionReceipt({ hash });
  return hash;
}

export const DEPOSITOR = DEV_ACCOUNTS[8];

function chainClient(rpcUrl: string) {
  return createTestClient({
    mode: 'anvil',
    chain: base,
    transport: http(rpcUrl),
    cacheTime: 0,
    pollingInterval: 20,
  })
    .extend(publicActions)
    .extend(walletActions);
}
