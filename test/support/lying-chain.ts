/**
 * A chain, and ways to it that may fail and lie: one for Ponder, three for the worker. Behind them the real indexer, the
 * real worker and its books. The clock is the test's: blocks, orders and looks have the times that it gives them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Registry } from 'prom-client';
import {
  type Address,
  createPublicClient,
  createTestClient,
  encodeFunctionData,
  type Hash,
  type Hex,
  http,
  parseAbi,
  parseEther,
  publicActions,
  sha256,
  toHex,
  walletActions,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { base } from 'viem/chains';
import { BASE_CHAIN_ID } from '../../api/chain-identity.ts';
import { registerAlarms } from '../../api/metrics/ledger-metrics.ts';
import { migrateConfigured } from '../../api/parts/migrate-part.ts';
import { startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { compileSolidity } from '../../dev/compile-solidity.ts';
import { freePort } from '../../dev/free-port.ts';
import { installFeeds, pushPrice } from '../../dev/price-feeds.ts';
import { superviseIndexer } from '../../indexer/supervisor.ts';
import { readAlarms } from '../../ledger/alarms/alarm.ts';
import { instantOfSeconds, MINUTE, SECOND } from '../../ledger/core/instant.ts';
import { withServerSettings } from '../../ledger/index.ts';
import { ChainRpc } from '../../ledger/intake/chain-rpc.ts';
import type { IntakeContext } from '../../ledger/intake/context.ts';
import { readIndexedBlock } from '../../ledger/intake/indexed-transfers.ts';
import { type IntakeWorker, startIntakeWorker } from '../../ledger/intake/intake-worker.ts';
import { AnvilTurns } from './anvil-turns.ts';
import { eventually } from './buyer.ts';
import { createEmptyDatabase } from './database.ts';
import { NO_FAULT, startFaultyRpc } from './faulty-rpc.ts';
import { PAYMENT_ADDRESS } from './installation.ts';
import { ANSWER, IntakeSteps } from './intake-steps.ts';
import { readInstant } from './scenario.ts';

/** Far from a midnight, at which credits would renew. */
const BEGINS_AT = readInstant('2026-03-02 01:00');
/** A round that is older than half an hour prices nothing. */
const PRICE_EVERY = 5n * MINUTE;
/** Quicker than live, where RPCs cost money. */
const PACE = { pollMs: 25, pendingMs: 100, idleLookMs: 250, reopenMs: 3_600_000, watchMs: 250, pauseMs: 100 };

/** More than there are payments. */
const PAYERS = 200;

const CONTRACTS = ['Batch', 'Forwarder'] as const;

const FORWARDER = parseAbi(['function forward(address target, bytes input) payable']);
const BATCH = parseAbi(['function pay(address target, uint256[] amounts) payable']);

export type LyingChain = Awaited<ReturnType<typeof startLyingChain>>;

