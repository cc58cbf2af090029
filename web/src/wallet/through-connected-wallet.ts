import { ChainDisconnectedError, custom, ProviderDisconnectedError, type Transport } from 'viem';
import type { Config } from 'wagmi';
import { base } from './base-chain.ts';

/**
 * Asks the chain through the wallet that is connected, so that a page needs no RPC of its own. Fails while there is none,
 * or while it is on another network, whose answers would be about other things.
 */
export function throughConnectedWallet(configOf: () => Config): Transport {
  return custom(
    {
      async request({ method, params }: { method: string; params?: unknown }) {
        const { connections, current } = configOf().state;
        const connection = current === null ? undefined : connections.get(current);
        // After a reload it is only known by its name, until it has been found again.
        if (typeof connection?.connector.getProvider !== 'function')
          throw new ProviderDisconnectedError(new Error('No wallet is connected.'));
        if (connection.chainId !== base.id)
          throw new ChainDisconnectedError(new Error('The wallet is on another network.'));
        const provider = (await connection.connector.getProvider()) as {
          request(asked: { method: string; params?: unknown }): Promise<unknown>;
        };
        return await provider.request({ method, params });
      },
    },
    { retryCount: 1 },
  );
}
