import { createTestClient, http, publicActions, walletActions } from 'viem';
import { base } from 'viem/chains';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aggregatorV3Abi } from '../../contracts-abi/aggregator-v3.ts';
import { ETH_USD_FEED, SEQUENCER_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { FEED_ACCOUNT } from '../../dev/accounts.ts';
import { type LocalChain, startChain } from '../../dev/chain.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { freePort } from '../../dev/free-port.ts';
import {
  FIRST_PRICE,
  installFeeds,
  movedPrice,
  priceFeedControlAbi,
  pushPrice,
  startFeedPhase,
  startPriceMoves,
} from '../../dev/price-feeds.ts';
import { until } from './process-state.ts';

const port = await freePort();
const rpcUrl = `http://127.0.0.1:${port}`;
const client = createTestClient({
  mode: 'anvil',
  chain: base,
  transport: http(rpcUrl),
  cacheTime: 0,
  account: FEED_ACCOUNT.address,
})
  .extend(publicActions)
  .extend(walletActions);
const ethUsd = { address: ETH_USD_FEED, abi: aggregatorV3Abi } as const;
const sequencer = { address: SEQUENCER_FEED, abi: aggregatorV3Abi } as const;
const roundId = (phase: bigint, round: bigint) => (phase << 64n) | round;
const latest = () => client.readContract({ ...ethUsd, functionName: 'latestRoundData' });
const roundData = (id: bigint) =>
  client.readContract({ ...ethUsd, functionName: 'getRoundData', args: [id] });

let chain: LocalChain;
beforeAll(async () => {
  chain = await startChain({ port });
  await installFeeds(rpcUrl, { cacheFolder: SOLIDITY_CACHE });
});
afterAll(async () => {
  await chain.kill();
});

describe('the stand-in feeds', () => {
  test('answer at the addresses of Chainlink on Base', async () => {
    expect(await client.readContract({ ...ethUsd, functionName: 'decimals' })).toBe(8);
    expect(await client.readContract({ ...ethUsd, functionName: 'description' })).toBe('ETH / USD');
    expect(await client.readContract({ ...ethUsd, functionName: 'phaseId' })).toBe(1);
    const [id, answer, startedAt, updatedAt, answeredInRound] = await latest();
    expect([id, answer, answeredInRound]).toEqual([roundId(1n, 1n), 300_000_000_000n, roundId(1n, 1n)]);
    expect(startedAt).toBe(updatedAt);

    const { timestamp } = await client.getBlock();
    const [, down, upSince] = await client.readContract({ ...sequencer, functionName: 'latestRoundData' });
    expect(down).toBe(0n);
    expect(timestamp - upSince).toBeGreaterThan(3600n);
  });

  test('take rounds with the time of their block or a given one', async () => {
    await pushPrice(rpcUrl, 310_000_000_000n);
    const { timestamp } = await client.getBlock();
    expect(await latest()).toEqual([
      roundId(1n, 2n),
      310_000_000_000n,
      timestamp,
      timestamp,
      roundId(1n, 2n),
    ]);

    await pushPrice(rpcUrl, -1n, { startedAt: 100n, updatedAt: 200n });
    expect(await latest()).toEqual([roundId(1n, 3n), -1n, 100n, 200n, roundId(1n, 3n)]);
    expect((await roundData(roundId(1n, 2n)))[1]).toBe(310_000_000_000n);
  });

  test('refuse a round that does not exist, or answer it with zeros as OCR2 does', async () => {
    for (const missing of [0n, 1n, roundId(1n, 0n), roundId(1n, 4n), roundId(2n, 1n)]) {
      await expect(roundData(missing)).rejects.toThrow('No data present');
    }
    const answerMissingRounds = async (answers: boolean) => {
      const abi = priceFeedControlAbi;
      const args = [answers] as const;
      const hash = await client.writeContract({ ...ethUsd, abi, functionName: 'answerMissingRounds', args });
      await client.waitForTransactionReceipt({ hash, pollingInterval: 20 });
    };
    await answerMissingRounds(true);
    expect(await roundData(roundId(1n, 4n))).toEqual([roundId(1n, 4n), 0n, 0n, 0n, roundId(1n, 4n)]);
    await expect(roundData(roundId(2n, 1n))).rejects.toThrow('No data present');
    await answerMissingRounds(false);
    await expect(roundData(roundId(1n, 4n))).rejects.toThrow('No data present');
  });

  test('keep older phases readable after the next one begins', async () => {
    await startFeedPhase(rpcUrl);
    await expect(latest()).rejects.toThrow('No data present');
    await pushPrice(rpcUrl, 320_000_000_000n);
    expect((await latest()).slice(0, 2)).toEqual([roundId(2n, 1n), 320_000_000_000n]);
    expect((await roundData(roundId(1n, 2n))).slice(0, 2)).toEqual([roundId(1n, 2n), 310_000_000_000n]);

    const older = await client.readContract({ ...ethUsd, functionName: 'phaseAggregators', args: [1] });
    const own = { address: older, abi: aggregatorV3Abi } as const;
    expect((await client.readContract({ ...own, functionName: 'latestRoundData' }))[0]).toBe(3n);
    expect((await client.readContract({ ...own, functionName: 'getRoundData', args: [1n] }))[1]).toBe(
      FIRST_PRICE,
    );
    const current = await client.readContract({ ...ethUsd, functionName: 'phaseAggregators', args: [2] });
    expect(await client.readContract({ ...ethUsd, functionName: 'aggregator' })).toBe(current);
  });

  test('can say that the sequencer is down', async () => {
    await pushPrice(rpcUrl, 1n, { feed: SEQUENCER_FEED });
    expect((await client.readContract({ ...sequencer, functionName: 'latestRoundData' }))[1]).toBe(1n);
  });

  test('do not change when they are installed again', async () => {
    const before = await client.getBlockNumber();
    await installFeeds(rpcUrl, { cacheFolder: SOLIDITY_CACHE, price: 1n });
    expect(await client.getBlockNumber()).toBe(before);
  });

  test('take pushes at the same time from the one account', async () => {
    const before = (await latest())[0];
    await Promise.all([1n, 2n, 3n, 4n, 5n].map(price => pushPrice(rpcUrl, price)));
    expect((await latest())[0]).toBe(before + 5n);
  });
});

describe('price moves', () => {
  test('push at once when the newest round is old by the time of the chain, then wait', async () => {
    await pushPrice(rpcUrl, FIRST_PRICE);
    const before = await client.getBlockNumber();
    await client.increaseTime({ seconds: 601 });
    const errors: Error[] = [];
    const moves = startPriceMoves({ rpcUrl, onError: error => errors.push(error) });
    await until('a round is pushed', async () => (await client.getBlockNumber()) > before);
    await moves.stop();
    expect(await client.getBlockNumber()).toBe(before + 1n);
    expect(errors).toEqual([]);
    const price = (await latest())[1];
    expect(price).toBeGreaterThanOrEqual((FIRST_PRICE * 997n) / 1000n);
    expect(price).toBeLessThanOrEqual((FIRST_PRICE * 1003n) / 1000n);
  });

  test('report a chain that does not answer, and go on', async () => {
    const errors: Error[] = [];
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const moves = startPriceMoves({ rpcUrl: nobody, onError: error => errors.push(error) });
    await until('the error is reported', () => errors.length > 0);
    await moves.stop();
  });

  test('stay within half and double of the first price', () => {
    expect(movedPrice(300_000_000_000n, 3000)).toBe(300_900_000_000n);
    expect(movedPrice(300_000_000_000n, -3000)).toBe(299_100_000_000n);
    expect(movedPrice(150_000_000_000n, -1)).toBe(150_000_000_000n);
    expect(movedPrice(600_000_000_000n, 1)).toBe(600_000_000_000n);
    expect(movedPrice(600_000_000_000n, -1)).toBe(599_999_400_000n);
  });
});
