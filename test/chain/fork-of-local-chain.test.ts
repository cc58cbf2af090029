/** Every payment of test/chain/table.ts on a fork of a local chain that has had payments before. */
import { parseEther } from 'viem';
import { afterAll, describe } from 'vitest';
import { DEV_ACCOUNTS } from '../../dev/accounts.ts';
import { SOLIDITY_CACHE } from '../../dev/compile-cache.ts';
import { installFeeds } from '../../dev/price-feeds.ts';
import { PAYMENT_ADDRESS } from '../support/installation.ts';
import { startForkedChain, startPlainChain, type TestChain } from '../support/test-chain.ts';
import { playOn } from './play.ts';

describe('on a fork of a local chain', () => {
  let upstream: TestChain;
  // After all of its fork's.
  afterAll(() => upstream?.stop());

  playOn(async () => {
    upstream = await startPlainChain();
    await installFeeds(upstream.rpcUrl, { cacheFolder: SOLIDITY_CACHE, price: 187_654_321_098n });
    // Not ours: it was there before.
    const hash = await upstream.client.sendTransaction({
      account: DEV_ACCOUNTS[0].address,
      to: PAYMENT_ADDRESS,
      value: parseEther('3'),
    });
    await upstream.client.waitForTransactionReceipt({ hash });
    await upstream.client.mine({ blocks: 40 });
    return await startForkedChain(upstream.rpcUrl, 'a local chain');
  });
});
