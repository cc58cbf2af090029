import { BaseError, createPublicClient, type Hex, http } from 'viem';
import type { Mode } from '../ledger/index.ts';
import { ConfigError } from './config.ts';

/** Of Base mainnet, and of the local chain that stands in for it. */
export const BASE_CHAIN_ID = 8453;
/** Base mainnet's block 0. A fork or a local chain may carry Base's chain id, but not this. */
const BASE_GENESIS_HASH: Hex = '0xf712aa9241cc24369b143cf6dce85f0902a9731e70d66818a3a5845b296c73dd';

const DEVELOPMENT_NODES = /anvil|hardhat|ganache/i;

export interface ChainIdentity {
  readonly chainId: number;
  readonly genesisHash: Hex;
}

/**
 * Which chain the RPC serves. Throws ConfigError when it is not one that `mode` works on: live is Base mainnet
 * itself, dev a local chain that calls itself Base. Throws viem's error when the RPC does not answer.
 * @param variable Where the URL comes from, for what is said of it.
 */
export async function identifyChain(
  rpcUrl: string,
  mode: Mode,
  variable: 'BASE_RPC_URL' | 'BASE_RPC_URLS_OTHER' = 'BASE_RPC_URL',
): Promise<ChainIdentity> {
  const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 1, timeout: 5000 }) });
  const [chainId, genesis, version] = await Promise.all([
    client.getChainId(),
    client.getBlock({ blockNumber: 0n }),
    // Some providers do not tell.
    client.request({ method: 'web3_clientVersion' }).catch(() => ''),
  ]);
  if (chainId !== BASE_CHAIN_ID)
    throw new ConfigError([
      `${variable} serves chain ${chainId}: set it to an RPC of Base (${BASE_CHAIN_ID}).`,
    ]);
  const isDevelopment = DEVELOPMENT_NODES.test(version);
  if (mode === 'live' && (isDevelopment || genesis.hash !== BASE_GENESIS_HASH))
    throw new ConfigError([
      `${variable} serves ${isDevelopment ? version : 'a chain with another genesis block'}, not Base mainnet: ` +
        'live takes real payments only.',
    ]);
  if (mode === 'dev' && !isDevelopment)
    throw new ConfigError([`${variable} is not a development chain: dev must not meet real payments.`]);
  return { chainId, genesisHash: genesis.hash };
}

/**
 * Compares further RPCs with the chain that the first one serves. Throws ConfigError when one serves another; those that
 * do not answer are said, and made sure of later, before they are believed.
 */
export async function compareOtherRpcs(
  rpcUrls: readonly string[],
  mode: Mode,
  wanted: { readonly genesisHash: string },
  log: (line: string) => void,
): Promise<void> {
  await Promise.all(
    rpcUrls.map(async (url, index) => {
      const name = `RPC ${index + 2}`;
      try {
        const { genesisHash } = await identifyChain(url, mode, 'BASE_RPC_URLS_OTHER');
        if (genesisHash === wanted.genesisHash) return;
      } catch (error) {
        if (!(error instanceof BaseError)) throw error;
        log(`${name} of BASE_RPC_URLS_OTHER does not answer yet`);
        return;
      }
      throw new ConfigError([
        `BASE_RPC_URLS_OTHER serves a chain with another genesis block at ${name}: set it to RPCs of the same chain.`,
      ]);
    }),
  );
}
