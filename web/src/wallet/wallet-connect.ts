/** WalletConnect as a connector: the SDK is loaded when somebody chooses it, and the page shows the pairing itself. */
import type { UniversalProvider } from '@walletconnect/universal-provider';
import {
  type Address,
  getAddress,
  type ProviderConnectInfo,
  SwitchChainError,
  UserRejectedRequestError,
} from 'viem';
import { createConnector } from 'wagmi';
import { base } from './base-chain.ts';

export const WALLETCONNECT_ID = 'walletConnect';

const CHAIN = `eip155:${base.id}`;
/** What the wallet is asked itself; WalletConnect's own RPC answers the rest. */
const METHODS = ['eth_sendTransaction', 'personal_sign'];

export interface WalletConnectOptions {
  readonly projectId: string;
  readonly relayUrl: string;
}

type Provider = InstanceType<typeof UniversalProvider>;

interface Asked {
  readonly method: string;
  readonly params?: unknown;
}

/** Tells the address to be scanned by the message `display_uri` while it connects. */
export function walletConnect({ projectId, relayUrl }: WalletConnectOptions) {
  let loading: Promise<Provider> | null = null;
  const load = () => {
    loading ??= initialize();
    // Another try may do.
    loading.catch(() => {
      loading = null;
    });
    return loading;
  };
  async function initialize(): Promise<Provider> {
    const { UniversalProvider: Universal } = await import('@walletconnect/universal-provider');
    return await Universal.init({
      projectId,
      relayUrl,
      metadata: {
        name: document.title,
        description: 'Prepaid credits for AI services',
        url: location.origin,
        icons: [],
      },
      telemetryEnabled: false,
      disableProviderPing: true,
      logger: 'silent',
    });
  }
  const accountsOf = (provider: Provider): Address[] =>
    (provider.session?.namespaces.eip155?.accounts ?? [])
      .filter(account => account.startsWith(`${CHAIN}:`))
      .map(account => getAddress(account.slice(CHAIN.length + 1)));

  return createConnector(config => {
    const onAccountsChanged = (accounts: string[]) => connector.onAccountsChanged(accounts);
    const onDelete = () => connector.onDisconnect();
    const onUri = (uri: string) => config.emitter.emit('message', { type: 'display_uri', data: uri });
    const connector = {
      id: WALLETCONNECT_ID,
      name: 'WalletConnect',
      type: WALLETCONNECT_ID,
      async connect({
        isReconnecting,
        withCapabilities,
      }: {
        isReconnecting?: boolean;
        withCapabilities?: boolean;
      } = {}) {
        const provider = await load();
        if (!isReconnecting && accountsOf(provider).length === 0) await pair(provider);
        const accounts = accountsOf(provider);
        if (accounts.length === 0)
          throw new UserRejectedRequestError(new Error('The wallet gave no account on Base.'));
        provider.setDefaultChain(CHAIN);
        provider.removeListener('accountsChanged', onAccountsChanged);
        provider.removeListener('session_delete', onDelete);
        provider.on('accountsChanged', onAccountsChanged);
        provider.on('session_delete', onDelete);
        return {
          // As the caller has asked for it, which the type cannot tell.
          accounts: (withCapabilities
            ? accounts.map(address => ({ address, capabilities: {} }))
            : accounts) as never,
          chainId: base.id,
        };
      },
      async disconnect() {
        const provider = await load();
        // The wallet may have ended it already.
        if (provider.session) await provider.disconnect().catch(() => {});
      },
      async getAccounts() {
        return accountsOf(await load());
      },
      // The session is for Base alone.
      async getChainId() {
        return base.id;
      },
      async getProvider() {
        const provider = await load();
        return {
          request: async ({ method, params }: Asked) => {
            if (method === 'eth_chainId') return `0x${base.id.toString(16)}`;
            if (method === 'eth_accounts') return accountsOf(provider);
            return await provider.request({ method, params: params as never }, CHAIN);
          },
        };
      },
      async isAuthorized() {
        return accountsOf(await load()).length > 0;
      },
      async switchChain({ chainId }: { chainId: number }) {
        if (chainId !== base.id) throw new SwitchChainError(new Error('The session is for Base alone.'));
        return base;
      },
      onAccountsChanged(accounts: string[]) {
        if (accounts.length === 0) connector.onDisconnect();
        else config.emitter.emit('change', { accounts: accounts.map(account => getAddress(account)) });
      },
      onChainChanged() {},
      onConnect(_info: ProviderConnectInfo) {},
      onDisconnect() {
        config.emitter.emit('disconnect');
      },
    };
    async function pair(provider: Provider): Promise<void> {
      provider.on('display_uri', onUri);
      try {
        await provider.connect({
          optionalNamespaces: {
            eip155: { chains: [CHAIN], methods: METHODS, events: ['accountsChanged', 'chainChanged'] },
          },
        });
      } catch (error) {
        if (/rejected|declined/i.test((error as Error).message))
          throw new UserRejectedRequestError(error as Error);
        throw error;
      } finally {
        provider.removeListener('display_uri', onUri);
      }
    }
    return connector;
  });
}
