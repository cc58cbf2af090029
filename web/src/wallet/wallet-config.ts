/** Wallets as this page knows them: those that the browser announces (EIP-6963), and those that the operator offers. */
import { type Config, createConfig, createStorage } from 'wagmi';
import type { PageSettings } from '../orders/settings.ts';
import { base } from './base-chain.ts';
import { announceDevelopmentWallet } from './development-wallet.ts';
import { throughConnectedWallet } from './through-connected-wallet.ts';
import { walletConnect } from './wallet-connect.ts';

/** How often a payment is looked for, through the wallet. */
const POLLING_INTERVAL_MS = 1_000;

let made: Config | null = null;

/** The one of this page: paying and linking go on with the same wallet. */
export function walletConfig(settings: PageSettings): Config {
  made ??= makeConfig(settings);
  return made;
}

function makeConfig(settings: PageSettings): Config {
  const { walletconnect_project_id: projectId, walletconnect_relay_url: relayUrl } = settings;
  if (settings.development_wallet) announceDevelopmentWallet();
  const config: Config = createConfig({
    chains: [base],
    connectors: projectId && relayUrl ? [walletConnect({ projectId, relayUrl })] : [],
    multiInjectedProviderDiscovery: true,
    // Which wallet was chosen is kept for this tab: a reload goes on with it.
    storage: createStorage({ storage: sessionStorage, key: 'wallet' }),
    transports: { [base.id]: throughConnectedWallet(() => config) },
    pollingInterval: POLLING_INTERVAL_MS,
    cacheTime: 0,
    batch: { multicall: false },
  });
  return config;
}
