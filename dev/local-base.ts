import { defineChain } from 'viem';
import { BASE_CHAIN_ID } from '../api/chain-identity.ts';

/** Base as viem's clients of the local chain need it. Its own definition comes with those of 700 other chains. */
export const localBase = defineChain({
  id: BASE_CHAIN_ID,
  name: 'Base',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  // By which viem's clients poll.
  blockTime: 2_000,
  // Each client names its own.
  rpcUrls: { default: { http: [] } },
});
