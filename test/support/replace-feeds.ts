import { toHex } from 'viem';
import { ETH_USD_FEED, SEQUENCER_FEED } from '../../contracts-abi/chainlink-feeds.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { installFeeds } from '../../dev/price-feeds.ts';
import type { TestChain } from './test-chain.ts';

/** The stand-in keeps what is not in a mapping in the first two, Chainlink's proxy in the first four. */
const STORAGE_SLOTS = 8;

/**
 * Puts the stand-in feeds in the place of whatever is there, Chainlink's own contracts on a fork of Base: from the next
 * block on the price is `price`, and tests may push others.
 * @param price USD for an ETH with 8 decimals.
 */
export async function replaceFeeds({ client, rpcUrl }: TestChain, price: bigint): Promise<void> {
  for (const address of [ETH_USD_FEED, SEQUENCER_FEED]) {
    await client.setCode({ address, bytecode: '0x' });
    for (let slot = 0; slot < STORAGE_SLOTS; slot += 1)
      await client.setStorageAt({ address, index: slot, value: toHex(0, { size: 32 }) });
  }
  await installFeeds(rpcUrl, { cacheFolder: SOLIDITY_CACHE, price });
}
