import { createConfig } from 'ponder';
import type { Hex } from 'viem';

/** The value of an environment variable that the supervisor sets, or a sentence that says what is missing. */
function required(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set: start the indexer through indexer/supervisor.ts, or set it by hand.`);
}

function wholeNumber(name: string): number {
  const text = required(name);
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`${name} is "${text}": set it to a whole number.`);
}

function address(name: string): Hex {
  const text = required(name);
  // Lower case, so that two spellings of one address are one build and one schema.
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return `0x${text.slice(2).toLowerCase()}`;
  throw new Error(`${name} is "${text}": set it to an address of 0x and 40 hexadecimal digits.`);
}

/**
 * Ponder begins with 20 requests per second and address and raises that slowly, out of respect for public RPCs. With
 * two or three requests a block, a node on this machine that named itself once would take many seconds to catch up.
 */
const LOOPBACK_RPC_SHARES = 10;

function rpcShares(url: string): string[] {
  const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(URL.parse(url)?.hostname ?? '');
  return Array<string>(isLoopback ? LOOPBACK_RPC_SHARES : 1).fill(url);
}

export default createConfig({
  database: {
    kind: 'postgres',
    connectionString: required('DATABASE_URL'),
    // Ponder keeps 2 for itself and divides the rest among writing, reading and its cache.
    poolConfig: { max: 11 },
  },
  chains: {
    base: {
      id: process.env.CHAIN_ID ? wholeNumber('CHAIN_ID') : 8453,
      rpc: rpcShares(required('BASE_RPC_URL')),
      pollingInterval: wholeNumber('INDEXER_POLLING_INTERVAL_MS'),
      // A local chain starts over under the same chain id: its blocks must not be remembered.
      disableCache: process.env.INDEXER_DISABLE_CACHE === '1',
    },
  },
  accounts: {
    PaymentAddress: {
      chain: 'base',
      address: address('PAYMENT_ADDRESS'),
      startBlock: wholeNumber('INDEXER_START_BLOCK'),
    },
  },
});
