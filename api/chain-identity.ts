import { createPublicClient, type Hex, http } from 'viem';
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
 */
export async function identifyChain(rpcUrl: string, mode: Mode): Promise<ChainIdentity> {
  const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 1, timeout: 5000 }) });
  const [chainId, genesis, version] = await Promise.all([
    client.getChainId(),
    client.getBlock({ blockNumber: 0n }),
    // Some providers do not tell.
    client.request({ method: 'web3_clientVersion' }).catch(() => ''),
  ]);
  if (chainId !== BASE_CHAIN_ID)
    throw new ConfigError([
      `BASE_RPC_URL serves chain ${chainId}: set it to an RPC of Base (${BASE_CHAIN_ID}).`,
    ]);
  const isDevelopment = DEVELOPMENT_NODES.test(version);
  if (mode === 'live' && (isDevelopment || genesis.hash !== BASE_GENESIS_HASH))
    throw new ConfigError([
      `BASE_RPC_URL serves ${isDevelopment ? version : 'a chain with another genesis block'}, not Base mainnet: ` +
        'live takes real payments only.',
    ]);
  if (mode === 'dev' && !isDevelopment)
    throw new ConfigError(['BASE_RPC_URL is not a development chain: dev must not meet real payments.']);
  return { chainId, genesisHash: genesis.hash };
}
