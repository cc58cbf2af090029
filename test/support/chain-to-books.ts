/**
 * From the chain to the books without processes around it: a chain, two ways to it that may fail and lie, the indexer
 * with its cache as in live, and the worker's intake in the test's own process, with the test's hand on its clock.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import type { Hash, Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { BASE_CHAIN_ID } from '../../api/chain-identity.ts';
import { migrateConfigured } from '../../api/parts/migrate-part.ts';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import { installFeeds } from '../../dev/price-feeds.ts';
import { type Indexer, type IndexerOptions, superviseIndexer } from '../../indexer/supervisor.ts';
import {
  type Instant,
  type Ledger,
  type LedgerOptions,
  openLedger,
  openPool,
  referenceCalldata,
  type SenderLists,
  withServerSettings,
} from '../../ledger/index.ts';
import { eventually } from './buyer.ts';
import { createEmptyDatabase } from './database.ts';
import { type FaultyRpc, startFaultyRpc } from './faulty-rpc.ts';
import { PAYMENT_ADDRESS } from './installation.ts';
import { ANSWER, type PayableOrder, payable, roundOf } from './intake.ts';
import { type ChainClient, startPlainChain, type TestChain } from './test-chain.ts';

export interface PlacedPayment {
  readonly order: PayableOrder;
  readonly accountId: bigint;
  readonly hash: Hash;
  /** The signed transaction, to put it into another block. */
  readonly raw: Hex;
  readonly block: bigint;
}

export interface ChainToBooks {
  readonly chain: ChainClient;
  /** The ways of the indexer and the worker, and the worker's other one. */
  readonly ways: readonly [FaultyRpc, FaultyRpc];
  /** The worker's. */
  readonly ledger: Ledger;
  readonly owner: pg.Pool;
  /** What the worker and the supervisor of the indexer said. */
  readonly log: readonly string[];
  /** The one that runs. */
  indexer(): Indexer;
  startIndexer(): Promise<void>;
  stopIndexer(): Promise<void>;
  /** A worker that knows nothing of the one before. */
  startWorker(): void;
  stopWorker(): Promise<void>;
  /** Pays an order of so many dollars; resolves once it is in a block. */
  pay(usd: bigint): Promise<PlacedPayment>;
  /**
   * Replaces the newest blocks by as many others, which have these payments in the given of them. Waits for the indexer
   * before: a block that vanishes while Ponder fetches it has a test of its own.
   */
  reorg(depth: number, payments?: readonly (readonly [PlacedPayment, number])[]): Promise<void>;
  /** What an account has, in credits. */
  credits(accountId: bigint): Promise<bigint>;
  /** Waits until an account has so much. */
  hasCredits(payment: PlacedPayment, credits: bigint): Promise<void>;
  /** Waits until the books have received what the chain has, and nothing is between them. */
  agrees(): Promise<void>;
  /** Moves the worker's clock. */
  advance(by: Instant): void;
  /** A further ledger of the installation, with the worker's clock, as an API has. The caller closes it. */
  openLedger(): Promise<Ledger>;
  /** Waits until the indexer is at the newest block. */
  untilIndexed(): Promise<void>;
  /** Another worker takes over, which minds how far the chain is behind the clock, as in live. */
  mindChainLag(): Promise<void>;
  stop(): Promise<void>;
}

export interface ChainToBooksOptions {
  readonly hasOtherRpc: boolean;
  /** The chain, which then ends with the rest; a local one of its own when left out. */
  readonly chain?: TestChain;
  readonly senders?: SenderLists;
}

/** As in live: a minute. */
const CHAIN_LAG_MAX = 60_000_000n;

