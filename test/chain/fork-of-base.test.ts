/** Every payment of test/chain/table.ts on a fork of Base itself, with Chainlink's own feeds, where BASE_RPC_URL names an RPC. */
import { describe, test } from 'vitest';
import { startForkedChain } from '../support/test-chain.ts';
import { playOn } from './play.ts';

const url = process.env.BASE_RPC_URL;

describe('on a fork of Base', () => {
  if (url) playOn(() => startForkedChain(url, 'Base'));
  else test.skip('skipped: set BASE_RPC_URL to an RPC of Base to run it', () => {});
});
