import { appendFile, copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTestClient, http, parseEther, publicActions, walletActions } from 'viem';
import { base } from 'viem/chains';
import { afterAll, describe, expect, test } from 'vitest';
import { aggregatorV3Abi } from '../../contracts-abi/aggregator-v3.ts';
import { ETH_USD_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import { installFeeds, pushPrice } from '../../dev/price-feeds.ts';
import { until } from './process-state.ts';
import { scratchFolder } from './scratch-folder.ts';

const folder = await scratchFolder();
const port = await freePort();
const payee = '0xA7f3Ad0E69F61864092FAbBa6Cee00AF6e584689';
const [{ address: payer }] = DEV_ACCOUNTS;

const started: LocalChain[] = [];
async function start(): Promise<LocalChain> {
  const chain = await startChain({ port, folder });
  started.push(chain);
  return chain;
}
afterAll(async () => {
  for (const chain of started) await chain.kill();
});

function clientOf(rpcUrl: string) {
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

const client = clientOf(`http://127.0.0.1:${port}`);

async function pay(ether: string): Promise<bigint> {
  const hash = await client.sendTransaction({ account: payer, to: payee, value: parseEther(ether) });
  return (await client.waitForTransactionReceipt({ hash })).blockNumber;
}

async function valuesTraced(blockNumber: bigint): Promise<string[]> {
  const traces: unknown = await client.request<{
    Method: 'debug_traceBlockByNumber';
    Parameters: [string, { tracer: 'callTracer' }];
    ReturnType: unknown;
  }>({
    method: 'debug_traceBlockByNumber',
    params: [`0x${blockNumber.toString(16)}`, { tracer: 'callTracer' }],
  });
  return [...JSON.stringify(traces).matchAll(/"value":"(0x[0-9a-f]+)"/g)].map(match => match[1] ?? '');
}

async function latestPrice(): Promise<bigint> {
  const round = await client.readContract({
    address: ETH_USD_FEED,
    abi: aggregatorV3Abi,
    functionName: 'latestRoundData',
  });
  return round[1];
}

async function snapshotHas(text: string): Promise<boolean> {
  return (await readFile(join(folder, 'snapshot.json'), 'utf8').catch(() => '')).includes(text);
}

// One chain through its life: each test goes on where the one before it stopped.
describe('a local chain with a folder', () => {
  let firstPayment = 0n;

  test('stands in for Base', async () => {
    const chain = await start();
    await installFeeds(chain.rpcUrl, { cacheFolder: SOLIDITY_CACHE });
    expect(await client.getChainId()).toBe(8453);
    firstPayment = await pay('1');
    expect(await valuesTraced(firstPayment)).toEqual(['0xde0b6b3a7640000']);
    // A block per transaction, and finality close behind.
    const { number } = await client.getBlock({ blockTag: 'finalized' });
    expect(number).toBe(firstPayment - 2n);
  });

  test('refuses a port that is taken', async () => {
    await expect(startChain({ port })).rejects.toThrow(
      `The local chain cannot start: port ${port} on 127.0.0.1 is taken`,
    );
  });

  test('goes on after a stop, old blocks, balances and traces included', async () => {
    await started.at(-1)?.stop();
    const chain = await start();
    expect(await client.getBlockNumber()).toBe(firstPayment);
    expect(await client.getBalance({ address: payee })).toBe(parseEther('1'));
    expect(await client.getBalance({ address: payee, blockNumber: firstPayment - 1n })).toBe(0n);
    expect(await valuesTraced(firstPayment)).toEqual(['0xde0b6b3a7640000']);
    await installFeeds(chain.rpcUrl);
    expect(await client.getBlockNumber()).toBe(firstPayment);
    expect(await latestPrice()).toBe(300_000_000_000n);
  });

  test('goes on after a kill -9 from the last snapshot', async () => {
    const chain = await payAndPush();
    await chain.kill();
    await start();
    expect(await client.getBalance({ address: payee })).toBe(parseEther('3'));
    expect(await valuesTraced(firstPayment)).toEqual(['0xde0b6b3a7640000']);
    expect(await latestPrice()).toBe(310_000_000_000n);
    // And its next block follows.
    expect(await pay('1')).toBe(firstPayment + 3n);
  });

  test('takes the snapshot when a kill left half a state file', async () => {
    const { hash } = await client.getBlock();
    await until('the snapshot is written', () => snapshotHas(hash));
    await started.at(-1)?.stop();
    const state = await readFile(join(folder, 'state.json'));
    await writeFile(join(folder, 'state.json'), state.subarray(0, state.length / 2));
    const chain = await start();
    expect(await client.getBalance({ address: payee })).toBe(parseEther('4'));
    await chain.stop();
  });

  test('says what to do when both files are damaged', async () => {
    await appendFile(join(folder, 'state.json'), '}');
    await copyFile(join(folder, 'state.json'), join(folder, 'snapshot.json'));
    await expect(startChain({ port, folder })).rejects.toThrow('remove the folder to start a new chain');
    await rm(join(folder, 'state.json'));
    await rm(join(folder, 'snapshot.json'));
    const chain = await start();
    expect(await client.getBlockNumber()).toBe(0n);
    await chain.stop();
    expect((await stat(join(folder, 'state.json'))).size).toBeGreaterThan(0);
  });

  async function payAndPush(): Promise<LocalChain> {
    const chain = started.at(-1);
    if (chain === undefined) throw new Error('No chain runs.');
    await pay('2');
    await pushPrice(chain.rpcUrl, 310_000_000_000n);
    const { hash } = await client.getBlock();
    await until('the snapshot is written', () => snapshotHas(hash));
    return chain;
  }
});

test('a chain keeps its block 0 and the present time over many starts', async () => {
  const ownFolder = join(folder, 'many-starts');
  const ownPort = await freePort();
  const own = clientOf(`http://127.0.0.1:${ownPort}`);
  const genesis = new Set<string>();
  for (let round = 0; round < 8; round += 1) {
    const chain = await startChain({ port: ownPort, folder: ownFolder });
    started.push(chain);
    genesis.add((await own.getBlock({ blockNumber: 0n })).hash);
    await own.mine({ blocks: 1 });
    const { number, timestamp } = await own.getBlock();
    expect(number).toBe(BigInt(round + 1));
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60);
    await chain.stop();
  }
  expect(genesis.size).toBe(1);
});
