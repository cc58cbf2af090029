/** What all that has to do with wallets stands in: one configuration, and the wallet that this tab had before a reload. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { useConfig, WagmiContext } from 'wagmi';
import { reconnect } from 'wagmi/actions';
import type { PageSettings } from '../orders/settings.ts';
import { walletConfig } from './wallet-config.ts';
import './wallet.css';

const queries = new QueryClient();

export function WalletRoot({ settings, children }: { settings: PageSettings; children: ReactNode }) {
  return (
    // WagmiProvider would forget the connection each time it is rendered, unless it reconnected every wallet at its start.
    <WagmiContext value={walletConfig(settings)}>
      <WalletQueries>
        <Reconnected>{children}</Reconnected>
      </WalletQueries>
    </WagmiContext>
  );
}

export function WalletQueries({ children }: { children: ReactNode }) {
  return <QueryClientProvider client={queries}>{children}</QueryClientProvider>;
}

/** Only the wallet that was chosen in this tab: others are not asked, even where they would answer. */
function Reconnected({ children }: { children: ReactNode }) {
  const config = useConfig();
  useEffect(() => {
    if (config.state.status === 'connected') return;
    void (async () => {
      const recent = await config.storage?.getItem('recentConnectorId');
      const connectors = config.connectors.filter(connector => connector.id === recent);
      if (connectors.length > 0) await reconnect(config, { connectors });
      // What was kept of a wallet that is not here any more is only its name.
      else config.setState(state => ({ ...state, connections: new Map(), current: null }));
    })();
  }, [config]);
  return children;
}