export async function startChainToBooks(options: ChainToBooksOptions): Promise<ChainToBooks> {
  const folder = await mkdtemp(join(tmpdir(), 'credits-chain-'));
  const [anvil, database] = await Promise.all([options.chain ?? startPlainChain(), createEmptyDatabase()]);
  const { client: chain, startBlock } = anvil;
  const ways = [await startFaultyRpc(anvil.rpcUrl), await startFaultyRpc(anvil.rpcUrl)] as const;
  await installFeeds(anvil.rpcUrl, { cacheFolder: SOLIDITY_CACHE, price: ANSWER });
  const genesis = await chain.getBlock({ blockNumber: 0n });
  const installation = {
    mode: 'dev',
    chainId: BASE_CHAIN_ID,
    genesisHash: genesis.hash,
    paymentAddress: PAYMENT_ADDRESS,
  } as const;
  await migrateConfigured({ ...installation, databaseUrl: database.url, rpcUrl: anvil.rpcUrl }, () => {});

  const log: string[] = [];
  const owner = openPool({ databaseUrl: database.url, max: 2 });
  let shift = 0n;
  const ledgerOptions: LedgerOptions = {
    databaseUrl: database.url,
    rpcUrl: ways[0].url,
    otherRpcUrls: options.hasOtherRpc ? [ways[1].url] : [],
    installation,
    clock: () => BigInt(Date.now()) * 1000n + shift,
    senders: options.senders,
  };
  let ledger = await openLedger(ledgerOptions);
  const indexerOptions: IndexerOptions = {
    databaseUrl: withServerSettings(database.url, ['-c role=credits_indexer']),
    rpcUrl: ways[0].url,
    chainId: BASE_CHAIN_ID,
    paymentAddress: PAYMENT_ADDRESS,
    startBlock: Number(startBlock),
    pollingIntervalMs: 100,
    disableCache: false,
    viewsSchema: 'chain',
    reader: 'credits_app',
    port: await freePort(),
    logFile: join(folder, 'ponder.log'),
    log: line => log.push(`indexer: ${line}`),
    onFatal: error => log.push(`indexer: FATAL ${error.message}`),
  };
  let indexer = superviseIndexer(indexerOptions);
  const startIntake = () => ledger.startIntake(line => log.push(`worker: ${line}`), startBlock);
  let intake = startIntake();
  const opening = startBlock > 0n ? await balanceAt(startBlock - 1n) : 0n;
  // By turns: a payment that is dropped makes the next one of its sender impossible.
  const payers = DEV_ACCOUNTS.slice(1, 9).map(({ privateKey }) => privateKeyToAccount(privateKey));
  let turn = 0;

  async function balanceAt(blockNumber: bigint): Promise<bigint> {
    return await chain.getBalance({ address: PAYMENT_ADDRESS, blockNumber });
  }

  const caughtUp = async () => {
    const head = await chain.getBlockNumber();
    await eventually(
      `the indexer is at block ${head}`,
      async () => {
        const { rows } = await owner.query<{ block: bigint }>(
          'select substr(latest_checkpoint, 27, 16)::bigint as block from chain._ponder_checkpoint',
        );
        return rows[0]?.block;
      },
      block => block === head,
    );
  };

  const credits = async (accountId: bigint) =>
    (await ledger.credits(accountId, await ledger.now())).availableMicrocredits / 1_000_000n;

  return {
    chain,
    ways,
    get ledger() {
      return ledger;
    },
    owner,
    log,
    indexer: () => indexer,
    async startIndexer() {
      indexer = superviseIndexer(indexerOptions);
      await indexer.ready;
    },
    stopIndexer: () => indexer.stop(),
    startWorker() {
      intake = startIntake();
    },
    stopWorker: () => intake.stop(),
    async pay(usd) {
      const now = await ledger.now();
      const created = await ledger.createOrder({
        amountMicrousd: usd * 1_000_000n,
        round: roundOf(ANSWER, now),
        now,
      });
      const order = payable(created);
      const payer = payers[turn % payers.length];
      turn += 1;
      if (!payer) throw new Error('there are payers');
      const [nonce, fees] = await Promise.all([
        chain.getTransactionCount({ address: payer.address, blockTag: 'pending' }),
        chain.estimateFeesPerGas(),
      ]);
      const raw = await payer.signTransaction({
        ...{ to: PAYMENT_ADDRESS, value: order.quotedWei, nonce, gas: 50_000n, type: 'eip1559' },
        ...{ data: referenceCalldata(order.reference) as Hex, chainId: BASE_CHAIN_ID },
        maxFeePerGas: 4n * fees.maxFeePerGas,
        maxPriorityFeePerGas: fees.maxPriorityFeePerGas,
      });
      const hash = await chain.sendRawTransaction({ serializedTransaction: raw });
      const { blockNumber } = await chain.waitForTransactionReceipt({ hash });
      return { order, accountId: created.order.account_id, hash, raw, block: blockNumber };
    },
    async reorg(depth, payments = []) {
      if (indexer.pid() !== undefined) await caughtUp();
      await chain.request({
        method: 'anvil_reorg' as never,
        params: [depth, payments.map(([{ raw }, place]) => [raw, place])] as never,
      });
    },
    credits,
    async hasCredits({ accountId, hash }, wanted) {
      await eventually(
        `${wanted} credits of ${hash}`,
        () => credits(accountId),
        available => available === wanted,
      );
    },
    async agrees() {
      await eventually(
        'books that agree with the chain',
        async () => ({
          books: await ledger.trialBalance(await ledger.now()),
          chain: await chain.getBalance({ address: PAYMENT_ADDRESS }),
        }),
        ({ books, chain: received }) => {
          const balanceOf = (name: string) =>
            books.find(({ account }) => account.startsWith(name))?.balance ?? 0n;
          return balanceOf('USD:clearing') === 0n && balanceOf('ETH:treasury') === received - opening;
        },
      );
    },
    advance(by) {
      shift += by;
    },
    openLedger: () => openLedger(ledgerOptions),
    untilIndexed: caughtUp,
    async mindChainLag() {
      const watching = await openLedger({ ...ledgerOptions, chainLagMax: CHAIN_LAG_MAX });
      await intake.stop();
      await ledger.close();
      ledger = watching;
      intake = startIntake();
    },
    async stop() {
      await Promise.all([intake.stop(), indexer.stop()]);
      await Promise.all([ledger.close(), owner.end()]);
      await Promise.all([...ways.map(way => way.stop()), anvil.stop()]);
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