export async function startLyingChain() {
  const folder = await mkdtemp(join(tmpdir(), 'credits-lying-'));
  const [anvil, database] = await Promise.all([
    startChain({ port: await freePort(), beginsAt: BEGINS_AT / SECOND }),
    createEmptyDatabase(),
  ]);
  const chain = chainClient(anvil.rpcUrl);
  const turns = new AnvilTurns();
  const start = () => startFaultyRpc(anvil.rpcUrl, turns);
  const ponderWay = await start();
  const ways = [await start(), await start(), await start()] as const;
  await installFeeds(anvil.rpcUrl, { cacheFolder: SOLIDITY_CACHE, price: ANSWER });
  const { hash: genesisHash } = await chain.getBlock({ blockNumber: 0n });
  await migrateConfigured(
    {
      ...{ mode: 'dev', databaseUrl: database.url, rpcUrl: anvil.rpcUrl, paymentAddress: PAYMENT_ADDRESS },
    },
    () => {},
  );
  const steps = await IntakeSteps.open(database.url, BEGINS_AT);
  const installation = { chainId: BASE_CHAIN_ID, genesisHash };
  const log: string[] = [];
  const indexerOptions = {
    databaseUrl: withServerSettings(database.url, ['-c role=credits_indexer']),
    rpcUrl: ponderWay.url,
    chainId: BASE_CHAIN_ID,
    paymentAddress: PAYMENT_ADDRESS,
    startBlock: 0,
    pollingIntervalMs: 100,
    disableCache: true,
    viewsSchema: 'chain',
    reader: 'credits_app',
    port: await freePort(),
    logFile: join(folder, 'ponder.log'),
    log: (line: string) => log.push(`indexer: ${line}`),
    onFatal: (error: Error) => log.push(`indexer: FATAL ${error.message}`),
  } as const;
  const indexer = superviseIndexer(indexerOptions);
  // One after the other: a payment that a reorg drops makes the next one of its sender impossible.
  const payers = Array.from({ length: PAYERS }, (_, index) =>
    privateKeyToAccount(sha256(toHex(`payer ${index}`))),
  );
  await Promise.all(payers.map(({ address }) => chain.setBalance({ address, value: parseEther('1000') })));
  let worker: IntakeWorker | null = null;
  let turn = 0;
  let pricedAt = BEGINS_AT;

  /** Gives the next block the time of the clock, and lets the clock follow what `act` brings about. */
  async function at<Result>(act: () => Promise<Result>): Promise<Result> {
    const head = await chain.getBlock();
    const next = steps.now / SECOND > head.timestamp ? steps.now / SECOND : head.timestamp + 1n;
    await chain.setNextBlockTimestamp({ timestamp: next });
    const result = await turns.mine(act);
    const { timestamp } = await chain.getBlock();
    const seen = instantOfSeconds(timestamp) + SECOND;
    if (seen > steps.now) steps.now = seen;
    return result;
  }

  async function keepPriced(): Promise<void> {
    if (steps.now - pricedAt < PRICE_EVERY) return;
    pricedAt = steps.now;
    await at(() => pushPrice(anvil.rpcUrl, ANSWER));
  }

  /** Sends from the next payer; resolves once it is in a block. */
  async function send(transaction: { to?: Address; value?: bigint; data?: Hex }, from?: Address) {
    const account = from ?? payers[turn++ % payers.length];
    if (account === undefined) throw new Error('there are payers');
    return await at(async () => {
      const hash = await chain.sendTransaction({ ...transaction, account, gas: 1_000_000n });
      return await chain.waitForTransactionReceipt({ hash });
    });
  }

  const contracts = new Map<string, Address>();
  const source = (name: string) => fileURLToPath(new URL(`contracts/${name}.sol`, import.meta.url));
  const compiled = compileSolidity(Object.fromEntries(CONTRACTS.map(name => [name, source(name)])), {
    cacheFolder: SOLIDITY_CACHE,
  });
  for (const name of CONTRACTS) {
    const { contractAddress } = await send({ data: compiled[name]?.bytecode ?? '0x' });
    if (!contractAddress) throw new Error(`${name} was not deployed`);
    contracts.set(name, contractAddress);
  }
  await chain.impersonateAccount({ address: PAYMENT_ADDRESS });

  const contract = (name: (typeof CONTRACTS)[number]): Address => {
    const address = contracts.get(name);
    if (!address) throw new Error(`${name} was not deployed`);
    return address;
  };

  const lying = {
    chain,
    ponderWay,
    ways,
    steps,
    database,
    log,
    indexer,
    chainUrl: anvil.rpcUrl,
    send,
    /** Pays by a contract wallet, the input being that of its call. */
    payByContract: (value: bigint, input: Hex) =>
      send({
        to: contract('Forwarder'),
        value,
        data: encodeFunctionData({ abi: FORWARDER, args: [PAYMENT_ADDRESS, input] }),
      }),
    /** Several payments in one transaction. */
    payBatch: (values: readonly bigint[]) =>
      send({
        to: contract('Batch'),
        value: values.reduce((sum, value) => sum + value, 0n),
        data: encodeFunctionData({ abi: BATCH, args: [PAYMENT_ADDRESS, values] }),
      }),
    withdraw: (value: bigint) => send({ to: payers[0]?.address ?? PAYMENT_ADDRESS, value }, PAYMENT_ADDRESS),
    async mine(blocks: number): Promise<void> {
      await at(() => chain.mine({ blocks, interval: 2 }));
    },
    /** Replaces the newest blocks by as many others, with these transactions in the given of them. */
    async reorg(depth: number, transactions: readonly (readonly [Hex, number])[] = []): Promise<void> {
      await at(() =>
        chain.request({ method: 'anvil_reorg' as never, params: [depth, transactions] as never }),
      );
    },
    raw: (hash: Hash) =>
      chain.request<{ Method: string; Parameters: [Hash]; ReturnType: Hex }>({
        method: 'eth_getRawTransactionByHash',
        params: [hash],
      }),
    /** Starts a worker that knows so many RPCs, in place of the one before. */
    async startWorker(rpcCount: 1 | 2 | 3, change: Partial<IntakeContext> = {}): Promise<void> {
      await lying.stopWorker();
      await keepPriced();
      const rpcs = ways.slice(0, rpcCount).map((way, index) => {
        // As the ledger opens them.
        const options = { batch: true, retryCount: index === 0 ? 1 : 0, timeout: 3000 };
        const client = createPublicClient({ transport: http(way.url, options), cacheTime: 0 });
        return new ChainRpc({ name: `RPC ${index + 1}`, client, installation, isKnown: index === 0 });
      });
      const [first, ...others] = rpcs;
      if (!first) throw new Error('there is an RPC');
      const context: IntakeContext = {
        ...steps.context,
        client: first.client,
        rpcs: [first, ...others],
        startBlock: 0n,
        log: line => log.push(`worker: ${line}`),
        ...change,
      };
      worker = startIntakeWorker(context, database.url, PACE);
    },
    async stopWorker(): Promise<void> {
      await worker?.stop();
      worker = null;
    },
    /** Waits until the indexer is at the head of the chain. */
    async indexed(): Promise<void> {
      const head = await chain.getBlockNumber({ cacheTime: 0 });
      await eventually(
        `the indexer is at block ${head}`,
        () => readIndexedBlock(steps.db),
        block => block !== null && block >= head,
      );
    },
    /** Waits for what comes about as time goes on: each time that it is asked for, it is a second later. */
    until<Value>(what: string, ask: () => Promise<Value>, accept: (value: Value) => boolean): Promise<Value> {
      return eventually(
        what,
        () => {
          steps.now += SECOND;
          return ask();
        },
        accept,
      );
    },
    /** Waits until something holds that `check` throws about while it does not. */
    async holds(what: string, check: () => Promise<void>): Promise<void> {
      await lying.until(what, check, () => true);
    },
    async alarms(): Promise<string[]> {
      return (await readAlarms(steps.db)).map(({ kind, subject }) => `${kind} ${subject}`);
    },
    /** Waits for an alarm, which must be in the log and in the metrics as well. */
    async alarmed(kind: string, subject?: string): Promise<void> {
      const isIt = (alarm: string) =>
        alarm === `${kind} ${subject}` || (!subject && alarm.startsWith(`${kind} `));
      await lying.until(
        `the alarm ${kind} ${subject ?? ''}`,
        () => lying.alarms(),
        alarms => alarms.some(isIt),
      );
      const registry = new Registry();
      registerAlarms(registry, { alarms: () => readAlarms(steps.db) });
      if (!/[1-9]/.test((await registry.metrics()).match(`credits_alarms{kind="${kind}"} (.*)`)?.[1] ?? '0'))
        throw new Error(`the metrics do not tell of ${kind}`);
      if (!log.some(line => line.includes(`ALARM ${kind} `)))
        throw new Error(`the log does not tell of ${kind}`);
    },
    /** Nothing lies or fails any more. */
    honest(): void {
      for (const way of [ponderWay, ...ways]) way.fault = () => NO_FAULT;
    },
    /** What an operator does whose indexer shows what the chain does not have: it starts over. */
    async startOver(): Promise<void> {
      await steps.owner.query(`drop schema "${indexer.schema}" cascade`);
      const isThere = async () =>
        (await steps.owner.query('select to_regclass($1) as found', [`${indexer.schema}.transfer`])).rows[0]
          ?.found;
      await lying.until('the indexer starts over', isThere, found => found !== null);
      await lying.indexed();
    },
    async stop(): Promise<void> {
      await Promise.all([lying.stopWorker(), indexer.stop()]);
      await steps.close();
      await Promise.all([...[ponderWay, ...ways].map(way => way.stop()), anvil.kill()]);
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await indexer.ready;
  return lying;
}

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
